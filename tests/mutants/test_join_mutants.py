"""Known wrong joins: each is killed by a law that the right ones pass."""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spolia.core.types import Float32, Float64
from spolia.search.copies import late_copies
from spolia.search.exact import _rounded, exact_similarity
from spolia.search.reference import join_reference
from spolia.search.result import Histogram, JoinResult, Pairs, histogram_edges
from tests.spec import join_laws as laws
from tests.spec.join_laws import Join, planned


def brute(
    *,
    similarity: Callable[[Float32, Float32], Float64] | None = None,
    arrival: int = 1,
    reaches: Callable[[Any, float], Any] = operator.ge,
    side: str = "right",
) -> Join:
    """Return a brute-force join with one place for each fault; without a fault it is right."""

    def join(
        query: Float32,
        base: Float32,
        *,
        k: int | None = None,
        above: float | None = None,
        top: int | None = None,
        histogram: int | None = None,
    ) -> JoinResult:
        n, m = len(query), len(base)
        values = (similarity or exact_matrix)(query, base)
        pairs = np.arange(n * m)[::arrival]
        order = pairs[np.argsort(-values.ravel()[pairs], kind="stable")]
        ranked = Pairs(order // m, order % m, values.ravel()[order])
        near = np.concatenate([order[order // m == i][: k or 0] for i in range(n)])
        indices = np.full((n, k or 0), -1)
        nearest = np.full((n, k or 0), -np.inf)
        indices[:, : min(k or 0, m)] = (near % m).reshape(n, -1)
        nearest[:, : min(k or 0, m)] = values.ravel()[near].reshape(n, -1)
        edges = histogram_edges(histogram or 1)
        bins = np.searchsorted(edges[1:-1], values.ravel(), side=side)
        return JoinResult(
            indices=None if k is None else indices,
            similarities=None if k is None else nearest,
            pairs=None if above is None else first(ranked, reaches(ranked.similarity, above)),
            top=None if top is None else first(ranked, np.arange(n * m) < top),
            histogram=None
            if histogram is None
            else Histogram(np.bincount(bins, minlength=histogram), edges),
        )

    return join


def first(ranked: Pairs, which: Any) -> Pairs:
    return Pairs(ranked.query[which], ranked.base[which], ranked.similarity[which])


def exact_matrix(query: Float32, base: Float32) -> Float64:
    return np.stack([exact_similarity(np.repeat(x[None], len(base), 0), base) for x in query])


def float64_matrix(query: Float32, base: Float32) -> Float64:
    return query.astype(np.float64) @ base.T.astype(np.float64) + 0.0


def float32_matrix(query: Float32, base: Float32) -> Float64:
    return (query @ base.T).astype(np.float64) + 0.0


def signed_matrix(query: Float32, base: Float32) -> Float64:
    values = exact_matrix(query, base)
    return np.where(values == 0.0, -0.0, values)


def offset_forgotten(query: Float32, base: Float32, **options: Any) -> JoinResult:
    """Numbers the base rows within their tile of four."""
    result = join_reference(query, base, **options)
    indices = None if result.indices is None else result.indices % 4
    return JoinResult(indices, result.similarities, result.pairs, result.top, result.histogram)


def tie_lost_at_the_tile_border(query: Float32, base: Float32, **options: Any) -> JoinResult:
    """Reads base in tiles of four from the last to the first, and only lets better rows in."""
    k = options["k"]
    values = exact_matrix(query, base)
    indices = np.full((len(query), k), -1)
    nearest = np.full((len(query), k), -np.inf)
    for i, row in enumerate(values):
        kept: list[tuple[float, int]] = []
        for start in reversed(range(0, len(base), 4)):
            worst = kept[-1][0] if len(kept) == k else math.inf
            tile = [(-value, start + j) for j, value in enumerate(row[start : start + 4])]
            kept = sorted(kept + [pair for pair in tile if pair[0] < worst])[:k]
        indices[i, : len(kept)] = [number for _, number in kept]
        nearest[i, : len(kept)] = [-negative for negative, _ in kept]
    rest = join_reference(query, base, **options)
    return JoinResult(indices, nearest, rest.pairs, rest.top)


def one_copy_too_many_dropped(query: Float32, base: Float32, **options: Any) -> JoinResult:
    stay = np.flatnonzero(~late_copies(base, max(1, options["k"] - 1)))
    result = join_reference(query, base[stay], **options)
    assert result.indices is not None
    indices = np.where(result.indices < 0, -1, stay[result.indices])
    return JoinResult(indices, result.similarities, result.pairs, result.top)


def unmarked(query: Float32, base: Float32, **options: Any) -> JoinResult:
    """Leaves 0 where there is no further neighbour."""
    result = join_reference(query, base, **options)
    assert result.indices is not None
    return JoinResult(np.maximum(result.indices, 0), result.similarities, result.pairs, result.top)


def arithmetic_bins(query: Float32, base: Float32, *, histogram: int) -> JoinResult:
    """Computes the bin from the similarity instead of comparing with the edges."""
    values = exact_matrix(query, base).ravel()
    bins = np.clip(((values + 1.0) * 0.5 * histogram).astype(np.int64), 0, histogram - 1)
    counts = np.bincount(bins, minlength=histogram)
    return JoinResult(histogram=Histogram(counts, histogram_edges(histogram)))


def clipped_away(query: Float32, base: Float32, *, histogram: int) -> JoinResult:
    """Forgets the similarities beyond 1, as `numpy.histogram` does."""
    values = exact_matrix(query, base).ravel()
    counts, edges = np.histogram(values, histogram_edges(histogram))
    return JoinResult(histogram=Histogram(counts, edges))


MUTANTS: dict[str, tuple[Callable[[Join], None], Join]] = {
    "margin dropped": (
        laws.near_equal_rows_are_told_apart,
        planned(margin=0.0, rows=3, columns=4, waiting=0),
    ),
    "tile trusted: float32 similarities": (
        laws.near_equal_rows_are_told_apart,
        brute(similarity=float32_matrix),
    ),
    "float64 sum instead of one rounding": (
        laws.similarity_is_the_exact_one_rounded_once,
        brute(similarity=float64_matrix),
    ),
    "negative zero": (laws.zero_is_never_negative, brute(similarity=signed_matrix)),
    "ties by arrival": (laws.ties_go_to_the_lower_number, brute(arrival=-1)),
    "ties of unequal rows by arrival": (
        laws.equal_similarities_of_unequal_rows_go_to_the_lower_number,
        brute(arrival=-1),
    ),
    "tie lost at the tile border": (
        laws.equal_similarities_of_unequal_rows_go_to_the_lower_number,
        tie_lost_at_the_tile_border,
    ),
    "strictly above": (
        laws.a_pair_exactly_at_the_threshold_is_found,
        brute(reaches=operator.gt),
    ),
    "tile offset forgotten": (laws.every_row_counts_whatever_the_tile, offset_forgotten),
    "bins closed on the right": (laws.bins_are_closed_on_the_left, brute(side="left")),
    "bins by arithmetic": (laws.an_edge_is_compared_exactly, arithmetic_bins),
    "beyond one not counted": (
        laws.similarities_beyond_one_count_in_the_end_bins,
        clipped_away,
    ),
    "one copy too many dropped": (laws.copies_count_as_neighbours, one_copy_too_many_dropped),
    "missing neighbours are row 0": (laws.missing_neighbours_are_marked, unmarked),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_law_kills_the_mutant(name: str) -> None:
    law, mutant = MUTANTS[name]
    with pytest.raises(AssertionError):
        law(mutant)


def float64_sum(x: Float32, y: Float32) -> Float64:
    return np.einsum("ij,ij->i", x, y, dtype=np.float64) + 0.0


def unproved(x: Float32, y: Float32) -> Float64:
    """Takes the sum of highs and lows for right, whatever is left out."""
    return _rounded(x, y)[0]


@pytest.mark.parametrize("mutant", [float64_sum, unproved])
def test_hard_sums_kill_the_mutant(mutant: laws.Similarity) -> None:
    with pytest.raises(AssertionError):
        laws.hard_sums_are_rounded_once(mutant)


@pytest.mark.parametrize("law", laws.LAWS, ids=lambda law: law.__name__)
def test_without_a_fault_the_brute_force_is_right(law: Callable[[Join], None]) -> None:
    assert law(brute()) is None


def test_every_law_kills_a_mutant() -> None:
    assert {law for law, _ in MUTANTS.values()} == set(laws.LAWS)
