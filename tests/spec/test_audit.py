"""Laws of the whole audit on embeddings: null first, then planted truth, then invariance."""

import json

import numpy as np
import pytest

import spolia
from spolia.auditing.halves import split_control
from spolia.auditing.sets import prepare
from spolia.auditing.spread import distribution
from spolia.core.errors import PlanMismatch, UsageError
from spolia.store.precomputed import UNKNOWN_MODEL
from tests.planted import planted, shuffled


def outcome(result):
    """Everything an audit says about records, without the digests of how they were stored."""
    record = json.loads(result.to_json())
    for one in record["sets"]:
        del one["fingerprint"]
    return record, result.findings.to_pylist(), result.identities.to_pylist()


def test_no_leak_gives_no_finding():
    outcomes = [
        spolia.audit(**planted(leaks=0, clean=300, seed=seed).sets()).summary.outcome
        for seed in range(20)
    ]
    assert outcomes == ["none"] * 20


def test_planted_leaks_are_found_and_the_false_share_is_kept():
    false_share = []
    for seed in range(30):
        truth = planted(leaks=40, seed=seed)
        result = spolia.audit(**truth.sets())
        found = set(result.identities["identity"].to_pylist())
        assert result.summary.exit_code == 1
        assert len(found & truth.leaked) >= 38
        false_share.append(len(found - truth.leaked) / len(found))
    assert np.mean(false_share) <= 0.05 + 2 * np.std(false_share) / np.sqrt(30)


def test_every_number_of_a_verdict_has_its_n_interval_and_control():
    summary = spolia.audit(**planted().sets()).summary
    for compared in (summary.exposed, summary.flagged):
        for rate in (compared.train, compared.control):
            assert rate.n > 0
            assert rate.low <= rate.value <= rate.high
    assert summary.lean.share.n == 300
    assert summary.negative_control.n == 150


def test_without_a_control_there_is_a_ranking_and_no_verdict():
    truth = planted()
    result = spolia.audit(train=truth.train, synthetic=truth.synthetic)
    assert result.summary.outcome == "no verdict"
    assert result.summary.exit_code == 4
    assert result.summary.exposed is None
    assert result.findings.num_rows == 0
    assert result.ranking.num_rows == 100
    assert result.ranking["p"].null_count == 100
    best = set(result.ranking["reference"].to_pylist()[:40])
    assert len(best & truth.leaked) >= 38
    assert "No verdict" in result.summary.sentence


def test_nothing_found_still_says_how_much_could_be_missed():
    summary = spolia.audit(**planted(leaks=0, clean=300).sets()).summary
    assert summary.exposed.train.count == 0
    assert 0.0 < summary.exposed.train.high < 0.3
    assert summary.smallest == 5


def test_leaks_under_the_smallest_number_do_not_make_a_set_clean_beyond_its_bound():
    truth = planted(leaks=2, clean=298)
    summary = spolia.audit(**truth.sets()).summary
    assert summary.outcome in ("none", "inconclusive")
    assert summary.exposed.train.high >= 2 / 300


@pytest.mark.parametrize("role", ["train", "control", "synthetic"])
def test_result_does_not_depend_on_the_order_of_a_set(role):
    truth = planted()
    sets = truth.sets()
    expected = outcome(spolia.audit(**sets))
    for seed in range(3):
        moved = sets | {role: shuffled(sets[role], seed)}
        assert outcome(spolia.audit(**moved)) == expected


def test_ties_between_equal_training_rows_do_not_depend_on_the_order():
    truth = planted(leaks=60)
    rows = np.concatenate([truth.train.vectors[:], truth.train.vectors[:]])
    ids = [*truth.train.ids, *(f"{name}x" for name in truth.train.ids)]
    doubled = spolia.Embeddings(rows, ids)
    expected = outcome(spolia.audit(**(truth.sets() | {"train": doubled})))
    moved = outcome(spolia.audit(**(truth.sets() | {"train": shuffled(doubled, 1)})))
    assert moved == expected


@pytest.mark.parametrize(
    "options",
    [
        spolia.Options(threads=1),
        spolia.Options(threads=3),
        spolia.Options(part_rows=7),
        spolia.Options(part_rows=64, memory=16 << 20),
    ],
    ids=repr,
)
def test_result_does_not_depend_on_chunks_threads_or_memory(options):
    truth = planted(leaks=30, clean=90, size=150)
    assert outcome(spolia.audit(**truth.sets(), options=options)) == outcome(
        spolia.audit(**truth.sets())
    )


def test_only_the_negative_control_depends_on_the_seed():
    truth = planted()
    one, other = (outcome(spolia.audit(**truth.sets(), seed=seed)) for seed in (0, 1))
    for record in (one[0], other[0]):
        del record["negative_control"], record["seed"]
    assert one == other


def test_near_duplicates_in_the_synthetic_set_hide_no_leak():
    """A tool that first keeps one of each group over the union of both sets finds 20 or 200."""
    truth = planted(leaks=20, copies=10, clean=100, size=200, noise=0.05)
    results = [
        spolia.audit(**(truth.sets() | {"synthetic": shuffled(truth.synthetic, seed)}))
        for seed in range(3)
    ]
    for result in results:
        shown = [row["identity"] for row in result.findings.to_pylist() if row["similarity"] > 0.9]
        assert len(shown) == 200
        assert set(shown) == truth.leaked
        assert outcome(result) == outcome(results[0])


def test_identities_are_counted_once_however_many_photos_they_have():
    truth = planted(leaks=60, size=300)
    people = [f"p{i // 2:03d}" for i in range(300)]
    sets = {
        "train": spolia.Embeddings(truth.train.vectors, truth.train.ids, people),
        "control": spolia.Embeddings(truth.control.vectors, truth.control.ids, people),
        "synthetic": truth.synthetic,
    }
    result = spolia.audit(**sets)
    leaked = {people[int(name[1:])] for name in truth.leaked}
    found = set(result.identities["identity"].to_pylist())
    assert result.summary.exposed.train.n == 150
    assert len(found & leaked) >= len(leaked) - 3
    assert any("identity names occur in both" in note for note in result.summary.notes)


@pytest.mark.parametrize("of_a_kind", [1, 4, 15, 300])
def test_labels_of_the_synthetic_set_hide_no_leak(of_a_kind):
    """A generator's batches look like identities; each of their images must still compete."""
    truth = planted(leaks=60, clean=240)
    batches = [f"batch{i // of_a_kind}" for i in range(300)]
    labelled = spolia.Embeddings(truth.synthetic.vectors, truth.synthetic.ids, batches)
    plain = outcome(spolia.audit(**truth.sets()))
    told = outcome(spolia.audit(**(truth.sets() | {"synthetic": labelled})))
    for record in (plain[0], told[0]):
        del record["sets"]
    assert told == plain


def test_a_control_too_small_to_decide_is_inconclusive():
    truth = planted(control=8, leaks=40, clean=60)
    summary = spolia.audit(**truth.sets()).summary
    assert (summary.outcome, summary.exit_code) == ("inconclusive", 4)
    assert "larger control" in summary.sentence


def test_a_diffuse_lean_without_findings_is_inconclusive():
    rng = np.random.default_rng(0)
    train, control = (rng.normal(size=(400, 16)) for _ in range(2))
    mixed = 0.8 * train + rng.normal(size=(400, 16))
    sets = {
        name: spolia.Embeddings(spolia.normalise(rows))
        for name, rows in (("train", train), ("control", control), ("synthetic", mixed))
    }
    summary = spolia.audit(**sets, fdr=0.005).summary
    assert summary.lean.p < 0.01
    assert summary.outcome == "inconclusive"
    assert "leaks diffusely" in summary.sentence


def test_a_failed_negative_control_forbids_a_verdict():
    truth = planted(leaks=0, clean=10)
    control = prepare("control", truth.control, UNKNOWN_MODEL, fingerprint="")
    first_half = split_control(control, 0).rows[0]
    copies = truth.control.vectors[:][first_half]
    result = spolia.audit(
        train=truth.train, control=truth.control, synthetic=spolia.Embeddings(copies)
    )
    assert not result.summary.negative_control.passed
    assert result.summary.outcome == "inconclusive"
    assert "negative control failed" in result.summary.sentence


def test_a_negative_control_that_could_not_fail_does_not_pass():
    truth = planted(control=30, leaks=25, size=30, clean=60)
    check = spolia.audit(**truth.sets()).summary.negative_control
    assert (check.found, check.n, check.passed) == (0, 15, None)


def test_sets_too_small_to_exclude_anything_are_inconclusive():
    truth = planted(control=200, size=20, leaks=0, clean=4)
    summary = spolia.audit(**truth.sets()).summary
    assert summary.lean.unseen > 0.5
    assert summary.outcome == "inconclusive"


def test_a_bound_that_bounds_no_identity_is_given_in_images():
    truth = planted(size=30, control=400, leaks=0, clean=3000)
    summary = spolia.audit(**truth.sets()).summary
    assert summary.exposed.train.high == 1.0
    assert summary.outcome == "none"
    assert "of the synthetic images (95 % bound) can be leaks unseen" in summary.sentence


def test_swapped_train_and_control_are_noticed():
    truth = planted(leaks=60)
    summary = spolia.audit(
        train=truth.control, control=truth.train, synthetic=truth.synthetic
    ).summary
    assert summary.exposed.train.count == 0
    assert summary.outcome == "inconclusive"
    assert any("were the two sets swapped" in note for note in summary.notes)


def test_a_set_closer_to_control_than_chance_allows_is_not_called_clean():
    rng = np.random.default_rng(0)
    rows = spolia.normalise(rng.normal(size=(900, 8)))
    near = spolia.normalise(rows[300:600] + 0.2 * rng.normal(size=(300, 8)))
    summary = spolia.audit(
        train=spolia.Embeddings(rows[:300]),
        control=spolia.Embeddings(rows[300:600]),
        synthetic=spolia.Embeddings(near),
    ).summary
    assert summary.outcome == "inconclusive"
    assert "closer to control" in summary.sentence


def test_images_shared_by_train_and_control_are_noticed_and_count_for_control():
    truth = planted(leaks=40)
    control = truth.control.vectors[:].copy()
    control[:] = truth.train.vectors[:]
    result = spolia.audit(
        train=truth.train,
        control=spolia.Embeddings(control, truth.control.ids),
        synthetic=truth.synthetic,
        options=spolia.Options(duplicates="off"),
    )
    assert result.findings.num_rows == 0
    assert any("exactly as close to control" in note for note in result.summary.notes)


def test_blank_records_are_counted_and_left_out():
    truth = planted(leaks=30, clean=70)
    rows = truth.synthetic.vectors[:].copy()
    rows[:10] = 0.0
    synthetic = spolia.Embeddings(rows, truth.synthetic.ids)
    summary = spolia.audit(train=truth.train, control=truth.control, synthetic=synthetic).summary
    one = next(one for one in summary.sets if one.role == "synthetic")
    assert (one.records, one.blank) == (90, 10)
    assert any("no structure to compare" in note for note in summary.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fdr": 0.0}, "fdr must lie between 1e-06 and 1"),
        ({"fdr": 1.0}, "fdr must lie between 1e-06 and 1"),
        ({"synthetic": spolia.Embeddings(np.eye(3, dtype=np.float32))}, "rows of one width"),
        ({"synthetic": spolia.Embeddings(np.zeros((3, 48), np.float32))}, "no image to compare"),
        ({"train": "somewhere"}, "somewhere"),
        ({"options": spolia.Options(identities="folder")}, "bring their identities with them"),
        ({"options": spolia.Options(format="zip")}, "bring their identities with them"),
    ],
    ids=["fdr 0", "fdr 1", "width", "all blank", "mixed", "identities", "format"],
)
def test_a_wrong_call_says_what_was_wanted(change, message):
    with pytest.raises(UsageError, match=message):
        spolia.audit(**(planted(leaks=5, clean=20, size=30).sets() | change))


def test_control_that_is_train_is_refused():
    truth = planted(leaks=5, clean=20, size=30)
    with pytest.raises(UsageError, match="not trained on"):
        spolia.audit(train=truth.train, control=truth.train, synthetic=truth.synthetic)


def test_a_run_folder_keeps_to_its_plan(tmp_path):
    truth = planted(leaks=5, clean=20, size=30)
    spolia.audit(**truth.sets(), out=tmp_path / "run")
    with pytest.raises(PlanMismatch, match=r"fdr was 0\.05, now 0\.1"):
        spolia.audit(**truth.sets(), fdr=0.1, out=tmp_path / "run")
    spolia.audit(
        **truth.sets(), fdr=0.1, out=tmp_path / "run", options=spolia.Options(overwrite=True)
    )
    assert "fdr = 0.1" in (tmp_path / "run" / "plan.toml").read_text()


def test_overwrite_keeps_the_folder_itself(tmp_path, monkeypatch):
    truth = planted(leaks=5, clean=20, size=30)
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    monkeypatch.chdir(tmp_path / "there")
    for out in (".", tmp_path / "link"):
        for fdr in (0.05, 0.1):
            spolia.audit(**truth.sets(), fdr=fdr, out=out, options=spolia.Options(overwrite=True))
            assert f"fdr = {fdr}" in (tmp_path / "there" / "plan.toml").read_text()
    assert (tmp_path / "link").is_symlink()


def test_overwrite_never_deletes_a_folder_that_is_no_run(tmp_path):
    (tmp_path / "thesis.txt").write_text("years")
    truth = planted(leaks=5, clean=20, size=30)
    with pytest.raises(UsageError, match="is not empty and no run of `spolia audit`"):
        spolia.audit(**truth.sets(), out=tmp_path)
    with pytest.raises(UsageError, match=r"--overwrite refused: .* is not a run of spolia"):
        spolia.audit(**truth.sets(), out=tmp_path, options=spolia.Options(overwrite=True))
    assert (tmp_path / "thesis.txt").read_text() == "years"


def test_the_public_summary_names_no_record():
    truth = planted()
    result = spolia.audit(**truth.sets())
    text = result.to_json() + result.to_html()
    assert not any(name in text for name in truth.leaked)
    assert result._repr_html_().startswith("<iframe srcdoc=")


def test_identities_known_on_one_side_only_are_noticed():
    truth = planted(leaks=5, clean=45, size=50)
    people = [f"p{i // 2}" for i in range(50)]
    train = spolia.Embeddings(truth.train.vectors, truth.train.ids, people)
    notes = spolia.audit(
        train=train, control=truth.control, synthetic=truth.synthetic
    ).summary.notes
    assert any("known in only one of train and control" in note for note in notes)


def test_the_histogram_counts_every_unit():
    rng = np.random.default_rng(0)
    for scale in (1e-6, 1e-3, 0.1, 1.0):
        values = np.clip(rng.normal(0.2, scale, 500), -1, 1)
        spread = distribution(values, values[:200], scale="similarity")
        assert (sum(spread.train), sum(spread.control)) == (500, 200)
        assert len(spread.train) == len(spread.edges) - 1
        assert len(spread.train) <= 60 or scale >= 1.0


def test_exact_copies_lie_in_a_bin_that_ends_at_one():
    spread = distribution(np.array([0.32, 0.5, 1.0, 1.0 + 1e-7]), None, scale="similarity")
    assert spread.edges[-1] == 1.0
    assert spread.train[-1] == 2


def test_a_set_that_is_all_leak_is_never_said_to_be_close_to_control():
    truth = planted(leaks=0, clean=1, size=200)
    copies = spolia.Embeddings(truth.train.vectors, [f"s{i}" for i in range(200)])
    result = spolia.audit(train=truth.train, control=truth.control, synthetic=copies)
    assert result.summary.exposed.train.count == 200
    assert "closer to the control" not in result.to_html()


def test_further_copies_of_an_exposed_identity_are_counted_too():
    rng = np.random.default_rng(4)
    train, control, other = (rng.normal(size=(n, 128)) for n in (300, 300, 100))
    near = np.repeat(train[:20], 9, axis=0) + 0.6 * rng.normal(size=(180, 128))
    synthetic = np.concatenate([train[:20], near, other])
    result = spolia.audit(
        **{
            name: spolia.Embeddings(spolia.normalise(rows))
            for name, rows in (("train", train), ("control", control), ("synthetic", synthetic))
        }
    )
    assert result.identities.num_rows == 20
    assert result.summary.flagged.train.count == 200
    assert result.findings.num_rows == 200


def test_top_lines_are_the_best_similarities():
    values = np.linspace(0, 0.9, 150)
    assert distribution(values, None, scale="similarity").top_lines == (
        (1, 0.9),
        (10, values[-10]),
        (100, values[-100]),
    )


def test_a_call_that_fails_leaves_no_plan_behind(tmp_path):
    """So that the mended call does not meet the plan of the wrong one."""
    truth = planted(leaks=5, clean=20, size=30)
    np.save(tmp_path / "train.npy", np.zeros((3, 8, 8), np.uint8))
    with pytest.raises(UsageError, match="nowhere"):
        spolia.audit(
            train=tmp_path / "train.npy", synthetic=tmp_path / "nowhere", out=tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()
    spolia.audit(**truth.sets(), out=tmp_path / "run")
    assert (tmp_path / "run" / "report.json").exists()
