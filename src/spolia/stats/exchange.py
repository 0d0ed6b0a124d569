r"""Members and held-out identities change places: how often chance makes them differ so much.

Sources: Fisher, R. A. (1935), *The Design of Experiments*; Phipson, B. & Smyth, G. K. (2010),
https://doi.org/10.2202/1544-6115.1585 (a p-value of drawn permutations is never 0); Holm, S.
(1979), https://www.jstor.org/stable/4615733 (several tests, whatever their dependence).

Adversary: none; a statement about data. Cost: the statistic, once for each draw.

If nothing leaked, members and held-out identities of one population are exchangeable, whatever the
samples look like: any statistic has the same distribution when they change places. So

.. math:: p = \frac{1 + \#\{b : T_b \ge T\}}{1 + B}

is uniform or larger. Identities change places, with all their records.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from spolia.core.errors import UsageError
from spolia.core.rates import Bounded
from spolia.core.types import Float64, Int64
from spolia.stats.lean import kish

_Z = float(ndtri(0.975))


def exchanged(
    member: npt.NDArray[np.bool_], identity: Int64, *, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Return who is a member after identities changed places, ``(n,)``.

    As many identities are members as before.

    Parameters
    ----------
    member
        ``(n,)`` whether each record is a member's; the same for all records of an identity.
    identity
        ``(n,)`` whose each is; numbers from 0, each there at least once.
    rng
        Draws who.

    Examples
    --------
    >>> member, who = np.array([True, True, False]), np.array([0, 0, 1])
    >>> drawn = exchanged(member, who, rng=np.random.default_rng(0))
    >>> bool(drawn[0] == drawn[1]), bool(drawn[0] != drawn[2])
    (True, True)
    """
    of_identity = np.zeros(int(identity.max()) + 1, dtype=np.bool_)
    of_identity[identity] = member
    drawn: npt.NDArray[np.bool_] = rng.permutation(of_identity)[identity]
    return drawn


def exchange_p(value: float, drawn: Float64) -> float:
    """Return how likely chance gives a statistic so high.

    Parameters
    ----------
    value
        The statistic, up is more.
    drawn
        ``(B,)`` the same after each exchange.

    Examples
    --------
    >>> exchange_p(3.0, np.array([1.0, 2.0, 3.0]))
    0.5
    """
    # Equal statistics may differ in their last bits, by the order in which they were added up.
    high = drawn >= value - 1e-9 * max(1.0, abs(value))
    return float((1 + np.count_nonzero(high)) / (1 + drawn.size))


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """Return p-values that keep the chance of *any* false one among all of them.

    Raises
    ------
    UsageError
        If one is not in 0 to 1.

    Examples
    --------
    >>> [round(one, 3) for one in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    if not all(0.0 <= one <= 1.0 for one in p):
        raise UsageError(f"p-values must be in 0 to 1, but one is not: {list(p)}")
    adjusted, highest = [0.0] * len(p), 0.0
    for before, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (len(p) - before) * p[i]))
        adjusted[i] = highest
    return tuple(adjusted)


def spread_interval(value: float, drawn: Float64) -> Bounded:
    """Return a statistic with the interval that its spread under exchange gives it.

    Parameters
    ----------
    value
        The statistic.
    drawn
        ``(B,)`` the same after each exchange, B at least 2.

    Examples
    --------
    >>> one = spread_interval(2.0, np.array([-1.0, 1.0]))
    >>> round(one.low, 2), round(one.high, 2)
    (-0.77, 4.77)
    """
    half = _Z * float(drawn.std(ddof=1))
    return Bounded(value, value - half, value + half)


def mean_of(values: Float64) -> Bounded:
    """Return a mean with its normal interval.

    Parameters
    ----------
    values
        ``(n,)`` independent numbers, at least 2.

    Examples
    --------
    >>> one = mean_of(np.array([1.0, 3.0]))
    >>> one.value, round(one.low, 2)
    (2.0, 0.04)
    """
    value = float(values.mean())
    half = _Z * float(values.std(ddof=1)) / float(np.sqrt(values.size))
    return Bounded(value, value - half, value + half)


def apart(first: Bounded, second: Bounded, *, correlation: float = 0.0) -> Bounded:
    """Return the second less the first, from the intervals that both have.

    Source: Zou, G. Y. & Donner, A. (2008), https://doi.org/10.1002/sim.3095.

    Parameters
    ----------
    first, second
        Two numbers.
    correlation
        Of the two, where they are of the same things; -1 to 1.

    Examples
    --------
    >>> one = apart(Bounded(0.1, 0.05, 0.2), Bounded(0.4, 0.3, 0.5))
    >>> round(one.value, 3), round(one.low, 3), round(one.high, 3)
    (0.3, 0.159, 0.412)
    """
    value = second.value - first.value
    down = _added(second.value - second.low, first.high - first.value, correlation)
    up = _added(second.high - second.value, first.value - first.low, correlation)
    return Bounded(value, value - down, value + up, first.confidence)


def _added(one: float, other: float, correlation: float) -> float:
    squared = one * one - 2.0 * correlation * one * other + other * other
    return float(np.sqrt(max(0.0, squared)))  # rounding may carry it below 0


def effective_number(flags: npt.NDArray[np.bool_], cluster: Int64) -> float:
    r"""Return how many independent trials clustered ones are worth, for the interval of a share.

    Source: Korn, E. L. & Graubard, B. I. (1998), Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data, *Survey Methodology* 24, 193-201.

    .. math:: n^* = \frac{p (1 - p)}{\sum_c (\sum_{i \in c} (f_i - p))^2 / n^2}

    At most n, and at least what they are worth if all of a cluster are alike (`kish`), which is
    also taken where all flags are equal.

    Parameters
    ----------
    flags
        ``(n,)``, n at least 1.
    cluster
        ``(n,)`` the cluster of each; any numbers.

    Examples
    --------
    >>> flags = np.array([True, False, True, False])
    >>> effective_number(flags, np.array([0, 0, 1, 1])), effective_number(flags, np.arange(4) % 2)
    (4.0, 2.0)
    """
    _, number, sizes = np.unique(cluster, return_inverse=True, return_counts=True)
    least, p = kish(sizes), float(flags.mean())
    if p in (0.0, 1.0):
        return least
    sums = np.bincount(number, weights=flags - p)
    squares = float(sums @ sums)
    if squares == 0.0:
        return float(flags.size)
    return float(np.clip(p * (1.0 - p) * flags.size**2 / squares, least, flags.size))


def rank_correlation(first: Float64, second: Float64) -> Bounded:
    """Return Spearman's rank correlation with the interval of Bonett and Wright.

    Source: Bonett, D. G. & Wright, T. A. (2000), https://doi.org/10.1007/BF02294183.

    Parameters
    ----------
    first, second
        ``(n,)`` scores of the same records, n at least 4. Where one of them does not vary, the
        correlation is taken for 0.

    Examples
    --------
    >>> one = rank_correlation(np.arange(20.0), np.arange(20.0) ** 2)
    >>> one.value, one.high
    (1.0, 1.0)
    """
    ranks = [midranks(one) for one in (first, second)]
    centred = [one - one.mean() for one in ranks]
    norms = [float(np.sqrt(one @ one)) for one in centred]
    if min(norms) == 0.0:
        return Bounded(0.0, -1.0, 1.0)
    value = float(np.clip(centred[0] @ centred[1] / (norms[0] * norms[1]), -1.0, 1.0))
    value = round(value, 12)
    if abs(value) == 1.0:
        return Bounded(value, value, value)
    half = _Z * float(np.sqrt((1.0 + value**2 / 2.0) / (first.size - 3)))
    middle = np.arctanh(value)
    return Bounded(value, float(np.tanh(middle - half)), float(np.tanh(middle + half)))


def midranks(values: Float64) -> Float64:
    """Return the ranks from 1 on, equal values in the middle of theirs, ``(n,)``.

    >>> midranks(np.array([0.5, 0.1, 0.5])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, group, tied = np.unique(values, return_inverse=True, return_counts=True)
    middle: Float64 = np.cumsum(tied) - (tied - 1) / 2.0
    return middle[group]
