"""Exchanged identities, and what is made of them, keep their laws."""

import pytest

from spolia.stats import exchange
from tests.spec import exchange_laws as laws

LAWS = [
    (laws.law_identities_change_places_whole, exchange.exchanged),
    (laws.law_everybody_is_as_often_a_member, exchange.exchanged),
    (laws.law_p_is_uniform_where_nothing_differs, exchange.exchange_p),
    (laws.law_any_false_one_is_as_rare_as_asked, exchange.holm),
    (laws.law_the_spread_holds_nothing_as_often_as_asked, exchange.spread_interval),
    (laws.law_a_mean_is_held, exchange.mean_of),
    (laws.law_a_difference_of_two_is_held, exchange.apart),
    (laws.law_clusters_are_worth_what_their_flags_say, exchange.effective_number),
    (laws.law_ranks_are_compared_as_spearman_does, exchange.rank_correlation),
    (laws.law_a_rank_correlation_is_held, exchange.rank_correlation),
]


@pytest.mark.parametrize(("law", "right"), LAWS, ids=lambda one: one.__name__)
def test_law_holds(law, right):
    assert law(right) is None
