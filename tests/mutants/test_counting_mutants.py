"""Known wrong versions of counting; each must break the law that the right one passes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spolia.auditing import clustered as clusters_of
from spolia.auditing import duplicates
from spolia.auditing.clustered import Clustered
from spolia.auditing.exclude import keep
from spolia.auditing.sets import prepare
from spolia.core.types import Embeddings
from spolia.stats import strata
from spolia.stats.clusters import complete_linkage
from spolia.store.precomputed import UNKNOWN_MODEL
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


def control_of(people):
    """A control of six records, of which the second was seen in training."""
    embeddings = Embeddings(np.eye(6, dtype=np.float32), list("abcdef"), people)
    one = prepare("control", embeddings, UNKNOWN_MODEL, fingerprint="")
    rows = np.arange(6)
    return one, np.array([False, True, *[False] * 4]), Clustered(rows, rows, None, rows)


def law_who_was_seen_in_training_leaves_the_control(without_seen):
    """With all records, and counted."""
    left, shared = without_seen(*control_of(["p", "p", "q", "q", "r", "r"]))
    assert left.identities == ("q", "r")
    assert list(left.ids) == list("cdef")
    assert left.images == 4
    assert left.rows[0:4].argmax(axis=1).tolist() == [2, 3, 4, 5]
    assert (shared.images.count, shared.identities.count, shared.left_out) == (1, 1, 2)
    assert shared.identities.n == 3


def the_record_alone_leaves(control, near, clustered):
    _, shared = duplicates.without_seen(control, near, clustered)
    return keep(control, np.flatnonzero(~near), ""), shared


def noted_and_kept(control, near, clustered):
    return control, duplicates.without_seen(control, near, clustered)[1]


def law_copies_are_one_identity_where_nobody_is_known(merged):
    embeddings = Embeddings(np.eye(4, dtype=np.float32), list("abcd"))
    one = prepare("train", embeddings, UNKNOWN_MODEL, fingerprint="")
    label = np.array([0, 1, 0, 2])
    together = merged(one, Clustered(label, np.array([0, 1, 3]), None, label))
    assert (together.identities, together.identity.tolist()) == (("a", "b", "d"), [0, 1, 0, 2])
    assert (len(together), together.images, together.summary.identities) == (4, 3, 3)
    named = replace(one, summary=replace(one.summary, identities_known=True))
    together = merged(named, Clustered(label, np.array([0, 1, 3]), None, label))
    assert (together.identities, together.images) == (tuple("abcd"), 3)


def copies_removed(one, clustered):
    together = clusters_of.merged(one, clustered)
    _, first = np.unique(clustered.cluster, return_index=True)
    return keep(together, np.sort(first), "")


def copies_stay_apart(one, clustered):
    return replace(one, distinct=len(one))


def people_merged_as_well(one, clustered):
    unnamed = replace(one, summary=replace(one.summary, identities_known=False))
    return clusters_of.merged(unnamed, clustered)


@pytest.mark.parametrize(
    ("law", "right"),
    [
        (law_who_was_seen_in_training_leaves_the_control, duplicates.without_seen),
        (law_copies_are_one_identity_where_nobody_is_known, clusters_of.merged),
    ],
    ids=lambda one: one.__name__,
)
def test_law_holds(law, right):
    assert law(right) is None


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
        (law_who_was_seen_in_training_leaves_the_control, the_record_alone_leaves),
        (law_who_was_seen_in_training_leaves_the_control, noted_and_kept),
        (law_copies_are_one_identity_where_nobody_is_known, copies_removed),
        (law_copies_are_one_identity_where_nobody_is_known, copies_stay_apart),
        (law_copies_are_one_identity_where_nobody_is_known, people_merged_as_well),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
