"""A small look at a join before it begins: what its thresholds will be, and which rows it has."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.search.exclude import Exclude
from spolia.search.native.packed import along
from spolia.search.plan import Wanted
from spolia.search.request import Request

QUERY_ROWS = 128
"""Query rows looked at, at most; and at most one in a hundred."""

LEAST_ROWS = 16
"""Fewer query rows tell nothing."""

BASE_ROWS = 2048
"""Base rows looked at for how many pairs pass a bound."""

FIT_ROWS = 4096
"""Other rows, half from each side, looked at for the directions in which rows vary."""

MEMORY = 1 << 28
"""Bytes that a sample may take while it is drawn; with less to spare, there is none."""

AT_ONCE = 1 << 20
"""Similarities held at a time, and a quarter of the coordinates."""

_MISSED = 0.02
"""Share of query rows whose k-th similarity may lie below the guess; they are searched again."""


@dataclass(frozen=True, eq=False)
class Guess:
    """What the pairs looked for in one base reach, most likely."""

    centre: Float32
    """``(d,)``: what base rows have in common."""
    level: float = -np.inf
    """Added to a row's similarity with the centre: its k-th nearest reaches that."""
    top: float = -np.inf
    """What all of the best pairs reach."""

    def of(self, rows: Float32) -> Float64:
        """Return what the k-th nearest of each of some query rows reaches, ``(n,)``."""
        return along(rows, self.centre) + self.level


@dataclass(frozen=True, eq=False)
class Sample:
    """Some rows of each side, and the similarity that each sampled query row must reach."""

    query: Float32
    """``(s, d)``"""
    base: Float32
    """``(b, d)``, of all bases in turn."""
    others: Float32
    """``(f, d)``, none of the above."""
    floors: Float64
    """``(s,)``: pairs below are of no use to the row, as far as the sample tells."""
    guesses: tuple[Guess, ...]
    """For each base."""


def take_sample(request: Request) -> Sample | None:
    """Return a sample of a join, or ``None`` where query has too few rows for one.

    Costs as much as joining one query row in a hundred, or fewer, by the matrix library.
    """
    query, bases, wanted = request.query, request.bases, request.wanted
    n, m, _ = request.shape
    rows = spread(n, min(QUERY_ROWS, n // 100))
    if len(rows) < LEAST_ROWS or m == 0:
        return None
    x = np.asarray(query[rows])
    both = spread_rows(bases, BASE_ROWS + FIT_ROWS // 2)
    seen = np.arange(len(both)) % 2 == 0
    centre = both.mean(axis=0, dtype=np.float64).astype(np.float32)
    common = along(x, centre)
    floor = np.full(len(rows), np.inf if wanted.above is None else wanted.above)
    guesses = []
    for base, exclude in zip(bases, request.excludes, strict=True):
        hidden = None if exclude is None else exclude.subset(rows)
        best = min(_sampled_top(wanted, n, len(rows)), base.shape[0])
        keep = max(min(wanted.k or 1, base.shape[0]), best)
        over = _best(x, base, centre, keep, hidden) if keep else np.empty((len(x), 0))
        level, top = -np.inf, -np.inf
        if wanted.k is not None and keep >= wanted.k:
            nearest = over[:, wanted.k - 1]
            level = float(np.sort(nearest)[int(_MISSED * len(nearest))])
            floor = np.minimum(floor, common + nearest)
        if best:
            top = float(np.sort(common[:, np.newaxis] + over, axis=None)[-best])
            floor = np.minimum(floor, top)
        guesses.append(Guess(centre, level, top))
    others = np.asarray(query[np.setdiff1d(spread(n, FIT_ROWS // 2), rows)])
    return Sample(x, both[seen], np.concatenate([both[~seen], others]), floor, tuple(guesses))


def spread(n: int, count: int) -> Int64:
    """Return ``count`` evenly spaced row numbers below ``n``, or all.

    >>> spread(10, 3).tolist()
    [0, 3, 6]
    """
    count = min(n, count)
    return np.arange(count, dtype=np.int64) * n // max(count, 1)


def spread_rows(bases: Sequence[Rows], count: int) -> Float32:
    """Return about ``count`` evenly spaced rows of all bases together."""
    total = sum(base.shape[0] for base in bases)
    shares = [-(-count * base.shape[0] // max(total, 1)) for base in bases]
    parts = [
        np.asarray(base[spread(base.shape[0], share)])
        for base, share in zip(bases, shares, strict=True)
    ]
    return np.concatenate(parts)


def _best(x: Float32, base: Rows, centre: Float32, keep: int, exclude: Exclude | None) -> Float64:
    """Return the ``keep`` largest similarities of each row, falling, ``(s, keep)``.

    They are counted from the row's similarity with the centre: float32 then tells apart what
    differs little.
    """
    best = np.full((len(x), keep), -np.inf, dtype=np.float32)
    step = max(1, min(AT_ONCE // len(x), 4 * AT_ONCE // x.shape[1]))
    for start in range(0, base.shape[0], step):
        tile = x @ (np.asarray(base[start : start + step]) - centre).T
        if exclude is not None:
            columns = slice(start, start + tile.shape[1])
            tile[exclude.hidden(slice(0, len(x)), columns)] = -np.inf
        both = np.concatenate([best, tile], axis=1)
        best = -np.partition(-both, keep - 1, axis=1)[:, :keep]
    return -np.sort(-best, axis=1).astype(np.float64)


def _sampled_top(wanted: Wanted, n: int, sampled: int) -> int:
    """Return how many of the best sampled pairs reach less than the best of all, surely."""
    return 0 if wanted.top is None else math.ceil(1.5 * wanted.top * sampled / n) + 3
