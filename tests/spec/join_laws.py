"""What every exact join obeys: each law takes a join and fails on a wrong one."""

import itertools
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from spolia.core.types import Float32, Float64
from tests.spec.join_exclude_laws import EXCLUDE_LAWS
from tests.spec.joins import Join, assert_same, listed, numbers, reference, rows_of


def ties_go_to_the_lower_number(join: Join) -> None:
    rows = np.float32([[0.6, 0.8]] * 2 + [[0, 1]] * 7)
    result = join(rows[:3], rows, k=4, top=5, above=0.9)
    assert numbers(result.indices) == [[0, 1, 2, 3], [0, 1, 2, 3], [2, 3, 4, 5]]
    # 0.6 * 0.6 + 0.8 * 0.8 in float32 is a little more than 1.
    assert listed(result.top) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)]
    assert listed(result.pairs) == [(0, 0), (0, 1), (1, 0), (1, 1), *((2, j) for j in range(2, 9))]


def equal_similarities_of_unequal_rows_go_to_the_lower_number(join: Join) -> None:
    turned = np.float32([[0.6, 0.8, 0], [0.6, 0, 0.8], [0.6, -0.8, 0], [0.6, 0, -0.8]])
    base = np.concatenate([turned, -turned, turned * np.float32([1, -1, -1])])
    result = join(np.float32([[1, 0, 0]]), base, k=5, top=6)
    assert numbers(result.indices) == [[0, 1, 2, 3, 8]]
    assert listed(result.top) == [(0, j) for j in (0, 1, 2, 3, 8, 9)]
    assert numbers(join(np.float32([[1, 0, 0]]), base, k=2).indices) == [[0, 1]]


def a_pair_exactly_at_the_threshold_is_found(join: Join) -> None:
    query, base = np.float32([[1, 0], [0, 1]]), np.float32([[0.6, 0.8], [0.8, 0.6], [1, 0]])
    threshold = float(np.float32(0.6))
    assert listed(join(query, base, above=threshold).pairs) == [
        (0, 2),
        (0, 1),
        (1, 0),
        (0, 0),
        (1, 1),
    ]
    assert listed(join(query, base, above=np.nextafter(threshold, 1)).pairs) == [
        (0, 2),
        (0, 1),
        (1, 0),
    ]


def every_row_counts_whatever_the_tile(join: Join) -> None:
    base = np.eye(11, dtype=np.float32)
    result = join(base[::-1].copy(), base, k=1, above=1.0, top=11)
    assert numbers(result.indices) == [[10 - i] for i in range(11)]
    assert listed(result.pairs) == listed(result.top) == [(i, 10 - i) for i in range(11)]


def near_equal_rows_are_told_apart(join: Join) -> None:
    for seed in range(5):
        query = rows_of("near-equal", 8, 511, seed)
        base = rows_of("near-equal", 60, 511, seed + 100)
        options = {"k": 3, "top": 10, "above": 1.0}
        assert_same(join(query, base, **options), reference(query, base, **options))


def similarity_is_the_exact_one_rounded_once(join: Join) -> None:
    half = np.float32(np.sqrt(0.5))
    query = np.float32([[half, 2.0**-40, half, 0]])
    base = np.float32([[half, 2.0**-40, -half, 0], [half, 2.0**-80, -half, 0]])
    # The first and third products cancel; a running sum loses the second in most orders.
    for order in itertools.permutations(range(4)):
        result = join(query[:, order], base[:, order], k=2)
        assert result.similarities is not None
        assert result.similarities.tolist() == [[2.0**-80, 2.0**-120]]
        assert numbers(result.indices) == [[0, 1]]


def zero_is_never_negative(join: Join) -> None:
    result = join(np.float32([[0, 0], [-1, 0]]), np.float32([[-1, 0], [0, -1]]), k=2)
    assert result.similarities is not None
    assert not np.signbit(result.similarities).any()
    assert numbers(result.indices) == [[0, 1], [0, 1]]


def bins_are_closed_on_the_left(join: Join) -> None:
    base = np.float32([[1, 0], [0, 1], [-1, 0], [0, -1]])
    result = join(base, base, histogram=2)
    assert result.histogram is not None
    # Four pairs at -1, eight at 0, four at 1: the edge 0 belongs to the bin above it.
    assert result.histogram.counts.tolist() == [4, 12]
    assert result.histogram.edges.tolist() == [-1.0, 0.0, 1.0]


def similarities_beyond_one_count_in_the_end_bins(join: Join) -> None:
    rows = np.float32([[1.00005, 0], [-1.00005, 0]])
    result = join(rows, rows, histogram=5)
    assert result.histogram is not None
    assert result.histogram.counts.tolist() == [2, 0, 0, 0, 2]


def an_edge_is_compared_exactly(join: Join) -> None:
    one = np.float32([[1, 0]])
    for bins in (2, 3, 7, 10, 96):
        edges = (2 * np.arange(1, bins) - bins) / bins
        # The float32 nearest to each inner edge, and its neighbours: the similarities to `one`.
        at = np.float32(edges)
        first = np.concatenate([np.nextafter(at, np.float32(s)) for s in (-2, 2)] + [at])
        base = np.float32(np.stack([first, np.sqrt(1 - first.astype(np.float64) ** 2)], axis=1))
        result = join(one, base, histogram=bins)
        assert result.histogram is not None
        counts = [0] * bins
        for value in first.tolist():
            counts[sum(value >= edge for edge in edges.tolist())] += 1
        assert result.histogram.counts.tolist() == counts


def copies_count_as_neighbours(join: Join) -> None:
    base = np.float32([[0, 1], [1, 0], [1, 0], [0.8, 0.6], [1, 0], [1, 0], [1, 0]])
    result = join(np.float32([[1, 0], [0.8, 0.6]]), base, k=3, top=3)
    assert numbers(result.indices) == [[1, 2, 4], [3, 1, 2]]
    result = join(np.float32([[1, 0]]), base, k=5)
    assert numbers(result.indices) == [[1, 2, 4, 5, 6]]


def missing_neighbours_are_marked(join: Join) -> None:
    query, base = np.eye(2, dtype=np.float32), np.float32([[1, 0]])
    result = join(query, base, k=3, top=5)
    assert result.similarities is not None
    assert numbers(result.indices) == [[0, -1, -1]] * 2
    assert result.similarities.tolist() == [[1.0, -np.inf, -np.inf], [0.0, -np.inf, -np.inf]]
    assert listed(result.top) == [(0, 0), (1, 0)]


def a_histogram_counts_evenly_spaced_rows(join: Join) -> None:
    for n in (512, 513, 700, 1024):
        sample = sorted({i * n // 512 for i in range(512)})
        query = np.zeros((n, 2), dtype=np.float32)
        query[:, 1] = 1
        query[sample] = [1, 0]
        found = join(query, np.float32([[1, 0], [-1, 0]]), histogram=3, k=1)
        assert found.histogram.counts.tolist() == [512, 0, 512]
        assert found.histogram.rows == 512


LAWS: tuple[Callable[[Join], None], ...] = (
    ties_go_to_the_lower_number,
    equal_similarities_of_unequal_rows_go_to_the_lower_number,
    a_pair_exactly_at_the_threshold_is_found,
    every_row_counts_whatever_the_tile,
    near_equal_rows_are_told_apart,
    similarity_is_the_exact_one_rounded_once,
    zero_is_never_negative,
    bins_are_closed_on_the_left,
    similarities_beyond_one_count_in_the_end_bins,
    an_edge_is_compared_exactly,
    copies_count_as_neighbours,
    missing_neighbours_are_marked,
    a_histogram_counts_evenly_spaced_rows,
    *EXCLUDE_LAWS,
)


# Similarity of paired rows

Similarity = Callable[[Float32, Float32], Float64]

TINY = 2.0**-149

HARD_SUMS = {
    "cancels to the smallest product": [(1.0, 1.0), (TINY, TINY), (-1.0, 1.0)],
    "cancels to nothing": [(0.1, 0.3), (-0.1, 0.3), (0.0, -1.0)],
    "midpoint, even below": [(1.0, 1.0), (2.0**-53, 1.0)],
    "midpoint, even above": [(1.0, 1.0), (2.0**-26, 2.0**-26), (2.0**-53, 1.0)],
    "just above a midpoint": [(1.0, 1.0), (2.0**-53, 1.0), (TINY, TINY)],
    "just below a midpoint": [(1.0, 1.0), (2.0**-53, 1.0), (-TINY, TINY)],
    "midpoint below a power of two": [(1.0, 1.0), (-(2.0**-54), 1.0)],
    "just below that midpoint": [(1.0, 1.0), (-(2.0**-54), 1.0), (-TINY, TINY)],
    "just above that midpoint": [(1.0, 1.0), (-(2.0**-54), 1.0), (TINY, TINY)],
    "only denormal coordinates": [(TINY, TINY), (3 * TINY, TINY), (-TINY, 2 * TINY)],
    "largest float32": [(3e38, 3e38), (-3e38, 3e38), (2.0**-52, 1.0)],
}
"""The (x, y) coordinates of pairs of rows."""


def assert_rounded(similarity: Similarity, x: Float32, y: Float32) -> None:
    """Fail unless the similarities are the exact ones, rounded once, and never -0.0."""
    result = similarity(x, y)
    assert not np.signbit(result[result == 0.0]).any()
    for value, a, b in zip(result.tolist(), x.tolist(), y.tolist(), strict=True):
        # Fraction to float rounds once, to even, and shares no code with math.fsum.
        products = (Fraction(p) * Fraction(q) for p, q in zip(a, b, strict=True))
        assert value == float(sum(products, Fraction(0)))


def hard_sums_are_rounded_once(similarity: Similarity) -> None:
    for products in HARD_SUMS.values():
        for order in itertools.permutations(products):
            both = np.float32(order)
            assert_rounded(similarity, both[np.newaxis, :, 0], both[np.newaxis, :, 1])
