"""Known wrong joins: each is killed by a law that the right ones pass."""

import math
import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spolia.core.types import Float32, Float64, Int64
from spolia.search.copies import late_copies
from spolia.search.exact import _rounded, exact_similarity
from spolia.search.exclude import Exclude
from spolia.search.plan import Wanted
from spolia.search.reference import join_reference
from spolia.search.result import Histogram, JoinResult, Pairs, histogram_edges, sampled_rows
from tests.spec import join_exclude_laws as exclude_laws
from tests.spec import join_laws as laws
from tests.spec.joins import Join, as_join, planned


def brute(
    *,
    similarity: Callable[[Float32, Float32], Float64] | None = None,
    arrival: int = 1,
    reaches: Callable[[Any, float], Any] = operator.ge,
    side: str = "right",
    sample: Callable[[int], Int64] = sampled_rows,
) -> Join:
    """Return a brute-force join with one place for each fault; without a fault it is right."""

    def run(query: Float32, base: Float32, wanted: Wanted, exclude: Exclude | None) -> JoinResult:
        n, m = len(query), max(1, len(base))
        values = (similarity or exact_matrix)(query, base)
        allowed = np.ones(values.shape, dtype=bool)
        if exclude is not None:
            allowed = np.not_equal.outer(exclude.query_groups, exclude.base_groups)
        pairs = np.flatnonzero(allowed)[::arrival]
        order = pairs[np.argsort(-values.ravel()[pairs], kind="stable")]
        once = order[order % m > order // m] if exclude is not None and exclude.once else order
        ranked = Pairs(once // m, once % m, values.ravel()[once])
        indices = np.full((n, wanted.k or 0), -1)
        nearest = np.full((n, wanted.k or 0), -np.inf)
        for i in range(n):
            near = order[order // m == i][: wanted.k or 0]
            indices[i, : len(near)] = near % m
            nearest[i, : len(near)] = values.ravel()[near]
        edges, rows = histogram_edges(wanted.histogram or 1), sample(n)
        bins = np.searchsorted(edges[1:-1], values[rows][allowed[rows]], side=side)
        above, top = wanted.above or 0.0, wanted.top or 0
        return JoinResult(
            indices=None if wanted.k is None else indices,
            similarities=None if wanted.k is None else nearest,
            pairs=None
            if wanted.above is None
            else first(ranked, reaches(ranked.similarity, above)),
            top=None if wanted.top is None else first(ranked, np.arange(len(once)) < top),
            histogram=None
            if wanted.histogram is None
            else Histogram(np.bincount(bins, minlength=len(edges) - 1), edges, len(rows)),
        )

    return as_join(run)


def first(ranked: Pairs, which: Any) -> Pairs:
    return Pairs(ranked.query[which], ranked.base[which], ranked.similarity[which])


def exact_matrix(query: Float32, base: Float32) -> Float64:
    if 0 in (len(query), len(base)):
        return np.empty((len(query), len(base)))
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
    return JoinResult(histogram=Histogram(counts, histogram_edges(histogram), len(query)))


def clipped_away(query: Float32, base: Float32, *, histogram: int) -> JoinResult:
    """Forgets the similarities beyond 1, as `numpy.histogram` does."""
    values = exact_matrix(query, base).ravel()
    counts, edges = np.histogram(values, histogram_edges(histogram))
    return JoinResult(histogram=Histogram(counts, edges, len(query)))


def first_rows(n: int) -> Int64:
    return np.arange(min(n, 512))


def with_exclude(change: Callable[[Exclude], Exclude | None]) -> Join:
    """Return the right join of an ``exclude`` that was changed on the way."""

    def run(query: Float32, base: Float32, wanted: Wanted, exclude: Exclude | None) -> JoinResult:
        changed = None if exclude is None else change(exclude)
        return join_reference(query, base, **vars(wanted), exclude=changed)

    return as_join(run)


def diagonal_kept(exclude: Exclude) -> Exclude:
    apart = exclude.base_groups + exclude.query_groups.max() + 1
    return replace(exclude, base_groups=apart) if exclude.once else exclude


def only_the_diagonal(exclude: Exclude) -> Exclude:
    return Exclude.itself(len(exclude.query_groups)) if exclude.once else exclude


def only_up_to_the_first_group(exclude: Exclude) -> Exclude | None:
    """Takes groups that are all equal for none."""
    return exclude if len(np.unique(exclude.base_groups)) > 1 else None


@as_join
def removed_afterwards(
    query: Float32, base: Float32, wanted: Wanted, exclude: Exclude | None
) -> JoinResult:
    """Lets excluded pairs raise the floor: takes the best of all, then drops the excluded."""
    found = join_reference(query, base, **vars(wanted))
    if exclude is None or found.indices is None or found.top is None:
        return found
    apart = exclude.query_groups[found.top.query] != exclude.base_groups[found.top.base]
    hidden = exclude.query_groups[:, np.newaxis] == exclude.base_groups[found.indices]
    return replace(found, indices=np.where(hidden, -1, found.indices), top=first(found.top, apart))


@as_join
def places_left_behind(
    query: Float32, base: Float32, wanted: Wanted, exclude: Exclude | None
) -> JoinResult:
    """Marks excluded pairs by their similarity alone: a row with too few keeps their numbers."""
    found = join_reference(query, base, **vars(wanted), exclude=exclude)
    if found.indices is None:
        return found
    return replace(found, indices=np.maximum(found.indices, 0))


@as_join
def late_without_groups(
    query: Float32, base: Float32, wanted: Wanted, exclude: Exclude | None
) -> JoinResult:
    """Leaves out copies as if no earlier one were excluded."""
    stay = np.flatnonzero(~late_copies(base, max(wanted.k or 0, wanted.top or 0) or len(base)))
    if exclude is not None:
        exclude = replace(exclude, base_groups=exclude.base_groups[stay])
    found = join_reference(query, base[stay], **vars(wanted), exclude=exclude)
    if found.indices is None:
        return found
    return replace(found, indices=np.where(found.indices < 0, -1, stay[found.indices]))


@as_join
def first_rows_for_zero_rows(
    query: Float32, base: Float32, wanted: Wanted, exclude: Exclude | None
) -> JoinResult:
    """Takes the first rows of base for the nearest of a zero row, allowed or not."""
    found = join_reference(query, base, **vars(wanted), exclude=exclude)
    if found.indices is not None:
        zero = ~query.any(axis=1)
        found.indices[zero] = np.arange(found.indices.shape[1])
    return found


@as_join
def counted_one_way(
    query: Float32, base: Float32, wanted: Wanted, exclude: Exclude | None
) -> JoinResult:
    """Counts a pair of a set with itself once, as it is listed."""
    found = join_reference(query, base, **vars(wanted), exclude=exclude)
    if found.histogram is None or exclude is None or not exclude.once:
        return found
    return replace(found, histogram=replace(found.histogram, counts=found.histogram.counts // 2))


def one_base_for_all(query: Float32, base: Any, *, exclude: Any = None, **options: Any) -> Any:
    """Excludes the groups of the first base from each."""
    join = as_join(lambda *run: join_reference(*run[:2], **vars(run[2]), exclude=run[3]))
    if not isinstance(base, tuple) or exclude is None:
        return join(query, base, exclude=exclude, **options)
    first_groups = (exclude[1][0] * 9, exclude[1][0] * 9)
    groups = [one[: len(b)] for one, b in zip((exclude[1][0], *first_groups), base, strict=True)]
    return join(query, base, exclude=(exclude[0], groups), **options)


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
    "histogram of the first rows": (
        laws.a_histogram_counts_evenly_spaced_rows,
        brute(sample=first_rows),
    ),
    "histogram of all rows": (laws.a_histogram_counts_evenly_spaced_rows, brute(sample=np.arange)),
    "diagonal not excluded": (
        exclude_laws.a_row_is_not_its_own_neighbour,
        with_exclude(diagonal_kept),
    ),
    "pair listed twice": (
        exclude_laws.a_pair_of_a_set_with_itself_is_listed_once,
        with_exclude(lambda exclude: replace(exclude, once=False)),
    ),
    "groups within a set ignored": (
        exclude_laws.rows_of_one_group_are_not_compared,
        with_exclude(only_the_diagonal),
    ),
    "excluded pair raises the floor": (
        exclude_laws.excluded_pairs_leave_room_for_others,
        removed_afterwards,
    ),
    "excluded neighbour keeps its place": (
        exclude_laws.neighbours_that_exclusion_takes_away_are_marked,
        places_left_behind,
    ),
    "a single group excludes nothing": (
        exclude_laws.where_all_is_excluded_nothing_is_found,
        with_exclude(only_up_to_the_first_group),
    ),
    "late copies ignore groups": (
        exclude_laws.copies_that_are_excluded_do_not_count_as_earlier_ones,
        late_without_groups,
    ),
    "zero rows ignore groups": (
        exclude_laws.a_zero_row_has_the_first_allowed_neighbours,
        first_rows_for_zero_rows,
    ),
    "histogram of a set with itself counted one way": (
        exclude_laws.a_histogram_counts_allowed_pairs_both_ways,
        counted_one_way,
    ),
    "groups of the first base for all": (
        exclude_laws.several_bases_are_separate_joins,
        one_base_for_all,
    ),
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
