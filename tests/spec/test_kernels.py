"""Every kernel that this machine can run sums whole numbers rightly, and rounds a sum once."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import numpy as np
import pytest

from spolia.core.rows import row_addresses
from spolia.core.types import Float32, Float64, normalise
from spolia.search.engines import kernel_name
from spolia.search.join import join
from spolia.search.native.binding import VARIABLE, Kernel, kernels, similarities
from spolia.search.reference import similarity_reference
from spolia.search.result import JoinResult
from tests.spec.join_laws import HARD_SUMS, Similarity, assert_rounded
from tests.spec.joins import KINDS, Join, assert_same, compiled, reference, rows_of

RUNNING = pytest.mark.parametrize(
    "kernel", [one for one in kernels() if one.runs], ids=lambda one: one.name
)
EDGES = (1, 7, 8, 9, 15, 16, 17, 47, 48, 49, 95, 97)
"""Numbers of rows about the edges of groups of query rows and of panels."""
WIDTHS = (1, 3, 4, 5, 63, 64, 65, 511, 512)

library: Join = partial(join, engine="library", threads=1)


@dataclass(frozen=True, eq=False)
class Case:
    """A join, and what the library finds."""

    query: Float32
    base: Float32
    options: dict[str, Any]

    @cached_property
    def expected(self) -> JoinResult:
        return library(self.query, self.base, **self.options)


# Whole numbers


def whole_rows(kind: str, n: int, d: int, most: int, seed: int) -> Float32:
    """Return unit rows that a kernel with numbers up to ``most`` quantises without loss, nearly."""
    rng = np.random.default_rng(seed)
    if kind == "random":
        whole = rng.integers(-most, most, (n, d), endpoint=True)
        whole[:, 0] = most  # so that all of them have one scale
    elif kind == "extreme":
        whole = most * rng.choice([-1, 1], (n, d))
    else:
        whole = np.repeat(most * rng.choice([-1, 1], (n, 1)), d, axis=1)
    return normalise(whole.astype(np.float64))


@cache
def whole_cases(kind: str, most: int, d: int) -> list[Case]:
    """Return joins of whole rows with thresholds exactly at a similarity."""
    cases = []
    for seed, (n, m) in enumerate([(16, 48), (19, 101)]):
        query = whole_rows(kind, n, d, 127, seed)
        base = whole_rows(kind, m, d, most, seed + 9)
        base[5], base[-1] = query[3], query[-1]
        every = library(query, base, above=-1.0).pairs.similarity.tolist()
        wanted: list[dict[str, Any]] = [
            {"above": every[place]} for place in (0, 9, len(every) // 8, len(every) // 2, -1)
        ]
        cases += [Case(query, base, one) for one in (*wanted, {"k": 2}, {"top": 5})]
    return cases


@RUNNING
@pytest.mark.parametrize("kind", ["random", "extreme", "all alike"])
@pytest.mark.parametrize("most", [63, 127])
@pytest.mark.parametrize("d", [1, 4, 67, 1024])
def test_sums_of_whole_numbers_are_right(kernel: Kernel, kind: str, most: int, d: int) -> None:
    # So few may wait that thresholds follow from the sums, before a similarity is computed.
    by_kernel = compiled(kernel=kernel.name, waiting=2, top_waiting=2)
    for case in whole_cases(kind, most, d):
        assert_same(by_kernel(case.query, case.base, **case.options), case.expected)


@RUNNING
def test_the_deepest_sums_do_not_overflow(kernel: Kernel) -> None:
    ones = np.ones((3, kernel.deepest)) * [[1], [-1], [1]]
    ones[2, ::2] = -1
    rows = normalise(ones)
    result = compiled(kernel=kernel.name)(rows, rows, k=3, above=-1.0)
    assert result.indices.tolist() == [[0, 2, 1], [1, 2, 0], [2, 0, 1]]
    assert_same(result, reference(rows, rows, k=3, above=-1.0))


# Joins


@cache
def edge_cases(n: int) -> list[Case]:
    """Return joins of ``n`` rows with as many as fill panels, nearly, and their neighbours."""
    cases = []
    start = EDGES.index(n)
    for number, m in enumerate(EDGES, start):
        d, kind = WIDTHS[number % len(WIDTHS)], KINDS[(start + number) % len(KINDS)]
        query, base = rows_of(kind, n, d, 0), rows_of(kind, m, d, 1)
        cases.append(Case(query, base, {"k": 3, "above": 0.2, "top": 7}))
    return cases


@RUNNING
@pytest.mark.parametrize("n", EDGES)
def test_a_kernel_joins_like_the_library_at_the_edges_of_blocks(kernel: Kernel, n: int) -> None:
    by_kernel = compiled(kernel=kernel.name)
    for case in edge_cases(n):
        assert_same(by_kernel(case.query, case.base, **case.options), case.expected)


@RUNNING
def test_the_variable_names_the_kernel(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, kernel.name)
    assert kernel_name() == kernel_name("kernel") == kernel.name
    query, base = rows_of("random", 17, 65, 0), rows_of("random", 49, 65, 1)
    result = join(query, base, k=3, engine="kernel")
    assert_same(result, reference(query, base, k=3))


# Similarities


def similarity_by(kernel: Kernel) -> Similarity:
    """Return the kernel's similarity of paired rows."""

    def similarity(x: Float32, y: Float32) -> Float64:
        places = [row_addresses(rows) for rows in (x, y)]
        assert places[0] is not None
        assert places[1] is not None
        return similarities(kernel, places[0], places[1], x.shape[1])

    return similarity


def hard_pairs(d: int) -> Iterator[tuple[Float32, Float32]]:
    """Yield pairs of rows, ``(1, d)`` of norm 1 at most, whose sums are hard to round."""
    rng = np.random.default_rng(d)
    for name, products in HARD_SUMS.items():
        if name == "largest float32":
            continue
        for order in itertools.permutations(products):
            both = np.zeros((2, 1, d), dtype=np.float32)
            places = np.sort(rng.choice(d, len(products), replace=False))
            both[:, 0, places] = np.float32(order).T
            both[np.abs(both) > 2.0**-100] /= 2  # crumbs are crumbs, whatever their size
            yield both[0], both[1]


@RUNNING
@pytest.mark.parametrize("d", [3, 15, 16, 17, 33])
def test_a_kernel_rounds_hard_sums_once(kernel: Kernel, d: int) -> None:
    for x, y in hard_pairs(d):
        assert max(np.linalg.norm(x), np.linalg.norm(y)) <= 1.0
        assert_rounded(similarity_by(kernel), x, y)


def test_hard_pairs_hold_midpoints_and_sums_that_cancel() -> None:
    values = [similarity_reference(x[0], y[0]) for x, y in hard_pairs(16)]
    products = [np.abs(x.astype(np.float64) * y) for x, y in hard_pairs(16)]
    assert {0.0, 2.0**-298, 0.25} <= set(values)
    # Exactly half of the last place of 0.25 beside it, and nothing else.
    assert any(np.unique(p).tolist() == [0.0, 2.0**-55, 0.25] for p in products)


@RUNNING
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [1, 7, 16, 40, 511])
def test_a_kernel_rounds_sums_of_rows_once(kernel: Kernel, kind: str, d: int) -> None:
    x, y = rows_of(kind, 6, d, 0), rows_of(kind, 6, d, 1)
    assert_rounded(similarity_by(kernel), x, y)
    assert_rounded(similarity_by(kernel), x, x[::-1])


@RUNNING
@pytest.mark.parametrize("d", [2, 32, 126, 1000])
def test_sums_that_cancel_are_zero_and_never_minus_zero(kernel: Kernel, d: int) -> None:
    half = rows_of("random", 20, d // 2, 0) * np.float32(np.sqrt(0.5))
    x, y = np.concatenate([half, half], axis=1), np.concatenate([half, -half], axis=1)
    order = np.random.default_rng(1).permutation(d)
    for one, other in ((x, y), (x[:, order].copy(), y[:, order].copy())):
        assert similarity_by(kernel)(one, other).tobytes() == np.zeros(20).tobytes()


@RUNNING
def test_longest_and_widest_rows_are_rounded_once(kernel: Kernel) -> None:
    for d in (1, 512, kernel.deepest):
        x = rows_of("random", 4, d, 0) * np.float32(1.00009)
        y = rows_of("random", 4, d, 1) * np.float32(-1.00009)
        for one, other in ((x, y), (x, x), (y, x)):
            expected = [similarity_reference(a, b) for a, b in zip(one, other, strict=True)]
            assert similarity_by(kernel)(one, other).tolist() == expected
