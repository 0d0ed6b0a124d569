"""The measured tables of the docs are what the benchmarks print."""

import numpy as np
import pytest

from benchmarks import hubs, judges, membership, mixtures, reviewing, searching
from benchmarks.truth import People
from spolia.core.types import normalise
from spolia.stats.conformal import benjamini_hochberg
from spolia.stats.pool import pooled_p
from tests.docs.pages import pages
from tests.spec.search_laws import JUDGE


def test_the_held_out_digits_are_in_neither_set():
    played = hubs.contest(0, 0.0)
    assert played.to_train.size == 597 * hubs.DRAWS
    assert max(played.to_train.max(), played.to_control.max()) < 0.9999


def test_exact_draws_of_an_image_name_one_identity():
    played = hubs.contest(0, 0.0)
    wins = np.concatenate([played.train_wins, played.control_wins])
    assert (wins % hubs.DRAWS == 0).all()


def test_the_same_seed_gives_the_same_contest():
    one, other = hubs.contest(1, 1 / 16), hubs.contest(1, 1 / 16)
    assert (one.train_scores == other.train_scores).all()


@pytest.mark.slow
def test_the_table_of_the_verdict_page_is_what_the_benchmark_prints():
    assert hubs.table(hubs.RUNS) in pages()["docs/methods/verdict.md"]


@pytest.mark.slow
def test_the_tables_of_the_judges_page_are_what_the_benchmark_prints():
    page = pages()["docs/methods/judges.md"]
    for table in judges.table(judges.RUNS).split("\n\n"):
        assert table in page
    assert judges.p_table(judges.P_RUNS) in page


def test_a_table_of_judges_has_a_line_for_every_world():
    lines = judges.table(2).splitlines()
    assert len(lines) == 2 * 2 + 1 + len(judges.WORLDS) + sum(w.leaks > 0 for w in judges.WORLDS)
    assert judges.p_table(3).count("**together**") == 5


@pytest.mark.slow
def test_the_table_of_the_review_page_is_what_the_benchmark_prints():
    assert reviewing.table(reviewing.DECKS) in pages()["docs/methods/review.md"]


def test_a_table_of_reviews_has_a_line_for_every_truth_and_reviewer():
    lines = reviewing.table(2).splitlines()
    assert len(lines) == 2 + len(reviewing.TRUTHS) * len(reviewing.REVIEWERS)
    assert lines[2].startswith("| none | 100%, 100%, 0% | 100.0% (")


def test_the_mixtures_are_judged_as_the_code_judges():
    rng = np.random.default_rng(0)
    for draw in mixtures.WORLDS.values():
        queries, others = draw(rng, (2, mixtures.QUERIES)), draw(rng, (2, mixtures.POOL))
        counts = mixtures.PHOTOS_OF_QUERIES
        p = mixtures.p_values(queries, others, counts)
        for i in range(2):
            asked = [one[:k] for one, k in zip(queries[i], counts, strict=True)]
            pool = [one[:k] for one, k in zip(others[i], mixtures.PHOTOS_OF_POOL, strict=True)]
            np.testing.assert_array_equal(p[i], pooled_p(asked, pool).p)
        named = benjamini_hochberg(p[0]) <= mixtures.LEVEL
        np.testing.assert_array_equal(mixtures.named(p)[0], named)


@pytest.mark.slow
def test_the_table_of_mixtures_is_what_the_benchmark_prints():
    assert mixtures.table(20_000) in pages()["docs/methods/identity.md"]


def test_a_table_of_searches_has_a_line_for_each_number_of_photos_and_truth():
    rng = np.random.default_rng(0)
    counts = [4] * 140 + [1] * 30
    whose = np.repeat(np.arange(170), counts)
    rows = normalise(rng.normal(size=(170, 24))[whose] + 0.5 * rng.normal(size=(whose.size, 24)))
    photos = {f"{who:03d}": np.flatnonzero(whose == who) for who in range(170)}
    lines = searching.table(People(rows, photos, JUDGE), 2).splitlines()
    assert [line[:12] for line in lines[2:]] == [
        "| 1 | not sh",
        "| 1 | shown ",
        "| 3 | not sh",
        "| 3 | shown ",
    ]
    shown = [float(line.split("|")[4].split("±")[0]) for line in lines[2:]]
    assert shown[1] > 0.8 > 0.3 > shown[0]


def test_a_table_of_nulls_has_a_line_for_each_kind_of_samples():
    lines = membership.nulls_table(1).splitlines()
    assert len(lines) == 2 + 2
    assert lines[2].startswith("| the same | 1 | ")
