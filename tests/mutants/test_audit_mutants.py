"""Known wrong versions of the way from rows to a verdict; each must break its law."""

import numpy as np
import pytest

from spolia.auditing import halves, match, sets, verdict
from spolia.auditing.match import Neighbours
from spolia.core.types import Embeddings
from spolia.store.precomputed import UNKNOWN_MODEL
from spolia.store.shards import ShardedRows

ROWS = np.eye(6, dtype=np.float32)


def prepared(ids, identities=None):
    embeddings = Embeddings(ROWS[: len(ids)], ids, identities)
    return sets.prepare("train", embeddings, UNKNOWN_MODEL, fingerprint="")


def law_the_nearer_of_two_halves_wins_and_ties_go_by_row(nearest_of):
    one = Neighbours(np.array([[4, 2]]), np.array([[0.9, 0.5]]))
    other = Neighbours(np.array([[3, 1]]), np.array([[0.9, 0.7]]))
    both = nearest_of(one, other)
    assert both.indices.tolist() == [[3, 4]]
    assert both.similarities.tolist() == [[0.9, 0.9]]


def law_missing_neighbours_never_win(nearest_of):
    none = Neighbours(np.array([[-1, -1]]), np.array([[-np.inf, -np.inf]]))
    some = Neighbours(np.array([[5, -1]]), np.array([[-0.4, -np.inf]]))
    assert nearest_of(none, some).indices.tolist() == [[5, -1]]


def law_the_stricter_ratio_is_used(size_ratio):
    train = prepared(list("abcd"), ["p", "p", "q", "q"])
    control = prepared(list("wxyz"), ["p", "q", "r", "s"])
    assert size_ratio(train, control) == 1.0
    assert size_ratio(control, train) == 0.5


def law_halves_are_of_different_people(split_control):
    control = prepared(list("abcdef"), ["p", "p", "q", "q", "r", "s"])
    split = split_control(control, 0)
    people = [{control.identity[i] for i in rows.tolist()} for rows in split.rows]
    assert people[0].isdisjoint(people[1])
    assert (len(people[0]), len(people[1])) == (split.first, split.second) == (2, 2)


def law_rows_keep_their_names(prepare):
    one = prepare("train", Embeddings(ROWS, list("fedcba")), UNKNOWN_MODEL, fingerprint="")
    for i, name in enumerate(one.ids):
        np.testing.assert_array_equal(one.rows[i : i + 1][0], ROWS["fedcba".index(name)])


def law_shards_read_as_one(sharded_rows):
    rows = sharded_rows([ROWS[:2], ROWS[2:5], ROWS[5:]], 6)
    np.testing.assert_array_equal(rows[1:6], ROWS[1:6])
    np.testing.assert_array_equal(rows[np.array([5, 2, 1])], ROWS[[5, 2, 1]])


LAWS = [
    (law_the_nearer_of_two_halves_wins_and_ties_go_by_row, match.nearest_of),
    (law_missing_neighbours_never_win, match.nearest_of),
    (law_the_stricter_ratio_is_used, verdict.size_ratio),
    (law_halves_are_of_different_people, halves.split_control),
    (law_rows_keep_their_names, sets.prepare),
    (law_shards_read_as_one, ShardedRows),
]


@pytest.mark.parametrize(("law", "right"), LAWS, ids=lambda one: one.__name__)
def test_law_holds(law, right):
    assert law(right) is None


def ties_by_arrival(one, other):
    indices = np.concatenate([one.indices, other.indices], axis=1)
    similarities = np.concatenate([one.similarities, other.similarities], axis=1)
    order = np.argsort(-similarities, axis=1, kind="stable")[:, : one.indices.shape[1]]
    take = np.take_along_axis
    return Neighbours(take(indices, order, axis=1), take(similarities, order, axis=1))


def missing_as_similarity_zero(one, other):
    filled = [
        Neighbours(side.indices, np.where(side.indices < 0, 0.0, side.similarities))
        for side in (one, other)
    ]
    return match.nearest_of(*filled)


def ratio_of_identities_alone(train, control):
    return len(control.identities) / len(train.identities)


def ratio_of_records_alone(train, control):
    return len(control) / len(train)


def halves_of_records(control, seed):
    rows = np.arange(len(control))
    return halves.Halves((rows[::2], rows[1::2]), 2, 2)


def sorted_names_over_unsorted_rows(role, embeddings, model, *, fingerprint):
    moved = Embeddings(embeddings.vectors, sorted(embeddings.ids))
    return sets.prepare(role, moved, model, fingerprint=fingerprint)


def first_shard_only(shards, dim):
    return ShardedRows([shards[0], *shards[:-1]], dim)


MUTANTS = [
    (law_the_nearer_of_two_halves_wins_and_ties_go_by_row, ties_by_arrival),
    (law_missing_neighbours_never_win, missing_as_similarity_zero),
    (law_the_stricter_ratio_is_used, ratio_of_identities_alone),
    (law_the_stricter_ratio_is_used, ratio_of_records_alone),
    (law_halves_are_of_different_people, halves_of_records),
    (law_rows_keep_their_names, sorted_names_over_unsorted_rows),
    (law_shards_read_as_one, first_shard_only),
]


@pytest.mark.parametrize(("law", "mutant"), MUTANTS, ids=lambda one: one.__name__)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
