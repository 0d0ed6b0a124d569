"""A tile: approximate similarities of a block of query rows with a piece of base, of known error.

`candidates` is all that a faster kernel has to replace: from a tile and one floor per query row
to the pairs that reach it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.search.exact import exact_similarity, pairs_at_once
from spolia.search.result import bin_of

Tile = npt.NDArray[np.floating[Any]]
"""``(rows, columns)`` float32 or float64."""

Settle = Callable[[Int64], Float64]
"""From pair numbers to true similarities."""

Flags = npt.NDArray[np.bool_]

NORM_PRODUCT = 1.001
"""More than the product of two norms can be, each within `NORM_TOLERANCE` of 1."""


def tile_margin(d: int, *, wide: bool) -> float:
    """Return how far a dot product of two ``d``-wide unit rows may err in a matrix product.

    In any order of summation, with or without fused multiply-add, each product meets at most d
    roundings, so |error| <= ((1 + u)^d - 1) * norm(x) * norm(y), and (1 + u)^d <= exp(d u).
    Four more u cover the arithmetic on floors; d * 2^-100 covers coordinates and products that
    underflow or are flushed to zero.

    >>> tile_margin(512, wide=False) < 3.1e-5, tile_margin(512, wide=True) < 6e-14
    (True, True)
    """
    u = 2.0**-53 if wide else 2.0**-24
    return float(np.expm1((d + 4) * u)) * NORM_PRODUCT + d * 2.0**-100


def candidates(tile: Tile, floors: Float64) -> tuple[Int64, Int64, Float64]:
    """Return row, column and value of the pairs of ``tile`` at or above their row's floor.

    >>> tile = np.float32([[0.1, 0.9], [0.5, 0.2]])
    >>> rows, columns, _ = candidates(tile, np.array([0.5, 0.1]))
    >>> list(zip(rows.tolist(), columns.tolist()))
    [(0, 1), (1, 0), (1, 1)]
    """
    # Compare in the tile's own precision, so the floor is rounded down to it. A pair masked with
    # -inf stays out even where the floor is -inf.
    floors_down = np.nextafter(floors.astype(tile.dtype), -np.inf, dtype=tile.dtype)
    floors_down = np.maximum(floors_down, np.finfo(tile.dtype).min)
    reached = np.flatnonzero(tile >= floors_down[:, np.newaxis])
    rows, columns = np.divmod(reached, tile.shape[1])
    return rows, columns, tile[rows, columns].astype(np.float64)


def count_tile(
    tile: Tile,
    zero: tuple[Flags, Flags],
    margin: float,
    edges: Float64,
    settle: Callable[[Int64, Int64], Float64],
    hidden: Flags | None = None,
) -> Int64:
    """Return how many pairs of ``tile`` fall into each bin, exactly.

    Parameters
    ----------
    tile
        ``(rows, columns)`` float64, each value within ``margin`` of the similarity.
    zero
        Which rows and which columns are all zero: their similarities are 0.0 without error.
    edges
        ``(bins + 1,)``, see `histogram_edges`.
    settle
        From row and column numbers to true similarities; asked where an edge is too close to tell.
    hidden
        ``(rows, columns)``: which pairs do not count.
    """
    bins = len(edges) - 1
    place = tile + 1.0
    place *= 0.5 * bins
    number = np.floor(place)
    place -= number
    # Four roundings of at most bins * 2^-52 lie between the tile's value and its place.
    slack = 0.5 * bins * margin + bins * 2.0**-50
    close = np.abs(place - 0.5) >= 0.5 - slack
    close[zero[0]] = False
    close[:, zero[1]] = False
    if hidden is not None:
        close[hidden] = False
    number = np.clip(number, 0, bins - 1).astype(np.int64)
    rows, columns = np.divmod(np.flatnonzero(close), tile.shape[1])
    number[rows, columns] = bin_of(settle(rows, columns), edges)
    counted = number.ravel() if hidden is None else number[~hidden]
    return np.bincount(counted, minlength=bins)


def zero_rows(rows: Float32) -> Flags:
    """Return which rows are all zero, ``(n,)``."""
    zero: Flags = ~np.any(rows, axis=1)
    return zero


def settler(x: Float32, base: Rows) -> Settle:
    """Return the function from pairs, i * m + j, to the similarities of row i of ``x`` and j."""
    m, d = base.shape
    step = pairs_at_once(d)

    def settle(pairs: Int64) -> Float64:
        result = np.empty(len(pairs))
        for start in range(0, len(pairs), step):
            rows, columns = np.divmod(pairs[start : start + step], m)
            result[start : start + step] = exact_similarity(x[rows], np.asarray(base[columns]))
        return result

    return settle
