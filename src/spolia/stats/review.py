r"""What share of all pairs show the same, from the pairs that people looked at.

Sources: the interval of one stratum is that of Clopper, C. J. & Pearson, E. S. (1934),
https://doi.org/10.1093/biomet/26.4.404, and without replacement its hypergeometric form, Wright, T.
(1991), *Exact Confidence Bounds when Sampling from Small Finite Universes*, Springer,
https://doi.org/10.1007/978-1-4612-3140-0. Several estimates become one interval by melding, Fay,
M. P., Proschan, M. A. & Brittain, E. (2015), https://doi.org/10.1111/biom.12231. The correction for
errors is that of Rogan, W. J. & Gladen, B. (1978),
https://doi.org/10.1093/oxfordjournals.aje.a112510; that its interval must count the pairs that
measured the errors, too, of Lang, Z. & Reiczigel, J. (2014),
https://doi.org/10.1016/j.prevetmed.2013.09.015.

Adversary: none; a statement about data. Cost: 20,000 random numbers a stratum.

**The sample.** Of the :math:`N_h` pairs of stratum h, :math:`n_h` were drawn without replacement
and answered, :math:`x_h` of them with "same". Pairs of the deck that nobody has answered yet are
like those that were, because every reviewer sees the deck in a random order. The share of all is

.. math:: s = \sum_h W_h \frac{x_h}{n_h}, \qquad W_h = N_h / \sum N.

**Its interval.** Of the pairs that nobody saw, as many are the same as

.. math:: R_h \sim Bin(N_h - n_h,\, p_h), \qquad
    p_h \sim \begin{cases} B(x_h,\, n_h - x_h + 1) & \text{low end; 0 if } x_h = 0 \\
    B(x_h + 1,\, n_h - x_h) & \text{high end; 1 if } x_h = n_h \end{cases}

These are the distributions whose quantiles are the exact limits: :math:`P(x_h + R_h \le K)` *is*
the hypergeometric probability of :math:`x_h` or more in a sample from K. With one stratum the
quantiles of :math:`\sum_h (x_h + R_h) / \sum_h N_h` are the exact interval: Clopper-Pearson's where
N is large, and a single point where all were looked at. With several they are melded: drawn
independently.

"Unsure" counts as different for the low end and as same for the high end. Pairs that are "not
comparable" leave the population, and as many of the unseen as their share in the stratum.

**The correction.** Let a reviewer call a share *se* of what is the same so, and a share *sp* of
what is different so. The share seen is then :math:`s = p\,se + (1 - p)(1 - sp)`, and

.. math:: p = \frac{s + sp - 1}{se + sp - 1}, \text{ at least 0 and at most 1.}

It rises with s, falls with se, and (while s is under se) rises with sp. So its low end takes s low,
se high and sp low, each from the distribution above, and its high end the other way round. Each end
reads "unsure" as it did above, on the known pairs too: either way the reviewers answer yes or no,
and the equation holds. A reviewer errs by chance even where all pairs were looked at; so the
correction makes no use of how few pairs there are, and its interval is too wide there rather than
too narrow.

It rests on one thing: that reviewers err on the pairs as on the known ones. Where they may seldom
take these for the same because they are less alike than the known ones, *sp* is known to be too low
for them, and with it p. The high end then takes none of them for an error: *sp* = 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.rates import Rate
from spolia.core.review import Answers, Estimate
from spolia.core.types import Float64

FEWEST_KNOWN = 5
"""Comparable answers on known pairs of either kind from which on errors are corrected."""

DRAWS = 5_000
_SEED = 20250311
"""Any seed will do; it is fixed so that an interval is a function of its inputs."""

_TAIL = 0.025


@dataclass(frozen=True)
class Sampled:
    """One stratum, and the answers on pairs drawn from it at random."""

    population: int
    """Pairs in it, N of the equation; those that are not comparable too."""
    answers: Answers


@dataclass(frozen=True)
class Known:
    """The answers on pairs whose truth is known."""

    same: Answers
    """On pairs that are the same."""
    different: Answers
    """On pairs that cannot be the same."""


def comparable(answers: Answers) -> int:
    """Return how many answers judge the pair, or try to: all but "not comparable".

    >>> comparable(Answers(same=3, different=4, unsure=1, not_comparable=9))
    8
    """
    return answers.same + answers.different + answers.unsure


def estimate(
    strata: Sequence[Sampled], known: Known, *, less_alike: bool = False
) -> Estimate | None:
    """Return the share of the pairs that show the same; ``None`` where no answer tells.

    Parameters
    ----------
    strata
        Together the population.
    known
        What the same reviewers said of pairs whose truth is known.
    less_alike
        Whether the different among the pairs may be less alike, and so easier to tell, than the
        known ones.

    Raises
    ------
    UsageError
        If more pairs of a stratum were answered than there are.

    Examples
    --------
    >>> found = Sampled(40, Answers(same=30, different=10, unsure=0, not_comparable=0))
    >>> others = Sampled(960, Answers(same=0, different=50, unsure=0, not_comparable=0))
    >>> told = Known(Answers(18, 2, 0, 0), Answers(1, 19, 0, 0))
    >>> one = estimate([found, others], told)
    >>> one.population, one.answered, round(one.seen.value, 3), round(one.corrected.value, 3)
    (1000, 90, 0.03, 0.0)
    """
    for one in strata:
        _check(one)
    answered = sum(comparable(one.answers) for one in strata)
    if answered == 0:
        return None
    population = round(sum(_comparable_pairs(one) for one in strata))
    corrected = corrected_share(strata, known, less_alike=less_alike)
    return Estimate(population, answered, seen_share(strata), corrected)


def seen_share(strata: Sequence[Sampled]) -> Rate:
    """Return the share of pairs that reviewers would call the same, weighted by stratum.

    ``count`` and ``n`` are those of the answered comparable pairs. Strata without one are in the
    interval with all they may hold, and not in the value.

    Parameters
    ----------
    strata
        Together the population; at least one comparable answer among them.

    Examples
    --------
    One stratum of many pairs has Clopper-Pearson's interval (0.0123 to 0.3170), one that was looked
    at as a whole has none:

    >>> rate = seen_share([Sampled(10**9, Answers(2, 18, 0, 0))])
    >>> rate.value, round(rate.low, 3), round(rate.high, 2)
    (0.1, 0.012, 0.32)
    >>> rate = seen_share([Sampled(20, Answers(2, 18, 0, 0))])
    >>> rate.low, rate.high
    (0.1, 0.1)
    """
    rng = np.random.default_rng(_SEED)
    low = _quantile(_unseen_shares(strata, high=False, rng=rng), _TAIL)
    high = _quantile(_unseen_shares(strata, high=True, rng=rng), 1.0 - _TAIL)
    return _rate(strata, _weighted(strata, unsure=0), low, high)


def corrected_share(
    strata: Sequence[Sampled], known: Known, *, less_alike: bool = False
) -> Rate | None:
    """Return the share of pairs that are the same, corrected for how reviewers err.

    ``None`` where the known pairs are too few, or do not show that reviewers do better than chance.

    Parameters
    ----------
    strata, known, less_alike
        As for `estimate`; at least one comparable answer among the strata.
    """
    if min(comparable(known.same), comparable(known.different)) < FEWEST_KNOWN:
        return None
    rng = np.random.default_rng(_SEED)
    if not _better_than_chance(known, rng):
        return None
    low = _corrected(
        _super_shares(strata, high=False, rng=rng),
        _called(known.same, high=True, unsure=0, rng=rng),
        1.0 - _called(known.different, high=True, unsure=0, rng=rng),
        otherwise=0.0,
    )
    mistaken = _called(known.different, high=False, unsure=1, rng=rng)
    high = _corrected(
        _super_shares(strata, high=True, rng=rng),
        _called(known.same, high=False, unsure=1, rng=rng),
        np.ones(DRAWS) if less_alike else 1.0 - mistaken,
        otherwise=1.0,
    )
    value = float(
        _corrected(
            np.array([_weighted(strata, unsure=0)]),
            np.array([known.same.same / comparable(known.same)]),
            np.array([1.0 - known.different.same / comparable(known.different)]),
            otherwise=0.0,
        )[0]
    )
    return _rate(strata, value, _quantile(low, _TAIL), _quantile(high, 1.0 - _TAIL))


def better_than_chance(known: Known) -> bool:
    """Tell whether *se* + *sp* is above 1 with 97.5 % confidence; "unsure" is an error.

    >>> better_than_chance(Known(Answers(9, 1, 0, 0), Answers(1, 9, 0, 0)))
    True
    >>> better_than_chance(Known(Answers(9, 1, 0, 0), Answers(8, 2, 0, 0)))
    False
    """
    if min(comparable(known.same), comparable(known.different)) == 0:
        return False
    return _better_than_chance(known, np.random.default_rng(_SEED))


def _better_than_chance(known: Known, rng: np.random.Generator) -> bool:
    se = _called(known.same, high=False, unsure=0, rng=rng)
    sp = 1.0 - _called(known.different, high=True, unsure=1, rng=rng)
    return _quantile(se + sp, _TAIL) > 1.0


def _check(one: Sampled) -> None:
    answered = comparable(one.answers) + one.answers.not_comparable
    if answered > one.population:
        raise UsageError(
            f"a stratum must have as many pairs as were answered, but {answered} of "
            f"{one.population} were; count each pair once"
        )


def _rate(strata: Sequence[Sampled], value: float, low: float, high: float) -> Rate:
    count = sum(one.answers.same for one in strata)
    n = sum(comparable(one.answers) for one in strata)
    # The value reads "unsure" in one way and the ends in both, so that it could lie at an end.
    return Rate(value, min(low, value), max(high, value), n, count)


def _comparable_pairs(one: Sampled) -> float:
    """Return how many pairs of a stratum are comparable, if the unseen are like the seen."""
    left_out = one.answers.not_comparable
    if left_out == 0:
        return one.population
    return one.population * (1.0 - left_out / (comparable(one.answers) + left_out))


def _weighted(strata: Sequence[Sampled], *, unsure: int) -> float:
    """Return s of the equation, ``unsure`` of each unsure answer counted as same."""
    told = [one for one in strata if comparable(one.answers)]
    weight = np.array([_comparable_pairs(one) for one in told])
    share = [
        (one.answers.same + unsure * one.answers.unsure) / comparable(one.answers) for one in told
    ]
    return float(weight @ np.array(share) / weight.sum())


def _called(answers: Answers, *, high: bool, unsure: int, rng: np.random.Generator) -> Float64:
    """Draw the share that is called the same from its distribution for the high or low end."""
    n = comparable(answers)
    x = answers.same + unsure * answers.unsure
    if x == (n if high else 0):
        return np.full(DRAWS, float(high))
    return rng.beta(x + high, n - x + (not high), size=DRAWS)


def _comparable_shares(answers: Answers, rng: np.random.Generator) -> Float64:
    """Draw the share of comparable pairs; 1 where every answered pair was."""
    if answers.not_comparable == 0:
        return np.ones(DRAWS)
    return rng.beta(comparable(answers) + 0.5, answers.not_comparable + 0.5, size=DRAWS)


def _unseen_shares(strata: Sequence[Sampled], *, high: bool, rng: np.random.Generator) -> Float64:
    """Draw the share of the whole population: what was answered, and the unseen."""
    same, pairs = np.zeros(DRAWS), np.zeros(DRAWS)
    for one in strata:
        answers, n = one.answers, comparable(one.answers)
        p = _called(answers, high=high, unsure=high, rng=rng)
        unseen = one.population - n - answers.not_comparable
        counted = rng.binomial(unseen, _comparable_shares(answers, rng))
        same += answers.same + high * answers.unsure + rng.binomial(counted, p)
        pairs += n + counted
    return same / pairs


def _super_shares(strata: Sequence[Sampled], *, high: bool, rng: np.random.Generator) -> Float64:
    """Draw the share that would be called the same, as if every stratum had no end."""
    same, pairs = np.zeros(DRAWS), np.zeros(DRAWS)
    for one in strata:
        counted = one.population * _comparable_shares(one.answers, rng)
        same += counted * _called(one.answers, high=high, unsure=high, rng=rng)
        pairs += counted
    return same / pairs


def _corrected(seen: Float64, se: Float64, sp: Float64, *, otherwise: float) -> Float64:
    """Return p of the equation; ``otherwise`` where the reviewers do no better than chance."""
    better = se + sp - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip((seen + sp - 1.0) / better, 0.0, 1.0)
    return np.where(better > 0.0, share, otherwise)


def _quantile(draws: Float64, share: float) -> float:
    return float(np.quantile(draws, share, method="inverted_cdf"))
