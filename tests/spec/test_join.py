"""The join is its reference: every bit, whatever the tiles, threads, memory and storage."""

import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import InvalidRows, ResultTooLarge, UsageError
from spolia.core.types import Float32, Float64, Int64, normalise
from spolia.search.block import Task, join_block
from spolia.search.exact import exact_similarity
from spolia.search.join import join
from spolia.search.plan import Wanted, make_plan
from spolia.search.result import JoinResult, merge, sampled_rows
from tests.spec.join_laws import LAWS, assert_rounded, hard_sums_are_rounded_once
from tests.spec.joins import (
    KINDS,
    RIGHT,
    assert_same,
    listed,
    planned,
    reference,
    rows_of,
    small_tiles,
)

ALL = {"k": 3, "above": 0.2, "top": 7, "histogram": 6}


class Stored:
    """Rows that allow what the protocol says and nothing else."""

    def __init__(self, rows: Float32) -> None:
        self._rows = rows
        self.shape = rows.shape
        self.dtype = rows.dtype

    def __getitem__(self, key: slice | Int64) -> Float32:
        if isinstance(key, slice):
            assert key.step is None
        else:
            assert key.dtype == np.int64
            assert key.ndim == 1
        return self._rows[key].copy()


Case = tuple[Float32, Float32 | None, dict[str, Any]]


@st.composite
def cases(draw: st.DrawFn, *, base_given: bool = False) -> Case:
    """Return query, base and options; without base in a third of the cases."""
    d = draw(st.sampled_from([1, 2, 3, 17, 511]))
    query, base = (
        rows_of(draw(st.sampled_from(KINDS)), draw(st.integers(0, 12)), d, draw(st.integers(0, 99)))
        for _ in range(2)
    )
    options = {
        "k": draw(st.none() | st.integers(1, 15)),
        "above": draw(st.none() | st.sampled_from([-1.0, -0.3, 0.0, 0.5, 1.0])),
        "top": draw(st.none() | st.integers(1, 40)),
        "histogram": draw(st.none() | st.integers(1, 40)),
    }
    if all(value is None for value in options.values()):
        options["k"] = 2
    alone = not base_given and draw(st.integers(0, 2)) == 0
    if draw(st.booleans()):
        name = st.sampled_from(draw(st.sampled_from([range(2), range(9), ["a", "b", "cc"]])))
        groups = [
            draw(st.lists(name, min_size=len(rows), max_size=len(rows))) for rows in (query, base)
        ]
        options["exclude"] = groups[0] if alone else groups
    return query, None if alone else base, options


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("right", RIGHT)
def test_law_holds(law: Any, right: str) -> None:
    assert law(RIGHT[right]) is None


@pytest.mark.parametrize("right", [name for name in RIGHT if name != "reference"])
@given(case=cases())
def test_join_equals_the_reference(case: Case, right: str) -> None:
    query, base, options = case
    assert_same(RIGHT[right](query, base, **options), reference(query, base, **options))


@given(
    cases(),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 30),
    st.integers(0, 40),
    st.integers(1, 4),
)
def test_result_does_not_depend_on_the_tile(
    case: Case, rows: int, columns: int, strip: int, waiting: int, threads: int
) -> None:
    query, base, options = case
    cut = planned(rows=rows, columns=columns, strip=strip, waiting=waiting, threads=threads)
    assert_same(cut(query, base, **options), reference(query, base, **options))


def sliced(options: dict[str, Any], rows: slice) -> dict[str, Any]:
    if "exclude" not in options:
        return options
    of_query, of_base = options["exclude"]
    return options | {"exclude": (of_query[rows], of_base)}


@given(cases(base_given=True), st.data())
def test_merge_of_slices_is_the_whole(case: Case, data: st.DataObject) -> None:
    query, base, options = case
    n = len(query)
    a, b = sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n))))
    one, two, three = (
        join(query[rows], base, **sliced(options, rows))
        for rows in (slice(a), slice(a, b), slice(b, n))
    )
    top, whole = options["top"], join(query, base, **options)
    assert_same(merge([one, two, three], [0, a, b], top=top), whole)
    left = merge([merge([one, two], [0, a], top=top), three], [0, b], top=top)
    right = merge([one, merge([two, three], [0, b - a], top=top)], [0, a], top=top)
    assert_same(left, whole)
    assert_same(right, whole)


@given(st.integers(0, 100_000))
def test_sampled_rows_rise_in_range_and_are_all_where_few(n: int) -> None:
    rows = sampled_rows(n).tolist()
    assert rows == sorted(set(range(n)) if n <= 512 else {i * n // 512 for i in range(512)})
    assert len(rows) == min(n, 512)


def large_case() -> tuple[Float32, Float32]:
    base = rows_of("random", 700, 24, 0)
    query = rows_of("random", 300, 24, 1)
    query[::10] = base[:30]
    base[300:400] = base[:100]
    return query, base


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("memory", [12 << 20, 2 << 30])
def test_result_does_not_depend_on_threads_and_memory(threads: int, memory: int) -> None:
    query, base = large_case()
    options = {"k": 20, "above": 0.6, "top": 100, "histogram": 33}
    expected = join(query, base, **options, threads=1)
    assert_same(join(query, base, **options, memory=memory, threads=threads), expected)


def test_result_of_many_small_tiles_is_that_of_one() -> None:
    query, base = large_case()
    assert_same(small_tiles(query[:40], base, **ALL), join(query[:40], base, **ALL))


def test_result_does_not_depend_on_where_the_rows_lie(tmp_path: Path) -> None:
    query, base = large_case()
    np.save(tmp_path / "base.npy", base)
    expected = join(query, base, **ALL)
    mapped = np.load(tmp_path / "base.npy", mmap_mode="r")
    assert_same(join(query, mapped, **ALL), expected)
    assert_same(join(Stored(query), Stored(base), **ALL), expected)
    assert_same(join(np.asfortranarray(query), np.asfortranarray(base), **ALL), expected)


def test_rows_of_query_may_come_in_any_order() -> None:
    query, base = large_case()
    order = np.random.default_rng(3).permutation(len(query))
    one, other = join(query, base, **ALL), join(query[order], base, **ALL)
    assert one.indices is not None
    assert other.indices is not None
    np.testing.assert_array_equal(other.indices, one.indices[order])
    assert sorted((order[q], b) for q, b in listed(other.pairs)) == sorted(listed(one.pairs))


def test_transposed_join_finds_the_transposed_pairs() -> None:
    query, base = large_case()
    base = base[:512]  # a histogram counts no more rows
    one, other = (join(*sides, above=0.3, histogram=9) for sides in ((query, base), (base, query)))
    assert sorted((b, q) for q, b in listed(other.pairs)) == sorted(listed(one.pairs))
    assert one.histogram is not None
    assert other.histogram is not None
    assert one.histogram.counts.tolist() == other.histogram.counts.tolist()


@given(cases(base_given=True))
def test_histogram_counts_every_pair_once(case: Case) -> None:
    query, base, _ = case
    result = join(query, base, histogram=7)
    assert result.histogram is not None
    assert result.histogram.counts.sum() == len(query) * len(base)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "options",
    [{"k": 5}, {"k": 300}, {"top": 3000}, {"above": 0.6}, {"histogram": 50}, ALL | {"above": 0.6}],
    ids=str,
)
def test_memory_is_respected(options: dict[str, Any], threads: int) -> None:
    query, base = rows_of("random", 1500, 32, 0), rows_of("random", 4000, 32, 1)
    query[:200] = rows_of("near-equal", 200, 32, 2)
    base[:200] = rows_of("near-equal", 200, 32, 3)
    budget = 16 << 20  # the matrix of similarities would be 24 MB in float32
    tracemalloc.start()
    try:
        result = join(query, base, **options, memory=budget, threads=threads)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - size_of(result) <= budget


def size_of(result: JoinResult) -> int:
    arrays: list[Float64 | Int64 | None] = [result.indices, result.similarities]
    for pairs in (result.pairs, result.top):
        arrays += [] if pairs is None else [pairs.query, pairs.base, pairs.similarity]
    return sum(array.nbytes for array in arrays if array is not None)


def test_copies_by_the_thousand_do_not_flood_the_join() -> None:
    rows = np.repeat(rows_of("random", 1, 64, 0), 5000, axis=0)
    tracemalloc.start()
    try:
        result = join(rows, rows, k=10, top=20, memory=16 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.indices is not None
    assert (result.indices == np.arange(10)).all()
    assert listed(result.top) == [(0, j) for j in range(20)]
    assert peak - size_of(result) <= 16 << 20


def test_pairs_that_do_not_fit_are_refused_and_not_cut_off() -> None:
    rows = np.repeat(rows_of("random", 1, 8, 0), 600, axis=0)
    with pytest.raises(ResultTooLarge, match="raise above or memory"):
        join(rows, rows, above=0.9, memory=16 << 20)


def test_progress_never_falls_and_ends_with_all_rows() -> None:
    seen: list[tuple[str, int, int]] = []
    query, base = large_case()
    join(query, base, k=1, threads=3, progress=lambda *told: seen.append(told))
    assert {(stage, total) for stage, _, total in seen} == {("join", 300)}
    done = [done for _, done, _ in seen]
    assert done == sorted(done)
    assert done[-1] == 300


def test_empty_query_is_finished_at_once() -> None:
    seen: list[tuple[str, int, int]] = []
    join(
        rows_of("random", 0, 3, 0),
        rows_of("random", 4, 3, 0),
        k=1,
        progress=lambda *t: seen.append(t),
    )
    assert seen == [("join", 0, 0)]


def test_an_error_in_progress_ends_the_join() -> None:
    def refuse(stage: str, done: int, total: int) -> None:
        if done:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        join(*large_case(), k=1, threads=2, progress=refuse)


def test_a_join_given_up_reads_no_further_tile() -> None:
    query, base = large_case()
    wanted = Wanted(histogram=4)
    plan = make_plan((300, 700, 24), wanted, memory=1 << 30, threads=1)
    late = np.zeros(700, dtype=np.bool_)
    task = Task(base, late, None, wanted, plan, claim=[].append, stopped=lambda: True)
    part = join_block(query, 0, task, -np.inf)
    assert part.histogram is not None
    assert part.histogram.counts.sum() == 0


# Similarity of paired rows


def coordinates() -> st.SearchStrategy[float]:
    return st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-2, max_value=2)


@given(
    st.integers(1, 40).flatmap(
        lambda d: st.lists(st.tuples(*[coordinates()] * (2 * d)), min_size=1, max_size=5)
    )
)
def test_exact_similarity_is_the_rounded_sum_of_the_products(
    values: list[tuple[float, ...]],
) -> None:
    both = np.float32(values)
    x, y = np.split(both, 2, axis=1)
    assert_rounded(exact_similarity, x, y)


@pytest.mark.parametrize("d", [1, 2, 3, 511, 512, 20_000])
def test_exact_similarity_of_wide_and_narrow_rows(d: int) -> None:
    x, y = rows_of("random", 5, d, 0), rows_of("random", 5, d, 1)
    assert exact_similarity(x, y).tolist() == [
        math.fsum((a.astype(np.float64) * b).tolist()) for a, b in zip(x, y, strict=True)
    ]


def test_exact_similarity_rounds_hard_sums_once() -> None:
    assert hard_sums_are_rounded_once(exact_similarity) is None


# Refusals

ROWS = np.eye(3, dtype=np.float32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "asked for an output"),
        ({"k": 0}, "k must be at least 1, but is 0"),
        ({"k": 2.5}, "k must be a whole number, but is 2.5"),
        ({"top": -1}, "top must be at least 1"),
        ({"histogram": 0}, "histogram must be at least 1"),
        ({"above": 60.0}, "above must be a similarity"),
        ({"above": math.nan}, "above must be a similarity"),
        ({"k": 1, "threads": 0}, "threads must be at least 1"),
        ({"k": 1, "engine": "magic"}, "engine must be auto, kernel, library or gpu"),
        ({"k": 1, "memory": 1000}, "memory must be at least"),
        ({"above": 0.5, "memory": 1000}, "memory must be at least"),
    ],
    ids=str,
)
def test_option_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        join(ROWS, ROWS, **options)


def test_the_named_least_memory_is_enough() -> None:
    with pytest.raises(UsageError) as refused:
        join(ROWS, ROWS, **ALL, memory=1)
    least = int(str(refused.value).split("at least ")[1].split(" bytes")[0].replace(",", ""))
    assert_same(join(ROWS, ROWS, **ALL, memory=least), reference(ROWS, ROWS, **ALL))


def test_sides_of_different_width_are_refused() -> None:
    with pytest.raises(InvalidRows, match="same width"):
        join(ROWS, np.eye(4, dtype=np.float32), k=1)


@pytest.mark.parametrize("side", ["query", "base"])
def test_rows_that_are_not_unit_rows_are_refused_by_name(side: str) -> None:
    sides = {"query": ROWS, "base": ROWS, side: 2 * ROWS}
    with pytest.raises(InvalidRows, match=f"{side} must have unit rows"):
        join(sides["query"], sides["base"], k=1)


def test_merge_refuses_parts_that_do_not_fit() -> None:
    part, other = join(ROWS, ROWS, k=1), join(ROWS, ROWS, k=2)
    best = join(ROWS, ROWS, top=2)
    for parts, starts, top in (
        ([], [], None),
        ([part], [0, 3], None),
        ([part, part], [3, 0], None),
        ([part, other], [0, 3], None),
        ([best, best], [0, 3], None),
        ([part, part], [0, 3], 2),
    ):
        with pytest.raises(UsageError):
            merge(parts, starts, top=top)


def test_normalised_rows_are_legal() -> None:
    rows = normalise(np.random.default_rng(0).standard_normal((50, 7)))
    assert_same(join(rows, rows, **ALL), reference(rows, rows, **ALL))
