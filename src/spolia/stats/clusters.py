r"""Near-duplicate clusters: complete linkage from the pairs at or above a similarity.

Source: Sørensen, T. (1948), *Biologiske Skrifter* 5(4), 1-34 (complete linkage: groups in which
every two members are alike); Defays, D. (1977), https://doi.org/10.1093/comjnl/20.4.364.

Adversary: none; a statement about one set. Cost: a sort of the pairs, and a pass through those
whose component is no clique.

The similarity of two clusters is that of their least similar pair,

.. math:: S(A, B) = \min_{a \in A,\, b \in B} s(a, b),

and the most similar two are merged as long as :math:`S(A, B) \ge \tau`. So a cluster is a set in
which *every* pair reaches :math:`\tau`. Single linkage would join whatever a chain connects: a pan
through a room, or one person growing old, becomes one "photo".

Only pairs at or above :math:`\tau` are needed, taken in the order of similarity down, ties by the
lower and then the higher item. Two clusters are merged with the last of their
:math:`|A| \cdot |B|` pairs, whose similarity is then :math:`S(A, B)`: that is the order of the
definition. A component in which no pair is missing is one cluster, whatever the order.
"""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spolia.core.errors import UsageError
from spolia.core.types import Float64, Int64


def complete_linkage(n: int, first: Int64, second: Int64, similarity: Float64) -> Int64:
    """Return the number of every item's cluster.

    Parameters
    ----------
    n
        Number of items.
    first, second
        ``(p,)`` the two items of every pair at or above the threshold, each 0 to n - 1; every
        pair once, in any order and either way round.
    similarity
        ``(p,)`` up is closer.

    Returns
    -------
    Int64
        ``(n,)``; clusters are numbered in the order of their first item.

    Raises
    ------
    UsageError
        If a pair is given twice, or is one of an item with itself.

    Examples
    --------
    0 and 1 are the closest; 2 is close to 1 but not to 0, so the three are not one cluster.

    >>> complete_linkage(3, np.array([0, 1]), np.array([1, 2]), np.array([0.99, 0.98])).tolist()
    [0, 0, 1]
    """
    low, high = np.minimum(first, second), np.maximum(first, second)
    _check_pairs(n, low, high)
    order = np.lexsort((high, low, -similarity))
    low, high = low[order], high[order]
    component = _components(n, low, high)
    sizes = np.bincount(component, minlength=1)
    pairs = np.bincount(component[low], minlength=sizes.size)
    whole = 2 * pairs == sizes * (sizes - 1)
    label = np.where(whole[component], component, sizes.size + np.arange(n))
    loose = ~whole[component[low]]
    for cluster in _agglomerate(low[loose], high[loose]):
        label[cluster] = label[cluster[0]]
    return _in_order(label)


def _check_pairs(n: int, low: Int64, high: Int64) -> None:
    if np.any(low == high):
        raise UsageError("a pair must be of two items, but one is of an item with itself")
    if np.unique(low * n + high).size != low.size:
        raise UsageError("every pair must be given once, but one is given twice")


def _components(n: int, low: Int64, high: Int64) -> Int64:
    graph = coo_array((np.ones(low.size, dtype=np.int8), (low, high)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _agglomerate(low: Int64, high: Int64) -> list[list[int]]:
    """Return the clusters of two or more items; pairs come in order."""
    items = np.unique(np.concatenate([low, high])).tolist()
    cluster_of = {item: item for item in items}
    members = {item: [item] for item in items}
    met: dict[int, dict[int, int]] = {item: {} for item in items}
    for a, b in zip(low.tolist(), high.tolist(), strict=True):
        # Never the same cluster: it was made with the last of the pairs inside it.
        one, other = cluster_of[a], cluster_of[b]
        count = met[one].get(other, 0) + 1
        met[one][other] = met[other][one] = count
        if count < len(members[one]) * len(members[other]):
            continue
        if len(met[one]) < len(met[other]):
            one, other = other, one
        for third, pairs in met.pop(other).items():
            del met[third][other]
            if third != one:
                met[one][third] = met[third][one] = met[one].get(third, 0) + pairs
        for item in members[other]:
            cluster_of[item] = one
        members[one] += members.pop(other)
    return [cluster for cluster in members.values() if len(cluster) > 1]


def _in_order(label: Int64) -> Int64:
    """Return the labels numbered in the order in which they first occur."""
    _, first, number = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[number]
