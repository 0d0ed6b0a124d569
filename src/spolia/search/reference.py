"""The definition of truth: what `spolia.search.join.join` must return, bit for bit."""

import math

import numpy as np

from spolia.core.types import Float32, Float64, Rows
from spolia.search.result import Histogram, JoinResult, Pairs, bin_of, histogram_edges


def similarity_reference(x: Float32, y: Float32) -> float:
    """Return the dot product of two float32 rows, correctly rounded to float64, never -0.0.

    Products of float32 numbers are exact in float64 and `math.fsum` rounds their sum once.

    >>> similarity_reference(np.float32([0.6, 0.8]), np.float32([1.0, 0.0]))
    0.6000000238418579
    """
    return math.fsum((x.astype(np.float64) * y).tolist()) + 0.0


def join_reference(
    query: Rows,
    base: Rows,
    *,
    k: int | None = None,
    above: float | None = None,
    top: int | None = None,
    histogram: int | None = None,
) -> JoinResult:
    """Return the join by brute force: the options and outputs are those of `join`.

    >>> rows = np.eye(2, dtype=np.float32)
    >>> join_reference(rows, rows, k=2).indices.tolist()
    [[0, 1], [1, 0]]
    """
    n, m = query.shape[0], base.shape[0]
    values: Float64 = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            values[i, j] = similarity_reference(query[i : i + 1][0], base[j : j + 1][0])
    # A stable sort leaves equal similarities in the order of (query, base).
    order = np.argsort(-values, axis=None, kind="stable")
    ranked = Pairs(order // max(m, 1), order % max(m, 1), values.ravel()[order])
    indices, nearest = None, None
    if k is not None:
        indices = np.full((n, k), -1, dtype=np.int64)
        nearest = np.full((n, k), -np.inf)
        indices[:, :m] = np.argsort(-values, axis=1, kind="stable")[:, :k]
        nearest[:, :m] = -np.sort(-values, axis=1)[:, :k]
    edges = None if histogram is None else histogram_edges(histogram)
    return JoinResult(
        indices=indices,
        similarities=nearest,
        pairs=None if above is None else _first(ranked, int(np.sum(values >= above))),
        top=None if top is None else _first(ranked, top),
        histogram=None
        if edges is None
        else Histogram(np.bincount(bin_of(values.ravel(), edges), minlength=len(edges) - 1), edges),
    )


def _first(ranked: Pairs, count: int) -> Pairs:
    return Pairs(ranked.query[:count], ranked.base[:count], ranked.similarity[:count])
