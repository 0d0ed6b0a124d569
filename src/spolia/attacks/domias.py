r"""DOMIAS: who is trained on lies where samples are denser than the population.

Source: van Breugel, B., Sun, H., Qian, Z. & van der Schaar, M. (2023),
https://arxiv.org/abs/2302.12580: the ratio of two densities, :math:`p_G(x) / p_R(x)`.

Adversary: has samples, and a reference set of the population that was not trained on. Cost: the
nearest samples and the nearest of the reference for each record.

The paper leaves the densities open. Here both are Gaussian kernel estimates on the distance of
rows,

.. math:: p(x) \propto \frac1m \sum_{j=1}^{m} \exp\left(-\frac{d(x, g_j)^2}{2 h^2}\right),

of **one** bandwidth h, so that the constants of the kernel cancel and it matters little in how many
dimensions rows lie. Only the k nearest terms are added: those beyond are smaller.
"""

import numpy as np
from scipy.special import logsumexp

from spolia.core.errors import UsageError
from spolia.core.types import Float64


def scores(
    to_samples: Float64,
    to_reference: Float64,
    *,
    samples: int,
    reference: int,
    bandwidth: float,
) -> Float64:
    """Return the logarithm of the density ratio of each record, ``(n,)``.

    Parameters
    ----------
    to_samples, to_reference
        ``(n, k)`` distances to the nearest samples, and to the nearest of a reference set that does
        not hold the record; inf where there are fewer than k.
    samples, reference
        How many there are of each, at least 1.
    bandwidth
        h, above 0.

    Raises
    ------
    UsageError
        If the bandwidth is not above 0.

    Examples
    --------
    >>> near, far = np.array([[0.1], [1.0]]), np.array([[1.0], [0.1]])
    >>> scores(near, far, samples=5, reference=5, bandwidth=1.0).round(3).tolist()
    [0.495, -0.495]
    """
    if not bandwidth > 0.0:
        raise UsageError(f"a bandwidth must be above 0, but is {bandwidth}; are all records equal?")
    ratio: Float64 = _log_density(to_samples, samples, bandwidth) - _log_density(
        to_reference, reference, bandwidth
    )
    return ratio


def _log_density(distances: Float64, n: int, bandwidth: float) -> Float64:
    density: Float64 = logsumexp(-((distances / bandwidth) ** 2) / 2.0, axis=1) - np.log(n)
    return density
