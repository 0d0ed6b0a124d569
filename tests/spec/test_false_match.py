"""False match rates: what pairs support, and intervals that know that pairs share identities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.stats.false_match import false_match_rate, supported, threshold_at
from spolia.stats.rates import exact_rate
from tests.spec.tail_laws import (
    RNG,
    law_no_rate_under_three_in_n,
    law_rate_of_shared_identities_is_covered,
)


def test_no_rate_under_three_in_n():
    assert law_no_rate_under_three_in_n(threshold_at) is None


def test_rate_of_shared_identities_is_covered():
    assert law_rate_of_shared_identities_is_covered(false_match_rate) is None


@given(st.integers(1, 9))
def test_a_rate_needs_three_in_n(power):
    least = 3 * 10**power
    assert supported(10.0**-power, least)
    assert not supported(10.0**-power, least - 1)


def test_the_threshold_is_the_lowest_edge_that_keeps_the_rate():
    edges = np.linspace(0.0, 1.0, 11)
    counts = np.array([500, 200, 100, 90, 60, 20, 10, 10, 6, 4])
    for level in (0.5, 0.2, 0.05, 0.01):
        at = threshold_at(counts, edges, level)
        rates = {edge: counts[edges[:-1] >= edge].sum() / 1000 for edge in edges}
        assert rates[at] <= level
        assert all(rates[edge] > level for edge in edges if edge < at)


def test_pairs_in_one_bin_have_no_threshold():
    assert threshold_at(np.array([0, 1000]), np.array([0.0, 0.5, 1.0]), 0.1) is None


def test_matches_of_unrelated_pairs_are_as_sure_as_the_pairs_are_many():
    rates = []
    for seed in range(40):
        match = np.triu(RNG(seed).random((150, 150)) < 0.01, 1)
        ours = false_match_rate((match | match.T).sum(axis=1))
        rates.append(ours.high - ours.low)
        plain = exact_rate(ours.count, ours.n)
        assert ours.high >= plain.high - 1e-12
    assert np.mean(rates) < 1.2 * (plain.high - plain.low)


def test_a_rate_does_not_depend_on_the_order_of_the_identities():
    matches = RNG(0).integers(0, 9, size=60)
    matches[-1] += matches.sum() % 2
    assert false_match_rate(matches) == false_match_rate(matches[::-1])


@pytest.mark.parametrize("each", [0, 59])
def test_all_or_none_have_an_interval(each):
    rate = false_match_rate(np.full(60, each))
    assert rate == exact_rate(1770 if each else 0, 1770)
