r"""p-values of identities by a pool of non-members, with as many photos each.

Sources: Vovk, V., Gammerman, A. & Shafer, G. (2005), *Algorithmic Learning in a Random World*;
Bates, S. et al. (2023), https://arxiv.org/abs/2104.08279 (conformal p-values that share their null,
and Benjamini-Hochberg on them).

Adversary: whoever has photos of a person, of non-members, and the synthetic set. Cost: a sort for
each number of photos.

The mean over twenty photos varies less than one photo does, so a person with twenty photos cannot
be compared with strangers of one. Let every identity's photos stand in an order drawn at random,
and let :math:`S_k` be the mean over its first *k*. A query with *k* photos has

.. math:: p = \frac{1 + \#\{l : n_l \ge k,\ S_k^{(l)} \ge S_k\}}{1 + \#\{l : n_l \ge k\}}

over the non-members *l* with :math:`n_l` photos. A query that is a non-member drawn from the same
people is exchangeable with them, so *p* is uniform or larger. *k* is at most the largest number of
photos that half of the pool has; a query with more is scored on its first *k* as well.

Benjamini-Hochberg on these keeps its rate for mixed numbers of photos as well, if who scores higher
by *k* photos does not tend to score lower by another number: ``docs/methods/identity.md`` has the
proof, and what was measured where that fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spolia.core.types import Float64, Int64

_DIGITS = 9
"""Means are rounded as scores are, so that equal ones are equal."""


@dataclass(frozen=True, eq=False)
class Pooled:
    """What a pool of non-members says of q queries."""

    photos: Int64
    """``(q,)`` photos that each was compared by."""
    pool: Int64
    """``(q,)`` non-members it was compared with."""
    p: Float64
    """``(q,)`` in (0, 1]."""

    @property
    def floors(self) -> Float64:
        """The smallest p that each query could have had."""
        floors: Float64 = 1.0 / (1.0 + self.pool.astype(np.float64))
        return floors


def pooled_p(queries: Sequence[Float64], pool: Sequence[Float64]) -> Pooled:
    """Return the p-value of every query.

    Parameters
    ----------
    queries, pool
        The scores of each identity's photos, at least one, in an order drawn at random.

    Examples
    --------
    Of four strangers two have a second photo, which is half of them.

    >>> strangers = [np.array(one) for one in ([0.1], [0.5], [0.2, 0.6], [0.9, 0.1])]
    >>> found = pooled_p([np.array([0.7]), np.array([0.8, 0.9, 1.0])], strangers)
    >>> found.p.round(3).tolist(), found.photos.tolist(), found.pool.tolist()
    ([0.4, 0.333], [1, 2], [4, 2])
    """
    most = most_photos(np.array([one.size for one in pool]))
    compared = np.minimum([one.size for one in queries], most).astype(np.int64)
    p, beside = np.empty(compared.size), np.empty(compared.size, dtype=np.int64)
    for k in np.unique(compared).tolist():
        null = np.sort([_first(one, k) for one in pool if one.size >= k])
        rows = np.flatnonzero(compared == k)
        score = np.array([_first(queries[i], k) for i in rows.tolist()])
        above = null.size - np.searchsorted(null, score, side="left")
        p[rows] = (1.0 + above) / (1.0 + null.size)
        beside[rows] = null.size
    return Pooled(compared, beside, p)


def _first(scores: Float64, k: int) -> float:
    return float(np.round(scores[:k].mean(), _DIGITS))


def most_photos(photos: Int64) -> int:
    """Return the largest number of photos that at least half of the identities have.

    >>> most_photos(np.array([1, 1, 3, 5])), most_photos(np.array([1, 1, 3]))
    (3, 1)
    """
    return int(np.sort(photos)[::-1][(photos.size - 1) // 2])


def fewest_named(floors: Float64, fdr: float) -> int | None:
    """Return how few queries Benjamini-Hochberg can name; ``None``: none, however they score.

    Parameters
    ----------
    floors
        ``(q,)`` smallest p-value that each could have.
    fdr
        False discovery rate that is asked for.

    Examples
    --------
    >>> fewest_named(np.full(10, 0.01), 0.05), fewest_named(np.full(10, 0.06), 0.05)
    (2, None)
    """
    count = np.arange(1, floors.size + 1)
    can = np.flatnonzero(floors.size * np.sort(floors) / count <= fdr)
    return int(count[can[0]]) if can.size else None
