"""Exact duplicates, which could flood a join with ties that all mean the same."""

import numpy as np

from spolia.core.types import Int64, Rows
from spolia.search.tiles import Flags

_AT_ONCE = 1 << 16
"""Coordinates read together."""


def late_copies(rows: Rows, limit: int) -> Flags:
    """Return which rows have ``limit`` or more earlier rows equal to them, ``(m,)``.

    Such a row is never among the ``limit`` nearest of anything, nor in any of the best ``limit``
    pairs: its earlier copies are as similar and come first. It is found by an integer hash of
    its bits, and a comparison; copies that differ in the sign of a zero may be missed.

    >>> late_copies(np.float32([[1, 0], [0, 1], [1, 0], [1, 0]]), 2).tolist()
    [False, False, False, True]
    """
    m, d = rows.shape
    late = np.zeros(m, dtype=np.bool_)
    if m <= limit:
        return late
    order, same = _by_hash(rows)
    for start in range(0, len(same), step := max(1, _AT_ONCE // d)):
        at = start + np.flatnonzero(same[start : start + step])
        same[at] = (rows[order[at]] == rows[order[at + 1]]).all(axis=1)
    # A run of equal neighbours is in row order, because the sort is stable.
    first = np.concatenate([[True], ~same])
    rank = np.arange(m) - np.maximum.accumulate(np.where(first, np.arange(m), 0))
    late[order[rank >= limit]] = True
    return late


def _by_hash(rows: Rows) -> tuple[Int64, Flags]:
    """Return the rows stably sorted by hash, and which of them hash like the next, ``(m - 1,)``."""
    m, d = rows.shape
    weights = np.random.default_rng(0).integers(1, 1 << 63, size=d, dtype=np.uint64)
    hashes = np.empty(m, dtype=np.uint64)
    for start in range(0, m, step := max(1, _AT_ONCE // d)):
        bits = np.ascontiguousarray(rows[start : start + step]).view(np.uint32)
        hashes[start : start + step] = bits.astype(np.uint64) @ weights
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    return order, hashes[1:] == hashes[:-1]
