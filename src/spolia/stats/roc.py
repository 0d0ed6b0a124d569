r"""How well a score tells members from non-members, counted by identity.

Sources: Hanley, J. A. & McNeil, B. J. (1982), https://doi.org/10.1148/radiology.143.1.7063747 (the
area under the curve and its variance); Newcombe, R. G. (2006), https://doi.org/10.1002/sim.2324
(its interval, method 5); Efron, B. & Tibshirani, R. (1993), *An Introduction to the Bootstrap*;
Carlini, N. et al. (2022), https://arxiv.org/abs/2112.03570 (report the true positive rate at a low
false positive rate, on a logarithmic scale).

Adversary: whoever has the scores. Cost: a sort for each of 1,000 resamples.

**Area.** :math:`A = P(s_+ > s_-) + \tfrac12 P(s_+ = s_-)` over all pairs of a member and a
non-member.

**True positives at few false ones.** Of the *n* non-members at most :math:`k = \lfloor \alpha n
\rfloor` may be hit, so a hit scores *more* than the non-member of rank k + 1: with ties that leaves
fewer than k, and never more. An :math:`\alpha < 1/n` is refused.

**Intervals.** One person's photos are alike, so identities are drawn again, not photos, members and
non-members apart, and the threshold is found anew in each resample. A bootstrap never sees beyond
what it was given: where all members score above all others its interval is a point. So each
interval also holds the one that can be computed without resampling: Clopper-Pearson's for true
positives (with as many trials as the photos of identities are worth, `spolia.stats.lean.kish`),
Newcombe's for the area, which with *m* members and *n* non-members and :math:`N = (m + n) / 2`
holds all :math:`\theta` with

.. math:: (A - \theta)^2 \le z^2 \frac{\theta (1 - \theta)}{m n} \left[ 1 +
    (N - 1) \left( \frac{1 - \theta}{2 - \theta} + \frac{\theta}{1 + \theta} \right) \right]

and, for average precision where all members lead, the value if as many members as Clopper-Pearson
leaves open came last. The band around the curve is the interval of true positives at some thirty
rates, each by itself: it is no bound on the whole curve at once.

**What a hit is worth.** :math:`PPV = \pi\, TPR / (\pi\, TPR + (1 - \pi)\, \alpha)` at a prior
:math:`\pi`, with the allowed rate and not the observed one: no hit among 50 non-members is no proof
that hits are always right.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from spolia.core.errors import UsageError
from spolia.core.membership import Band, Hits, Separation, Worth
from spolia.core.rates import Bounded, Rate
from spolia.core.types import Float64, Int64
from spolia.stats.lean import kish
from spolia.stats.rates import exact_rate

LEVELS = (0.01, 0.001)
PRIORS = (0.01, 0.1, 0.5)
RESAMPLES = 1000
_TAIL = 0.025
_BAND = 30
"""Rates at most at which the curve gets an interval."""


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of members, or of non-members."""

    score: Float64
    """``(n,)`` finite, up is more like a member."""
    identity: Int64
    """``(n,)`` whom each is of; numbers from 0, each there at least once."""

    @classmethod
    def of_identities(cls, score: Float64) -> "Scored":
        """Return scores of which each is of another identity."""
        return cls(score, np.arange(score.size))

    @cached_property
    def identities(self) -> int:
        """How many identities there are."""
        return int(np.unique(self.identity).size)

    @cached_property
    def _by_identity(self) -> list[Int64]:
        order = np.argsort(self.identity, kind="stable")
        starts = np.flatnonzero(np.diff(self.identity[order])) + 1
        return np.split(order, starts)

    def drawn(self, rng: np.random.Generator) -> Float64:
        """Return the scores of as many identities, drawn with replacement."""
        chosen = rng.integers(0, self.identities, size=self.identities)
        if self.identities == self.score.size:
            rows: Int64 = chosen
        else:
            rows = np.concatenate([self._by_identity[i] for i in chosen])
        drawn: Float64 = self.score[rows]
        return drawn


def separation(
    members: Scored,
    non_members: Scored,
    *,
    levels: Sequence[float] = LEVELS,
    unit: str = "identities",
    resamples: int = RESAMPLES,
    rng: np.random.Generator,
) -> Separation:
    """Return how well scores tell members from non-members.

    Parameters
    ----------
    members, non_members
        Their scores.
    levels
        False positive rates at which to count true positives, each in (0, 1).
    unit
        What is scored.
    resamples
        How often the identities are drawn again, at least 1.
    rng
        Draws the identities again.

    Raises
    ------
    UsageError
        If one side is empty, a score is not finite, or a level is no rate.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> members = Scored.of_identities(rng.normal(1.0, 1.0, 300))
    >>> others = Scored.of_identities(rng.normal(0.0, 1.0, 300))
    >>> found = separation(members, others, rng=rng)
    >>> round(found.auc.value, 2), found.refused
    (0.75, (0.001,))
    """
    _check(members, non_members, levels)
    n = non_members.identities
    told = [level for level in levels if level >= 1.0 / n]
    along = _rates_along(n)
    # (2 + levels, resamples): of each draw only what is asked is kept, not its scores.
    again = np.array(
        [
            _asked(members.drawn(rng), non_members.drawn(rng), [*told, *along])
            for _ in range(resamples)
        ]
    ).T
    shares = again[2:]
    return Separation(
        members=members.identities,
        non_members=n,
        unit=unit,
        auc=_area(members, non_members, again[0]),
        ap=_precision(members, non_members, again[1]),
        hits=tuple(
            _hits(members, non_members, level, drawn)
            for level, drawn in zip(told, shares[: len(told)], strict=True)
        ),
        refused=tuple(level for level in levels if level not in told),
        curve=curve(members.score, non_members.score),
        band=_band(members, non_members, along, shares[len(told) :]),
    )


def area(members: Float64, non_members: Float64) -> float:
    """Return how often a member scores more than a non-member, ties half.

    >>> area(np.array([0.9, 0.5]), np.array([0.5, 0.1]))
    0.875
    """
    down = np.sort(non_members)
    under = np.searchsorted(down, members, side="left")
    up_to = np.searchsorted(down, members, side="right")
    return float((under + up_to).sum() / (2.0 * members.size * non_members.size))


def average_precision(members: Float64, non_members: Float64) -> float:
    """Return the precision at each member's score, averaged over the members.

    Ties are taken together, so that the order of equal scores plays no part.

    >>> average_precision(np.array([0.9, 0.5]), np.array([0.7]))
    0.8333333333333333
    """
    up = np.sort(members)
    hits = members.size - np.searchsorted(up, members, side="left")
    false = non_members.size - np.searchsorted(np.sort(non_members), members, side="left")
    return float(np.mean(hits / (hits + false)))


def threshold_at(non_members: Float64, level: float) -> float:
    """Return the score that a hit must exceed, so that at most ``level`` of them are hit.

    >>> threshold_at(np.arange(100.0), 0.05)
    94.0
    """
    return float(_thresholds_at(non_members, [level])[0])


def _thresholds_at(non_members: Float64, levels: Sequence[float]) -> Float64:
    # The share is compared in whole counts: 0.29 * 100 is 28.999999999999996.
    allowed = np.floor(np.asarray(levels) * non_members.size + 1e-9).astype(np.int64)
    down: Float64 = np.sort(non_members)[::-1]
    return down[np.minimum(allowed, non_members.size - 1)]


def curve(members: Float64, non_members: Float64) -> tuple[tuple[float, float], ...]:
    """Return (FPR, TPR) where the curve turns, from (0, 0) to (1, 1).

    >>> curve(np.array([0.9, 0.5]), np.array([0.5]))
    ((0.0, 0.0), (0.0, 0.5), (1.0, 1.0))
    """
    scores = np.unique(np.concatenate([members, non_members]))[::-1]
    counts = np.zeros((2, scores.size + 1), dtype=np.int64)
    for row, side in zip(counts, (non_members, members), strict=True):
        row[1:] = side.size - np.searchsorted(np.sort(side), scores, side="left")
    step = np.diff(counts)  # (2, scores)
    turns = step[0, :-1] * step[1, 1:] != step[1, :-1] * step[0, 1:]
    false, hits = counts[:, np.concatenate([[True], turns, [True]])]
    shares = (false / non_members.size).tolist(), (hits / members.size).tolist()
    return tuple(zip(*shares, strict=True))


def newcombe(value: float, members: int, non_members: int) -> tuple[float, float]:
    """Return the interval of an area, by Newcombe's method 5.

    >>> low, high = newcombe(1.0, 20, 20)
    >>> round(low, 2), high
    (0.9, 1.0)
    """
    z2 = float(ndtri(1.0 - _TAIL)) ** 2
    more = (members + non_members) / 2.0 - 1.0

    def inside(theta: float) -> bool:
        shape = 1.0 + more * ((1.0 - theta) / (2.0 - theta) + theta / (1.0 + theta))
        variance = theta * (1.0 - theta) * shape / (members * non_members)
        return (value - theta) ** 2 <= z2 * variance

    return _end(inside, value, 0.0), _end(inside, value, 1.0)


def _end(inside: Callable[[float], bool], start: float, beyond: float) -> float:
    """Return where an interval that holds ``start`` ends on the way to ``beyond``."""
    if inside(beyond):
        return beyond
    for _ in range(60):
        middle = 0.5 * (start + beyond)
        start, beyond = (middle, beyond) if inside(middle) else (start, middle)
    return 0.5 * (start + beyond)


def _asked(members: Float64, others: Float64, levels: Sequence[float]) -> list[float]:
    """Return area, average precision, and the share of members hit at each level."""
    missed = np.searchsorted(np.sort(members), _thresholds_at(others, levels), side="right")
    shares = (members.size - missed) / members.size
    return [area(members, others), average_precision(members, others), *shares.tolist()]


def _rates_along(n: int) -> list[float]:
    """Return false positive rates from 1 / n to under 1, evenly spaced on a logarithmic axis."""
    counts = np.unique(np.round(np.geomspace(1, n, _BAND)).astype(np.int64))
    rates: list[float] = (counts[counts < n] / n).tolist()
    return rates


def _band(
    members: Scored, others: Scored, rates: Sequence[float], drawn: Float64
) -> tuple[Band, ...]:
    thresholds = _thresholds_at(others.score, rates)
    shares = (_share(members, members.score > one) for one in thresholds)
    return tuple(
        Band(rate, *_outer(again, (share.low, share.high)))
        for rate, share, again in zip(rates, shares, drawn, strict=True)
    )


def _area(members: Scored, others: Scored, drawn: Float64) -> Bounded:
    value = area(members.score, others.score)
    ends = newcombe(value, members.identities, others.identities)
    return Bounded(value, *_outer(drawn, ends))


def _precision(members: Scored, others: Scored, drawn: Float64) -> Bounded:
    value = average_precision(members.score, others.score)
    ends = (value, value)
    if value == 1.0:
        low = exact_rate(members.identities, members.identities).low
        last = (1.0 - low) * members.identities / (members.identities + others.identities)
        ends = (low + last, 1.0)
    return Bounded(value, *_outer(drawn, ends))


def _hits(members: Scored, others: Scored, level: float, drawn: Float64) -> Hits:
    threshold = threshold_at(others.score, level)
    tpr = _share(members, members.score > threshold)
    low, high = _outer(drawn, (tpr.low, tpr.high))
    tpr = replace(tpr, low=low, high=high)
    return Hits(
        level,
        threshold,
        tpr,
        _share(others, others.score > threshold),
        tuple(Worth(prior, _ppv(tpr, level, prior)) for prior in PRIORS),
    )


def _share(side: Scored, hit: npt.NDArray[np.bool_]) -> Rate:
    worth = kish(np.bincount(side.identity))
    return exact_rate(int(np.count_nonzero(hit)), hit.size, effective_n=worth)


def _ppv(tpr: Rate, fpr: float, prior: float) -> Bounded:
    def of(share: float) -> float:
        return prior * share / (prior * share + (1.0 - prior) * fpr)

    return Bounded(of(tpr.value), of(tpr.low), of(tpr.high))


def _outer(drawn: Float64, ends: tuple[float, float]) -> tuple[float, float]:
    """Return the interval that holds both that of the resamples and ``ends``."""
    low, high = np.quantile(drawn, [_TAIL, 1.0 - _TAIL]).tolist()
    return min(low, ends[0]), max(high, ends[1])


def _check(members: Scored, non_members: Scored, levels: Sequence[float]) -> None:
    for name, side in (("members", members), ("non-members", non_members)):
        if not side.score.size:
            raise UsageError(f"a separation needs {name}, but there are none; give some")
        if not np.isfinite(side.score).all():
            raise UsageError(
                f"the scores of {name} must be finite, but {int((~np.isfinite(side.score)).sum())} "
                "are not; leave these out"
            )
    wrong = [level for level in levels if not 0.0 < level < 1.0]
    if wrong:
        raise UsageError(f"a false positive rate must be in (0, 1), but is {wrong[0]}")
