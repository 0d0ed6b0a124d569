"""Laws of strangers, that the right version passes and a known wrong version breaks."""

import numpy as np
from scipy.stats import genpareto, kstest

from spolia import normalise
from spolia.stats.tails import Draws

RNG = np.random.default_rng


def alone(similarity):
    """Draws of which none names another's identity."""
    n = len(similarity)
    return Draws(np.asarray(similarity, dtype=np.float64), np.arange(n), np.arange(n) + n)


def in_pairs(similarity):
    """Each similarity drawn by two identities that name each other."""
    n = len(similarity)
    partner = np.arange(2 * n).reshape(-1, 2)[:, ::-1].ravel()
    return Draws(np.repeat(similarity, 2), np.arange(2 * n), partner)


def self_searched(rows):
    """Every row's best match among the others."""
    cosine = rows.astype(np.float64) @ rows.T.astype(np.float64)
    np.fill_diagonal(cosine, -2.0)
    return Draws(cosine.max(axis=1), np.arange(len(rows)), cosine.argmax(axis=1))


def searched(query, base):
    """Every query's best match in base."""
    return (query.astype(np.float64) @ base.T.astype(np.float64)).max(axis=1)


def law_known_shape_is_recovered(fit_pareto):
    """On average the shape and the scale that the excesses were drawn with."""
    for shape in (-0.3, -0.1, 0.1, 0.3):
        fits = []
        for seed in range(40):
            y = genpareto.rvs(shape, scale=0.05, size=800, random_state=RNG(seed))
            fits.append([float(one[0]) for one in fit_pareto(y, np.ones((1, 800)))])
        mean = np.mean(fits, axis=0)
        assert abs(mean[0] - shape) < 0.03
        assert abs(mean[1] / 0.05 - 1.0) < 0.03


def law_extrapolation_meets_the_truth(fit_tail, exceedance):
    """Beyond what can be counted the value is about right, and its interval holds the truth."""
    held, ratios = [], []
    for seed in range(40):
        draws = alone(genpareto.rvs(-0.15, scale=0.05, size=2000, random_state=RNG(seed)))
        tail = fit_tail(draws, rng=RNG(seed))
        for truth in (5e-3, 1e-3):
            at = float(genpareto.isf(truth, -0.15, scale=0.05))
            one = exceedance(draws, tail, at)
            held.append(one.low <= truth <= one.high)
            ratios.append(one.value / truth)
    assert np.mean(held) >= 0.9
    assert 0.8 < np.median(ratios) < 1.25


def law_interval_counts_clusters(fit_tail, exceedance):
    """Draws that come in pairs are worth half as many: the interval still holds the truth."""
    held = []
    for seed in range(60):
        draws = in_pairs(genpareto.rvs(-0.15, scale=0.05, size=1000, random_state=RNG(seed)))
        tail = fit_tail(draws, rng=RNG(seed))
        one = exceedance(draws, tail, float(genpareto.isf(0.013, -0.15, scale=0.05)))
        assert one.basis == "extrapolated" or one.seen >= 30
        held.append(one.low <= 0.013 <= one.high)
    assert np.mean(held) >= 0.9


def law_rate_of_shared_identities_is_covered(false_match_rate):
    """Where some identities match many, the interval of the rate holds the truth."""
    held = []
    for seed in range(200):
        rng = RNG(seed)
        hub = rng.gamma(1.0, 1.0, size=150)
        each = 0.01 * np.add.outer(hub, hub) / 2.0  # mean over pairs: 0.01
        match = np.triu(rng.random(each.shape) < each, 1)
        rate = false_match_rate((match | match.T).sum(axis=1))
        held.append(rate.low <= 0.01 <= rate.high)
    assert np.mean(held) >= 0.9


def law_no_rate_under_three_in_n(threshold_at):
    """However the pairs lie, a threshold has at least three of them at or above it."""
    edges = np.linspace(0.0, 1.0, 101)
    for seed in range(50):
        counts = np.histogram(RNG(seed).random(1000) ** 3, edges)[0]
        for level in (1e-1, 1e-2, 3e-3, 2.9e-3, 1e-3, 1e-6):
            at = threshold_at(counts, edges, level)
            if level < 3e-3:
                assert at is None
            if at is not None:
                above = counts[edges[:-1] >= at].sum()
                assert 3 <= above <= level * 1000


def law_strangers_predict_strangers(draw, exceedance):
    """The chances of new strangers of the same gallery are spread evenly over 0 to 1."""
    pooled = []
    for seed in range(10):
        rng = RNG(seed)
        spread = np.exp(-np.arange(48) / 48)
        rows = normalise(rng.normal(size=(1200, 48)) * spread)
        draws, tail = draw(rows[:1000], rng)
        pooled += [
            exceedance(draws, tail, float(s)).value for s in searched(rows[1000:], rows[:1000])
        ]
    assert kstest(pooled, "uniform").pvalue > 0.01
