"""What the figures about identities are by definition, counted plainly: the truth for `verify`."""

from collections.abc import Sequence

import numpy as np

from spolia.core.results import Scale
from spolia.core.types import Float64

_SMALLEST_DEVIATION = 1e-6
_DIGITS = 9
_ROWS_PER_STEP = 1024


def score_reference(similarities: Float64, *, scale: Scale) -> float:
    """Return the score of a photo from its similarities to all samples.

    >>> score_reference(np.array([0.1, 0.1, 0.4]), scale="score")
    1.4142135623730951
    >>> score_reference(np.array([0.1, 0.1, 0.4]), scale="similarity")
    0.4
    """
    best = float(similarities.max())
    if scale == "similarity":
        return best
    spread = max(float(similarities.std()), _SMALLEST_DEVIATION)
    return (best - float(similarities.mean())) / spread


def p_reference(photos: Float64, pool: Sequence[Float64], k: int) -> float:
    """Return p of a query by the first ``k`` photos of everybody; all in their drawn order.

    >>> p_reference(np.array([0.9, 0.1]), [np.array([0.8]), np.array([0.7, 0.6])], 2)
    1.0
    """
    own = round(float(photos[:k].mean()), _DIGITS)
    beside = [round(float(one[:k].mean()), _DIGITS) for one in pool if one.size >= k]
    return (1.0 + sum(one >= own for one in beside)) / (1.0 + len(beside))


def q_reference(p: Float64, i: int) -> float:
    """Return the smallest false discovery rate at which the i-th of all is named.

    >>> q_reference(np.array([0.01, 0.02, 0.9]), 0)
    0.03
    """
    above = np.unique(p[p >= p[i]])
    rates = (p.size * one / np.count_nonzero(p <= one) for one in above)
    return float(min(min(rates), 1.0))


def area_reference(members: Float64, others: Float64) -> float:
    """Return how often a member scores more than a non-member, ties half, pair by pair.

    >>> area_reference(np.array([0.9, 0.5]), np.array([0.5, 0.1]))
    0.875
    """
    twice = 0
    for start in range(0, members.size, _ROWS_PER_STEP):
        some = members[start : start + _ROWS_PER_STEP, np.newaxis]
        twice += int(np.count_nonzero(some > others)) + int(np.count_nonzero(some >= others))
    return twice / (2.0 * members.size * others.size)


def share_reference(members: Float64, others: Float64, rate: float) -> float:
    """Return the share of members above the lowest score that at most ``rate`` of others exceed.

    >>> share_reference(np.array([3.0, 1.0]), np.array([0.0, 2.0]), 0.5)
    1.0
    """
    most = rate * others.size + 1e-9
    for limit in np.unique(others):  # ascending; the highest is exceeded by nobody
        if np.count_nonzero(others > limit) <= most:
            break
    return float(np.count_nonzero(members > limit) / members.size)
