r"""Monte-Carlo membership: who is trained on has more samples around.

Source: Hilprecht, B., Härterich, M. & Bernau, D. (2019),
https://doi.org/10.2478/popets-2019-0067.

Adversary: has samples. Cost: the nearest samples of each record.

.. math:: f(x) = \frac1m \#\{j : d(x, g_j) \le \varepsilon\}

with ε by the *median heuristic*, the median over all records that are looked at of the distance to
the nearest sample, or by a *percentile* of the distances.
"""

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.types import Float64


def median_epsilon(nearest: Float64) -> float:
    """Return ε by the median heuristic.

    Parameters
    ----------
    nearest
        ``(n,)`` distance of every record, member or not, to its nearest sample; n at least 1.

    Examples
    --------
    >>> median_epsilon(np.array([0.1, 0.3, 0.2]))
    0.2
    """
    return float(np.median(nearest))


def percentile_epsilon(distances: Float64, share: float) -> float:
    """Return the distance under which a ``share`` of ``distances`` lies.

    Raises
    ------
    UsageError
        If ``share`` is not in (0, 1).

    Examples
    --------
    >>> percentile_epsilon(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), 0.25)
    1.0
    """
    if not 0.0 < share < 1.0:
        raise UsageError(f"a share must be in (0, 1), but is {share}; 0.001 is usual")
    return float(np.quantile(distances, share))


def scores(to_samples: Float64, epsilon: float, samples: int) -> Float64:
    """Return the share of samples within ε of each record, ``(n,)``.

    Parameters
    ----------
    to_samples
        ``(n, k)`` distances to the k nearest samples; more than k within ε are not told apart.
    epsilon
        Radius of the ball.
    samples
        How many samples there are, at least 1.

    Examples
    --------
    >>> scores(np.array([[0.1, 0.2], [0.3, 0.4]]), 0.2, 4).tolist()
    [0.5, 0.0]
    """
    inside: Float64 = np.count_nonzero(to_samples <= epsilon, axis=1) / samples
    return inside
