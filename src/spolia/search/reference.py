"""The definition of truth: what `spolia.search.join.join` must return, bit for bit."""

import math

import numpy as np

from spolia.core.types import Float32, Float64, Rows
from spolia.search.exclude import Exclude
from spolia.search.result import (
    Histogram,
    JoinResult,
    Pairs,
    bin_of,
    histogram_edges,
    sampled_rows,
)


def similarity_reference(x: Float32, y: Float32) -> float:
    """Return the dot product of two float32 rows, correctly rounded to float64, never -0.0.

    Products of float32 numbers are exact in float64 and `math.fsum` rounds their sum once.

    >>> similarity_reference(np.float32([0.6, 0.8]), np.float32([1.0, 0.0]))
    0.6000000238418579
    """
    return math.fsum((x.astype(np.float64) * y).tolist()) + 0.0


def join_reference(
    query: Rows,
    base: Rows | None = None,
    *,
    k: int | None = None,
    above: float | None = None,
    top: int | None = None,
    histogram: int | None = None,
    exclude: Exclude | None = None,
) -> JoinResult:
    """Return the join by brute force: the options and outputs are those of `join`.

    >>> rows = np.eye(2, dtype=np.float32)
    >>> join_reference(rows, rows, k=2).indices.tolist()
    [[0, 1], [1, 0]]
    >>> join_reference(rows, k=2).indices.tolist()
    [[1, -1], [0, -1]]
    """
    if base is None:
        base, exclude = query, exclude or Exclude.itself(query.shape[0])
    n, m = query.shape[0], base.shape[0]
    values: Float64 = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            values[i, j] = similarity_reference(query[i : i + 1][0], base[j : j + 1][0])
    if exclude is not None:  # an excluded pair does not exist: it is marked with -inf
        values[exclude.query_groups[:, np.newaxis] == exclude.base_groups] = -np.inf
    listed = values.copy()
    if exclude is not None and exclude.once:
        listed[np.tril_indices(n, m=m)] = -np.inf
    # A stable sort leaves equal similarities in the order of (query, base).
    order = np.argsort(-listed, axis=None, kind="stable")[: np.sum(listed > -np.inf)]
    ranked = Pairs(order // max(m, 1), order % max(m, 1), listed.ravel()[order])
    indices, nearest = None, None
    if k is not None:
        indices = np.full((n, k), -1, dtype=np.int64)
        nearest = np.full((n, k), -np.inf)
        indices[:, :m] = np.argsort(-values, axis=1, kind="stable")[:, :k]
        nearest[:, :m] = -np.sort(-values, axis=1)[:, :k]
        indices[nearest == -np.inf] = -1
    return JoinResult(
        indices=indices,
        similarities=nearest,
        pairs=None if above is None else _first(ranked, int(np.sum(ranked.similarity >= above))),
        top=None if top is None else _first(ranked, top),
        histogram=None if histogram is None else _counted(values, histogram),
    )


def _counted(values: Float64, bins: int) -> Histogram:
    rows, edges = sampled_rows(len(values)), histogram_edges(bins)
    counted = values[rows][values[rows] > -np.inf]
    return Histogram(np.bincount(bin_of(counted, edges), minlength=bins), edges, len(rows))


def _first(ranked: Pairs, count: int) -> Pairs:
    return Pairs(ranked.query[:count], ranked.base[:count], ranked.similarity[:count])
