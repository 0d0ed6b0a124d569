r"""How far two shares differ, on the same people or on different images.

Sources: McNemar, Q. (1947), https://doi.org/10.1007/BF02295996 (the test, here exact); Newcombe, R.
G. (1998), https://doi.org/10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C (the
interval of a paired difference, his method 10); Zou, G. Y. & Donner, A. (2008),
https://doi.org/10.1002/sim.3095 (the interval of a difference from those of two shares, of which
Newcombe's hybrid score interval is a case).

Adversary: none; a statement about data. Cost: none.

**Paired.** Of n identities let *a* be found in both runs, *b* in the second alone, *c* in the first
alone and *d* in neither. Where nothing changed, b is binomial, :math:`Bin(b + c, 1/2)`. The
difference is :math:`\hat\theta = p_2 - p_1 = (b - c) / n`, and with Wilson's limits
:math:`l_i, u_i` of the two shares

.. math:: \hat\theta - \sqrt{(p_2 - l_2)^2 - 2 \phi (p_2 - l_2)(u_1 - p_1) + (u_1 - p_1)^2}
    \quad\text{to}\quad
    \hat\theta + \sqrt{(u_2 - p_2)^2 - 2 \phi (u_2 - p_2)(p_1 - l_1) + (p_1 - l_1)^2},

where :math:`\phi` is the correlation of the table, with n/2 taken from a positive :math:`ad - bc`
(down to 0), and 0 where it is not defined.

**Unpaired.** The same with :math:`\phi = 0` and whatever limits the two shares came with.
"""

from math import sqrt

from scipy.stats import binom, norm

from spolia.core.errors import UsageError
from spolia.core.rates import Bounded, Rate

CONFIDENCE = 0.95


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value that as many change one way as the other.

    >>> mcnemar_p(0, 5), mcnemar_p(3, 3), mcnemar_p(0, 0)
    (0.0625, 1.0, 1.0)
    """
    changed, fewer = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2.0 * float(binom.cdf(fewer, changed, 0.5)))


def paired_difference(both: int, only_first: int, only_second: int, n: int) -> Bounded:
    """Return the second share less the first, of the same n.

    Parameters
    ----------
    both, only_first, only_second
        How many are in both, in the first alone and in the second alone.
    n
        Of how many, at least 1.

    Raises
    ------
    UsageError
        If these are more than n, or n is 0.

    Examples
    --------
    >>> one = paired_difference(both=1, only_first=1, only_second=7, n=21)
    >>> round(one.value, 3), round(one.low, 3), round(one.high, 3)
    (0.286, 0.026, 0.507)
    """
    neither = n - both - only_first - only_second
    if n < 1 or min(both, only_first, only_second, neither) < 0:
        raise UsageError(
            f"a difference needs counts within n, and n of at least 1, but got {both} in both, "
            f"{only_first} and {only_second} in one, of {n}"
        )
    first, second = both + only_first, both + only_second
    p1, (l1, u1) = first / n, _wilson(first, n)
    p2, (l2, u2) = second / n, _wilson(second, n)
    phi = _phi(both, only_first, only_second, neither)
    return Bounded(
        p2 - p1,
        max(-1.0, p2 - p1 - _added(p2 - l2, u1 - p1, phi)),
        min(1.0, p2 - p1 + _added(u2 - p2, p1 - l1, phi)),
        CONFIDENCE,
    )


def unpaired_difference(first: Rate, second: Rate) -> Bounded:
    """Return the second share less the first, from the limits that both have.

    Examples
    --------
    >>> one = unpaired_difference(Rate(0.1, 0.05, 0.2, 80, 8), Rate(0.4, 0.3, 0.5, 80, 32))
    >>> round(one.value, 3), round(one.low, 3), round(one.high, 3)
    (0.3, 0.159, 0.412)
    """
    value = second.value - first.value
    return Bounded(
        value,
        max(-1.0, value - _added(second.value - second.low, first.high - first.value, 0.0)),
        min(1.0, value + _added(second.high - second.value, first.value - first.low, 0.0)),
        first.confidence,
    )


def _added(one: float, other: float, phi: float) -> float:
    """Return the distance to a limit; rounding may carry what is under the root below 0."""
    return sqrt(max(0.0, one * one - 2.0 * phi * one * other + other * other))


def _wilson(count: int, n: int) -> tuple[float, float]:
    z = float(norm.isf((1.0 - CONFIDENCE) / 2.0))
    middle = (count + z * z / 2.0) / (n + z * z)
    half = z * sqrt(count * (n - count) / n + z * z / 4.0) / (n + z * z)
    # At the ends of the scale Wilson's limits are exactly there, but for rounding.
    return (0.0 if count == 0 else middle - half), (1.0 if count == n else middle + half)


def _phi(a: int, b: int, c: int, d: int) -> float:
    """Return the correlation of a table, a positive one corrected for continuity."""
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return 0.0
    cross = float(a * d - b * c)
    if cross > 0.0:
        cross = max(0.0, cross - (a + b + c + d) / 2.0)
    return cross / sqrt(margins)
