"""A review from end to end: decks of real audits, reviewers of known error, numbers that hold."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from spolia.auditing.result import load_result
from spolia.auditing.reviewed import FILE, read_review
from spolia.core.errors import RunIncomplete, UsageError
from spolia.review.decisions import FILE as LOG
from spolia.review.deck import deck_file, read_deck, write_deck
from spolia.review.drawing import make_deck
from spolia.review.export import TABLE, export
from spolia.review.population import read_population
from spolia.review.tally import tally, write_review
from tests.reviewers import answer, audit_digits, deal, erring
from tests.spec.review_laws import least_held


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    return audit_digits(tmp_path_factory.mktemp("leaky"), leaky=True)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return audit_digits(tmp_path_factory.mktemp("clean"), leaky=False)


@pytest.fixture
def run(leaky):
    """The leaky run, without what another test said of it."""
    for path in (leaky.run / LOG, leaky.run / FILE, *(leaky.run / "review").glob("*")):
        path.unlink(missing_ok=True)
    return leaky


def shares(audited):
    """The true share of findings, and of all pairs, that show the same."""
    population = read_population(audited.run, load_result(audited.run))
    pairs = zip(population.query, population.reference, strict=True)
    same = np.array([audited.copied.get(query) == reference for query, reference in pairs])
    found = population.finding
    return (float(same[found].mean()) if found.any() else None), float(same.mean())


def truths(audited, tasks):
    return [audited.truth(one) for one in tasks]


def of_truth(deck, truth):
    return [one for one in deck.tasks if one.truth == truth]


def reviewed_by(audited, seed, *, sensitivity, specificity, **asked):
    rng = np.random.default_rng(seed)
    deck = deal(audited, seed=seed, **asked)
    words = erring(audited, deck.tasks, sensitivity=sensitivity, specificity=specificity, rng=rng)
    answer(audited.run, deck, deck.tasks, words)
    return tally(audited.run)


def test_where_all_is_looked_at_without_error_the_truth_is_seen(run):
    precision, rate = shares(run)
    deck = deal(run, pairs=1000)
    answer(run.run, deck, deck.tasks, truths(run, deck.tasks))
    found = tally(run.run)
    for one, truth in ((found.precision, precision), (found.leak_rate, rate)):
        assert one.seen.low == one.seen.high == pytest.approx(truth)
        assert one.corrected.low <= truth <= one.corrected.high
    assert found.leak_rate.population == 200
    assert precision > 0.9
    assert 0.2 < rate < 0.4


def test_a_sample_of_perfect_reviewers_holds_the_truth_as_often_as_it_says(run):
    truth, held = shares(run), 0
    for seed in range(30):
        found = reviewed_by(run, seed, sensitivity=1.0, specificity=1.0, pairs=40)
        held += found.leak_rate.seen.low <= truth[1] <= found.leak_rate.seen.high
    assert held >= least_held(30)


def test_the_correction_holds_planted_truth_as_often_as_it_says(run):
    truth, held = shares(run), np.zeros(2)
    decks = 30
    for seed in range(decks):
        found = reviewed_by(run, seed, sensitivity=0.85, specificity=0.9, pairs=60)
        for i, one in enumerate((found.precision, found.leak_rate)):
            held[i] += one.corrected.low <= truth[i] <= one.corrected.high
    assert held.min() >= least_held(decks)


def test_where_nothing_leaked_and_reviewers_err_nothing_is_held_possible(clean):
    assert shares(clean) == (None, 0.0)
    found = [
        reviewed_by(clean, seed, sensitivity=0.9, specificity=0.8, pairs=60) for seed in range(30)
    ]
    assert all(one.precision is None for one in found)
    assert sum(one.leak_rate.seen.low == 0.0 for one in found) < 15
    low = [one.leak_rate.corrected.low for one in found if one.leak_rate.corrected is not None]
    assert len(low) > 20
    assert low.count(0.0) >= least_held(len(low))


def test_strata_say_what_was_drawn_and_answered(run):
    deck = deal(run, pairs=60)
    drawn = of_truth(deck, "open")
    words = ["unsure", "not comparable", *truths(run, drawn[2:])]
    answer(run.run, deck, drawn, words)
    found = tally(run.run)
    assert (found.drawn, found.answered) == (60, 60)
    assert sum(one.population for one in found.strata) == 200
    assert sum(one.drawn for one in found.strata) == 60
    assert sum(one.answered for one in found.strata) == 59
    assert (found.strata[0].unsure, found.strata[0].answered) == (1, found.strata[0].drawn - 1)
    assert sum(one.same for one in found.strata) == words.count("same")
    assert found.reviewers[0].answers.not_comparable == 1


def test_one_reviewer_is_not_compared_with_anybody(run):
    found = reviewed_by(run, 0, sensitivity=1.0, specificity=1.0, pairs=40)
    assert [one.name for one in found.reviewers] == ["reviewer 1"]
    assert (found.agreement, found.alpha, found.disagreements) == ((), None, 0)
    told = found.reviewers[0]
    assert (told.known_same.value, told.known_different.value) == (1.0, 1.0)
    assert (told.known_same.n, told.known_different.n) == (20, 20)


def test_two_who_differ_leave_the_pair_open_until_somebody_decides(run):
    deck = deal(run, pairs=40)
    right = truths(run, deck.tasks)
    drawn = of_truth(deck, "open")
    turned = drawn[:10]
    other = {
        one.token: "different" if word == "same" else "same"
        for one, word in zip(drawn, truths(run, drawn), strict=True)
        if one in turned
    }
    answer(run.run, deck, deck.tasks, right, reviewer="ann")
    mixed = [other.get(one.token, word) for one, word in zip(deck.tasks, right, strict=True)]
    answer(run.run, deck, deck.tasks, mixed, reviewer="bob")
    found = tally(run.run)
    assert [one.name for one in found.reviewers] == ["reviewer 1", "reviewer 2", "together"]
    assert found.disagreements == found.reviewers[2].answers.unsure == 10
    (agreed,) = found.agreement
    assert (agreed.agreed.count, agreed.agreed.n) == (30, 40)
    assert 0.0 < agreed.kappa < 0.75
    assert 0.0 < found.alpha < 0.75
    answer(run.run, deck, turned, truths(run, turned), reviewer="eve", step="decide")
    settled = tally(run.run)
    assert settled.disagreements == settled.reviewers[2].answers.unsure == 0
    assert len(settled.reviewers) == 3
    assert settled.agreement == found.agreement
    wide, narrow = found.leak_rate.seen, settled.leak_rate.seen
    assert narrow.high - narrow.low < wide.high - wide.low


def test_a_correction_counts_decisions_only_where_known_pairs_were_decided_too(run):
    """Else the pairs are mistaken less often than the known ones show."""
    deck = deal(run, pairs=40)
    drawn, same = of_truth(deck, "open"), of_truth(deck, "same")
    right = truths(run, deck.tasks)
    disputed = {one.token for one in drawn[:5] + same[:5]}
    doubting = [
        "unsure" if one.token in disputed else word
        for one, word in zip(deck.tasks, right, strict=True)
    ]
    answer(run.run, deck, deck.tasks, right, reviewer="ann")
    answer(run.run, deck, deck.tasks, doubting, reviewer="bob")
    before = tally(run.run).leak_rate
    answer(run.run, deck, drawn[:5], truths(run, drawn[:5]), reviewer="ann", step="decide")
    half = tally(run.run).leak_rate
    assert half.seen != before.seen
    assert half.corrected == before.corrected
    answer(run.run, deck, same[:5], ["same"] * 5, reviewer="ann", step="decide")
    whole = tally(run.run).leak_rate
    assert whole.corrected.low > before.corrected.low


def test_of_three_the_majority_counts_and_of_a_tie_nobody(run):
    deck = deal(run, pairs=10, known=0)
    words = {
        "ann": ["same", "same", "same", "different"],
        "bob": ["same", "same", "different", "different"],
        "eve": ["same", "different", "unsure", "not comparable"],
    }
    for reviewer, said in words.items():
        answer(run.run, deck, deck.tasks[:4], said, reviewer=reviewer)
    found = tally(run.run)
    together = found.reviewers[-1].answers
    assert (together.same, together.different, together.unsure) == (2, 1, 1)
    assert found.disagreements == 3
    assert len(found.agreement) == 3


def test_who_has_seen_no_pair_in_common_is_not_compared(run):
    deck = deal(run, pairs=10, known=0)
    answer(run.run, deck, deck.tasks[:5], ["same"] * 5, reviewer="ann")
    answer(run.run, deck, deck.tasks[5:], ["different"] * 5, reviewer="bob")
    found = tally(run.run)
    assert (found.agreement, found.alpha, found.answered) == ((), None, 10)


def test_what_was_taken_back_does_not_count(run):
    deck = deal(run, pairs=10)
    answer(run.run, deck, deck.tasks[:2], ["same", "same"])
    answer(run.run, deck, deck.tasks[:1], [None], step="undo")
    assert tally(run.run).answered == 1
    answer(run.run, deck, deck.tasks[1:2], [None], step="undo")
    assert tally(run.run) is None


def test_words_on_another_deck_do_not_count(run):
    old = deal(run, pairs=10)
    answer(run.run, old, old.tasks, ["same"] * len(old.tasks), reviewer="ann")
    new = make_deck(run.run, "estimate", pairs=10, seed=1)
    write_deck(run.run, new)
    assert tally(run.run) is None
    answer(run.run, replace(old, key=new.key), old.tasks[:3], ["same"] * 3)
    assert tally(run.run) is None


def test_a_deck_of_what_the_run_held_before_counts_for_nothing(run):
    reviewed_by(run, 1, sensitivity=1.0, specificity=1.0)
    assert tally(run.run) is not None
    deck = read_deck(run.run, "estimate")
    write_deck(run.run, replace(deck, audit="of another audit"))
    assert tally(run.run) is None


def test_triage_gives_no_rate(run):
    deck = deal(run, mode="triage", pairs=30)
    answer(run.run, deck, deck.tasks[:5], ["same", "same", "different", "unsure", "same"])
    found = tally(run.run)
    assert (found.triaged.same, found.triaged.different, found.triaged.unsure) == (3, 1, 1)
    assert (found.precision, found.leak_rate, found.reviewers, found.drawn) == (None, None, (), 0)
    assert found.notes == (
        "5 pairs were answered as triage: the most telling were shown first, so that no rate "
        "follows from them.",
    )
    sample = make_deck(run.run, "estimate", pairs=40)
    write_deck(run.run, sample)
    answer(run.run, sample, sample.tasks, truths(run, sample.tasks))
    both = tally(run.run)
    (run.run / "review" / "triage.json").unlink()
    assert tally(run.run).leak_rate == both.leak_rate
    assert both.triaged == found.triaged


def test_notes_say_what_a_number_rests_on(run):
    deck = deal(run, pairs=40)
    drawn = of_truth(deck, "open")
    answer(run.run, deck, drawn[:8], ["unsure"] * 4 + ["same"] * 4)
    notes = " ".join(tally(run.run).notes)
    assert "8 of the 40 pairs drawn were answered" in notes
    assert "fewer than 30 answers" in notes
    assert "4 of 8 pairs could not be told" in notes
    assert "not corrected: too few" in notes


def test_a_note_names_who_does_no_better_than_chance(run):
    deck = deal(run, pairs=40)
    answer(run.run, deck, deck.tasks, truths(run, deck.tasks), reviewer="ann")
    answer(run.run, deck, deck.tasks, ["same"] * len(deck.tasks), reviewer="bob")
    found = tally(run.run)
    assert "Reviewer 2 did no better than chance on the pairs whose truth is known." in found.notes
    assert not any(one.startswith("Reviewer 1") for one in found.notes)


def test_a_correction_says_what_it_takes_for_granted(run):
    found = reviewed_by(run, 0, sensitivity=1.0, specificity=1.0, pairs=40)
    assert len(found.notes) == 1
    assert "photos shown beside themselves, edited" in found.notes[0]


def test_only_known_pairs_answered_give_no_estimate(run):
    deck = deal(run, pairs=40)
    known = of_truth(deck, "same")
    answer(run.run, deck, known, ["same"] * len(known))
    found = tally(run.run)
    assert (found.leak_rate, found.precision, found.answered) == (None, None, 0)
    assert found.reviewers[0].known_different is None
    assert found.reviewers[0].known_same.value == 1.0


def test_a_review_is_kept_as_it_is_and_holds_no_name(run):
    deck = deal(run, pairs=40)
    answer(run.run, deck, deck.tasks, truths(run, deck.tasks), reviewer="Ann Secret")
    answer(run.run, deck, deck.tasks[:9], ["unsure"] * 9, reviewer="Bob Secret")
    assert read_review(run.run) is None
    found = write_review(run.run)
    assert read_review(run.run) == found == tally(run.run)
    path = run.run / FILE
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text(encoding="utf-8")
    assert "Secret" not in text
    assert deck.key not in text
    assert json.loads(text)["schema"] == "spolia-review/1"


def test_a_review_of_another_version_is_refused(run):
    reviewed_by(run, 0, sensitivity=1.0, specificity=1.0, pairs=20)
    write_review(run.run)
    path = run.run / FILE
    path.write_text(path.read_text("utf-8").replace("spolia-review/1", "spolia-review/9"))
    with pytest.raises(UsageError, match="spolia-review/1"):
        read_review(run.run)


def test_what_nobody_answered_cannot_be_written(run, tmp_path):
    deal(run, pairs=20)
    with pytest.raises(RunIncomplete, match="nobody has answered"):
        export(run.run, tmp_path / "all.parquet")
    assert list(tmp_path.iterdir()) == []
    assert write_review(run.run) is None
    assert not (run.run / FILE).exists()


@pytest.mark.parametrize("text", [b'{"schema": "spolia-deck/1"}', b"", b"[]", b"\xff\x00"])
def test_what_is_damaged_is_refused(run, text):
    deal(run, pairs=20)
    deck_file(run.run, "estimate").write_bytes(text)
    with pytest.raises(UsageError):
        tally(run.run)
    (run.run / FILE).write_bytes(text)
    with pytest.raises(UsageError):
        read_review(run.run)


def test_a_deck_that_is_missing_is_asked_for(run):
    with pytest.raises(RunIncomplete, match="no deck of pairs for triage"):
        read_deck(run.run, "triage")


def test_the_exported_table_holds_one_row_for_each_standing_answer(run, tmp_path):
    deck = deal(run, pairs=40)
    drawn = of_truth(deck, "open")
    answer(run.run, deck, drawn[:3], ["same", "unsure", "different"], reviewer="ann")
    answer(run.run, deck, drawn[:1], ["different"], reviewer="bob")
    answer(run.run, deck, drawn[2:3], ["same"], reviewer="ann")
    answer(run.run, deck, drawn[:1], ["same"], reviewer="eve", step="decide")
    known = of_truth(deck, "different")[:1]
    answer(run.run, deck, known, ["different"], reviewer="bob")
    path = export(run.run, tmp_path / "all.parquet")
    assert path.stat().st_mode & 0o777 == 0o600
    table = pq.read_table(path)
    assert table.schema.equals(TABLE)
    rows = table.to_pylist()
    assert [(one["reviewer"], one["answer"]) for one in rows] == [
        ("reviewer 1", "same"),
        ("reviewer 1", "unsure"),
        ("reviewer 1", "same"),
        ("reviewer 2", "different"),
        ("reviewer 2", "different"),
    ]
    assert [one["decided"] for one in rows] == ["same", None, None, "same", None]
    assert [one["truth"] for one in rows] == ["open"] * 4 + ["different"]
    part = deck.parts[0]
    assert rows[0]["probability"] == pytest.approx(10 / part.population)
    assert (rows[4]["stratum"], rows[4]["probability"], rows[4]["similarity"]) == (None, None, None)
    assert rows[0]["similarity"] == drawn[0].similarity
    # The inverse of the probabilities weighs the sample up to the population.
    answer(run.run, deck, drawn, ["same"] * 40, reviewer="zoe")
    rows = pq.read_table(export(run.run, tmp_path / "all.parquet")).to_pylist()
    weights = [1 / one["probability"] for one in rows if one["reviewer"] == "reviewer 3"]
    assert sum(weights) == pytest.approx(200)
