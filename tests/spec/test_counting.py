"""Laws of what an audit counts: duplicates, exclusions, strata, comparability."""

import dataclasses
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import spolia
from spolia.auditing.verify import verify
from spolia.core.errors import InputChanged, PlanMismatch, UsageError, VerificationFailed
from tests.planted import planted, shuffled


def near(rows, rng, noise=0.01):
    """Rows at a similarity of about 1 - noise² / 2 to these, so well over 0.999."""
    moved = rows + noise * rng.normal(size=rows.shape) / np.sqrt(rows.shape[1])
    return spolia.normalise(moved)


def with_copies(embeddings, chosen, copies, seed=0):
    """Add near-duplicates of some records."""
    rng = np.random.default_rng(seed)
    rows = [embeddings.vectors[:]]
    ids, people = list(embeddings.ids), list(embeddings.identities or ())
    for copy in range(copies):
        rows.append(near(embeddings.vectors[:][chosen], rng))
        ids += [f"{embeddings.ids[i]}-copy{copy}" for i in chosen]
        people += [embeddings.identities[i] for i in chosen] if people else []
    return spolia.Embeddings(np.concatenate(rows), ids, people or None)


def numbers(result):
    """What a verdict says, without the sizes of the sets and what was counted beside it."""
    record = json.loads(result.to_json())
    for name in ("sets", "counting", "notes", "tested", "version", "sentence"):
        del record[name]
    return record


def named(result):
    return result.identities["identity"].to_pylist()


@pytest.fixture(params=["known", "unknown"])
def truth(request):
    """A leak, with one identity per record that is named, or not."""
    one = planted(leaks=60)
    if request.param == "unknown":
        return one
    return dataclasses.replace(
        one,
        train=spolia.Embeddings(one.train.vectors, one.train.ids, one.train.ids),
        control=spolia.Embeddings(one.control.vectors, one.control.ids, one.control.ids),
    )


def test_where_nothing_is_alike_nothing_is_counted():
    for seed in range(10):
        counting = spolia.audit(**planted(seed=seed).sets()).summary.counting
        assert [one.clusters for one in counting.duplicates.sets] == [0, 0]
        assert counting.duplicates.shared.images.count == 0
        assert counting.duplicates.shared.identities.n == 300
        assert counting.excluded == ()


def test_duplicates_inside_train_do_not_change_the_count_of_exposed(truth):
    plain = spolia.audit(**truth.sets())
    for chosen in (range(300), range(0, 300, 7), [0]):
        doubled = with_copies(truth.train, list(chosen), 3)
        result = spolia.audit(**(truth.sets() | {"train": doubled}))
        found = result.summary.counting.duplicates.sets[0]
        assert (found.clusters, found.records) == (len(chosen), 4 * len(chosen))
        assert (found.largest, found.distinct) == (4, 300)
        assert result.summary.exposed == plain.summary.exposed
        assert result.summary.ratio == plain.summary.ratio
        assert set(named(result)) == set(named(plain))


def test_without_merging_duplicates_would_change_the_count():
    """So that the law above is one: each copy that is shown would count as exposed."""
    truth = planted(leaks=60)
    rng = np.random.default_rng(0)
    doubled = with_copies(truth.train, list(range(300)), 3)
    synthetic = spolia.Embeddings(near(doubled.vectors[:], rng))
    sets = truth.sets() | {"train": doubled, "synthetic": synthetic}
    merged = spolia.audit(**sets)
    apart = spolia.audit(**sets, options=spolia.Options(duplicates="off"))
    assert merged.summary.exposed.train.count == merged.summary.exposed.train.n == 300
    assert apart.summary.exposed.train.count > 600


def test_two_hundred_leaking_images_are_two_hundred_findings_whichever_set_comes_first():
    """A tool that first keeps one of each group over the union of both sets finds 20 or 200."""
    truth = planted(leaks=20, copies=10, clean=100, size=200, noise=0.01)
    results = [spolia.audit(**truth.sets())]
    renamed = {
        role: spolia.Embeddings(one.vectors, [f"{first}{name}" for name in one.ids])
        for (role, one), first in zip(truth.sets().items(), "cba", strict=True)
    }
    results.append(spolia.audit(**renamed))
    results.append(
        spolia.audit(**{role: shuffled(one, 3) for role, one in reversed(truth.sets().items())})
    )
    for result in results:
        shown = [row["identity"] for row in result.findings.to_pylist() if row["similarity"] > 0.9]
        assert (len(shown), len(set(shown))) == (200, 20)


def test_counting_does_not_depend_on_the_order_of_a_set(truth):
    rng = np.random.default_rng(5)
    control = np.concatenate([truth.control.vectors[:], near(truth.train.vectors[:20], rng)])
    ids = [*truth.control.ids, *(f"x{i}" for i in range(20))]
    people = ids if truth.control.identities else None
    sets = truth.sets() | {
        "train": with_copies(truth.train, list(range(50)), 2),
        "control": spolia.Embeddings(control, ids, people),
    }
    plain = spolia.audit(**sets)
    moved = spolia.audit(**{role: shuffled(one, 1) for role, one in sets.items()})
    assert plain.summary.counting.duplicates == moved.summary.counting.duplicates
    assert numbers(plain) == numbers(moved)
    for name, table in plain.counted.items():
        assert table.equals(moved.counted[name])


def test_duplicates_across_train_and_control_are_found_and_leave_the_control(truth):
    """The control was seen in training: what it shares with train would hide the leaks there."""
    rng = np.random.default_rng(1)
    rows = [i for i, name in enumerate(truth.train.ids) if name in truth.leaked][:50]
    shared = near(truth.train.vectors[:][rows], rng)
    ids = [*truth.control.ids, *(f"seen{i}" for i in range(50))]
    control = spolia.Embeddings(
        np.concatenate([truth.control.vectors[:], shared]),
        ids,
        ids if truth.control.identities else None,
    )
    plain = spolia.audit(**truth.sets())
    result = spolia.audit(**(truth.sets() | {"control": control}))
    found = result.summary.counting.duplicates.shared
    assert (found.images.count, found.images.n) == (50, 350)
    assert (found.identities.count, found.left_out) == (50, 50)
    assert sorted(result.counted["control_seen"]["id"].to_pylist()) == sorted(ids[300:])
    assert numbers(result) == numbers(plain)
    assert any("left out of the control" in note for note in result.summary.notes)
    kept = spolia.audit(
        **(truth.sets() | {"control": control}), options=spolia.Options(duplicates="off")
    )
    assert kept.summary.exposed.train.count < plain.summary.exposed.train.count


def test_a_control_identity_leaves_with_all_its_records():
    truth = planted(leaks=40, control=300)
    people = [f"p{i // 3}" for i in range(300)]
    rows = truth.control.vectors[:].copy()
    rows[[0, 1, 30]] = truth.train.vectors[:][[5, 6, 7]]
    control = spolia.Embeddings(rows, truth.control.ids, people)
    result = spolia.audit(**(truth.sets() | {"control": control}))
    found = result.summary.counting.duplicates.shared
    assert (found.images.count, found.identities.count, found.left_out) == (3, 2, 6)
    one = next(one for one in result.summary.sets if one.role == "control")
    assert (one.records, one.identities) == (294, 98)


def test_a_control_that_is_all_of_train_is_refused():
    truth = planted(leaks=5, clean=20, size=30)
    control = spolia.Embeddings(truth.train.vectors, [f"c{i}" for i in range(30)])
    with pytest.raises(UsageError, match="near-duplicate in train"):
        spolia.audit(train=truth.train, control=control, synthetic=truth.synthetic)


def test_one_photo_under_two_identities_is_reported():
    truth = planted(leaks=40)
    rows = truth.train.vectors[:].copy()
    rows[10] = rows[0]
    rows[20] = near(rows[1:2], np.random.default_rng(0))[0]
    rows[2] = rows[3]
    people = [f"p{i:03d}" for i in range(300)]
    people[2] = "p003"
    train = spolia.Embeddings(rows, truth.train.ids, people)
    result = spolia.audit(**(truth.sets() | {"train": train}))
    two = result.summary.counting.duplicates.two_names
    assert (two.pairs, two.identities.count, two.identities.n) == (2, 4, 299)
    listed = result.counted["two_names"].to_pylist()
    assert {(row["identity"], row["other"], row["why"]) for row in listed} == {
        ("p000", "p010", "same photo"),
        ("p001", "p020", "same photo"),
    }


def test_one_photo_under_a_thousand_identities_is_no_million_pairs_of_work():
    rng = np.random.default_rng(0)
    rows = spolia.normalise(rng.normal(size=(1300, 32)))
    rows[:1000] = rows[0]
    train = spolia.Embeddings(rows, identities=[f"p{i}" for i in range(1300)])
    sets = {
        "train": train,
        "control": spolia.Embeddings(spolia.normalise(rng.normal(size=(300, 32)))),
        "synthetic": spolia.Embeddings(spolia.normalise(rng.normal(size=(100, 32)))),
    }
    found = spolia.audit(**sets).summary.counting.duplicates
    assert found.two_names.identities.count == 1000
    assert found.two_names.pairs == 10_000
    assert found.sets[0].largest == 1000


def test_a_chain_of_look_alikes_is_no_cluster():
    angle = np.arange(300) * 0.04  # neighbours at cos 0.04 = 0.9992, the next but one at 0.9968
    rng = np.random.default_rng(0)
    chain = np.zeros((300, 48))
    chain[:, 0], chain[:, 1] = np.cos(angle / 2), np.sin(angle / 2)
    truth = planted(leaks=0, clean=200)
    train = spolia.Embeddings(spolia.normalise(chain[:70] + 1e-6 * rng.normal(size=(70, 48))))
    result = spolia.audit(**(truth.sets() | {"train": train}))
    assert result.summary.counting.duplicates.sets[0].largest <= 3


def csv(path, header, rows):
    path.write_text("\n".join([",".join(header), *(",".join(row) for row in rows)]) + "\n")
    return path


@pytest.fixture
def ages(tmp_path):
    """A truth whose train and control are a third children."""
    one = planted(leaks=60)
    rows = [
        (name, "child" if i % 3 == 0 else "adult", "cc-by" if i % 2 else "")
        for names in (one.train.ids, one.control.ids)
        for i, name in enumerate(names)
    ]
    return one, csv(tmp_path / "columns.csv", ("id", "age", "licence"), rows)


def without(embeddings, names):
    kept = [i for i, name in enumerate(embeddings.ids) if name not in names]
    people = embeddings.identities
    return spolia.Embeddings(
        embeddings.vectors[:][kept],
        [embeddings.ids[i] for i in kept],
        None if people is None else [people[i] for i in kept],
    )


def test_excluded_records_are_counted_and_nothing_else_changes(ages, tmp_path):
    truth, columns = ages
    listed = tmp_path / "list.txt"
    listed.write_text("t0001\ns0007\n\nt0003\n")  # t0003 is a child: counted once, as a child
    options = spolia.Options(columns=columns, exclude=("age=child",), exclude_list=listed)
    result = spolia.audit(**truth.sets(), options=options)
    gone = {f"{side}{i:04d}" for side in "tc" for i in range(0, 300, 3)} | {"t0001", "s0007"}
    bare = spolia.audit(**{role: without(one, gone) for role, one in truth.sets().items()})
    assert numbers(result) == numbers(bare)
    assert result.findings.equals(bare.findings)
    said = {(one.role, one.reason): one.records for one in result.summary.counting.excluded}
    assert said == {
        ("train", "age=child"): 100,
        ("control", "age=child"): 100,
        ("train", "list"): 1,
        ("synthetic", "list"): 1,
    }
    assert any("train: 100 images set aside" in note for note in result.summary.notes)


def test_a_reason_that_fits_few_does_not_name_its_value(ages):
    truth, _ = ages
    columns = csv(
        ages[1].with_name("names.csv"),
        ("id", "name"),
        [(name, "secret" if i < 3 else "x") for i, name in enumerate(truth.train.ids)],
    )
    options = spolia.Options(columns=columns, exclude=("name=secret",))
    result = spolia.audit(**truth.sets(), options=options)
    assert [one.reason for one in result.summary.counting.excluded] == ["name"]
    assert "secret" not in result.to_json()


def test_strata_sum_up_to_the_whole(ages):
    truth, columns = ages
    result = spolia.audit(**truth.sets(), options=spolia.Options(columns=columns))
    exposed = result.summary.exposed
    rows = result.counted["strata"].to_pylist()
    for name in ("age", "licence"):
        for role, rate in (("train", exposed.train), ("control", exposed.control)):
            mine = [row for row in rows if (row["column"], row["set"]) == (name, role)]
            assert sum(row["identities"] for row in mine) == rate.n
            assert sum(row["exposed"] for row in mine) == rate.count
    age = result.summary.counting.columns[0]
    assert {one.value: one.identities for one in age.strata} == {"adult": 200, "child": 100}
    shown = [one.share for one in age.strata]
    assert sum(rate.count for rate in shown) == shown[0].n


@pytest.fixture(scope="module")
def with_photos():
    truth = planted(leaks=60)
    people = [f"p{int(np.sqrt(i))}" for i in range(300)]
    sets = truth.sets() | {
        role: spolia.Embeddings(one.vectors, one.ids, people)
        for role, one in (("train", truth.train), ("control", truth.control))
    }
    return spolia.audit(**sets, fdr=0.3)


def test_the_curve_by_photos_sums_up_to_the_whole(with_photos):
    exposed = with_photos.summary.exposed
    for role, rate in (("train", exposed.train), ("control", exposed.control)):
        rows = [
            row
            for row in with_photos.counted["strata"].to_pylist()
            if (row["column"], row["set"]) == ("(training images)", role)
        ]
        assert sum(row["identities"] for row in rows) == rate.n
        assert sum(row["exposed"] for row in rows) == rate.count


def test_the_curve_by_photos_hides_small_counts(with_photos):
    curve = with_photos.summary.counting.photos
    assert [one.value for one in curve] == ["1", "3 to 4", "5 to 9", "10 or more"][-len(curve) :]
    assert sum(one.identities for one in curve) == with_photos.summary.exposed.train.n
    rates = [rate for one in curve for rate in (one.exposed, one.control) if rate is not None]
    assert rates
    assert all(rate.count >= 5 for rate in rates)
    # One alone could be told from the sum.
    assert sum(one.exposed is None for one in curve) != 1


def test_where_nothing_is_named_there_is_no_stratum(ages):
    _, columns = ages
    quiet = planted(leaks=0, clean=300)
    counting = spolia.audit(
        **quiet.sets(), options=spolia.Options(columns=columns)
    ).summary.counting
    assert counting.photos == ()
    assert all(one.strata == () for one in counting.columns)


def test_small_groups_and_small_counts_are_not_published(tmp_path):
    truth = planted(leaks=60)
    values = ["only one", *["few"] * 3, *["many"] * 100, *["most"] * 196]
    columns = csv(
        tmp_path / "c.csv", ("id", "group"), list(zip(truth.train.ids, values, strict=True))
    )
    result = spolia.audit(**truth.sets(), options=spolia.Options(columns=columns))
    (column,) = result.summary.counting.columns
    assert column.values == 4
    text = result.to_json() + result.to_html()
    assert "only one" not in text
    assert '"few"' not in text
    for one in column.strata:
        for rate in (one.exposed, one.share):
            assert rate is None or rate.count >= 5
    assert sum(one.exposed is None for one in column.strata) != 1


def test_a_column_of_names_is_no_group(tmp_path):
    truth = planted(leaks=60)
    columns = csv(
        tmp_path / "c.csv", ("id", "name"), [(name, f"secret {name}") for name in truth.train.ids]
    )
    result = spolia.audit(**truth.sets(), options=spolia.Options(columns=columns))
    (column,) = result.summary.counting.columns
    assert (column.values, column.strata) == (300, ())
    assert "secret" not in result.to_json() + result.to_html()


def test_verify_makes_everything_again(ages, tmp_path):
    truth, columns = ages
    train = with_copies(truth.train, [3, 6], 2)
    rows = [line.split(",") for line in columns.read_text().splitlines()]
    rows += [(name, "adult", "") for name in train.ids[300:]]
    csv(columns, rows[0], rows[1:])
    options = spolia.Options(columns=columns, exclude=("age=child",))
    run = tmp_path / "run"
    spolia.audit(**(truth.sets() | {"train": train}), options=options, out=run)
    verify(run)
    table = pq.read_table(run / "strata.parquet")
    pq.write_table(table.slice(0, 1), run / "strata.parquet")
    with pytest.raises(VerificationFailed, match=r"strata\.parquet"):
        verify(run)
    pq.write_table(table, run / "strata.parquet")
    columns.write_text(columns.read_text() + "\n")
    with pytest.raises(InputChanged, match="content has changed"):
        verify(run)


def test_a_run_resumes_only_with_the_same_columns(ages, tmp_path):
    truth, columns = ages
    options = spolia.Options(columns=columns)
    first = spolia.audit(**truth.sets(), options=options, out=tmp_path / "run")
    again = spolia.audit(**truth.sets(), options=options, out=tmp_path / "run")
    assert first.to_json() == again.to_json()
    columns.write_text(columns.read_text().replace("adult", "grown"))
    with pytest.raises(PlanMismatch, match="columns_fingerprint"):
        spolia.audit(**truth.sets(), options=options, out=tmp_path / "run")


def test_the_threshold_that_was_used_is_in_the_plan_and_in_the_report(tmp_path):
    truth = planted(leaks=5, clean=20, size=30)
    result = spolia.audit(**truth.sets(), out=tmp_path / "run")
    assert "duplicates = 0.999" in (tmp_path / "run" / "plan.toml").read_text()
    assert result.summary.counting.duplicates.threshold == 0.999
    off = spolia.audit(**truth.sets(), options=spolia.Options(duplicates="off"))
    assert off.summary.counting.duplicates is None
    assert off.plan.duplicates is None


@pytest.mark.parametrize("wanted", [0.0, 1.0, -1, "often", float("nan")])
def test_a_threshold_that_means_nothing_is_refused(wanted):
    with pytest.raises(UsageError, match="duplicates must"):
        spolia.audit(
            **planted(leaks=5, clean=20, size=30).sets(), options=spolia.Options(duplicates=wanted)
        )
