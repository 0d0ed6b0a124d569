"""Joins to put through the laws, rows that are hard to join, and how results are compared."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from spolia.core.progress import silent
from spolia.core.rows import SubsetRows, row_addresses
from spolia.core.types import Float32, Int64, Rows, normalise
from spolia.search.exclude import Exclude, exclude_between, exclude_within
from spolia.search.histogram import count_histogram
from spolia.search.join import join
from spolia.search.native.binding import kernels
from spolia.search.native.cut import make_cut
from spolia.search.native.depth import make_rotation
from spolia.search.native.packed import Centre, Packing
from spolia.search.native.run import Join as KernelJoin
from spolia.search.native.run import Side
from spolia.search.native.sample import Guess
from spolia.search.plan import Plan, Wanted, make_plan
from spolia.search.reference import join_reference
from spolia.search.result import JoinResult, Pairs, sampled_rows
from spolia.search.run import run_plan

Join = Callable[..., Any]
"""Called like `spolia.join`, with the query, the base and the outputs wanted of it."""

Run = Callable[[Any, Any, Wanted, Exclude | None], JoinResult]
"""A join of checked rows with one base."""

KINDS = ("random", "ties", "copies", "zeros", "denormal", "one-hot", "near-equal")


def rows_of(kind: str, n: int, d: int, seed: int) -> Float32:
    """Return ``n`` legal rows that are hard in the way that ``kind`` names."""
    rng = np.random.default_rng(seed)
    if kind == "one-hot":
        return np.eye(d, dtype=np.float32)[rng.integers(0, d, n)]
    if kind == "ties":
        return normalise(rng.integers(-1, 2, (n, d)).astype(np.float64))
    if kind == "near-equal":
        # One centre for all seeds: query and base lie together.
        centre = np.random.default_rng(0).standard_normal(d)
        return normalise(centre + 1e-7 * rng.standard_normal((n, d)))
    rows = normalise(rng.standard_normal((n, d)))
    if kind == "copies":
        return rows[rng.integers(0, max(1, n // 4), n)] if n else rows
    if kind == "zeros":
        rows[rng.random(n) < 0.4] = 0.0
    if kind == "denormal":
        rows[:, 1:] *= np.float32(1e-42)
        rows[:, 0] = np.sign(rng.standard_normal(n))
    return rows


def as_join(run: Run) -> Join:
    """Return a run that is called like `spolia.join`: without base, with several, with groups."""

    def called(query: Rows, base: Any = None, *, exclude: Any = None, **options: Any) -> Any:
        wanted, n = Wanted(**options), query.shape[0]
        if base is None:
            return run(query, query, wanted, exclude_within(exclude, n))
        several = isinstance(base, tuple)
        bases = base if several else (base,)
        sizes = [one.shape[0] for one in bases]
        excludes = exclude_between(exclude, n, sizes, several=several)
        sides = zip(bases, excludes, strict=True)
        found = [run(query, one, wanted, hidden) for one, hidden in sides]
        return tuple(found) if several else found[0]

    return called


@as_join
def reference(query: Rows, base: Rows, wanted: Wanted, exclude: Exclude | None) -> JoinResult:
    """Return the truth."""
    return join_reference(query, base, **vars(wanted), exclude=exclude)


def planned(**changes: Any) -> Join:
    """Return the join by the library, cut up in another way than `spolia.join` would."""

    def run(query: Rows, base: Rows, wanted: Wanted, exclude: Exclude | None) -> JoinResult:
        def part(query: Rows, wanted: Wanted, exclude: Exclude | None) -> JoinResult:
            return run_plan(query, base, wanted, exclude, plan_of(query, wanted), silent)

        def plan_of(query: Rows, wanted: Wanted) -> Plan:
            shape = (query.shape[0], *base.shape)
            return replace(make_plan(shape, wanted, memory=1 << 30, threads=2), **changes)

        found = part(query, replace(wanted, histogram=None), exclude)
        if wanted.histogram is None:
            return found
        sample = sampled_rows(query.shape[0])
        subset = None if exclude is None else exclude.subset(sample)
        counted = part(SubsetRows(query, sample), Wanted(histogram=wanted.histogram), subset)
        return replace(found, histogram=counted.histogram)

    return as_join(run)


small_tiles = planned(rows=3, columns=4, strip=5, waiting=0)


def compiled(
    *,
    depth: float | None = None,
    centred: bool = False,
    guess: float | None = None,
    kernel: str = "plain",
    **changes: Any,
) -> Join:
    """Return the join by the compiled kernel, packed and cut up otherwise than it would choose.

    ``depth`` is the share of the coordinates that are packed, of rows turned at random; all, and
    not turned, where it is ``None``. Rows that are turned are also ``centred``.
    """

    def run(query: Rows, base: Rows, wanted: Wanted, exclude: Exclude | None) -> JoinResult:
        rest = replace(wanted, histogram=None)
        query, base = (np.ascontiguousarray(rows[: rows.shape[0]]) for rows in (query, base))
        places = [row_addresses(rows) for rows in (query, base)]
        assert places[0] is not None
        assert places[1] is not None
        chosen = next(one for one in kernels() if one.name == kernel)
        d = base.shape[1]
        centre = Centre.of(base) if len(base) and (depth or centred) else None
        rotation = None
        if centre is not None and depth is not None:
            axes, _ = np.linalg.qr(np.random.default_rng(d).standard_normal((d + 1, d + 1)))
            rotation = make_rotation(axes, max(1, int(depth * d)), mix=True)
        packing = Packing(chosen, d, centre, rotation)
        sizes = query.shape[0], base.shape[0]
        cut = make_cut(*sizes, packing, rest, memory=1 << 30, threads=2)
        assert cut is not None
        cut = replace(cut, **changes)
        sides = (Side(base, places[1], exclude),)
        level = -np.inf if guess is None else guess
        expected = Guess(np.zeros(d, dtype=np.float32), level, top=level)
        made = KernelJoin(query, places[0], sides, rest, packing, cut, (expected,), np.inf)
        (found,) = made.run(silent)
        if wanted.histogram is None:
            return found
        limits = {"memory": 1 << 30, "threads": 1}
        counted = count_histogram(query, base, wanted.histogram, exclude, **limits)
        return replace(found, histogram=counted)

    return as_join(run)


RIGHT: dict[str, Join] = {
    "reference": reference,
    "library": partial(join, engine="library"),
    "small tiles": small_tiles,
}
"""The joins that must pass every law."""

if kernels():  # where spolia was installed without a compiler, there are none
    RIGHT |= {
        "kernel": partial(join, engine="kernel"),
        "kernel, half the depth": compiled(depth=0.5, guess=0.1),
        "kernel, small pieces": compiled(rows=3, columns=5, waiting=2, top_waiting=9),
        "kernel, centred": compiled(centred=True),
        "kernel, wrong guess": compiled(depth=1.0, guess=0.99, columns=48),
    }


def assert_same(result: JoinResult, expected: JoinResult) -> None:
    """Fail unless both results hold the same bits."""
    assert _bits(result) == _bits(expected)


def _bits(result: JoinResult) -> list[object]:
    arrays = [result.indices, result.similarities]
    for pairs in (result.pairs, result.top):
        arrays += [None] * 3 if pairs is None else [pairs.query, pairs.base, pairs.similarity]
    arrays += (
        [None] * 3
        if result.histogram is None
        else [result.histogram.counts, result.histogram.edges, np.array(result.histogram.rows)]
    )
    return [None if a is None else (a.dtype, a.shape, a.tobytes()) for a in arrays]


def listed(pairs: Pairs | None) -> list[tuple[int, int]]:
    """Return the pairs in their order."""
    assert pairs is not None
    return list(zip(pairs.query.tolist(), pairs.base.tolist(), strict=True))


def numbers(indices: Int64 | None) -> list[list[int]]:
    """Return the neighbours as lists."""
    assert indices is not None
    return indices.tolist()
