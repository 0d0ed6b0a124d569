"""Proportions with exact intervals.

Clopper, C. J. & Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the
case of the binomial. *Biometrika* 26, 404-413. https://doi.org/10.1093/biomet/26.4.404
"""

from scipy.special import betaincinv

from spolia.core.errors import UsageError
from spolia.core.rates import Rate


def exact_rate(
    count: int, n: int, *, confidence: float = 0.95, effective_n: float | None = None
) -> Rate:
    r"""Return ``count / n`` with its Clopper-Pearson interval.

    .. math:: low = B^{-1}(\alpha/2;\, k,\, n-k+1), \quad high = B^{-1}(1-\alpha/2;\, k+1,\, n-k)

    The interval covers the true proportion with at least ``confidence`` for independent trials.

    Parameters
    ----------
    count
        Number of successes, 0 to ``n``.
    n
        Number of trials, at least 1.
    confidence
        Two-sided coverage in (0, 1).
    effective_n
        Independent trials that ``n`` dependent ones are worth, for the interval alone; default
        ``n``. `kish` computes it for clustered trials.

    Raises
    ------
    UsageError
        If ``count`` is not in 0 to ``n``, or ``n`` is 0.

    Examples
    --------
    >>> rate = exact_rate(0, 100)
    >>> rate.value, rate.low, round(rate.high, 3), rate.n
    (0.0, 0.0, 0.036, 100)
    """
    if n < 1 or not 0 <= count <= n:
        raise UsageError(f"a rate needs 0 <= count <= n and n >= 1, but got {count} of {n}")
    trials = float(n) if effective_n is None else effective_n
    successes = count / n * trials
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if count == 0 else float(betaincinv(successes, trials - successes + 1.0, tail))
    high = 1.0 if count == n else float(betaincinv(successes + 1.0, trials - successes, 1.0 - tail))
    return Rate(count / n, low, high, n, count, confidence)
