"""The measured tables of the docs are what the benchmarks print."""

import numpy as np
import pytest

from benchmarks import hubs, judges, membership, reviewing
from tests.docs.pages import pages


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


def test_a_table_of_nulls_has_a_line_for_each_kind_of_samples():
    lines = membership.nulls_table(1).splitlines()
    assert len(lines) == 2 + 2
    assert lines[2].startswith("| the same | 1 | ")
