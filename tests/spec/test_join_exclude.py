"""What a join leaves out: how it is asked for, what is refused, what copies it may skip."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import InvalidRows, UsageError
from spolia.core.types import Int64
from spolia.search.copies import late_copies
from spolia.search.engines import check_engine
from spolia.search.exclude import Exclude, exclude_between, exclude_within
from spolia.search.join import join
from spolia.search.torch_engine import available
from tests.spec.joins import KINDS, RIGHT, assert_same, listed, numbers, reference, rows_of

ROWS = rows_of("random", 4, 3, 0)
ALL = {"k": 2, "above": 0.2, "top": 3, "histogram": 6}

# Groups


@given(st.lists(st.sampled_from(["", "a", "b", "ä"]), max_size=9), st.data())
def test_groups_are_equal_exactly_where_their_names_are(
    names: list[str], data: st.DataObject
) -> None:
    others = data.draw(st.lists(st.sampled_from(["a", "b", "c"]), max_size=9))
    (one,) = exclude_between((names, others), len(names), [len(others)], several=False)
    assert one is not None
    hidden = one.hidden(slice(len(names)), slice(len(others)))
    assert hidden.tolist() == [[a == b for b in others] for a in names]
    within = exclude_within(names, len(names))
    assert within.once
    hidden = within.hidden(slice(len(names)), slice(len(names)))
    assert hidden.tolist() == [[a == b for b in names] for a in names]


@pytest.mark.parametrize(
    "groups",
    [
        np.array([3, 3, -1, 4]),
        np.array([3, 3, 1, 4], dtype=np.uint8),
        ["x", "x", "y", "z"],
        np.array(["x", "x", "y", "z"]),
        np.array(["x", "x", "y", "z"], dtype=object),
        [2**62, 2**62, -(2**62), 0],
    ],
    ids=str,
)
def test_groups_may_be_integers_or_strings_of_any_kind(groups: Any) -> None:
    assert_same(join(ROWS, **ALL, exclude=groups), join(ROWS, **ALL, exclude=[0, 0, 1, 2]))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2, 3], r"exclude must give one group for each of 4 rows, but has shape \(3,\)"),
        ("abcd", "one group for each of 4 rows"),
        ([[1], [2], [3], [4]], "one group for each of 4 rows"),
        ([[1], [2, 3], [4], [5]], "ragged list"),
        ([1.0, 2.0, float("nan"), 4.0], "integers .* or strings, but is float64"),
        ([True, False, True, True], "but is bool"),
        (["a", "b", None, "d"], "but is object; give every row a group"),
        (["a", "b", 3, "d"], "integers .* or strings"),
        (np.array([1, 2, 3, 2**63], dtype=np.uint64), "up to int64"),
        ([1, 2, 3, 2**70], "up to int64"),
    ],
    ids=str,
)
def test_groups_that_are_no_groups_are_refused(groups: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        join(ROWS, k=1, exclude=groups)
    side = message.replace("exclude", r"exclude\[1\]")
    with pytest.raises(UsageError, match=side):
        join(ROWS[:2], ROWS, k=1, exclude=(["a", "b"], groups))


@pytest.mark.parametrize(
    ("exclude", "message"),
    [
        (np.zeros((2, 4), dtype=np.int64), "exclude must be a pair, .* but is a ndarray"),
        ([[0, 0, 0, 0]], "exclude must be a pair"),
        (([0, 0, 0], [0, 0, 0, 0]), r"exclude\[0\] must give one group for each of 4 rows"),
        (([0, 0, 0, 0], list("abcd")), "all integers or all strings"),
    ],
    ids=str,
)
def test_groups_of_two_sides_that_do_not_fit_are_refused(exclude: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        join(ROWS, ROWS, k=1, exclude=exclude)


@pytest.mark.parametrize(
    ("exclude", "message"),
    [
        (([0, 0, 0, 0], [0, 0, 0, 0]), "groups of each of the 2 bases"),
        (([0, 0, 0, 0], [[0, 0, 0, 0]]), "groups of each of the 2 bases"),
        (([0, 0, 0, 0], [[0, 0, 0, 0], [1]]), r"exclude\[1\]\[1\] must give one group .* of 3"),
    ],
    ids=str,
)
def test_groups_of_several_bases_that_do_not_fit_are_refused(exclude: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        join(ROWS, [ROWS, ROWS[:3]], k=1, exclude=exclude)


def test_an_empty_side_has_groups_of_any_kind() -> None:
    found = join(ROWS, ROWS[:0], k=1, exclude=(list("abcd"), []))
    assert numbers(found.indices) == [[-1]] * 4
    assert numbers(join(ROWS[:0], k=1, exclude=[]).indices) == []


def test_a_subset_of_the_query_looks_both_ways() -> None:
    part = Exclude.itself(5).subset(np.array([1, 4]))
    assert not part.once
    assert part.hidden(slice(2), slice(5)).nonzero()[1].tolist() == [1, 4]


# Several bases


def test_bases_may_be_a_tuple_or_a_list_of_any_length() -> None:
    (one,) = join(ROWS, [ROWS], **ALL)
    assert_same(one, join(ROWS, ROWS, **ALL))
    assert isinstance(join(ROWS, (ROWS, ROWS), k=1), tuple)


def test_no_base_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one set of rows, but is an empty list"):
        join(ROWS, [], k=1)


def test_a_base_that_is_wrong_is_named() -> None:
    with pytest.raises(InvalidRows, match=r"base\[1\] must have unit rows"):
        join(ROWS, [ROWS, 2 * ROWS], k=1)
    with pytest.raises(InvalidRows, match=r"query and base\[0\] must have the same width"):
        join(ROWS, (np.eye(2, dtype=np.float32),), k=1)


@pytest.mark.parametrize("options", [{"k": 1}, {"histogram": 2}, {"k": 1, "histogram": 2}])
def test_progress_over_several_bases_never_falls_and_ends_once(options: dict[str, int]) -> None:
    seen: list[tuple[str, int, int]] = []
    query = rows_of("random", 3000, 3, 0)
    bases = ROWS, rows_of("random", 50, 3, 1), ROWS
    join(query, bases, **options, engine="library", progress=lambda *told: seen.append(told))
    assert {(stage, total) for stage, _, total in seen} == {("join", 3000)}
    done = [done for _, done, _ in seen]
    assert done == sorted(done)
    assert done.count(3000) == 1


# Engines


@pytest.mark.parametrize("engine", ["Auto", "numpy", ""])
def test_an_unknown_engine_is_refused(engine: str) -> None:
    with pytest.raises(UsageError, match="engine must be auto, kernel, library or gpu"):
        check_engine(engine)


@pytest.mark.parametrize("engine", ["auto", "library"])
def test_an_engine_that_is_everywhere_joins(engine: str) -> None:
    assert_same(join(ROWS, **ALL, engine=engine), reference(ROWS, **ALL))


@pytest.mark.skipif(available("cuda"), reason="there is a card, so engine gpu is not refused")
def test_an_engine_that_is_not_here_is_refused() -> None:
    with pytest.raises(UsageError, match="engine gpu needs"):
        join(ROWS, k=1, engine="gpu")


def test_a_kernel_that_is_switched_off_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOLIA_KERNEL", "library")
    with pytest.raises(UsageError, match="switched off by SPOLIA_KERNEL=library"):
        join(ROWS, k=1, engine="kernel")


def test_a_kernel_of_another_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOLIA_KERNEL", "altivec")
    with pytest.raises(UsageError, match=r"SPOLIA_KERNEL must name a kernel.*'altivec'"):
        join(ROWS, k=1)


# Copies


@given(
    st.sampled_from(KINDS),
    st.integers(0, 40),
    st.integers(1, 5),
    st.integers(0, 9),
    st.none() | st.integers(1, 6),
)
def test_late_copies_have_enough_earlier_ones_that_nobody_excludes(
    kind: str, m: int, limit: int, seed: int, kinds: int | None
) -> None:
    rows = rows_of(kind, m, 3, seed) + np.float32(0.0)  # no negative zero
    groups = None if kinds is None else np.random.default_rng(seed).integers(-1, kinds, m)
    late = late_copies(rows, limit, groups)
    for j in range(m):
        earlier = np.array([i for i in range(j) if np.array_equal(rows[i], rows[j])], dtype=int)
        assert late[j] == (sure_copies(earlier, j, groups) >= limit)


def sure_copies(earlier: Int64, j: int, groups: Int64 | None) -> int:
    """Return how many of the earlier copies no query row excludes, by the simple rule."""
    if groups is None:
        return len(earlier)
    sizes = [int(np.sum(groups[earlier] == group)) for group in groups[earlier]]
    least = len(earlier) - max(sizes, default=0)
    return max(least, int(np.sum(groups[earlier] == groups[j])))


@pytest.mark.parametrize(
    ("groups", "late"),
    [
        ([0, 1, 2, 0], [False, False, False, True]),
        ([0, 1, 2, 3], [False, False, False, True]),
        ([0, 1, 0, 1], [False, False, False, False]),
        ([0, 0, 0, 1], [False, False, True, False]),
    ],
    ids=str,
)
def test_a_late_copy_is_none_of_its_own_earlier_copies(groups: list[int], late: list[bool]) -> None:
    assert late_copies(np.ones((4, 1), np.float32), 2, np.array(groups)).tolist() == late


@given(st.integers(1, 30), st.integers(1, 4), st.integers(0, 99))
def test_late_copies_are_in_no_result(m: int, limit: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.eye(2, dtype=np.float32)[rng.integers(0, 2, m)]
    for groups in (np.arange(m), rng.integers(0, 3, m)):
        late = np.flatnonzero(late_copies(rows, limit, groups))
        found = reference(rows, k=limit, top=limit, exclude=groups)
        assert not np.isin(found.indices, late).any()
        assert not np.isin(found.top.base, late).any()


def test_copies_by_the_thousand_do_not_flood_a_join_of_a_set_with_itself() -> None:
    rows = np.repeat(rows_of("random", 1, 64, 0), 4000, axis=0)
    rows[::7] = 0
    tracemalloc.start()
    try:
        result = join(rows, k=3, top=5, memory=16 << 20, engine="library")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Row 0 is zero: as similar to all, but never to itself.
    assert numbers(result.indices)[:3] == [[1, 2, 3], [2, 3, 4], [1, 3, 4]]
    assert listed(result.top) == [(1, j) for j in (2, 3, 4, 5, 6)]
    assert peak <= 16 << 20


def test_memory_for_groups_is_counted() -> None:
    query, base = rows_of("random", 10, 3, 0), rows_of("copies", 30_000, 3, 0)
    groups = np.arange(10), np.arange(30_000) % 999
    with pytest.raises(UsageError, match="memory must be at least") as refused:
        join(query, base, k=2, exclude=groups, memory=5_000_000, engine="library")
    least = int(str(refused.value).split("at least ")[1].split(" bytes")[0].replace(",", ""))
    assert join(query, base, k=2, memory=5_000_000, engine="library").indices is not None
    tracemalloc.start()
    try:
        join(query, base, k=2, exclude=groups, memory=least, engine="library")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= least


@pytest.mark.parametrize("right", list(RIGHT))
def test_excluded_zero_rows_do_not_hide_negative_neighbours(right: str) -> None:
    """A bound learnt from pairs that do not exist would be 0 here, and hide all that do."""
    base = np.zeros((160, 8), dtype=np.float32)
    base[150:] = -rows_of("random", 1, 8, 0) + 0.0
    query = rows_of("random", 1, 8, 0)
    groups = np.repeat([0, 1], [150, 10])
    result = RIGHT[right](query, base, k=3, exclude=(np.array([0]), groups))
    assert numbers(result.indices) == [[150, 151, 152]]
