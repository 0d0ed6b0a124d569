"""Near-duplicate clusters against their definition."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from spolia.core.errors import UsageError
from spolia.stats.clusters import complete_linkage
from tests.spec import cluster_laws
from tests.spec.cluster_laws import pairs_at

LAWS = [one for name, one in vars(cluster_laws).items() if name.startswith("law_")]


@pytest.mark.parametrize("law", LAWS, ids=lambda one: one.__name__)
def test_law_holds(law):
    assert law(complete_linkage) is None


def test_without_ties_clusters_are_those_of_scipy():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(60, 3))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        similarity = rows @ rows.T
        label = complete_linkage(60, *pairs_at(similarity, 0.8))
        distance = squareform(1.0 - similarity, checks=False)
        theirs = fcluster(linkage(distance, "complete"), 0.2, "distance")
        assert len(set(zip(label.tolist(), theirs.tolist(), strict=True))) == len(set(theirs))
        assert label.max() + 1 == len(set(theirs))


def test_no_pairs_make_no_cluster():
    none = np.empty(0, dtype=np.int64)
    assert complete_linkage(3, none, none, np.empty(0)).tolist() == [0, 1, 2]
    assert complete_linkage(0, none, none, np.empty(0)).tolist() == []


def test_equal_items_by_the_hundred_are_one_cluster():
    first, second = np.nonzero(np.triu(np.ones((300, 300)), 1))
    assert complete_linkage(300, first, second, np.ones(first.size)).tolist() == [0] * 300


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [([0, 1], [1, 0], "is given twice"), ([2], [2], "an item with itself")],
)
def test_pairs_that_would_be_miscounted_are_refused(first, second, message):
    with pytest.raises(UsageError, match=message):
        complete_linkage(3, np.array(first), np.array(second), np.ones(len(first)))
