"""What set-only methods say together: nothing of nothing, planted truth, blind where blind."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import binom

import spolia
from spolia.auditing.membership import membership
from spolia.auditing.membership_arrays import arrays_of, fixed_of
from spolia.auditing.membership_methods import RECORDS, SETS
from spolia.auditing.membership_near import Near, near
from spolia.auditing.membership_planted import Plantings, plant_all, why_blind
from spolia.auditing.membership_said import notes_of
from spolia.auditing.membership_sets import sides_of
from spolia.auditing.membership_table import exchanges_for, methods_of, tell
from spolia.auditing.options import Options
from spolia.auditing.sets import prepare
from spolia.core.errors import PlanMismatch, UsageError
from spolia.core.progress import silent
from spolia.core.set_membership import MEMBERSHIP_CODES, MEMBERSHIP_SCHEMA, SeenFrom
from spolia.report.summary_json import write_record
from spolia.store.precomputed import UNKNOWN_MODEL

DIM = 12
NAMES = (*RECORDS, *SETS)
NULLS = 24


def unit(rng, n, dim=DIM):
    return spolia.normalise(rng.normal(size=(n, dim)))


def prepared(role, rows, identities=None):
    return prepare(role, spolia.Embeddings(rows, None, identities), UNKNOWN_MODEL, fingerprint=role)


def arrays_from(folder, sets, seed=0, threshold=None):
    """The arrays of sets of rows by role."""
    ready = {role: prepared(role, rows) for role, rows in sets.items()}
    sides = sides_of(folder, ready, threshold, seed, Options(), silent)
    fixed = fixed_of(sides, seed, Options(), silent)
    return arrays_of(fixed, ready["synthetic"].rows, Options(), silent)


NOTHING_PLANTED = {
    name: tuple(SeenFrom(one, 0.5) for one in ("exact copy", "faint copy (0.1)")) for name in NAMES
}


def methods_from(arrays, *, exchanges=239, seed=0):
    """By name, without planting anything."""
    told = tell(arrays, seed, exchanges=exchanges)
    plantings = Plantings(NOTHING_PLANTED, arrays, 1)
    return dict(zip(NAMES, methods_of(told, plantings, 0.05, seed, resamples=100), strict=True))


@pytest.fixture(scope="module")
def nulls(tmp_path_factory):
    """Train, control and samples of one distribution, again and again."""
    found = []
    for seed in range(NULLS):
        rng = np.random.default_rng(seed)
        sets = {"train": unit(rng, 50), "control": unit(rng, 90), "synthetic": unit(rng, 60)}
        found.append(methods_from(arrays_from(tmp_path_factory.getbasetemp(), sets), seed=seed))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_leaked_a_method_sees_nothing(nulls, name):
    p = np.array([one[name].p for one in nulls])
    for level in (0.05, 0.2, 0.5):
        assert np.count_nonzero(p <= level) <= binom.ppf(0.999, NULLS, level)


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_leaked_the_interval_of_the_excess_holds_0(nulls, name):
    held = [one[name].excess.low <= 0.0 <= one[name].excess.high for one in nulls]
    assert np.count_nonzero(held) >= binom.ppf(0.001, NULLS, 0.95)


def test_where_nothing_leaked_any_method_sees_a_leak_as_seldom_as_asked(nulls):
    any_of = [any(m.verdict == "sees a leak" for m in one.values()) for one in nulls]
    assert np.count_nonzero(any_of) <= binom.ppf(0.999, NULLS, 0.05)


@pytest.mark.parametrize("name", RECORDS)
def test_where_nothing_leaked_the_area_is_one_half_inside_its_interval(nulls, name):
    held = [one[name].value.low <= 0.5 <= one[name].value.high for one in nulls]
    assert np.count_nonzero(held) >= binom.ppf(0.001, NULLS, 0.95)
    control = [one[name].control.low <= 0.5 <= one[name].control.high for one in nulls]
    assert np.count_nonzero(control) >= binom.ppf(0.001, NULLS, 0.95)


def leaking(seed, share, noise=0.05, samples=120, size=100):
    rng = np.random.default_rng(seed)
    train, count = unit(rng, size), round(share * samples)
    chosen = rng.permutation(size)[:count]
    copies = spolia.normalise(train[chosen] + noise * unit(rng, count))
    fresh = unit(rng, samples - count)
    synthetic = np.concatenate([copies, fresh])
    return {"train": train, "control": unit(rng, 2 * size), "synthetic": synthetic}


@cache
def seen(share):
    from pathlib import Path

    return methods_from(arrays_from(Path("unused"), leaking(0, share)))


def test_a_third_of_all_samples_copied_is_seen_by_every_method():
    assert [name for name, one in seen(0.35).items() if one.verdict != "sees a leak"] == []
    assert all(one.excess.low > 0.0 for one in seen(0.35).values())
    assert all(one.p_adjusted <= 0.05 for one in seen(0.35).values())


def test_the_figures_of_planted_copies_are_the_planted_share():
    one = seen(0.35)
    for name in ("third_ratio", "average_score", "unique_score"):
        assert one[name].excess.value == pytest.approx(0.35, abs=0.05)
        assert one[name].excess.low < 0.35 < one[name].excess.high
        assert one[name].control.value <= 0.1
    # 42 of 100 train records are copied: the area is 1 for these, and one half for the others.
    assert one["gan_leaks"].value.value == pytest.approx(0.42 + 0.58 / 2, abs=0.05)
    tpr = one["gan_leaks"].separation.hits[0].tpr
    assert (tpr.count, tpr.n) == (42, 100)


def test_with_train_and_held_out_exchanged_the_excess_changes_its_sign(tmp_path):
    arrays = arrays_from(tmp_path, leaking(1, 0.3))
    fixed = arrays.fixed
    swapped = replace(arrays, fixed=replace(fixed, member=~fixed.member))
    one, other = (tell(each, 0, exchanges=19).exchange for each in (arrays, swapped))
    for name in NAMES:
        assert one[name].excess == pytest.approx(-other[name].excess, abs=1e-9)
        assert one[name].excess > 0.0


def test_the_nearest_of_the_chosen_are_found_among_the_nearest_of_all():
    rng = np.random.default_rng(0)
    rows, others = unit(rng, 30), unit(rng, 25)
    found = near(rows, others, Options(), k=25)
    every = np.sqrt(((rows[:, None].astype(float) - others[None]) ** 2).sum(-1))
    for _ in range(10):
        chosen = rng.random(25) < 0.3
        chosen[:2] = True
        index, first, second = found.among(chosen)
        some = np.where(chosen, every, np.inf)
        assert index.tolist() == np.argmin(some, axis=1).tolist()
        assert np.allclose(np.sort(some, axis=1)[:, :2].T, [first, second], atol=1e-3)


def test_what_is_not_among_the_nearest_is_taken_to_be_as_far_as_the_last():
    found = Near(np.array([[2, 0, -1], [0, 1, 2]]), np.array([[0.1, 0.2, np.inf], [0.1, 0.3, 0.4]]))
    index, first, second = found.among(np.array([False, False, True]))
    assert index.tolist() == [2, 2]
    assert first.tolist() == [0.1, 0.4]
    assert second.tolist() == [0.2, 0.4]
    index, first, _ = found.among(np.array([False, True, False]))
    assert index.tolist() == [-1, 1]
    assert first.tolist() == [0.2, 0.3]


def near_copies(seed):
    """Train holds each image and two near copies of it; every sample is a copy of one."""
    rng = np.random.default_rng(seed)
    images = unit(rng, 60, 32)

    def again(faint):
        return spolia.normalise(images + faint * unit(rng, 60, 32))

    train = np.concatenate([images, again(0.02), again(0.02)])
    return {"train": train, "control": unit(rng, 360, 32), "synthetic": again(0.05)}


def test_near_duplicates_in_train_blind_two_methods_and_the_guard_gives_them_their_sight(tmp_path):
    sets = near_copies(0)
    off, on = (
        methods_from(arrays_from(tmp_path / str(tau), sets, threshold=tau), exchanges=239)
        for tau in (None, 0.998)
    )
    for name in ("third_ratio", "authenticity"):
        assert off[name].value.value <= 0.02
        assert off[name].verdict == "sees none"
        assert on[name].value.value == pytest.approx(1.0)
        assert on[name].verdict == "sees a leak"
    assert off["average_score"].verdict == "sees a leak"


def test_planted_leaks_tell_who_would_have_seen_what(tmp_path):
    arrays = arrays_from(tmp_path, leaking(2, 0.0))
    clean = prepared("synthetic", leaking(2, 0.0)["synthetic"]).rows
    planted = plant_all(arrays.fixed, clean, 0.05, 0, Options(), silent)
    assert planted.seen.keys() == set(NAMES)
    for name in ("gan_leaks", "third_ratio", "average_score", "unique_score"):
        exact = planted.seen[name][0]
        assert (exact.strength, planted.blind(name)) == ("exact copy", False)
        assert exact.share is not None
    assert planted.seen["average_score"][0].share <= 0.2
    assert planted.copies == 60


def test_why_a_method_is_blind_is_told_by_distances(tmp_path):
    """Three of each image in train, not put together; copies lie further than these."""
    sets = near_copies(1)
    sets["synthetic"] = unit(np.random.default_rng(5), 60, 32)
    arrays = arrays_from(tmp_path, sets)
    planted = plant_all(arrays.fixed, sets["synthetic"], 0.05, 0, Options(), silent)
    blind = {name for name in NAMES if planted.blind(name)}
    assert {"third_ratio", "authenticity"} <= blind
    assert "average_score" not in blind
    third, authentic = (why_blind(name, planted) for name in ("third_ratio", "authenticity"))
    assert third == (
        "a copy lies at a distance of 0.11, and the second nearest training image at 0.11"
    )
    assert (
        authentic
        == "a copy lies at a distance of 0.11, and training images lie 0.02 from each other"
    )
    far = replace(planted, judged=replace(planted.judged, radius=0.01))
    assert "what counts as one at 0.01 or less" in why_blind("unique_score", far)
    assert why_blind("gan_leaks", planted) is None
    assert why_blind("data_copying", planted) is None


def sets_of(sets, prefix=""):
    return {
        role: spolia.Embeddings(rows, [f"{prefix}{role}-secret-{i:03d}" for i in range(len(rows))])
        for role, rows in sets.items()
    }


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leaky") / "run"
    return folder, membership(**sets_of(leaking(3, 0.3)), out=folder)


def test_a_leak_is_the_outcome_and_what_is_published_holds_no_name(leaky):
    folder, found = leaky
    assert (found.summary.outcome, found.summary.exit_code) == ("leak", 1)
    assert found.summary.sentence.startswith("The samples lie closer to train")
    for name, text in (("json", found.to_json()), ("html", found.to_html())):
        assert (folder / f"membership.{name}").read_text(encoding="utf-8") == text
        assert "secret" not in text
    assert found.to_json() == write_record(found.summary)
    assert json.loads(found.to_json())["schema"] == MEMBERSHIP_SCHEMA
    assert all(one.stat().st_mode & 0o177 == 0 for one in folder.rglob("*") if one.is_file())


def test_the_table_has_the_scores_of_every_record(leaky):
    folder, found = leaky
    table = pq.read_table(folder / "records.parquet")
    assert table.equals(found.records)
    assert table.column_names == ["set", "id", "identity", *RECORDS]
    rows = table.to_pylist()
    assert [one["set"] for one in rows] == ["train"] * 100 + ["held-out"] * 100
    assert len({one["id"] for one in rows}) == 200
    member = np.array([one["set"] == "train" for one in rows])
    score = np.array([one["gan_leaks"] for one in rows])
    above = (score[member][:, None] > score[~member][None]).mean()
    area = next(one for one in found.summary.methods if one.name == "GAN-Leaks").value.value
    assert above == pytest.approx(area, abs=1e-9)


def test_where_a_leak_is_seen_nothing_planted_is_told(leaky):
    for one in leaky[1].summary.methods:
        assert bool(one.planted) == (one.verdict != "sees a leak")


def test_methods_agree_with_each_other_as_their_flags_do(leaky):
    summary = leaky[1].summary
    assert len(summary.concord) == 10 + 3
    third = next(
        one for one in summary.concord if {one.first, one.second} == {"One-third ratio", "AMS"}
    )
    assert third.correlation is None
    assert third.top.value > 0.8
    scores = next(one for one in summary.concord if one.second == "Calibrated GAN-Leaks")
    assert scores.correlation.low <= scores.correlation.value <= scores.correlation.high


def test_a_run_goes_on_and_another_question_is_refused(leaky):
    folder, found = leaky
    sets = sets_of(leaking(3, 0.3))
    assert membership(**sets, out=folder).summary == found.summary
    with pytest.raises(PlanMismatch, match=r"another question: level was 0\.05, now 0\.1"):
        membership(**sets, level=0.1, out=folder)
    with pytest.raises(UsageError, match="is not empty and no run of `spolia attack membership`"):
        membership(**sets, out=folder.parent)


def test_the_same_seed_gives_the_same_answer_whatever_the_order_of_records(tmp_path):
    rows = leaking(4, 0.2, samples=40, size=40)["train"]
    order = np.random.default_rng(0).permutation(40)
    names = [f"t{i:02d}" for i in range(40)]
    mixed = spolia.Embeddings(rows[order], [names[i] for i in order])
    one, other = (
        prepare("train", each, UNKNOWN_MODEL, fingerprint="")
        for each in (spolia.Embeddings(rows, names), mixed)
    )
    assert np.array_equal(one.rows[0:40], other.rows[0:40])
    assert one.ids == other.ids


def test_a_train_set_that_is_unlike_the_control_is_noted(tmp_path):
    sets = near_copies(2)
    sets["synthetic"] = unit(np.random.default_rng(5), 60, 32)
    arrays = arrays_from(tmp_path, sets)
    ready = {role: prepared(role, rows) for role, rows in sets.items()}
    sides = sides_of(tmp_path, ready, None, 0, Options(), silent)
    odd, fine = (
        notes_of(sides, ready["synthetic"], 0.9, methods)
        for methods in (tuple(methods_from(arrays).values()), tuple(seen(0.35).values()))
    )
    assert any("far less than what was held out by Authenticity" in note for note in odd)
    assert not any("far less" in note for note in fine)


def test_too_few_identities_say_nothing():
    found = membership(**sets_of(leaking(5, 0.1, size=18)))
    assert (found.summary.outcome, found.summary.exit_code) == ("inconclusive", 4)
    assert "18 (train), 18 (held-out) and 18 (reference)" in found.summary.sentence
    assert found.records.num_rows == 0
    assert "Too few identities are left" in found.to_html()


def test_where_no_method_would_see_copies_nothing_is_said():
    found = membership(**sets_of(leaking(6, 0.0, samples=3, size=40)))
    blind = {one.name: one for one in found.summary.methods if one.verdict == "blind here"}
    assert found.summary.outcome == "inconclusive"
    assert len(blind) == len(NAMES)
    for name in ("One-third ratio", "Authenticity"):
        assert "it marks most of the 2 copies, which are too few" in blind[name].reason
    assert blind["C_T"].reason == "no cell has 20 samples and as many held-out images"
    assert blind["GAN-Leaks"].reason is None
    assert all(one.planted for one in blind.values())
    assert any("has 3 images, which betray little" in note for note in found.summary.notes)
    page = found.to_html()
    assert "blind here" in page
    assert "which are too few to stand out" in page


def test_what_is_left_out_is_noted():
    rng = np.random.default_rng(0)
    photos = np.repeat(np.arange(22), [4] * 5 + [1] * 17)
    found = membership(
        train=spolia.Embeddings(unit(rng, photos.size), identities=[f"t{i}" for i in photos]),
        synthetic=spolia.Embeddings(unit(rng, 20)),
        control=spolia.Embeddings(unit(rng, 40)),
        reference=spolia.Embeddings(unit(rng, 25)),
        options=spolia.Options(duplicates="off"),
    )
    assert any("15 records of train were not looked at" in note for note in found.summary.notes)
    assert any("were not searched for" in note for note in found.summary.notes)
    assert any("It is not known what made the embeddings" in n for n in found.summary.notes)
    assert "false positive rates of 1 % and 0.1 %" in found.summary.notes[-1]
    assert (found.summary.duplicates, found.summary.reference) == (None, "given")


def test_many_photos_of_each_are_noted_and_change_places_together():
    rng = np.random.default_rng(1)
    faces = unit(rng, 80)

    def photos(numbers, prefix):
        who = np.repeat(numbers, 6)
        rows = spolia.normalise(faces[who] + 0.4 * unit(rng, who.size))
        return spolia.Embeddings(rows, identities=[f"{prefix}{i}" for i in who])

    found = membership(
        train=photos(np.arange(20), "t"),
        control=photos(np.arange(20, 60), "c"),
        synthetic=spolia.Embeddings(unit(rng, 40)),
    )
    assert any("Identities have 6 records each" in note for note in found.summary.notes)
    assert found.summary.outcome != "leak"
    assert found.summary.compared == 20


def refusal(**sets):
    with pytest.raises(UsageError) as error:
        membership(**sets)
    return str(error.value)


def test_what_cannot_be_asked_is_refused():
    sets = sets_of(leaking(9, 0.2, samples=30, size=30))
    one = spolia.Embeddings(sets["synthetic"].vectors[:1])
    assert "the synthetic set has 1" in refusal(**sets | {"synthetic": one})
    for level in (0.0, 1.0, 1e-4, np.nan):
        assert "level must lie between 0.001 and 1" in refusal(**sets, level=level)
    columns = spolia.Options(columns="x.csv")
    assert "columns is for `spolia audit`" in refusal(**sets, options=columns)
    assert "the same set as train" in refusal(**sets | {"control": sets["train"]})
    lone = spolia.Embeddings(sets["control"].vectors[:1])
    assert "control must have two identities or more" in refusal(**sets | {"control": lone})
    again = spolia.Embeddings(sets["train"].vectors[:20], [f"x{i}" for i in range(20)])
    assert "every identity of it has a near-duplicate" in refusal(**sets | {"control": again})


def test_there_are_enough_exchanges_to_tell_the_level():
    for level in (0.05, 0.01, 0.001):
        assert len(NAMES) / (1 + exchanges_for(level)) <= level
    assert set(MEMBERSHIP_CODES.values()) == {0, 1, 4}
