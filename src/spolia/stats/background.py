r"""A larger null for the tail: what strangers among train and control look like to each other.

Sources: the competition it extends is Elias, J. E. & Gygi, S. P. (2007),
https://doi.org/10.1038/nmeth1019; the martingale behind its guarantee, for labels that are not a
fair coin, is Selective SeqStep+ of Barber, R. F. & Candès, E. J. (2015),
https://doi.org/10.1214/15-AOS1337; borrowing the *shape* of the tail, and not its size, is ours
(``docs/adr/0010``).

Adversary: none; a statement about data. Cost: one search of at most 10,000 records of train and
control among each other, beside the match itself.

The control alone can promise no false discovery rate for fewer than 1/(q r) identities: nobody
knows how rare a score is that no control identity reached. But train and control hold many more
pairs of strangers than those with a synthetic record. Let each identity of both sets ask, with one
record, for the closest *other* identity; each pair of identities counts once. These are the
**background** scores :math:`B`. They may not be compared with the synthetic records' directly,
because synthetic images may be closer to everything, or further, or repeated. So only their
*shape* is borrowed: let *u* be the K-th largest control score, and

.. math:: \theta = \frac{K + 1}{\#\{B \ge u\}}

control scores for each background score there. Above *u*, control and background together take the
place of the control,

.. math::
    \widehat{V}(t) = \frac{\theta}{(1 + \theta)\, r} \,
        \big(1 + \#\{g \in control : A_g \ge t\} + \#\{B \ge t\}\big), \qquad t > u .

**What it needs.** As the competition: without a leak, train and control identities are
exchangeable. In addition: above *u* the control's scores fall off as the background's do, or
faster. If alike, each score above *u* that is not of a leak is a train identity's with odds
:math:`\theta / ((1+\theta) r)` against the others, independently of the rest, and the expected
share of false ones is at or under *q* by the martingale of Selective SeqStep+. :math:`E[1/\theta]`
is the true ratio for any K, since *u* is where the K-th of them fell: the estimated ratio adds no
bias. If the control falls off faster (the ratio of its density to the background's falls with the
score), the odds of a score are the smaller the higher it is. As the threshold rises, the scores
that drop out are then more often a train identity's than those that stay: the martingale becomes a
supermartingale that starts at the same value, and too many false ones are expected, not too few.

**How it is tested.** Above *u*, the control's scores must not rank higher among the background's
than a random draw would. For i = 1, 2, 4, 8, ..., let *b* background scores be at or above the i-th
highest control score. That so few are has the probability

.. math:: P(H \ge i), \qquad H \sim \text{Hypergeometric}\big(\text{all above } u,\;
    \text{control above } u,\; b + i\big).

If the smallest of these, times their number, is at most 1 %, nothing is borrowed. The highest
scores are tested by themselves, because it is there that few are named and few can contradict. Nor
is anything borrowed where *u* would not lie in the tail: K is at most a tenth of the control's
identities and a quarter of those that won a record.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import hypergeom

from spolia.core.types import Float64, Int64

LEAST = 10
"""Control scores, and background scores, that must lie at or above the floor."""
MOST = 200
_SHARE = 0.05
TREND_LEVEL = 0.01
"""Level of the test that the control falls off as the background does, or faster."""


@dataclass(frozen=True, eq=False)
class Borrowed:
    """The tail of a background, fit to stand beside the control's."""

    scores: Float64
    """The background scores above the floor."""
    floor: float
    """*u*: what lies above it is judged with the background."""
    odds: float
    """Train identities without a leak for each score of control or background above the floor."""
    control: int
    """K: control scores at or above the floor."""
    trend_p: float
    """p-value of the test that the control falls off as the background does, or faster."""

    @property
    def background(self) -> int:
        """Background scores above the floor."""
        return self.scores.size


@dataclass(frozen=True)
class NotBorrowed:
    """Why nothing could be borrowed."""

    reason: str
    trend_p: float | None = None


def pair_scores(asking: Int64, closest: Int64, score: Float64) -> Float64:
    """Return one score for each unordered pair of identities: that of the direction that is closer.

    Parameters
    ----------
    asking, closest
        ``(n,)`` numbers of two different identities.
    score
        ``(n,)`` how close they are.

    Examples
    --------
    >>> pair_scores(np.array([0, 1, 2]), np.array([1, 0, 1]), np.array([0.5, 0.7, 0.1])).tolist()
    [0.7, 0.1]
    """
    low, high = np.minimum(asking, closest), np.maximum(asking, closest)
    order = np.lexsort((-score, high, low))
    low, high, score = low[order], high[order], score[order]
    first = np.ones(score.size, dtype=np.bool_)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return score[first]


def borrow(control_scores: Float64, background: Float64, *, ratio: float) -> Borrowed | NotBorrowed:
    """Return what ``background`` adds to the control, or why it adds nothing.

    Parameters
    ----------
    control_scores
        Score of each control identity, ``-inf`` for those that won no record.
    background
        Score of each pair of strangers, see `pair_scores`.
    ratio
        |control| / |train|, > 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = borrow(rng.normal(size=400), rng.normal(size=2000), ratio=1.0)
    >>> found.control, found.background, round(found.odds, 2)
    (20, 113, 0.16)
    """
    won = np.sort(control_scores[np.isfinite(control_scores)])[::-1]
    k = min(max(LEAST, round(_SHARE * control_scores.size)), MOST, won.size // 4)
    if k < LEAST or k > 0.1 * control_scores.size:
        return NotBorrowed("too few control identities are closest to a synthetic record")
    floor = float(won[k - 1])
    at_floor = int(np.count_nonzero(background >= floor))
    if at_floor < LEAST:
        return NotBorrowed("strangers in train and control are never as close as synthetic records")
    above = background[background > floor]
    control_above = won[won > floor]
    trend_p = _trend(control_above, above)
    if trend_p < TREND_LEVEL:
        return NotBorrowed("the control falls off more slowly than strangers do", trend_p)
    theta = (k + 1) / at_floor
    return Borrowed(above, floor, theta / ((1.0 + theta) * ratio), k, trend_p)


def _trend(control: Float64, background: Float64) -> float:
    """Return the p-value of the test that ``control`` (descending) is drawn from ``background``."""
    if control.size == 0 or background.size == 0:
        return 1.0
    i = 2 ** np.arange(control.size.bit_length())
    closer = np.count_nonzero(background[:, None] >= control[i - 1], axis=0)
    n = control.size + background.size
    p = hypergeom.sf(i - 1, n, control.size, closer + i)
    return float(min(1.0, p.size * p.min()))
