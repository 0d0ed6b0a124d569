"""What a join returns, and how the results of consecutive query slices become one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.types import Float64, Int64


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of rows, sorted by similarity down, then query up, then base up."""

    query: Int64
    """Row numbers in query, ``(p,)``."""
    base: Int64
    """Row numbers in base, ``(p,)``."""
    similarity: Float64
    """Their similarities, ``(p,)``."""

    def __len__(self) -> int:
        return len(self.similarity)


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many pairs of a sample of the query rows fall into each of equal bins on [-1, 1].

    All pairs that `sampled_rows` of query have with base are counted exactly, except those that
    the join excludes. More rows would say little more, and to count the pairs of all rows takes
    longer than the rest of the join: it must know every similarity, not only the highest.

    Bin j counts ``edges[j] <= similarity < edges[j + 1]``. Norms may differ from 1 by 1e-4, so a
    similarity may lie a little outside; the first bin counts everything below ``edges[1]`` and
    the last everything from ``edges[-2]`` up.
    """

    counts: Int64
    """``(bins,)``, summing to rows * m less the excluded pairs."""
    edges: Float64
    """``(bins + 1,)``, see `histogram_edges`."""
    rows: int
    """How many query rows were counted."""


@dataclass(frozen=True, eq=False)
class JoinResult:
    """The outputs of one join; those not asked for are ``None``."""

    indices: Int64 | None = None
    """``(n, k)``: the k nearest base rows of each query row, nearest first; -1 where fewer than k
    rows of base are compared with it."""
    similarities: Float64 | None = None
    """``(n, k)``: their similarities; -inf where the index is -1."""
    pairs: Pairs | None = None
    """All pairs at or above a similarity."""
    top: Pairs | None = None
    """The best pairs of all."""
    histogram: Histogram | None = None
    """The pairs of a sample of query rows, counted by similarity."""


HISTOGRAM_ROWS = 512
"""How many query rows a histogram counts at most."""


def sampled_rows(n: int) -> Int64:
    """Return the evenly spaced query rows of ``n`` that a histogram counts: floor(i n / 512).

    >>> sampled_rows(3).tolist(), sampled_rows(1024)[-2:].tolist()
    ([0, 1, 2], [1020, 1022])
    """
    count = min(n, HISTOGRAM_ROWS)
    return np.arange(count, dtype=np.int64) * n // max(count, 1)


def histogram_edges(bins: int) -> Float64:
    """Return the ``bins + 1`` edges of equal bins on [-1, 1]: (2 j - bins) / bins, rounded once.

    >>> histogram_edges(4).tolist()
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    return (2.0 * np.arange(bins + 1) - bins) / bins


def bin_of(similarity: Float64, edges: Float64) -> Int64:
    """Return the number of the bin each similarity falls into.

    >>> bin_of(np.array([-1.00001, -0.5, 0.49, 0.5, 1.00001]), histogram_edges(4)).tolist()
    [0, 1, 2, 3, 3]
    """
    return np.searchsorted(edges[1:-1], similarity, side="right")


def merge(
    parts: Sequence[JoinResult], starts: Sequence[int], *, top: int | None = None
) -> JoinResult:
    """Return the join of a whole query from the joins of its consecutive slices.

    Associative: merging merged results in any grouping gives the same bits. Each part's histogram
    counts a sample of its own slice, so that the sum counts as many rows as all parts did: in
    parts of at most `HISTOGRAM_ROWS` rows, all of them.

    Parameters
    ----------
    parts
        Joins of consecutive slices of one query with one base, all asked for the same outputs.
    starts
        The first query row of each part, rising.
    top
        The ``top`` that the joins were asked for, or ``None``.

    Raises
    ------
    UsageError
        If there is no part, ``starts`` do not fit the parts, or the parts hold different outputs.

    Examples
    --------
    >>> from spolia.search.join import join
    >>> rows = np.eye(3, dtype=np.float32)
    >>> parts = [join(rows[:2], rows, k=1, top=2), join(rows[2:], rows, k=1, top=2)]
    >>> whole = merge(parts, [0, 2], top=2)
    >>> whole.indices.tolist(), whole.top.query.tolist()
    ([[0], [1], [2]], [0, 1])
    """
    _check_parts(parts, starts, top)
    numbers = [p.indices for p in parts if p.indices is not None]
    values = [p.similarities for p in parts if p.similarities is not None]
    pairs = [shift(p.pairs, s) for p, s in zip(parts, starts, strict=True) if p.pairs is not None]
    best = [shift(p.top, s) for p, s in zip(parts, starts, strict=True) if p.top is not None]
    counts = [p.histogram for p in parts if p.histogram is not None]
    return JoinResult(
        indices=np.concatenate(numbers) if numbers else None,
        similarities=np.concatenate(values) if values else None,
        pairs=merge_pairs(pairs) if pairs else None,
        top=merge_pairs(best, top) if best else None,
        histogram=merge_histograms(counts) if counts else None,
    )


def merge_pairs(parts: Sequence[Pairs], limit: int | None = None) -> Pairs:
    """Return the pairs of all parts in order, only the best ``limit`` of them where given."""
    query = np.concatenate([p.query for p in parts])
    base = np.concatenate([p.base for p in parts])
    similarity = np.concatenate([p.similarity for p in parts])
    order = np.lexsort((base, query, -similarity))[:limit]
    return Pairs(query[order], base[order], similarity[order])


def merge_histograms(parts: Sequence[Histogram]) -> Histogram:
    """Return the sum of histograms over the same bins."""
    counts = np.sum([p.counts for p in parts], axis=0)
    return Histogram(counts, parts[0].edges, sum(p.rows for p in parts))


def shift(pairs: Pairs, start: int) -> Pairs:
    """Return pairs whose query rows are counted from ``start`` on."""
    return Pairs(pairs.query + start, pairs.base, pairs.similarity)


def _outputs(part: JoinResult) -> tuple[object, ...]:
    """Return what tells joins of different questions apart."""
    return (
        None if part.indices is None else part.indices.shape[1],
        part.pairs is None,
        part.top is None,
        None if part.histogram is None else len(part.histogram.counts),
    )


def _check_parts(parts: Sequence[JoinResult], starts: Sequence[int], top: int | None) -> None:
    if not parts or len(parts) != len(starts):
        raise UsageError(
            f"merge needs at least one part and one start for each, but got {len(parts)} parts "
            f"and {len(starts)} starts"
        )
    if list(starts) != sorted(starts):
        raise UsageError(f"starts must rise with the query rows, but are {list(starts)}")
    if len({_outputs(part) for part in parts}) > 1:
        raise UsageError("parts must hold the same outputs; join all slices with the same options")
    if (parts[0].top is None) != (top is None):
        raise UsageError(
            f"top must be what the joins were asked for, but is {top} while the parts hold "
            f"{'no' if parts[0].top is None else 'a'} top; pass the same top as to join"
        )
