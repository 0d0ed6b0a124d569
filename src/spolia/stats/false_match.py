r"""The false match rate of a matcher between strangers, and the thresholds that give it.

Sources: ISO/IEC 19795-1, *Biometric performance testing and reporting* (no rate is stated under
3 / N, the rule of 3; 30 errors are wanted for a rate, the rule of 30). ISO/IEC 5152:2024 estimates
such rates by extreme-value models for comparisons one to one, and leaves out searches of a gallery
(one to many), which is what an audit does. The interval: Fafchamps, M. & Gubert, F. (2007),
https://doi.org/10.1016/j.jdeveco.2006.05.005 and Aronow, P. M. et al. (2015),
https://doi.org/10.1093/pan/mpv018 (variance of a mean over pairs that share members).

Adversary: none. Cost: none beside the counts, which a join makes.

One image of each of n identities gives N = n (n - 1) / 2 pairs of strangers, of which K match at or
above a threshold. **Pairs are not independent**: one face that is close to many makes many false
matches. With :math:`c_i` the false matches of identity *i* and :math:`\hat f = K / N`,

.. math::
    \widehat{\mathrm{Var}}(K) = \sum_i \big(c_i - (n - 1) \hat f\big)^2 - N \hat f (1 - \hat f),

in which the first term counts what pairs with a common identity do together, and the second what
it counts twice. Resampling identities would need no such formula, but counts the chance of single
pairs two or three times where matches are few. N is divided by the design effect
:math:`\widehat{\mathrm{Var}}(K) / (N \hat f (1 - \hat f))`, and the Clopper-Pearson interval taken.
"""

import numpy as np

from spolia.core.rates import Rate
from spolia.core.types import Float64, Int64
from spolia.stats.rates import exact_rate

LEVELS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""The false match rates that are looked for."""

LEAST = 3
"""No rate under this many errors in N is stated: the rule of 3."""

CERTAIN = 30
"""A rate with fewer errors is marked uncertain: the rule of 30."""


def supported(level: float, pairs: int) -> bool:
    """Return whether ``pairs`` are enough to state a rate: the rule of 3.

    >>> supported(1e-3, 3000), supported(1e-3, 2999)
    (True, False)
    """
    # Not level >= 3 / pairs: 3 / 3000 is no float.
    return pairs * level >= LEAST * (1.0 - 1e-12)


def threshold_at(counts: Int64, edges: Float64, level: float) -> float | None:
    """Return the lowest edge at or above which at most a share ``level`` of the pairs lies.

    Parameters
    ----------
    counts
        ``(bins,)`` pairs of strangers by similarity.
    edges
        ``(bins + 1,)``, rising.
    level
        The false match rate wanted.

    Returns
    -------
    float or None
        ``None`` if `supported` refuses it, or if fewer than `LEAST` pairs lie above the edge, so
        that the rate there could not be stated.

    Examples
    --------
    >>> counts, edges = np.array([960, 30, 8, 2]), np.array([0.0, 0.2, 0.4, 0.6, 0.8])
    >>> [threshold_at(counts, edges, level) for level in (0.04, 0.01, 0.005, 0.001)]
    [0.2, 0.4, None, None]
    """
    pairs = int(counts.sum())
    if not supported(level, pairs):
        return None
    at_or_above = np.append(np.cumsum(counts[::-1])[::-1], 0)
    first = int(np.argmax(at_or_above <= level * pairs))
    return float(edges[first]) if at_or_above[first] >= LEAST else None


def false_match_rate(matches: Int64, *, confidence: float = 0.95) -> Rate:
    """Return the rate of false matches over all pairs, with an interval by identity.

    Parameters
    ----------
    matches
        ``(n,)`` how many of the other n - 1 identities each one matches; every pair counts for
        both of its identities. n is at least 2.

    Examples
    --------
    Six matches in 4,950 pairs, of six pairs of identities or all of one identity:

    >>> apart, of_one = np.zeros(100, np.int64), np.zeros(100, np.int64)
    >>> apart[:12], of_one[:7] = 1, [6, 1, 1, 1, 1, 1, 1]
    >>> [round(false_match_rate(m).high, 4) for m in (apart, of_one)]
    [0.0026, 0.0066]
    """
    n = matches.size
    pairs, count = n * (n - 1) // 2, int(matches.sum()) // 2
    share = count / pairs
    if count in (0, pairs):
        return exact_rate(count, pairs, confidence=confidence)
    alone = pairs * share * (1.0 - share)
    together = float(((matches - (n - 1) * share) ** 2).sum()) - alone
    effect = max(1.0, together / alone)
    return exact_rate(count, pairs, confidence=confidence, effective_n=pairs / effect)
