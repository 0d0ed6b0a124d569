"""Laws of exchanged identities and what is made of them; a known wrong version breaks one."""

import numpy as np
import pytest
from scipy.stats import binom, spearmanr

from spolia.core.errors import UsageError
from spolia.core.rates import Bounded
from spolia.stats.lean import kish


def whose(rng, identities=9):
    identity = np.repeat(np.arange(identities), rng.integers(1, 5, identities))
    return (identity < identities // 3), rng.permutation(identity.size), identity


def law_identities_change_places_whole(exchanged):
    for seed in range(30):
        rng = np.random.default_rng(seed)
        member, order, identity = whose(rng)
        drawn = exchanged(member[order], identity[order], rng=rng)
        whole = [np.unique(drawn[identity[order] == who]).size for who in range(9)]
        assert whole == [1] * 9
        assert np.unique(identity[order][drawn]).size == 3


def law_everybody_is_as_often_a_member(exchanged):
    rng = np.random.default_rng(0)
    member, _, identity = whose(rng)
    often = np.mean([exchanged(member, identity, rng=rng) for _ in range(3000)], axis=0)
    assert np.abs(often - 1 / 3).max() < 0.05


def law_p_is_uniform_where_nothing_differs(p_of):
    """And ties count against a finding: statistics are whole numbers here."""
    found = []
    for seed in range(800):
        rng = np.random.default_rng(seed)
        drawn = rng.poisson(3.0, 100).astype(float)
        found.append(p_of(drawn[0], drawn[1:]))
    for level in (0.01, 0.05, 0.2, 0.5):
        assert np.mean(np.array(found) <= level) <= binom.ppf(0.999, 800, level) / 800
    assert p_of(9.0, np.zeros(99)) == 0.01
    assert p_of(0.1 + 0.2, np.array([0.3])) == 1.0
    assert p_of(-1.0, np.zeros(99)) == 1.0


def law_any_false_one_is_as_rare_as_asked(holm):
    """Some of the tests are of true leaks, the others share much of their chance."""
    false = 0
    for seed in range(600):
        rng = np.random.default_rng(seed)
        shared = rng.random()
        p = [shared if rng.random() < 0.3 else rng.random() for _ in range(6)]
        adjusted = holm([1e-6, 1e-5, *p])
        assert max(adjusted[:2]) <= 0.01
        false += min(adjusted[2:]) <= 0.1
    assert false <= binom.ppf(0.999, 600, 0.1)
    assert np.allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert np.allclose(holm([0.9, 0.5]), [1.0, 1.0])
    assert np.allclose(holm([0.02, 0.011]), [0.022, 0.022])
    for wrong in ([1.5], [-0.1, 0.2], [np.nan]):
        with pytest.raises(UsageError, match="0 to 1"):
            holm(wrong)


def law_the_spread_holds_nothing_as_often_as_asked(interval):
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        drawn = rng.normal(0.0, 2.0, 200)
        one = interval(float(rng.normal(0.0, 2.0)), drawn)
        held += one.low <= 0.0 <= one.high
    assert binom.ppf(0.001, 400, 0.95) <= held < 400


def law_a_mean_is_held(mean_of):
    held = 0
    for seed in range(400):
        one = mean_of(np.random.default_rng(seed).normal(3.0, 2.0, 60))
        held += one.low <= 3.0 <= one.high
    assert binom.ppf(0.001, 400, 0.94) <= held < 400


def law_a_difference_of_two_is_held(apart):
    """Of correlated ones too, and no wider than needed."""
    for correlation in (0.0, 0.6, -0.5):
        held, width = 0, 0.0
        for seed in range(400):
            rng = np.random.default_rng(seed)
            shift = rng.multivariate_normal([0.0, 0.0], [[1.0, correlation], [correlation, 1.0]])
            sides = [
                Bounded(m + e, m + e - 1.96, m + e + 1.96)
                for m, e in zip((1, 4), shift, strict=True)
            ]
            one = apart(*sides, correlation=correlation)
            held += one.low <= 3.0 <= one.high
            width = one.high - one.low
        assert binom.ppf(0.001, 400, 0.95) <= held < 400
        assert np.isclose(width, 2 * 1.96 * np.sqrt(2.0 - 2.0 * correlation))
    same = Bounded(0.5, 0.4, 0.6)
    assert apart(same, same, correlation=1.0) == Bounded(0.0, 0.0, 0.0)


def law_clusters_are_worth_what_their_flags_say(effective):
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(40), 5)
    alike = np.repeat(rng.random(40) < 0.4, 5)
    assert np.isclose(effective(alike, cluster), 40.0)
    free = rng.random(200) < 0.4
    assert 100.0 < effective(free, cluster) <= 200.0
    for flags in (np.ones(200, dtype=bool), np.zeros(200, dtype=bool)):
        assert effective(flags, cluster) == kish(np.full(40, 5))
    pairs = np.tile([True, False], 20)
    assert effective(pairs, np.repeat(np.arange(20), 2)) == 40.0


def law_ranks_are_compared_as_spearman_does(correlation):
    for seed in range(30):
        rng = np.random.default_rng(seed)
        first, second = rng.integers(0, 6, 40).astype(float), rng.normal(size=40)
        second = second + 0.3 * first
        assert np.isclose(correlation(first, second).value, spearmanr(first, second).statistic)
    up = np.arange(10.0)
    assert correlation(up, -up) == Bounded(-1.0, -1.0, -1.0)
    assert correlation(up, np.exp(up)) == Bounded(1.0, 1.0, 1.0)
    assert correlation(up, np.zeros(10)) == Bounded(0.0, -1.0, 1.0)


def law_a_rank_correlation_is_held(correlation):
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        one = correlation(rng.normal(size=50), rng.normal(size=50))
        held += one.low <= 0.0 <= one.high
    assert binom.ppf(0.001, 400, 0.94) <= held < 400
