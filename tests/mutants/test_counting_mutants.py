"""Known wrong versions of counting; each must break the law that the right one passes."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spolia.stats import strata
from spolia.stats.clusters import complete_linkage
from tests.spec import strata_laws
from tests.spec.cluster_laws import (
    law_clusters_are_those_of_the_definition,
    law_clusters_do_not_chain,
    law_clusters_do_not_depend_on_the_order_of_the_pairs,
    law_no_two_clusters_could_still_be_one,
)


def single_linkage(n, first, second, similarity):
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def by_arrival(n, first, second, similarity):
    """As the pairs come, whatever their similarity."""
    return complete_linkage(n, first, second, -np.arange(len(first), dtype=float))


def each_with_its_first_neighbour(n, first, second, similarity):
    """A cluster is whatever is near its first item: the others may be far apart."""
    label = np.arange(n)
    for a, b in sorted(zip(first.tolist(), second.tolist(), strict=True)):
        if label[b] == b and label[a] == a:
            label[b] = a
    return np.unique(label, return_inverse=True)[1]


def pairs_alone(n, first, second, similarity):
    """Stops when two items are together."""
    label = np.arange(n)
    taken = set()
    for i in np.lexsort((second, first, -similarity)).tolist():
        a, b = int(first[i]), int(second[i])
        if not {a, b} & taken:
            label[max(a, b)] = min(a, b)
            taken |= {a, b}
    return np.unique(label, return_inverse=True)[1]


def strata_of_the_found_alone(stratum, found, count):
    return strata.rates_by_stratum(stratum[found], found[found], count)


def last_stratum_forgotten(stratum, found, count):
    return strata.rates_by_stratum(stratum[stratum < count - 1], found[stratum < count - 1], count)


def primary_suppression_alone(counts, *, smallest=5):
    return counts < smallest


def zeros_shown(counts, *, smallest=5):
    return strata.suppressed(np.where(counts == 0, smallest, counts), smallest=smallest)


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (law_clusters_do_not_chain, single_linkage),
        (law_clusters_do_not_chain, each_with_its_first_neighbour),
        (law_clusters_do_not_depend_on_the_order_of_the_pairs, by_arrival),
        (law_clusters_are_those_of_the_definition, by_arrival),
        (law_clusters_are_those_of_the_definition, pairs_alone),
        (law_no_two_clusters_could_still_be_one, pairs_alone),
        (strata_laws.law_strata_sum_up_to_the_whole, strata_of_the_found_alone),
        (strata_laws.law_strata_sum_up_to_the_whole, last_stratum_forgotten),
        (strata_laws.law_a_hidden_count_does_not_follow_from_the_sum, primary_suppression_alone),
        (strata_laws.law_small_counts_are_hidden, zeros_shown),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
