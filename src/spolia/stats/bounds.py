r"""How many of the named can be false, whatever threshold the reader picks.

Sources: Katsevich, E. & Ramdas, A. (2020), https://doi.org/10.1214/19-AOS1938 (simultaneous bounds
for knockoffs and competition); Luo, D. et al., https://arxiv.org/abs/2011.11939 (bands from the
negative binomial law, TDC-UB); Goeman, J. & Solari, A. (2011), https://doi.org/10.1214/11-STS356
(the reader may choose after having looked).

Adversary: none; a statement about data. Cost: 4,000 simulated walks that depend on nothing but the
odds.

Go down the scores that are not of leaks. Each is a false train identity with odds *o* against being
a score of control or background (its *witness*), independently. So the number of false ones before
the j-th witness is negative binomial, :math:`V_j \sim NB(j, 1/(1+o))`. Let
:math:`\pi_j(v) = P(V_j \ge v)`. The band

.. math:: b_j = \max \{ v : \pi_j(v) \ge \gamma \}

holds for **all** j at once with the confidence asked if :math:`\gamma` is the matching quantile of
:math:`\min_j \pi_j(V_j)`, which is found by simulation: it depends on no data. At a threshold with
N witnesses at or above it, at most :math:`b_{N+1}` are false; and never more than at a higher
threshold plus what was named in between.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import beta, nbinom

from spolia.core.types import Float64, Int64
from spolia.stats.background import Borrowed
from spolia.stats.competition import expected_false

_WALKS = 4000
_MOST_WITNESSES = 1024
_SEED = 20240601
"""Any seed will do; it is fixed so that a bound is a function of its inputs."""


def false_at_most(
    named: Int64, witnesses: Int64, *, odds: float, confidence: float = 0.95
) -> Int64:
    """Return upper bounds on the false ones among the named that hold together.

    Parameters
    ----------
    named, witnesses
        ``(n,)`` train identities, and scores of control or background, at or above n thresholds,
        from the highest threshold to the lowest: neither falls.
    odds
        Of a score without a leak to be a train identity's rather than a witness.
    confidence
        With which all bounds hold at once.

    Returns
    -------
    Int64
        ``(n,)``, between 0 and ``named``.

    Examples
    --------
    >>> false_at_most(np.array([10, 40]), np.array([0, 2]), odds=1.0).tolist()
    [5, 9]
    >>> false_at_most(np.array([10, 40]), np.array([0, 2]), odds=0.1).tolist()
    [1, 1]
    """
    if named.size == 0:
        return named
    reached = int(min(witnesses.max() + 1, _MOST_WITNESSES))
    steps, band = _band(1 << (reached - 1).bit_length(), odds, confidence)
    place = np.searchsorted(steps, witnesses + 1, side="left")
    beyond = place == steps.size
    bound = np.where(beyond, named, band[np.minimum(place, steps.size - 1)])
    bound = np.minimum(bound, named)
    # From a higher threshold on, at most everything named in between is false.
    spare: Int64 = np.minimum.accumulate(bound - named)
    return spare + named


@lru_cache(maxsize=256)
def _band(most: int, odds: float, confidence: float) -> tuple[Int64, Int64]:
    """Return some numbers of witnesses from 1 to ``most``, and the band at each.

    They grow further apart; the band holds in between because V_j rises with j.
    """
    steps = np.unique(np.round(np.geomspace(1, most, num=min(most, 120))).astype(np.int64))
    chance = 1.0 / (1.0 + odds)
    rng = np.random.default_rng(_SEED)
    # Steps between the points of the band are drawn as one.
    widths = np.diff(np.concatenate([[0], steps]))
    drawn = rng.negative_binomial(widths, chance, size=(_WALKS, steps.size))
    false = np.cumsum(drawn, axis=1)
    tails: Float64 = nbinom.sf(false - 1, steps, chance)
    gamma = float(np.quantile(tails.min(axis=1), 1.0 - confidence, method="lower"))
    # The largest v with P(V_j >= v) >= gamma: one less than the first whose tail is under it.
    start: Int64 = nbinom.isf(gamma, steps, chance).astype(np.int64)
    # The quantile may be off by one where a tail equals gamma, as that of the walk it is from does.
    start = start - (nbinom.sf(start - 1, steps, chance) < gamma)
    start = start + (nbinom.sf(start, steps, chance) >= gamma)
    return steps, start


@dataclass(frozen=True, eq=False)
class Curve:
    """What holds at each threshold, from the highest down."""

    thresholds: Float64
    """``(n,)`` scores of train identities, each once."""
    named: Int64
    """``(n,)`` train identities at or above."""
    expected_false: Float64
    """``(n,)`` how many of them are false on average."""
    false_at_most: Int64
    """``(n,)`` how many are false at most: all n bounds hold together."""


_FOR_ODDS = 0.01
"""Share of the risk that goes to the odds where these are estimated."""


def curve(
    train_scores: Float64,
    control_scores: Float64,
    *,
    ratio: float,
    borrowed: Borrowed | None = None,
    confidence: float = 0.95,
) -> Curve:
    """Return the false ones at every threshold; above the floor only, where there is one.

    Parameters
    ----------
    train_scores, control_scores, ratio, borrowed
        As for `spolia.stats.competition.decide`.
    confidence
        With which all upper bounds hold at once.

    Examples
    --------
    >>> train, control = np.arange(20.0) + 0.5, np.array([3.0, 7.0])
    >>> found = curve(train, control, ratio=1.0)
    >>> float(found.thresholds[0]), found.named[:3].tolist(), found.false_at_most[:6].tolist()
    (19.5, [1, 2, 3], [1, 2, 3, 4, 5, 5])
    """
    thresholds = np.unique(train_scores[np.isfinite(train_scores)])[::-1]
    odds = 1.0 / ratio
    witnesses = np.sort(control_scores)
    if borrowed is not None:
        thresholds = thresholds[thresholds > borrowed.floor]
        odds = largest_odds(
            borrowed.control, borrowed.background, ratio=ratio, confidence=1.0 - _FOR_ODDS
        )
        confidence += _FOR_ODDS
        witnesses = np.sort(np.concatenate([control_scores, borrowed.scores]))
    named = train_scores.size - np.searchsorted(np.sort(train_scores), thresholds, side="left")
    above = witnesses.size - np.searchsorted(witnesses, thresholds, side="left")
    return Curve(
        thresholds,
        named.astype(np.int64),
        expected_false(control_scores, thresholds, ratio=ratio, borrowed=borrowed),
        false_at_most(
            named.astype(np.int64), above.astype(np.int64), odds=odds, confidence=confidence
        ),
    )


def largest_odds(control: int, background: int, *, ratio: float, confidence: float) -> float:
    """Return the upper confidence limit of the odds `spolia.stats.background.borrow` estimates.

    Of ``control`` + ``background`` scores at or above the floor, ``control`` are the control's:
    Clopper and Pearson's limit for that share, turned into odds.

    >>> round(largest_odds(20, 80, ratio=1.0, confidence=0.95), 3)
    0.277
    """
    share = float(beta.ppf(confidence, control + 1, background))
    return share / ratio
