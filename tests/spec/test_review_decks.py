"""Laws of decks: what is drawn is a random sample of known probabilities, and tells nothing."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

import spolia
from spolia.auditing.result import load_result
from spolia.core.errors import RunIncomplete, UsageError
from spolia.review.deck import read_deck, write_deck
from spolia.review.drawing import allocate, draw, make_deck, triaged
from spolia.review.known import alike_rows
from spolia.review.population import Population, cut_strata, nearest_of, read_population
from tests.judges import Blind, Pixels, write_study
from tests.planted import planted
from tests.reviewers import audit_digits, audit_people
from tests.spec import deck_laws as laws


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    return audit_digits(tmp_path_factory.mktemp("leaky"), leaky=True)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Run folders of people whose identities are known, and not."""
    root = tmp_path_factory.mktemp("people")
    return {known: audit_people(root / str(known), identities=known) for known in (True, False)}


def without_chance(deck):
    """A deck but for what is made by chance: the tokens and the key."""
    return replace(
        deck,
        key="",
        tasks=tuple(
            replace(
                one,
                token="",
                query=replace(one.query, token=""),
                reference=replace(one.reference, token=""),
            )
            for one in deck.tasks
        ),
    )


def of_truth(deck, truth):
    return [one for one in deck.tasks if one.truth == truth]


def test_the_population_is_every_synthetic_record_once(leaky):
    result = load_result(leaky.run)
    deck = make_deck(leaky.run, "estimate")
    population = read_population(leaky.run, result)
    assert sum(part.population for part in deck.parts) == len(set(population.query)) == 200
    findings = {(one["query"], one["reference"]) for one in result.findings.to_pylist()}
    assert sum(one.population for one in deck.parts if one.findings) == len(findings)
    pairs = set(zip(population.query, population.reference, strict=True))
    assert findings <= pairs


def test_strata_are_findings_first_and_from_the_most_similar_on(leaky):
    deck = make_deck(leaky.run, "estimate")
    assert [one.findings for one in deck.parts] == [True, True, False, False]
    for above, below in zip(deck.parts, deck.parts[1:], strict=False):
        assert above.low >= below.high or above.findings != below.findings
    for one in of_truth(deck, "open"):
        part = deck.parts[one.stratum]
        assert part.low <= one.similarity <= part.high


def test_half_of_a_deck_are_findings_and_no_pair_is_there_twice(leaky):
    deck = make_deck(leaky.run, "estimate", pairs=60)
    drawn = of_truth(deck, "open")
    assert len(drawn) == 60
    assert sum(deck.parts[one.stratum].findings for one in drawn) == 30
    pairs = [frozenset((one.query.id, one.reference.id, one.query.role)) for one in deck.tasks]
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize(
    "law",
    [
        laws.law_every_pair_of_a_stratum_is_drawn_as_often,
        laws.law_half_are_findings_and_none_is_drawn_twice,
    ],
    ids=lambda one: one.__name__,
)
def test_law_of_the_drawing_holds(law):
    assert law(draw) is None


def test_strangers_are_drawn_as_alike_as_wanted():
    assert laws.law_strangers_are_as_alike_as_wanted(alike_rows) is None


def test_decks_of_a_run_are_drawn_from_all_of_every_stratum(leaky):
    """Over some decks every pair is shown, as often as any of its stratum but for chance."""
    times, decks = Counter(), 25
    for seed in range(decks):
        deck = make_deck(leaky.run, "estimate", pairs=100, known=0, seed=seed)
        times.update((one.stratum, one.query.id) for one in deck.tasks)
    drawn = Counter(one.stratum for one in deck.tasks)
    for number, part in enumerate(deck.parts):
        found = [count for (stratum, _), count in times.items() if stratum == number]
        assert sum(found) == decks * drawn[number]
        assert len(found) == part.population


def test_a_deck_depends_on_its_seed_alone_but_for_what_must_not_be_guessed(leaky):
    one, again = (make_deck(leaky.run, "estimate", seed=7) for _ in range(2))
    other = make_deck(leaky.run, "estimate", seed=8)
    assert without_chance(one) == without_chance(again) != without_chance(other)
    assert one.key != again.key
    tokens = [token for deck in (one, again) for token in every_token(deck)]
    assert len(set(tokens)) == len(tokens)
    assert all(len(token) == 16 and int(token, 16) >= 0 for token in tokens)


def every_token(deck):
    yield deck.key
    for one in deck.tasks:
        yield from (one.token, one.query.token, one.reference.token)


def test_sides_are_even_and_tell_no_truth(leaky):
    deck = make_deck(leaky.run, "estimate", pairs=200, known=60)
    for truth in ("open", "same", "different"):
        swapped = [one.swapped for one in of_truth(deck, truth)]
        low, high = binom.ppf([1e-4, 1 - 1e-4], len(swapped), 0.5)
        assert low <= sum(swapped) <= high


def test_known_pairs_are_what_they_are_said_to_be(leaky):
    deck = make_deck(leaky.run, "estimate", known=20)
    same, different = of_truth(deck, "same"), of_truth(deck, "different")
    assert len(same) == len(different) == 20
    for one in same:
        assert one.query.id == one.reference.id
        assert (one.query.edited, one.reference.edited) == (True, False)
        assert one.query.role == one.reference.role == "train"
    for one in different:
        assert (one.query.role, one.reference.role) == ("synthetic", "control")
    for one in same + different:
        assert (one.stratum, one.similarity, one.score) == (None, None, None)


def test_no_synthetic_image_is_shown_with_both_sets(leaky):
    deck = make_deck(leaky.run, "estimate", pairs=100)
    shown = [one.query.id for one in deck.tasks if one.query.role == "synthetic"]
    assert len(set(shown)) == len(shown)


def test_where_all_are_drawn_some_images_are_shown_again(leaky):
    deck = make_deck(leaky.run, "estimate", pairs=1000)
    assert len(of_truth(deck, "open")) == 200
    assert len(of_truth(deck, "different")) == 20


def test_strangers_are_as_alike_as_can_be(leaky):
    """They are nearer to the findings than synthetic records drawn at random would be."""
    control = nearest_by_query(leaky.run, "control")
    deck = make_deck(leaky.run, "estimate", known=20)
    chosen = [control[one.query.id][1] for one in of_truth(deck, "different")]
    assert np.median(chosen) > np.quantile([s for _, s in control.values()], 0.7)
    assert all(control[one.query.id][0] == one.reference.id for one in of_truth(deck, "different"))


def nearest_by_query(run, role):
    return {
        one["query"]: (one["reference"], one["similarity"])
        for one in nearest_of(run, role).to_pylist()
    }


def test_of_persons_two_photos_are_known_to_be_the_same(people):
    deck = make_deck(people[True], "estimate", pairs=20, known=15)
    assert deck.question == "person"
    same = of_truth(deck, "same")
    assert len(same) == 15
    named = [one.query.id.partition("/")[0] for one in same]
    assert len(set(named)) == 15
    for one in same:
        assert one.query.id != one.reference.id
        assert one.query.id.partition("/")[0] == one.reference.id.partition("/")[0]
        assert not one.query.edited
    more = make_deck(people[True], "estimate", pairs=20, known=100)
    assert len(of_truth(more, "same")) == 40


def test_of_persons_without_names_a_photo_is_itself(people):
    deck = make_deck(people[False], "estimate", pairs=20)
    assert deck.question == "person"
    assert all(one.query.edited for one in of_truth(deck, "same"))


def test_two_photos_that_are_one_are_not_shown_as_two(tmp_path):
    """Near-duplicates are known to be the same too easily."""
    run = audit_people(tmp_path, identities=True, people=12)
    train = sorted(f"train-{i:03d}/{j}.png" for i in range(12) for j in range(3))
    assert load_result(run).counted["duplicates"].num_rows == 0
    alike = [name for name in train if name.endswith(("/0.png", "/1.png"))]
    table = pa.table(
        {
            "set": ["train"] * len(alike),
            "cluster": [i // 2 for i in range(len(alike))],
            "id": alike,
            "identity": [name.partition("/")[0] for name in alike],
        }
    )
    pq.write_table(table, run / "duplicates.parquet")
    deck = make_deck(run, "estimate", pairs=10, known=12)
    for one in of_truth(deck, "same"):
        assert {one.query.id[-5], one.reference.id[-5]} == {"0", "2"}


def test_without_control_strangers_are_of_train(tmp_path):
    audited = audit_digits(tmp_path, leaky=False, control=False)
    deck = make_deck(audited.run, "estimate", pairs=20, known=30)
    assert not any(part.findings for part in deck.parts)
    different = of_truth(deck, "different")
    assert len(different) == 30
    shown = [side.id for one in different for side in (one.query, one.reference)]
    assert len(set(shown)) == 60
    assert all(one.score is None for one in deck.tasks)


def test_a_triage_shows_the_uncertain_or_the_highest_first(leaky):
    threshold = load_result(leaky.run).summary.threshold
    uncertain = make_deck(leaky.run, "triage", pairs=50)
    gaps = [abs(one.score - threshold) for one in uncertain.tasks]
    assert gaps == sorted(gaps)
    highest = make_deck(leaky.run, "triage", pairs=50, first="highest")
    scores = [one.score for one in highest.tasks]
    assert scores == sorted(scores, reverse=True)
    for deck in (uncertain, highest):
        assert deck.order("ann") == list(deck.tasks)
        assert deck.parts == ()
        assert all((one.truth, one.stratum) == ("open", None) for one in deck.tasks)


def test_a_triage_shows_pairs_without_a_score_last():
    score = np.array([0.2, np.nan, 0.9, np.nan])
    one = Population(list("abcd"), list("abcd"), np.array([0.1, 0.5, 0.2, 0.6]), score, score > 0.5)
    assert triaged(one, 0.25, "uncertain").tolist() == [0, 2, 3, 1]
    assert triaged(one, None, "uncertain").tolist() == [2, 0, 3, 1]
    assert triaged(one, 0.25, "highest").tolist() == [2, 0, 3, 1]


def test_pairs_of_a_run_keep_no_score_but_the_rankings(people):
    population = read_population(people[True], load_result(people[True]))
    result = load_result(people[True])
    assert result.summary.distribution.scale == "score"
    assert np.count_nonzero(~np.isnan(population.score)) >= result.ranking.num_rows > 0


def test_a_deck_that_is_kept_comes_back(leaky):
    deck = make_deck(leaky.run, "estimate", pairs=10)
    write_deck(leaky.run, deck)
    assert read_deck(leaky.run, "estimate") == deck


@given(st.integers(0, 300), st.lists(st.integers(0, 100), min_size=1, max_size=6))
def test_an_allocation_is_as_equal_as_can_be(total, sizes):
    taken = allocate(total, sizes)
    assert sum(taken) == min(total, sum(sizes))
    assert all(0 <= a <= b for a, b in zip(taken, sizes, strict=True))
    short = [a for a, b in zip(taken, sizes, strict=True) if a < b]
    if short:
        assert max(short) - min(short) <= 1
        assert min(short) >= max(taken) - 1


@given(
    st.integers(10, 200),
    st.integers(0, 90),
    st.integers(0, 600),
    st.integers(0, 1000),
)
def test_whatever_the_population_it_is_cut_and_drawn_whole(pairs, found, others, seed):
    n = found + others
    if n == 0:
        return
    rng = np.random.default_rng(seed)
    finding = rng.permutation(np.arange(n) < found)
    one = Population([""] * n, [""] * n, rng.random(n).round(2), np.zeros(n), finding)
    strata = cut_strata(one)
    assert sorted(np.concatenate(strata).tolist()) == list(range(n))
    parts = [one.part(rows) for rows in strata]
    assert sum(part.population for part in parts if part.findings) == found
    drawn = draw(strata, [part.findings for part in parts], pairs, rng)
    assert sum(rows.size for rows in drawn) == min(pairs, n)
    assert all(set(a.tolist()) <= set(b.tolist()) for a, b in zip(drawn, strata, strict=True))
    if pairs >= 2 * len(strata):
        assert all(rows.size for rows in drawn)


def test_rows_that_are_alike_are_taken_once():
    similarity = np.linspace(0.0, 1.0, 101)
    rows = alike_rows(similarity, similarity < 0.8, np.array([0.9, 0.5]), 10)
    assert len(set(rows)) == 10
    assert max(rows) == 79
    assert alike_rows(similarity, similarity > 2.0, np.array([0.5]), 10) == []


def test_a_study_is_refused_and_its_audits_are_named(tmp_path):
    sets = write_study(tmp_path, size=80, leaks=30, clean=50)
    spolia.study(
        train=sets["train"],
        control=sets["control"],
        synthetic={"leaky": sets["leaky"]},
        embedders=(Pixels(), Blind()),
        out=tmp_path / "run",
    )
    with pytest.raises(
        UsageError, match=r"is a study; its audits are .*leaky/pixels, .*leaky/blind"
    ):
        make_deck(tmp_path / "run", "estimate")
    deck = make_deck(tmp_path / "run" / "leaky" / "pixels", "estimate", pairs=20)
    assert len(deck.tasks) == 60


def test_embeddings_are_refused_because_nobody_can_see_them(tmp_path):
    spolia.audit(**planted().sets(), out=tmp_path / "run")
    with pytest.raises(UsageError, match="needs images"):
        make_deck(tmp_path / "run", "estimate")


def test_what_is_no_run_or_lacks_its_matches_is_refused(tmp_path, leaky):
    with pytest.raises(RunIncomplete, match="not a run"):
        make_deck(tmp_path, "estimate")
    audited = audit_digits(tmp_path, leaky=False, size=60, count=30)
    (audited.run / "matches.parquet").unlink()
    with pytest.raises(RunIncomplete, match="no matches"):
        make_deck(audited.run, "estimate")


@pytest.mark.parametrize(("asked", "why"), [({"pairs": 9}, "10 pairs"), ({"known": -1}, "fewer")])
def test_decks_that_tell_nothing_are_refused(leaky, asked, why):
    with pytest.raises(UsageError, match=why):
        make_deck(leaky.run, "estimate", **asked)
