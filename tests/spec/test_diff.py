"""Two releases held against each other: null first, then better and worse, then what is refused."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spolia
from spolia.auditing.diff import compare, diff
from spolia.auditing.options import Options
from spolia.core.diff import DIFF_SCHEMA, Diff
from spolia.core.errors import RunIncomplete, UsageError
from spolia.report.summary_json import read_record, write_record
from spolia.stats.difference import mcnemar_p, paired_difference, unpaired_difference
from tests.judges import Blind, Pixels, write_study
from tests.planted import planted, shuffled
from tests.spec import difference_laws as laws


@pytest.mark.parametrize(
    "law",
    [
        laws.law_paired_interval_holds_the_truth,
        laws.law_paired_interval_is_the_published_one,
        laws.law_paired_runs_exchanged_are_mirrored,
        laws.law_of_the_same_people_the_interval_is_narrower,
    ],
    ids=lambda one: one.__name__,
)
def test_law_of_the_paired_difference_holds(law):
    assert law(paired_difference) is None


@pytest.mark.parametrize(
    "law",
    [laws.law_where_nothing_changed_it_is_seldom_said, laws.law_what_changed_one_way_is_said],
    ids=lambda one: one.__name__,
)
def test_law_of_the_test_of_no_change_holds(law):
    assert law(mcnemar_p) is None


@pytest.mark.parametrize(
    "law",
    [laws.law_unpaired_interval_holds_the_truth, laws.law_unpaired_runs_exchanged_are_mirrored],
    ids=lambda one: one.__name__,
)
def test_law_of_the_unpaired_difference_holds(law):
    assert law(unpaired_difference) is None


counts = st.integers(0, 40)


@given(counts, counts, counts, counts)
def test_a_difference_lies_in_its_interval(both, first, second, neither):
    n = both + first + second + neither
    if n == 0:
        return
    one = paired_difference(both, first, second, n)
    assert -1.0 <= one.low <= one.value <= one.high <= 1.0


@pytest.mark.parametrize("given", [(0, 0, 0, 0), (3, 1, 1, 4), (-1, 1, 1, 4)])
def test_counts_that_are_none_are_refused(given):
    with pytest.raises(UsageError, match="counts within n"):
        paired_difference(*given)


@pytest.fixture(scope="module")
def results():
    """Audits of one train and control: nothing leaked, 40 of 300, and 60 of 300 others."""
    truth = planted(leaks=40)
    more = planted(leaks=60, clean=240, seed=0)
    sets = {"train": truth.train, "control": truth.control}
    synthetic = {
        "clean": planted(leaks=0, clean=300, seed=5).synthetic,
        "leaky": truth.synthetic,
        "more": more.synthetic,
    }
    assert (more.train.vectors[:] == truth.train.vectors[:]).all()
    return {name: spolia.audit(**sets, synthetic=one) for name, one in synthetic.items()}


@pytest.mark.parametrize("name", ["clean", "leaky"])
def test_a_run_and_itself_cannot_be_told_apart(results, name):
    one = compare(results[name], results[name])
    assert (one.exposed.newly, one.exposed.no_longer) == (0, 0)
    assert one.exposed.both == results[name].identities.num_rows
    for change in one.changes:
        assert change.word == "cannot tell"
        assert change.difference.value == 0.0
        assert change.difference.low == pytest.approx(-change.difference.high)
    assert one.changes[0].p == 1.0
    assert "Both runs audited the same synthetic images." in one.notes


def test_the_same_images_in_another_order_change_nothing(results):
    truth = planted(leaks=40)
    again = spolia.audit(
        train=truth.train, control=truth.control, synthetic=shuffled(truth.synthetic, 3)
    )
    assert (
        compare(results["leaky"], again).changes
        == compare(results["leaky"], results["leaky"]).changes
    )


def test_a_release_that_leaks_is_worse_and_one_that_does_not_is_better(results):
    worse = compare(results["clean"], results["leaky"])
    assert worse.word == "worse"
    # Of 300 images alone so many may be leaks unseen that their share tells nothing.
    assert [one.word for one in worse.changes] == ["worse", "cannot tell", "cannot tell"]
    assert worse.exposed.newly >= 38
    assert worse.sentence.startswith(
        "More training identities are found again in B than in A: of 300"
    )
    better = compare(results["leaky"], results["clean"])
    assert better.word == "better"
    assert better.sentence.startswith("Fewer training identities are found again in B")


def test_where_a_set_says_it_is_clean_its_images_are_compared_too():
    """Of many images few can be leaks unseen."""
    truth = planted(leaks=300, clean=1200, size=600, seed=2)
    fresh = planted(leaks=0, clean=1500, seed=6).synthetic
    sets = {"train": truth.train, "control": truth.control}
    clean, leaky = (spolia.audit(**sets, synthetic=one) for one in (fresh, truth.synthetic))
    one = compare(clean, leaky)
    assert [change.word for change in one.changes] == ["worse", "worse", "worse"]
    assert one.changes[2].a.expected == 0.5


def test_runs_exchanged_give_mirrored_numbers(results):
    one, other = (
        compare(results[a], results[b], names=True)
        for a, b in (("leaky", "more"), ("more", "leaky"))
    )
    assert (one.exposed.newly, one.exposed.no_longer) == (
        other.exposed.no_longer,
        other.exposed.newly,
    )
    assert (one.names.newly, one.names.both) == (other.names.no_longer, other.names.both)
    assert (one.a, one.b) == (other.b, other.a)
    mirrored = {"better": "worse", "worse": "better", "cannot tell": "cannot tell"}
    for there, back in zip(one.changes, other.changes, strict=True):
        assert (there.a, there.b, there.p) == (back.b, back.a, back.p)
        assert there.word == mirrored[back.word]
        assert there.difference.value == pytest.approx(-back.difference.value)
        assert there.difference.low == pytest.approx(-back.difference.high)
        assert there.difference.high == pytest.approx(-back.difference.low)


def test_identities_add_up(results):
    one = compare(results["leaky"], results["more"], names=True)
    told = one.exposed
    assert told.newly + told.no_longer + told.both + told.neither == 300
    assert told.both + told.no_longer == results["leaky"].rates["exposed"].count
    assert told.both + told.newly == results["more"].rates["exposed"].count
    assert len(one.names.newly) == told.newly
    assert set(one.names.both) == {*results["leaky"].identities["identity"].to_pylist()} & {
        *results["more"].identities["identity"].to_pylist()
    }
    assert one.names.newly == tuple(sorted(one.names.newly))


def test_names_are_told_only_where_they_are_asked_for(results):
    plain = compare(results["clean"], results["leaky"])
    assert plain.names is None
    text = write_record(plain)
    assert not any(name in text for name in results["leaky"].identities["identity"].to_pylist())


def test_a_difference_comes_back_from_json(results):
    for names in (False, True):
        one = compare(results["clean"], results["leaky"], names=names)
        assert read_record(write_record(one), Diff, DIFF_SCHEMA) == one


def with_outcome(result, outcome):
    return replace(result, summary=replace(result.summary, outcome=outcome))


def test_without_a_verdict_no_release_is_better(results):
    one = compare(with_outcome(results["clean"], "inconclusive"), results["leaky"])
    assert {change.word for change in one.changes} == {"cannot tell"}
    assert one.exposed.newly >= 38
    assert "A is inconclusive, B is leak" in one.notes[0]


def test_few_changes_are_chance(results):
    """Five newly exposed and none less may be nothing; six are something."""
    names = results["leaky"].identities["identity"].to_pylist()
    for changed, word in ((5, "cannot tell"), (6, "better")):
        fewer = replace(
            results["leaky"], identities=pa.table({"identity": names[: len(names) - changed]})
        )
        assert compare(results["leaky"], fewer).word == word


def test_sets_of_another_size_are_noted(results):
    truth = planted(leaks=40)
    half = spolia.Embeddings(truth.synthetic.vectors[:150].copy())
    one = spolia.audit(train=truth.train, control=truth.control, synthetic=half)
    notes = compare(one, results["leaky"]).notes
    assert any("A has 150 synthetic images, B 300" in note for note in notes)


def test_another_version_is_noted(results):
    old = replace(results["clean"], summary=replace(results["clean"].summary, version="0.0.9"))
    notes = compare(old, results["leaky"]).notes
    assert any("A was audited by spolia 0.0.9" in note for note in notes)


def changed(result, **fields):
    return replace(result, summary=replace(result.summary, **fields))


def test_runs_that_differ_in_more_than_the_synthetic_set_are_refused(results):
    a = results["clean"]
    one = a.summary
    train, control, synthetic = one.sets
    others = {
        "the judge": changed(a, model=replace(one.model, fingerprint="f" * 64)),
        "the asked false discovery rate": changed(a, fdr=0.1),
        "the content of train": changed(
            a, sets=(replace(train, fingerprint="f" * 64), control, synthetic)
        ),
        "the records of control": changed(
            a, sets=(train, replace(control, records=299), synthetic)
        ),
        "the identities of train": changed(
            a, sets=(replace(train, identities=299), control, synthetic)
        ),
        "whether identities of control are known": changed(
            a, sets=(train, replace(control, identities_known=True), synthetic)
        ),
        "what counts as near-duplicates": replace(a, plan=replace(a.plan, duplicates=0.9)),
    }
    for what, other in others.items():
        for pair in ((a, other), (other, a)):
            with pytest.raises(UsageError, match=rf"but {what} \(.* in A, .* in B\); audit both"):
                compare(*pair)


def test_all_that_differs_is_named(results):
    a = results["clean"]
    other = changed(a, fdr=0.1, model=replace(a.summary.model, fingerprint="f" * 64))
    with pytest.raises(UsageError, match=r"the judge .*; the asked false discovery rate \(0.05 in"):
        compare(a, other)


def test_without_control_there_is_nothing_to_compare(results):
    truth = planted(leaks=40)
    alone = spolia.audit(train=truth.train, synthetic=truth.synthetic)
    with pytest.raises(UsageError, match="B was audited without one"):
        compare(results["clean"], alone)


def test_run_folders_are_compared_as_their_results(results, tmp_path):
    sets = planted(leaks=40).sets()
    folder = tmp_path / "leaky"
    spolia.audit(**sets, out=folder)
    assert diff(folder, folder) == compare(results["leaky"], results["leaky"])


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunIncomplete, match="not a run"):
        diff(tmp_path, tmp_path)


def test_a_study_is_refused_and_its_audits_can_be_compared(tmp_path):
    sets = write_study(tmp_path, size=80, leaks=30, clean=50)
    spolia.study(
        train=sets["train"],
        control=sets["control"],
        synthetic={name: sets[name] for name in ("clean", "leaky")},
        embedders=(Pixels(), Blind()),
        out=tmp_path / "run",
        options=Options(),
    )
    run = tmp_path / "run"
    with pytest.raises(UsageError, match=r"is a study; its audits are .*clean/pixels"):
        diff(run, run)
    assert diff(run / "clean" / "pixels", run / "leaky" / "pixels").word == "worse"
    with pytest.raises(UsageError, match=r"the judge \(pixels .* in A, blind .* in B\)"):
        diff(run / "clean" / "pixels", run / "leaky" / "blind")
