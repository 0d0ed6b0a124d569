r"""How similar the best of many strangers gets: counted, and beyond that extrapolated.

Sources: Pickands, J. (1975), https://doi.org/10.1214/aos/1176343003 (excesses over a high
threshold are generalised Pareto); Coles, S. (2001), *An Introduction to Statistical Modeling of
Extreme Values*, Springer, chapter 4; Smith, R. L. (1985), https://doi.org/10.1093/biomet/72.1.67
(maximum likelihood is regular for a shape above -1/2); Grimshaw, S. D. (1993),
https://doi.org/10.1080/00401706.1993.10485040 (the likelihood in one parameter). The threshold:
Bader, B., Yan, J. & Zhang, X. (2018), https://doi.org/10.1214/17-AOAS1092, with the stopping rule
of G'Sell, M. G. et al. (2016), https://doi.org/10.1111/rssb.12122.

Adversary: none; a statement about data. Cost: one nearest-neighbour search of at most some thousand
rows, and about a second.

One *draw* is the best similarity :math:`M_j` of one photo of train identity *j* to all **other**
train identities. A synthetic record that shows nobody of train searches the same gallery (but for
one identity), so that without a leak its best similarity is such a draw too. Of n draws, over a
high threshold *u*,

.. math:: P(M \ge t) = \zeta_u \left(1 + \xi \frac{t - u}{\beta}\right)_+^{-1/\xi},
          \qquad \zeta_u = \frac{\#\{M_j > u\}}{n},

with shape :math:`\xi` (negative: there is an end point :math:`u - \beta / \xi`) and scale
:math:`\beta`.

**Draws depend on each other.** If *j* and *k* are each other's nearest, they share one similarity,
so that high draws come in pairs; and a photo that is close to many makes many draws high at once.
Draws above a similarity are therefore taken in *clusters*: two belong together if one names the
other's identity, or both name the same. Whole clusters are resampled, never draws or pairs.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spolia.core.chance import Basis
from spolia.core.errors import UsageError
from spolia.core.rates import Rate
from spolia.core.types import Float64, Int64
from spolia.stats.goodness import anderson_darling_p
from spolia.stats.pareto import fit_pareto, pareto_tail
from spolia.stats.rates import exact_rate

SHARES = (0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02)
"""Shares of the draws that a threshold may leave above it; the first that fits is taken."""

FEWEST = 50
"""A tail is not fitted to fewer clusters than this."""

COUNTED = 30
"""Draws at or above a similarity from which its probability is counted, by the rule of 30."""

STOP = 0.05
"""Expected share of false ones among the thresholds that are given up."""

REPLICATES = 400
"""Resamplings of the clusters."""

REACH = 10.0
"""How far under 1 / n an extrapolation may go before it becomes a bound."""


@dataclass(frozen=True, eq=False)
class Draws:
    """The best similarity of each of n identities to any other."""

    similarity: Float64
    """``(n,)``."""
    identity: Int64
    """``(n,)`` number of the identity that was drawn; distinct."""
    named: Int64
    """``(n,)`` number of the identity it is closest to."""


@dataclass(frozen=True, eq=False)
class Tail:
    """A generalised Pareto tail of n draws, with resampled ones for its interval."""

    n: int
    threshold: float
    """The u of the equation."""
    exceedances: int
    """Draws above it."""
    clusters: int
    """Clusters of draws above it."""
    shape: float
    scale: float
    """Most likely ones, less the bias that resampling shows."""
    fit_p: float
    """Anderson-Darling goodness of fit above the threshold; small: it does not fit."""
    resampled: tuple[Float64, Float64, Float64]
    """Rate of exceedance, shape and scale of each replicate and of its mirror image on the other
    side of the most likely ones, ``(2 replicates,)``."""

    @property
    def rate(self) -> float:
        """The share of draws above the threshold."""
        return self.exceedances / self.n

    @property
    def end(self) -> float | None:
        """The highest similarity the fit holds possible; ``None`` where it has no end."""
        return self.threshold - self.scale / self.shape if self.shape < 0.0 else None


@dataclass(frozen=True)
class Exceedance:
    """The probability that the best of a gallery of strangers reaches a similarity."""

    value: float
    low: float
    high: float
    seen: int
    """Draws at or above the similarity."""
    basis: Basis
    """``counted``, ``extrapolated``, or ``beyond``: an extrapolation ended there by `REACH`."""


def clusters(draws: Draws, above: float) -> Int64:
    """Return the cluster of each draw, ``(n,)``, when draws at or over ``above`` are linked.

    >>> draws = Draws(np.array([0.9, 0.9, 0.1]), np.array([4, 7, 9]), np.array([7, 4, 4]))
    >>> clusters(draws, 0.5).tolist()
    [0, 0, 1]
    """
    _, node = np.unique(np.concatenate([draws.identity, draws.named]), return_inverse=True)
    n = draws.similarity.size
    linked = draws.similarity >= above
    edges = (node[:n][linked], node[n:][linked])
    size = int(node.max(initial=-1)) + 1
    graph = coo_array((np.ones(edges[0].size), edges), shape=(size, size))
    component = connected_components(graph, directed=False)[1][node[:n]]
    return np.unique(component, return_inverse=True)[1].astype(np.int64)


def counted(draws: Draws, similarity: float) -> Rate:
    r"""Return the share of draws at or above ``similarity``, with an interval by cluster.

    Clopper-Pearson over n divided by the design effect of the clusters,
    :math:`\sum_c (\sum_{j \in c} (a_j - \hat p))^2 / (n \hat p (1 - \hat p))`, at least 1.

    >>> draws = Draws(np.array([0.9, 0.9, 0.1, 0.2]), np.arange(4), np.array([1, 0, 0, 0]))
    >>> rate, alone = counted(draws, 0.5), exact_rate(2, 4)
    >>> rate.count, rate.high > alone.high
    (2, True)
    """
    above = draws.similarity >= similarity
    n, count = above.size, int(np.count_nonzero(above))
    share = count / n
    if count in (0, n):
        return exact_rate(count, n)
    spread = np.bincount(clusters(draws, similarity), weights=above - share)
    effect = float((spread**2).sum()) / (n * share * (1.0 - share))
    return exact_rate(count, n, effective_n=n / max(1.0, effect))


def fit_tail(draws: Draws, *, rng: np.random.Generator) -> Tail | None:
    r"""Fit a tail over the lowest threshold that fits; ``None`` where none does.

    Thresholds are tried from low to high, each by the Anderson-Darling test of the draws above it.
    Of their p-values in this order, the first k are given up, for the largest k with
    :math:`-\frac{1}{k} \sum_{i \le k} \log(1 - p_i) \le` `STOP`.

    Parameters
    ----------
    draws
        A threshold is tried if at least `FEWEST` clusters lie above it.
    rng
        Resamples the clusters.

    Raises
    ------
    UsageError
        If the draws are not finite, or an identity is drawn twice.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draws = Draws(rng.normal(size=2000) / 10, np.arange(2000), np.arange(2000) + 2000)
    >>> tail = fit_tail(draws, rng=rng)
    >>> tail.exceedances, tail.shape < 0.1
    (200, True)
    """
    _check(draws)
    down = np.sort(draws.similarity)[::-1]
    each = (_try(draws, float(down[round(share * down.size)])) for share in SHARES)
    tried = [one for one in each if one is not None]
    given_up = forward_stop([one.fit_p for one in tried])
    if given_up == len(tried):
        return None
    chosen = tried[given_up]
    again = _resample(draws, chosen.threshold, rng)
    mirrored = _mirrored(chosen, again, chosen.exceedances / down.size)
    return Tail(
        down.size,
        chosen.threshold,
        chosen.exceedances,
        chosen.clusters,
        float(np.expm1(np.log1p(mirrored[1]).mean())),
        float(np.exp(np.log(mirrored[2]).mean())),
        chosen.fit_p,
        (
            np.concatenate([again[0], mirrored[0]]),
            np.concatenate([again[1], mirrored[1]]),
            np.concatenate([again[2], mirrored[2]]),
        ),
    )


@dataclass(frozen=True)
class _Tried:
    threshold: float
    exceedances: int
    clusters: int
    shape: float
    scale: float
    fit_p: float


def _check(draws: Draws) -> None:
    if not np.isfinite(draws.similarity).all():
        raise UsageError(
            "every draw must have a finite similarity, but some have none; leave out identities "
            "that had nobody to be compared with"
        )
    if np.unique(draws.identity).size != draws.identity.size:
        raise UsageError("an identity must be drawn once, but one is drawn again; draw one photo")


def _try(draws: Draws, threshold: float) -> _Tried | None:
    """Fit the draws above a threshold and test the fit; ``None`` if they are too few."""
    above = draws.similarity > threshold
    sizes = np.bincount(clusters(draws, threshold)[above])
    sizes = sizes[sizes > 0]
    if sizes.size < FEWEST:
        return None
    excesses = np.sort(draws.similarity[above] - threshold)
    shape, scale = (float(one[0]) for one in fit_pareto(excesses, np.ones((1, excesses.size))))
    # Draws that repeat each other weigh on the test as if they were news. Rao, J. N. K. & Scott,
    # A. J. (1981) divide a statistic by the design effect; exact where all clusters are pairs.
    effect = float((sizes**2).sum() / sizes.sum())
    p = anderson_darling_p(excesses, shape, scale, effect=effect)
    return _Tried(threshold, excesses.size, sizes.size, shape, scale, p)


def forward_stop(p_values: list[float]) -> int:
    """Return how many of ordered hypotheses to reject by the ForwardStop rule at `STOP`.

    >>> forward_stop([0.001, 0.002, 0.4]), forward_stop([0.5, 0.001]), forward_stop([])
    (2, 0, 0)
    """
    p = np.minimum(np.array(p_values, dtype=np.float64), 1.0 - 1e-12)
    running = np.cumsum(-np.log1p(-p)) / np.arange(1, p.size + 1)
    passed = np.flatnonzero(running <= STOP)
    return int(passed[-1]) + 1 if passed.size else 0


def _resample(
    draws: Draws, threshold: float, rng: np.random.Generator
) -> tuple[Float64, Float64, Float64]:
    """Draw whole clusters with replacement, and fit each time anew."""
    label = clusters(draws, threshold)
    held: dict[int, list[float]] = {}
    for j in np.flatnonzero(draws.similarity > threshold).tolist():
        held.setdefault(int(label[j]), []).append(float(draws.similarity[j]) - threshold)
    # Sorted by what they hold, so that the order of the draws does not matter.
    high = sorted(
        (sorted(excesses), int(np.count_nonzero(label == c))) for c, excesses in held.items()
    )
    excesses = np.array([one for some, _ in high for one in some])
    counts = np.array([len(some) for some, _ in high])
    sizes = np.array([size for _, size in high])
    low = int(label.max()) + 1 - len(high)
    # A cluster of low draws is a draw of its own, so that only their number matters.
    share = np.array([*[1.0] * len(high), float(low)]) / (len(high) + low)
    times = rng.multinomial(len(high) + low, share, size=REPLICATES)
    rate = times[:, :-1] @ counts / (times[:, :-1] @ sizes + times[:, -1])
    return rate, *fit_pareto(excesses, np.repeat(times[:, :-1], counts, axis=1).astype(np.float64))


def _mirrored(
    fitted: _Tried, again: tuple[Float64, Float64, Float64], rate: float
) -> tuple[Float64, Float64, Float64]:
    """Return resampled fits on the other side of the fit, in log rate, log(1 + shape), log scale.

    The most likely shape of a small sample is too low, that of a resampled one lower again, and
    both understate what chance can do. The mirror images err the other way.
    """
    rates, shapes, scales = again
    return (
        rate**2 / rates,
        (1.0 + fitted.shape) ** 2 / (1.0 + shapes) - 1.0,
        fitted.scale**2 / scales,
    )


def exceedance(
    draws: Draws, tail: Tail | None, similarity: float, *, confidence: float = 0.95
) -> Exceedance:
    """Return the probability that the best of the gallery reaches ``similarity`` by chance.

    Counted where at least `COUNTED` draws reach it, or where there is no tail. Otherwise
    extrapolated by the tail, and never under 1 / (`REACH` n): what would be less is this bound. The
    interval of an extrapolation spans the percentiles of the resampled fits and those of their
    mirror images: it takes the wider end on each side.

    >>> rng = np.random.default_rng(0)
    >>> draws = Draws(rng.normal(size=2000) / 10, np.arange(2000), np.arange(2000) + 2000)
    >>> tail = fit_tail(draws, rng=rng)
    >>> [exceedance(draws, tail, t).basis for t in (0.1, 0.32, 0.6)]
    ['counted', 'extrapolated', 'beyond']
    """
    rate = counted(draws, similarity)
    if tail is None or rate.count >= COUNTED or similarity <= tail.threshold:
        return Exceedance(rate.value, rate.low, rate.high, rate.count, "counted")
    over = similarity - tail.threshold
    value = tail.rate * float(pareto_tail(over, tail.shape, tail.scale))
    rates, shapes, scales = tail.resampled
    spread = np.reshape(rates * pareto_tail(over, shapes, scales), (2, -1))
    side = (1.0 - confidence) / 2.0
    low = min(value, float(np.quantile(spread, side, axis=1).min()))
    high = max(value, float(np.quantile(spread, 1.0 - side, axis=1).max()))
    least = 1.0 / (REACH * tail.n)
    if value < least:
        return Exceedance(least, min(low, least), max(high, least), rate.count, "beyond")
    return Exceedance(value, low, high, rate.count, "extrapolated")
