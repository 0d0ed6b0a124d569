"""What every exact join obeys that leaves pairs out: of a set with itself, of one group."""

from collections.abc import Callable

import numpy as np

from tests.spec.joins import Join, assert_same, listed, numbers, rows_of

ONE, TWO = [1.0, 0.0], [0.0, 1.0]


def a_row_is_not_its_own_neighbour(join: Join) -> None:
    rows = np.float32([ONE, [0.8, 0.6], TWO, TWO])
    result = join(rows, k=3, above=0.7, top=2)
    assert numbers(result.indices) == [[1, 2, 3], [0, 2, 3], [3, 1, 0], [2, 1, 0]]
    assert listed(result.pairs) == listed(result.top) == [(2, 3), (0, 1)]
    alone = join(rows[:1], k=2, above=-1.0, top=3)
    assert numbers(alone.indices) == [[-1, -1]]
    assert listed(alone.pairs) == listed(alone.top) == []


def a_pair_of_a_set_with_itself_is_listed_once(join: Join) -> None:
    rows = rows_of("random", 9, 5, 0)
    result = join(rows, above=-1.0, top=50, k=8)
    once = {(i, j) for j in range(9) for i in range(j)}
    for pairs in (result.pairs, result.top):
        assert len(listed(pairs)) == len(once)
        assert set(listed(pairs)) == once
    assert all(
        sorted(row) == [j for j in range(9) if j != i] for i, row in enumerate(result.indices)
    )


def rows_of_one_group_are_not_compared(join: Join) -> None:
    query, base = np.float32([ONE, TWO, ONE]), np.float32([ONE, [0.8, 0.6], TWO, ONE])
    for groups in ([5, 7, 9], [7, 5, 5, 6]), (["a", "b", "c"], ["b", "a", "a", "d"]):
        result = join(query, base, k=2, above=0.7, top=3, exclude=groups)
        assert numbers(result.indices) == [[0, 3], [2, 1], [0, 3]]
        assert listed(result.pairs) == [(0, 0), (0, 3), (1, 2), (2, 0), (2, 3), (2, 1)]
        assert listed(result.top) == [(0, 0), (0, 3), (1, 2)]
    within = join(base, k=2, above=-1.0, exclude=np.array([1, 1, 2, 1]))
    assert numbers(within.indices) == [[2, -1], [2, -1], [1, 0], [2, -1]]
    assert listed(within.pairs) == [(1, 2), (0, 2), (2, 3)]


def excluded_pairs_leave_room_for_others(join: Join) -> None:
    base = np.float32([ONE] * 4 + [TWO] * 4 + [[0.6, 0.8]])
    result = join(
        np.float32([ONE, ONE]), base, k=1, top=2, exclude=([0, 0], [0, 0, 0, 0, 1, 1, 1, 1, 2])
    )
    assert numbers(result.indices) == [[8], [8]]
    assert listed(result.top) == [(0, 8), (1, 8)]


def neighbours_that_exclusion_takes_away_are_marked(join: Join) -> None:
    base = np.float32([TWO, ONE, [0.8, 0.6], ONE])
    result = join(np.float32([ONE] * 4), base, k=3, top=99, exclude=([0, 1, 2, 3], [1, 1, 2, 1]))
    assert numbers(result.indices) == [[1, 3, 2], [2, -1, -1], [1, 3, 0], [1, 3, 2]]
    assert result.similarities[1].tolist() == [float(np.float32(0.8)), -np.inf, -np.inf]
    assert len(result.top) == 12


def where_all_is_excluded_nothing_is_found(join: Join) -> None:
    rows = rows_of("zeros", 7, 3, 0)
    for result in (
        join(rows, rows, k=2, above=-1.0, top=4, histogram=3, exclude=([1] * 7, [1] * 7)),
        join(rows, k=2, above=-1.0, top=4, histogram=3, exclude=["a"] * 7),
    ):
        assert numbers(result.indices) == [[-1, -1]] * 7
        assert (result.similarities == -np.inf).all()
        assert listed(result.pairs) == listed(result.top) == []
        assert result.histogram.counts.tolist() == [0, 0, 0]
        assert result.histogram.rows == 7


def copies_that_are_excluded_do_not_count_as_earlier_ones(join: Join) -> None:
    base = np.float32([ONE] * 6)
    result = join(np.float32([ONE, ONE]), base, k=2, exclude=([0, 1], [0, 0, 0, 1, 0, 1]))
    assert numbers(result.indices) == [[3, 5], [0, 1]]
    best = join(np.float32([ONE]), base, top=2, exclude=([0], [0, 0, 0, 1, 0, 1]))
    assert listed(best.top) == [(0, 3), (0, 5)]
    within = join(base, k=2, top=7)
    assert numbers(within.indices) == [[1, 2], [0, 2], *[[0, 1]] * 4]
    assert listed(within.top) == [*((0, j) for j in range(1, 6)), (1, 2), (1, 3)]
    few = join(base, k=1, top=2, exclude=[0, 0, 0, 1, 1, 2])
    assert numbers(few.indices) == [[3], [3], [3], [0], [0], [0]]
    assert listed(few.top) == [(0, 3), (0, 4)]


def a_zero_row_has_the_first_allowed_neighbours(join: Join) -> None:
    query = np.float32([[0, 0], ONE, [0, 0]])
    base = np.float32([ONE, TWO, [-1, 0], [0, 0], ONE])
    result = join(query, base, k=3, exclude=([1, 2, 3], [1, 2, 1, 3, 4]))
    assert numbers(result.indices) == [[1, 3, 4], [0, 4, 3], [0, 1, 2]]
    assert numbers(join(query, k=2).indices) == [[1, 2], [0, 2], [0, 1]]


def a_histogram_counts_allowed_pairs_both_ways(join: Join) -> None:
    rows = np.float32([ONE, ONE, TWO, [-1, 0]])
    result = join(rows, histogram=2)
    # One pair at 1, three at 0, two at -1, each both ways.
    assert result.histogram.counts.tolist() == [4, 8]
    assert join(rows, histogram=2, exclude=[0, 0, 1, 1]).histogram.counts.tolist() == [4, 4]
    sides = join(rows[:2], rows, histogram=2, exclude=([0, 1], [0, 0, 1, 2]))
    assert sides.histogram.counts.tolist() == [2, 3]
    # Of 768 rows two of three are counted: 0, 1, 3, 4, 6, ...
    many = np.repeat(rows[:1], 768, axis=0)
    found = join(many, rows[2:], histogram=2, exclude=([0, 1, 2] * 256, [2, 1])).histogram
    assert (found.counts.tolist(), found.rows) == ([256, 512], 512)


def several_bases_are_separate_joins(join: Join) -> None:
    query = rows_of("ties", 6, 3, 0)
    bases = rows_of("ties", 5, 3, 1), rows_of("copies", 0, 3, 2), rows_of("ties", 9, 3, 3)
    groups = [0, 1, 2, 0, 1, 2], [[0, 0, 1, 1, 3], [], [1] * 5 + [0] * 4]
    options = {"k": 2, "above": 0.5, "top": 3, "histogram": 4}
    for both in (None, groups):
        found = join(query, bases, **options, exclude=both)
        assert len(found) == 3
        for i, (one, base) in enumerate(zip(found, bases, strict=True)):
            exclude = None if both is None else (groups[0], groups[1][i])
            assert_same(one, join(query, base, **options, exclude=exclude))


EXCLUDE_LAWS: tuple[Callable[[Join], None], ...] = (
    a_row_is_not_its_own_neighbour,
    a_pair_of_a_set_with_itself_is_listed_once,
    rows_of_one_group_are_not_compared,
    excluded_pairs_leave_room_for_others,
    neighbours_that_exclusion_takes_away_are_marked,
    where_all_is_excluded_nothing_is_found,
    copies_that_are_excluded_do_not_count_as_earlier_ones,
    a_zero_row_has_the_first_allowed_neighbours,
    a_histogram_counts_allowed_pairs_both_ways,
    several_bases_are_separate_joins,
)
