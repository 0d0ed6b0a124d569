"""Known wrong versions of the figures over several models; each must break a law."""

import numpy as np
import pytest
from scipy.stats import norm, t

from spolia.core.rates import Bounded
from spolia.stats.roc import newcombe
from spolia.stats.sweep import change, over_models, share_over_models
from tests.spec import sweep_laws as laws


def over_models_by_student_alone(areas, members, non_members):
    value, n = float(np.mean(areas)), len(areas)
    half = t.ppf(0.975, n - 1) * np.std(areas, ddof=1) / np.sqrt(n) if n > 1 else 0.0
    return Bounded(value, max(0.0, value - half), min(1.0, value + half))


def over_models_by_newcombe_alone(areas, members, non_members):
    value = float(np.mean(areas))
    return Bounded(value, *newcombe(value, members * len(areas), non_members))


def over_models_by_the_normal_law(areas, members, non_members):
    """Two models are taken for as good as a thousand."""
    value, n = float(np.mean(areas)), len(areas)
    half = norm.ppf(0.975) * np.std(areas, ddof=1) / np.sqrt(n) if n > 1 else 0.0
    return Bounded(value, max(0.0, value - half), min(1.0, value + half))


def over_models_beyond_the_scale(areas, members, non_members):
    value = float(np.mean(areas))
    half = 12.7 * np.std(areas, ddof=1)
    return Bounded(value, value - half, value + half)


def change_of_unpaired_models(first, last):
    value = float(np.mean(last) - np.mean(first))
    half = 2.0 * np.sqrt(np.var(first, ddof=1) + np.var(last, ddof=1))
    return Bounded(value, value - half, value + half)


def change_the_other_way(first, last):
    return change(last, first)


def change_of_a_single_model(first, last):
    found = change(first, last) if len(first) == len(last) else None
    value = float(np.mean(last) - np.mean(first))
    return found or Bounded(value, value, value)


def share_of_the_first_model(shares):
    return share_over_models(shares[:1])


def worth_of_those_asked(asked, pool):
    return float(asked)


def worth_of_those_beside(asked, pool):
    return float(pool)


def spread_is_seen_with_two(candidate):
    laws.law_the_interval_holds_the_mean_area(candidate, 2, 0.5, 0.6)


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (laws.law_certainty_is_never_a_point, over_models_by_student_alone),
        (laws.law_models_that_disagree_widen_the_interval, over_models_by_newcombe_alone),
        (spread_is_seen_with_two, over_models_by_the_normal_law),
        (laws.law_ends_stay_areas, over_models_beyond_the_scale),
        (laws.law_a_change_is_measured_model_by_model, change_of_unpaired_models),
        (laws.law_a_change_is_measured_model_by_model, change_the_other_way),
        (laws.law_a_change_of_one_model_is_not_known, change_of_a_single_model),
        (laws.law_a_share_counts_all_models, share_of_the_first_model),
        (laws.law_p_values_that_share_a_pool_are_worth_fewer, worth_of_those_asked),
        (laws.law_p_values_that_share_a_pool_are_worth_fewer, worth_of_those_beside),
    ],
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)


def test_the_real_version_keeps_the_law_that_kills_by_spread():
    assert spread_is_seen_with_two(over_models) is None
