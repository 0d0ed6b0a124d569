r"""Does a generalised Pareto distribution with fitted shape and scale fit?

The Anderson-Darling statistic of n excesses, sorted upward,

.. math:: A^2 = -n - \frac{1}{n} \sum_{i=1}^n (2 i - 1)
          \left( \log F(y_i) + \log(1 - F(y_{n+1-i})) \right),

weighs the ends of the distribution more than its middle. With both parameters fitted, its law for
large n depends on the shape alone: Choulakian, V. & Stephens, M. A. (2001),
https://doi.org/10.1198/00401700152672573. The quantiles here are our own, simulated with n = 200
(``python -m benchmarks goodness``).

Adversary: none. Cost: a sort.
"""

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float64
from spolia.stats.pareto import pareto_tail

P_VALUES = (0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.025, 0.01, 0.001)
"""What the columns of `QUANTILES` belong to."""

SHAPES = (-0.5, -0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.5)
"""What the rows of `QUANTILES` belong to."""

SIMULATED = 200
"""Excesses of a simulated sample."""

QUANTILES: Float64 = np.array(
    [
        [0.243, 0.331, 0.478, 0.711, 1.029, 1.285, 1.540, 1.906, 2.778],
        [0.234, 0.310, 0.442, 0.641, 0.908, 1.122, 1.349, 1.644, 2.304],
        [0.227, 0.304, 0.429, 0.619, 0.876, 1.081, 1.292, 1.558, 2.262],
        [0.221, 0.292, 0.413, 0.598, 0.854, 1.056, 1.258, 1.542, 2.199],
        [0.219, 0.290, 0.409, 0.588, 0.820, 1.022, 1.220, 1.490, 2.147],
        [0.213, 0.279, 0.394, 0.565, 0.784, 0.956, 1.141, 1.379, 2.006],
        [0.208, 0.273, 0.383, 0.544, 0.758, 0.921, 1.101, 1.372, 1.975],
        [0.207, 0.271, 0.376, 0.531, 0.740, 0.900, 1.062, 1.290, 1.827],
        [0.203, 0.266, 0.367, 0.518, 0.717, 0.871, 1.031, 1.253, 1.892],
        [0.198, 0.260, 0.355, 0.499, 0.690, 0.827, 0.978, 1.188, 1.652],
    ]
)
"""Values that A² exceeds with each probability, ``(shapes, p-values)``."""


def anderson_darling(excesses: Float64, shape: npt.ArrayLike, scale: npt.ArrayLike) -> Float64:
    """Return A² of each row of ``excesses`` ``(b, n)``, each sorted upward, under its fit.

    >>> even = -np.log1p(-(np.arange(100) + 0.5) / 100)  # as exponential as can be
    >>> round(float(anderson_darling(even[np.newaxis], 0.0, 1.0)[0]), 2)
    0.01
    """
    n = excesses.shape[1]
    shapes, scales = (np.reshape(np.asarray(one, np.float64), (-1, 1)) for one in (shape, scale))
    tail = np.clip(pareto_tail(excesses, shapes, scales), 1e-300, 1.0 - 1e-16)
    weights = 2.0 * np.arange(1, n + 1) - 1.0
    logs = np.log1p(-tail) + np.log(tail[:, ::-1])
    return np.asarray(-n - np.einsum("bn,n->b", logs, weights) / n, dtype=np.float64)


def anderson_darling_p(
    excesses: Float64, shape: float, scale: float, *, effect: float = 1.0
) -> float:
    """Return the p-value of A² for ``excesses`` ``(n,)``, sorted upward, under their own fit.

    Parameters
    ----------
    effect
        How many times the excesses repeat each other, at least 1: A² is divided by it. It is exact
        where every excess is there as often.

    Examples
    --------
    >>> even = -np.log1p(-(np.arange(200) + 0.5) / 200)
    >>> anderson_darling_p(even, 0.0, 1.0) > 0.9, anderson_darling_p(even**3, 0.0, 6.0) < 0.01
    (True, True)
    """
    statistic = float(anderson_darling(excesses[np.newaxis], shape, scale)[0]) / effect
    columns = (np.interp(shape, SHAPES, column) for column in QUANTILES.T)
    quantiles = np.array([0.0, *columns])
    logs = np.log(np.array([1.0, *P_VALUES]))
    if statistic > quantiles[-1]:  # the upper tail of A² is exponential
        slope = (logs[-1] - logs[-2]) / (quantiles[-1] - quantiles[-2])
        return float(np.exp(logs[-1] + slope * (statistic - quantiles[-1])))
    return float(np.exp(np.interp(statistic, quantiles, logs)))
