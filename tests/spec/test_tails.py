"""Best matches of strangers: the fit, its threshold, its interval, and what it predicts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import genpareto

from benchmarks import goodness as simulation
from spolia import normalise
from spolia.core.errors import UsageError
from spolia.stats import goodness, pareto, tails
from spolia.stats.rates import exact_rate
from spolia.stats.tails import Draws, clusters, counted, exceedance, fit_tail, forward_stop
from tests.spec.tail_laws import (
    RNG,
    alone,
    in_pairs,
    law_extrapolation_meets_the_truth,
    law_interval_counts_clusters,
    law_known_shape_is_recovered,
    law_strangers_predict_strangers,
    self_searched,
)


def test_known_shape_is_recovered():
    assert law_known_shape_is_recovered(pareto.fit_pareto) is None


@pytest.mark.parametrize("shape", [-0.4, -0.2, 0.0, 0.2])
def test_no_other_shape_is_more_likely(shape):
    y = genpareto.rvs(shape, scale=0.1, size=300, random_state=RNG(1))
    found, scale = (float(one[0]) for one in pareto.fit_pareto(y, np.ones((1, 300))))
    theirs, _, other = genpareto.fit(y, floc=0.0)
    ours = genpareto.logpdf(y, found, scale=scale).sum()
    if theirs >= pareto.LOWEST_SHAPE:
        assert ours >= genpareto.logpdf(y, theirs, scale=other).sum() - 1e-4


def test_no_shape_is_under_its_limit():
    y = genpareto.rvs(-1.2, scale=0.1, size=300, random_state=RNG(0))
    shape, _ = pareto.fit_pareto(y, np.ones((1, 300)))
    assert -0.5 <= shape[0] < -0.49


def test_a_weight_of_two_is_being_there_twice():
    y = genpareto.rvs(0.1, scale=0.1, size=60, random_state=RNG(3))
    weights = 1.0 + (np.arange(60) % 2)
    weighted = pareto.fit_pareto(y, weights[np.newaxis])
    twice = pareto.fit_pareto(np.repeat(y, weights.astype(int)), np.ones((1, 90)))
    np.testing.assert_allclose(weighted, twice, rtol=1e-9)


def test_many_weightings_are_fitted_as_each_alone():
    y = genpareto.rvs(-0.2, scale=0.1, size=50, random_state=RNG(4))
    weights = RNG(5).integers(1, 4, size=(7, 50)).astype(float)
    whole = pareto.fit_pareto(y, weights)
    each = [pareto.fit_pareto(y, one[np.newaxis]) for one in weights]
    np.testing.assert_allclose(whole, np.concatenate(each, axis=1), rtol=1e-12)


@pytest.mark.parametrize("bad", [[], [0.0, 1.0], [np.inf, 1.0], [-1.0, 1.0]])
def test_an_excess_must_be_finite_and_above_0(bad):
    with pytest.raises(UsageError, match="above 0"):
        pareto.fit_pareto(np.array(bad), np.ones((1, len(bad))))


def test_a_weighting_must_have_weight():
    with pytest.raises(UsageError, match="weight"):
        pareto.fit_pareto(np.array([0.1, 0.2]), np.zeros((1, 2)))


@given(st.integers(-50, 50), st.integers(1, 1000), st.lists(st.integers(0, 5000), min_size=2))
def test_a_tail_falls_from_1(shape, scale, excesses):
    shape, scale, excesses = shape / 100, scale / 100, np.sort(excesses) / 100
    tail = pareto.pareto_tail(excesses, shape, scale)
    assert pareto.pareto_tail(0.0, shape, scale) == 1.0
    assert ((tail >= 0.0) & (tail <= 1.0)).all()
    assert (np.diff(tail) <= 0.0).all()
    np.testing.assert_allclose(
        tail, genpareto.sf(excesses, shape, scale=scale), rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("shape", [-0.3, 0.2])
def test_the_table_of_quantiles_is_what_is_simulated(shape):
    found = simulation.statistics(shape, 1500)
    row = goodness.QUANTILES[goodness.SHAPES.index(shape)]
    for p, quantile in zip(goodness.P_VALUES[:-1], row, strict=False):
        rate = exact_rate(int((found > quantile).sum()), 1500, confidence=0.999)
        assert rate.low <= p <= rate.high


def test_a_fit_that_is_wrong_is_seen():
    mixed = np.sort(np.concatenate([RNG(0).random(150), 2 + 0.1 * RNG(1).random(50)]))
    shape, scale = (float(one[0]) for one in pareto.fit_pareto(mixed, np.ones((1, 200))))
    assert goodness.anderson_darling_p(mixed, shape, scale) < 1e-3


def test_excesses_that_are_all_there_twice_are_no_more_evidence():
    y = np.sort(genpareto.rvs(-0.1, scale=0.1, size=80, random_state=RNG(2)))
    fit = [float(one[0]) for one in pareto.fit_pareto(y, np.ones((1, 80)))]
    once = goodness.anderson_darling_p(y, *fit)
    twice = goodness.anderson_darling_p(np.repeat(y, 2), *fit, effect=2.0)
    assert twice == pytest.approx(once, rel=0.1)


def test_draws_that_name_each_other_or_one_identity_cluster():
    draws = Draws(
        np.array([0.9, 0.9, 0.8, 0.7, 0.1]), np.array([0, 1, 2, 3, 4]), np.array([1, 0, 9, 9, 0])
    )
    assert clusters(draws, 0.5).tolist() == [0, 0, 1, 1, 2]
    assert len(set(clusters(draws, 0.95).tolist())) == 5


def test_a_count_of_pairs_is_less_sure_than_one_of_single_draws():
    similarity = RNG(0).random(500)
    of_pairs, single = counted(in_pairs(similarity), 0.9), counted(alone(similarity), 0.9)
    assert of_pairs.value == single.value
    assert of_pairs.high == pytest.approx(single.high, rel=0.02)
    assert of_pairs.n == 2 * single.n


@pytest.mark.parametrize("at", [-1.0, 2.0])
def test_all_or_none_have_an_interval(at):
    rate = counted(alone(RNG(0).random(50)), at)
    assert rate == exact_rate(50 if at < 0 else 0, 50)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_the_tail_does_not_depend_on_the_order_of_the_draws(seed):
    draws = self_searched(normalise(RNG(7).normal(size=(1200, 48))))
    order = RNG(seed).permutation(1200)
    moved = Draws(draws.similarity[order], draws.identity[order], draws.named[order])
    one, other = fit_tail(draws, rng=RNG(1)), fit_tail(moved, rng=RNG(1))
    at = one.threshold + one.scale
    assert exceedance(draws, one, at) == exceedance(moved, other, at)
    assert (one.threshold, one.shape, one.fit_p) == (other.threshold, other.shape, other.fit_p)


def test_too_few_draws_have_no_tail():
    draws = alone(RNG(0).random(400))
    assert fit_tail(draws, rng=RNG(0)) is None
    one = exceedance(draws, None, 2.0)
    assert (one.value, one.basis, one.seen) == (0.0, "counted", 0)
    assert one.high >= 3 / 400


def test_where_no_threshold_fits_there_is_no_tail():
    steps = np.concatenate([RNG(0).random(2000), np.tile([2.0, 3.0, 4.0, 9.0], 150)])
    jitter = 1e-6 * RNG(1).random(steps.size)
    assert fit_tail(alone(steps + jitter), rng=RNG(0)) is None


def test_a_low_threshold_that_does_not_fit_is_given_up():
    # Over the 8 % the tail is exponential, under it something else.
    low = np.linspace(0.0, 0.3, 3680)
    gap = 0.36 + 0.001 * RNG(2).random(100)
    high = 0.4 + RNG(0).exponential(0.03, size=220)
    tail = fit_tail(alone(np.concatenate([low, gap, high])), rng=RNG(0))
    assert tail.threshold > 0.36
    assert tail.exceedances < 400


@pytest.mark.parametrize(
    ("p_values", "given_up"),
    [([], 0), ([1.0], 0), ([0.0], 1), ([0.01, 0.01, 0.9, 0.001], 2), ([0.04, 0.055, 0.9], 2)],
)
def test_thresholds_are_given_up_from_the_lowest_on(p_values, given_up):
    assert forward_stop(p_values) == given_up


def test_a_probability_is_counted_while_30_draws_reach_it():
    draws = alone(RNG(0).normal(size=2000))
    down = np.sort(draws.similarity)[::-1]
    tail = fit_tail(draws, rng=RNG(0))
    assert exceedance(draws, tail, down[29]).basis == "counted"
    assert exceedance(draws, tail, down[29]).value == 30 / 2000
    assert exceedance(draws, tail, down[28]).basis == "extrapolated"


def test_probabilities_fall_and_never_under_what_may_be_extrapolated():
    draws = alone(RNG(0).normal(size=2000))
    tail = fit_tail(draws, rng=RNG(0))
    found = [exceedance(draws, tail, at) for at in np.linspace(2.2, 9.0, 60)]
    values = [one.value for one in found]
    assert values == sorted(values, reverse=True)
    assert min(values) == 1 / (tails.REACH * 2000)
    assert {one.basis for one in found if one.value == min(values)} == {"beyond"}
    assert all(one.low <= one.value <= one.high for one in found)


def test_the_end_is_where_the_tail_is_0():
    short = genpareto.rvs(-0.3, size=3000, random_state=RNG(0))
    tail = fit_tail(alone(short), rng=RNG(0))
    assert pareto.pareto_tail(tail.end - tail.threshold, tail.shape, tail.scale) < 1e-12
    heavy = fit_tail(alone(RNG(0).pareto(2.0, size=3000)), rng=RNG(0))
    assert heavy.end is None


def test_extrapolation_meets_the_truth():
    assert law_extrapolation_meets_the_truth(fit_tail, exceedance) is None


def test_interval_counts_clusters():
    assert law_interval_counts_clusters(fit_tail, exceedance) is None


def test_strangers_predict_strangers():
    def draw(rows, rng):
        draws = self_searched(rows)
        return draws, fit_tail(draws, rng=rng)

    assert law_strangers_predict_strangers(draw, exceedance) is None


def test_a_draw_must_be_finite():
    with pytest.raises(UsageError, match="finite"):
        fit_tail(alone([0.1, -np.inf]), rng=RNG(0))


def test_an_identity_is_drawn_once():
    draws = Draws(np.zeros(2), np.zeros(2, np.int64), np.ones(2, np.int64))
    with pytest.raises(UsageError, match="once"):
        fit_tail(draws, rng=RNG(0))
