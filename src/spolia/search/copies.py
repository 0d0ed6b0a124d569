"""Exact duplicates, which could flood a join with ties that all mean the same."""

from functools import cache

import numpy as np

from spolia.core.rows import UInt64
from spolia.core.types import Int64, Rows
from spolia.search.tiles import Flags

_AT_ONCE = 1 << 16
"""Coordinates read together."""
_FIRST = 16
"""Coordinates by which most rows differ already."""


def late_copies(rows: Rows, limit: int, groups: Int64 | None = None) -> Flags:
    """Return which rows have ``limit`` or more earlier rows equal to them, ``(m,)``.

    Such a row is never among the ``limit`` nearest of anything, nor in any of the best ``limit``
    pairs: its earlier copies are as similar and come first. It is found by an integer hash of
    its bits, and a comparison; copies that differ in the sign of a zero may be missed.

    With the ``groups`` ``(m,)`` of `spolia.search.exclude.Exclude.base_groups`, only those copies
    count that no query row which meets the late row can exclude. A query row q excludes one
    group, and not that of row j if it meets j. So all copies in j's own group count, and of all
    copies all but those of the group that has most.

    This also holds where pairs of rows with themselves are listed once, (q, j) with q < j. For
    each earlier copy i of j that q does not exclude, i is not q, and the pair of i and q is as
    similar as (q, j). It comes first: its query row is i < q, or its query row is q and its base
    row i < j. These pairs differ from each other.

    >>> copies = np.float32([[1, 0], [0, 1], [1, 0], [1, 0]])
    >>> late_copies(copies, 2).tolist()
    [False, False, False, True]
    >>> late_copies(copies, 2, np.array([0, 1, 2, 3])).tolist()
    [False, False, False, False]
    """
    m, d = rows.shape
    late = np.zeros(m, dtype=np.bool_)
    if m <= limit:
        return late
    if d > _FIRST and not _by_hash(rows, _FIRST)[1].any():
        return late  # none are alike even at their beginning
    order, same = _by_hash(rows, d)
    for start in range(0, len(same), step := max(1, _AT_ONCE // d)):
        at = start + np.flatnonzero(same[start : start + step])
        same[at] = (rows[order[at]] == rows[order[at + 1]]).all(axis=1)
    # A run of equal neighbours is in row order, because the sort is stable.
    first = np.concatenate([[True], ~same])
    rank = np.arange(m) - np.maximum.accumulate(np.where(first, np.arange(m), 0))
    if groups is not None:
        rank = _sure(rank, np.cumsum(first) - 1, groups[order])
    late[order[rank >= limit]] = True
    return late


def _sure(rank: Int64, run: Int64, groups: Int64) -> Int64:
    """Return how many earlier copies no query row excludes, for rows sorted by run of copies.

    Parameters
    ----------
    rank, run, groups
        ``(m,)`` each: how many copies come before a row, the number of its run, its group.
    """
    m = len(rank)
    by_group = np.lexsort((groups, run))  # stable: rows of one group and run stay in order
    new = np.ones(m, dtype=np.bool_)
    new[1:] = (np.diff(run[by_group]) > 0) | (groups[by_group[1:]] != groups[by_group[:-1]])
    own = np.empty(m, dtype=np.int64)
    own[by_group] = np.arange(m) - np.maximum.accumulate(np.where(new, np.arange(m), 0))
    # The size of the largest group so far, this row counted; it begins anew with each run.
    most = np.maximum.accumulate(own + 1 + run * (m + 1)) - run * (m + 1)
    before = np.where(rank == 0, 0, np.roll(most, 1))
    return np.maximum(own, rank - before)


def _by_hash(rows: Rows, width: int) -> tuple[Int64, Flags]:
    """Return the rows stably sorted by hash, and which of them hash like the next, ``(m - 1,)``.

    Only the first ``width`` coordinates are hashed.
    """
    m, d = rows.shape
    wide = np.uint32 if width % 2 else np.uint64  # two coordinates at a time, where they are even
    count = width // (wide().itemsize // 4)
    weights = _weights(count)
    hashes = np.empty(m, dtype=np.uint64)
    for start in range(0, m, step := max(1, _AT_ONCE // d)):
        piece = rows[start : start + step][:, :width]
        bits = np.ascontiguousarray(piece).view(wide).astype(np.uint64, copy=False)
        hashes[start : start + step] = bits @ weights
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    return order, hashes[1:] == hashes[:-1]


@cache
def _weights(count: int) -> UInt64:
    """Return odd and even numbers of 63 bits, ``(count,)``, always the same."""
    return np.random.default_rng(0).integers(1, 1 << 63, size=count, dtype=np.uint64)
