"""Laws of figures over several models; a known wrong version breaks one."""

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.stats.rates import exact_rate

TRIALS = 400
MEMBERS, OTHERS = 12, 60


def drawn_models(rng, models, shift, spread):
    """Areas of models that differ by more than by who is asked, and the area they stand for."""
    others = rng.normal(size=(models, OTHERS))
    moved = shift + rng.normal(0.0, spread, size=(models, 1))
    members = rng.normal(size=(models, MEMBERS)) + moved
    return (members[:, :, None] > others[:, None, :]).mean(axis=(1, 2)).tolist()


def expected_area(shift, spread):
    rng = np.random.default_rng(12345)
    moved = shift + spread * rng.normal(size=200_000)
    return float((rng.normal(size=200_000) + moved > rng.normal(size=200_000)).mean())


def law_the_interval_holds_the_mean_area(over_models, models, shift, spread):
    """At least 93 % of 400 draws: 95 % less twice the error of the simulation."""
    rng, truth = np.random.default_rng(7), expected_area(shift, spread)
    held = 0
    for _ in range(TRIALS):
        found = over_models(drawn_models(rng, models, shift, spread), MEMBERS, OTHERS)
        held += found.low <= truth <= found.high
    assert held >= 0.93 * TRIALS, held


def law_certainty_is_never_a_point(over_models):
    """Five models that all lead by a mile say no more than their few members do."""
    found = over_models([1.0] * 5, 4, 30)
    assert found.value == found.high == 1.0
    assert found.low < 0.95
    assert over_models([1.0] * 5, 40, 30).low > found.low


def law_models_that_disagree_widen_the_interval(over_models):
    alike = over_models([0.7, 0.7, 0.7, 0.7], 100, 1000)
    apart = over_models([0.5, 0.9, 0.5, 0.9], 100, 1000)
    assert alike.value == pytest.approx(apart.value)
    assert apart.low < alike.low < alike.value < alike.high < apart.high


def law_ends_stay_areas(over_models):
    found = over_models([0.0, 1.0], 3, 20)
    assert (found.low, found.value, found.high) == (0.0, 0.5, 1.0)


def law_a_change_is_measured_model_by_model(change):
    """Models differ more than what is varied changes them; the differences do not."""
    first = [0.5, 0.6, 0.7, 0.8]
    found = change(first, [one - 0.1 for one in first])
    assert found.value == pytest.approx(-0.1)
    assert found.high < -0.099
    swapped = change([one - 0.1 for one in first], first)
    assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low))


def law_a_change_of_one_model_is_not_known(change):
    assert change([0.9], [0.5]) is None
    with pytest.raises(UsageError, match="model by model, but there are 1 and 2"):
        change([0.9], [0.5, 0.6])


def law_a_share_counts_all_models(share_over_models):
    shares = [exact_rate(0, 40)] * 4
    found = share_over_models(shares)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(exact_rate(0, 160).high)
    apart = share_over_models([exact_rate(0, 40), exact_rate(40, 40)])
    assert (apart.low, apart.high) == (0.0, 1.0)


def law_p_values_that_share_a_pool_are_worth_fewer(worth_of):
    """Share of strangers with p at most .2: its variance is that of so many independent ones."""
    rng, asked, pool = np.random.default_rng(3), 40, 60
    score = rng.normal(size=(4000, asked + pool))
    beside = np.sort(score[:, asked:], axis=1)
    rank = np.stack([pool - np.searchsorted(b, s) for s, b in zip(score, beside, strict=True)])[
        :, :asked
    ]
    p = (1 + np.clip(rank, 0, pool)) / (1 + pool)
    share = (p <= 0.2).mean(axis=1)
    level = share.mean()
    worth = level * (1.0 - level) / share.var()
    assert worth_of(asked, pool) == pytest.approx(worth, rel=0.1)
