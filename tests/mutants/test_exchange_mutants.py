"""Known wrong versions of exchanged identities; each must break a law."""

import numpy as np
import pytest

from spolia.core.rates import Bounded
from spolia.stats import exchange
from spolia.stats.lean import kish
from tests.spec import exchange_laws as laws


def records_change_places(member, identity, *, rng):
    return rng.permutation(member)


def nobody_moves(member, identity, *, rng):
    return member


def a_coin_for_each(member, identity, *, rng):
    share = np.unique(identity[member]).size / (identity.max() + 1)
    return (rng.random(identity.max() + 1) < share)[identity]


def without_the_statistic_itself(value, drawn):
    return float(np.mean(drawn >= value))


def ties_are_a_finding(value, drawn):
    return float((1 + np.count_nonzero(drawn > value)) / (1 + drawn.size))


def to_the_last_bit(value, drawn):
    return float((1 + np.count_nonzero(drawn >= value)) / (1 + drawn.size))


def two_sided(value, drawn):
    return float((1 + np.count_nonzero(np.abs(drawn) >= abs(value))) / (1 + drawn.size))


def uncorrected(p):
    exchange.holm(p)
    return tuple(p)


def not_monotone(p):
    exchange.holm(p)
    order = np.argsort(np.argsort(p))
    return tuple(min(1.0, (len(p) - i) * one) for i, one in zip(order, p, strict=True))


def bonferroni(p):
    exchange.holm(p)
    return tuple(min(1.0, len(p) * one) for one in p)


def benjamini_hochberg(p):
    exchange.holm(p)
    order = np.argsort(p)
    q, least = np.empty(len(p)), 1.0
    for rank in range(len(p), 0, -1):
        least = min(least, p[order[rank - 1]] * len(p) / rank)
        q[order[rank - 1]] = least
    return tuple(q)


def one_deviation(value, drawn):
    half = float(drawn.std(ddof=1))
    return Bounded(value, value - half, value + half)


def always(value, drawn):
    return Bounded(value, -np.inf, np.inf)


def of_a_single_one(values):
    value, half = float(values.mean()), 1.96 * float(values.std(ddof=1))
    return Bounded(value, value - half, value + half)


def ends_subtracted(first, second, *, correlation=0.0):
    return Bounded(second.value - first.value, second.low - first.high, second.high - first.low)


def correlation_forgotten(first, second, *, correlation=0.0):
    return exchange.apart(first, second)


def first_less_second(first, second, *, correlation=0.0):
    return exchange.apart(second, first, correlation=correlation)


def always_alike(flags, cluster):
    return kish(np.unique(cluster, return_counts=True)[1])


def clusters_forgotten(flags, cluster):
    return float(flags.size)


def of_values(first, second):
    ranked = exchange.rank_correlation(first, second)
    if min(first.std(), second.std()) == 0.0:
        return ranked
    value = float(np.corrcoef(first, second)[0, 1])
    return Bounded(value, ranked.low, ranked.high)


def ranks_in_the_order_of_the_file(first, second):
    one, other = (np.argsort(np.argsort(each, kind="stable")) for each in (first, second))
    return exchange.rank_correlation(one.astype(float), other.astype(float))


def too_narrow(first, second):
    one = exchange.rank_correlation(first, second)
    return Bounded(one.value, (one.low + one.value) / 2, (one.high + one.value) / 2)


MUTANTS = [
    (laws.law_identities_change_places_whole, records_change_places),
    (laws.law_identities_change_places_whole, a_coin_for_each),
    (laws.law_everybody_is_as_often_a_member, nobody_moves),
    (laws.law_p_is_uniform_where_nothing_differs, without_the_statistic_itself),
    (laws.law_p_is_uniform_where_nothing_differs, ties_are_a_finding),
    (laws.law_p_is_uniform_where_nothing_differs, to_the_last_bit),
    (laws.law_p_is_uniform_where_nothing_differs, two_sided),
    (laws.law_any_false_one_is_as_rare_as_asked, uncorrected),
    (laws.law_any_false_one_is_as_rare_as_asked, not_monotone),
    (laws.law_any_false_one_is_as_rare_as_asked, bonferroni),
    (laws.law_any_false_one_is_as_rare_as_asked, benjamini_hochberg),
    (laws.law_the_spread_holds_nothing_as_often_as_asked, one_deviation),
    (laws.law_the_spread_holds_nothing_as_often_as_asked, always),
    (laws.law_a_mean_is_held, of_a_single_one),
    (laws.law_a_difference_of_two_is_held, ends_subtracted),
    (laws.law_a_difference_of_two_is_held, correlation_forgotten),
    (laws.law_a_difference_of_two_is_held, first_less_second),
    (laws.law_clusters_are_worth_what_their_flags_say, always_alike),
    (laws.law_clusters_are_worth_what_their_flags_say, clusters_forgotten),
    (laws.law_ranks_are_compared_as_spearman_does, of_values),
    (laws.law_ranks_are_compared_as_spearman_does, ranks_in_the_order_of_the_file),
    (laws.law_a_rank_correlation_is_held, too_narrow),
]


@pytest.mark.parametrize(("law", "mutant"), MUTANTS, ids=lambda one: one.__name__)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
