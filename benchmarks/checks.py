"""Whether a result may be timed: faiss's within float32, the reference's bit for bit."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float32, Float64, Int64
from spolia.search.reference import join_reference
from spolia.search.result import JoinResult, Pairs

CLOSE = 1e-5
"""How far apart similarities of spolia and faiss may be; faiss sums in float32."""
REFERENCE_PAIRS = 100_000
"""How many pairs the reference computes, at some 30 microseconds each; but at least one row's."""


class Wrong(Exception):
    """A result differs from the one it must equal; no time of it is worth printing."""


def only(result: JoinResult, rows: Int64) -> JoinResult:
    """Return the part of a result that speaks of some query rows, counted from 0 on.

    ``rows`` are their numbers, rising.
    """
    return JoinResult(
        indices=None if result.indices is None else result.indices[rows],
        similarities=None if result.similarities is None else result.similarities[rows],
        pairs=None if result.pairs is None else _pairs_of(result.pairs, rows),
        top=None if result.top is None else _pairs_of(result.top, rows),
    )


def _pairs_of(pairs: Pairs, rows: Int64) -> Pairs:
    chosen = np.isin(pairs.query, rows)
    row = np.searchsorted(rows, pairs.query[chosen])
    return Pairs(row, pairs.base[chosen], pairs.similarity[chosen])


def check_flat(
    ours: JoinResult, theirs: JoinResult, query: Float32, base: Float32, above: float | None
) -> None:
    """Stop unless spolia and faiss found the same, but for ties within float32.

    Parameters
    ----------
    ours, theirs
        Results of both for the same ``query`` ``(n, d)`` and ``base`` ``(m, d)``.
    above
        What both were asked for, or ``None``.

    Raises
    ------
    Wrong
        If similarities differ by more than `CLOSE`; if a pair that is not within `CLOSE` of
        ``above`` is on one side alone; if rows that only spolia names do not have the similarity
        that it says.
    """
    if ours.indices is not None:
        _check_nearest(ours, theirs, query, base)
    if above is not None:
        _check_pairs(ours.pairs, theirs.pairs, query, base, above)
    if ours.top is not None:
        _need_close(ours.top.similarity, theirs.top.similarity, "top")
        _check_own(ours.top, query, base)


def _check_nearest(ours: JoinResult, theirs: JoinResult, query: Float32, base: Float32) -> None:
    there = ours.indices >= 0
    need_equal(there, theirs.indices >= 0, "how many neighbours there are")
    _need_close(ours.similarities[there], theirs.similarities[there], "k")
    row, rank = np.nonzero(ours.indices != theirs.indices)
    if row.size > 10_000:
        chosen = np.random.default_rng(0).choice(row.size, 10_000, replace=False)
        row, rank = row[chosen], rank[chosen]
    _check_own(Pairs(row, ours.indices[row, rank], ours.similarities[row, rank]), query, base)


def _check_pairs(ours: Pairs, theirs: Pairs, query: Float32, base: Float32, above: float) -> None:
    m = len(base)
    mine, yours = ours.query * m + ours.base, theirs.query * m + theirs.base
    _, at, there = np.intersect1d(mine, yours, assume_unique=True, return_indices=True)
    _need_close(ours.similarity[at], theirs.similarity[there], "above")
    alone = np.setxor1d(mine, yours, assume_unique=True)
    if np.any(np.abs(_dots(alone // m, alone % m, query, base) - above) > CLOSE):
        raise Wrong("above: a pair that is not at the edge is on one side alone")


def _check_own(ours: Pairs, query: Float32, base: Float32) -> None:
    off = np.abs(_dots(ours.query, ours.base, query, base) - ours.similarity)
    if off.max(initial=0.0) > 1e-12:
        raise Wrong(f"a similarity is off by {off.max():.1e} from that of the rows it names")


def _dots(row: Int64, number: Int64, query: Float32, base: Float32) -> Float64:
    products: Float64 = np.einsum("ij,ij->i", query[row], base[number], dtype=np.float64)
    return products


def _need_close(ours: Float64, theirs: npt.NDArray[np.float32], what: str) -> None:
    if len(ours) != len(theirs):
        raise Wrong(f"{what}: spolia found {len(ours)} pairs and faiss {len(theirs)}")
    off = np.abs(ours - theirs).max(initial=0.0)
    if off > CLOSE:
        raise Wrong(f"{what}: similarities of spolia and faiss differ by {off:.1e}")


def need_equal(ours: npt.NDArray[np.generic], other: npt.NDArray[np.generic], what: str) -> None:
    """Stop unless both hold the same bits of the same shape."""
    if not np.array_equal(ours, other):
        raise Wrong(f"{what}: spolia differs")


@dataclass(frozen=True, eq=False)
class Truth:
    """What the reference says of a few query rows."""

    rows: Int64
    """Their numbers, rising."""
    result: JoinResult
    """Their k nearest, for the largest k that is compared, and all their pairs."""


def truth(query: Float32, base: Float32, k: int, rows: Int64 | None = None) -> Truth:
    """Compute the reference's answer for some query rows; by default for a random few."""
    if rows is None:
        few = max(1, min(8, REFERENCE_PAIRS // max(1, len(base))))
        rows = np.sort(np.random.default_rng(0).permutation(len(query))[:few])
    return Truth(rows, join_reference(query[rows], np.asarray(base), k=k, above=-2.0))


def check_reference(ours: JoinResult, true: Truth, above: float | None) -> None:
    """Stop unless our result is the reference's, bit for bit, on the rows of ``true``.

    Raises
    ------
    Wrong
        If a number or a bit of a similarity differs, or a pair is missing or too many.
    """
    part, pairs = only(ours, true.rows), true.result.pairs
    if part.indices is not None:
        k = part.indices.shape[1]
        need_equal(part.indices, true.result.indices[:, :k], "k against the reference")
        need_equal(part.similarities, true.result.similarities[:, :k], "k against the reference")
    if part.pairs is not None:
        _need_first(part.pairs, pairs, int(np.sum(pairs.similarity >= above)), "above")
    if part.top is not None:
        _need_first(part.top, pairs, len(part.top), "top")
        if np.any(pairs.similarity[len(part.top) :] > ours.top.similarity.min(initial=np.inf)):
            raise Wrong("top against the reference: a better pair is missing")


def _need_first(ours: Pairs, ranked: Pairs, count: int, what: str) -> None:
    for field in ("query", "base", "similarity"):
        first = getattr(ranked, field)[:count]
        need_equal(getattr(ours, field), first, f"{what} against the reference")
