"""How well scores tell members from non-members keeps its laws."""

import numpy as np
import pytest

from spolia.stats import roc
from spolia.stats.roc import Scored, separation
from tests.spec import roc_laws as laws

LAWS = [
    (laws.law_area_is_that_of_all_pairs, roc.area),
    (laws.law_area_of_swapped_sides_is_the_rest, roc.area),
    (laws.law_average_precision_is_the_sum_of_recall_steps, roc.average_precision),
    (laws.law_no_more_non_members_are_hit_than_allowed, roc.threshold_at),
    (laws.law_a_level_that_tells_nothing_is_refused, separation),
    (laws.law_intervals_hold_the_truth_where_photos_are_alike, separation),
    (laws.law_where_nothing_tells_the_interval_holds_one_half, separation),
    (laws.law_a_perfect_score_is_not_certain, separation),
    (laws.law_a_hit_is_worth_what_the_allowed_rate_says, separation),
    (laws.law_the_curve_has_the_area, roc.curve),
    (laws.law_the_band_is_the_interval_of_the_rate_at_each_of_its_places, separation),
    (laws.law_newcombe_is_the_published_interval, roc.newcombe),
    (laws.law_what_is_no_score_is_refused, separation),
]


@pytest.mark.parametrize(("law", "right"), LAWS, ids=lambda one: one.__name__)
def test_law_holds(law, right):
    assert law(right) is None


def test_the_same_seed_gives_the_same_intervals():
    sides = [Scored.of_identities(one) for one in laws.sides(3)]
    one, other = (
        separation(*sides, levels=(0.1,), rng=np.random.default_rng(seed)) for seed in (5, 5)
    )
    assert one == other
    assert one.auc.low < one.auc.value < one.auc.high


def test_the_order_of_photos_does_not_move_what_is_measured():
    rng = np.random.default_rng(0)
    side, other = laws.clustered(rng, 8, 4, 1.0), laws.clustered(rng, 9, 3, 0.0)
    order = rng.permutation(side.score.size)
    mixed = Scored(side.score[order], side.identity[order])
    one, two = (
        separation(each, other, levels=(0.2,), resamples=400, rng=np.random.default_rng(1))
        for each in (side, mixed)
    )
    assert (one.auc.value, one.curve) == (two.auc.value, two.curve)
    assert one.ap.value == pytest.approx(two.ap.value, abs=1e-12)
    assert one.auc.low == pytest.approx(two.auc.low, abs=0.05)
    assert (one.members, one.non_members) == (8, 9)
