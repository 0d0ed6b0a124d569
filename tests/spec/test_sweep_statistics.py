"""The figures over several models keep their laws."""

import pytest

from spolia.core.errors import UsageError
from spolia.stats.sweep import change, over_models, share_over_models, worth_of
from tests.spec import sweep_laws as laws


@pytest.mark.parametrize(
    ("models", "shift", "spread"),
    [
        # One model knows nothing of how models differ, which a note of a study says.
        (1, 0.0, 0.0),
        (1, 2.5, 0.0),
        (2, 0.0, 0.0),
        (2, 0.5, 0.2),
        (2, 2.5, 0.5),
        (5, 0.0, 0.0),
        (5, 0.5, 0.2),
        (5, 2.5, 0.5),
    ],
)
def test_the_interval_holds_the_mean_area(models, shift, spread):
    assert laws.law_the_interval_holds_the_mean_area(over_models, models, shift, spread) is None


def test_certainty_is_never_a_point():
    assert laws.law_certainty_is_never_a_point(over_models) is None


def test_models_that_disagree_widen_the_interval():
    assert laws.law_models_that_disagree_widen_the_interval(over_models) is None


def test_ends_stay_areas():
    assert laws.law_ends_stay_areas(over_models) is None


def test_a_change_is_measured_model_by_model():
    assert laws.law_a_change_is_measured_model_by_model(change) is None


def test_a_change_of_one_model_is_not_known():
    assert laws.law_a_change_of_one_model_is_not_known(change) is None


def test_a_share_counts_all_models():
    assert laws.law_a_share_counts_all_models(share_over_models) is None


def test_p_values_that_share_a_pool_are_worth_fewer():
    assert laws.law_p_values_that_share_a_pool_are_worth_fewer(worth_of) is None


@pytest.mark.parametrize("areas", [[], [1.2], [float("nan")], [-0.1]])
def test_what_is_no_area_is_refused(areas):
    with pytest.raises(UsageError, match="areas of at least one model"):
        over_models(areas, 3, 3)


def test_no_share_is_refused():
    with pytest.raises(UsageError, match="at least one model"):
        share_over_models([])
