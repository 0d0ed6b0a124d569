r"""Authenticity: a sample closer to a training image than that image is to any other.

Source: Alaa, A. M., van Breugel, B., Saveliev, E. & van der Schaar, M. (2022),
https://arxiv.org/abs/2102.08921, by the definition: with :math:`x_*` the training image nearest to
the sample g, the sample is *not* authentic, a copy, if

.. math:: d(g, x_*) < \min_{x \ne x_*} d(x_*, x).

The right side belongs to the training image :math:`x_*`, and is taken at its number; a sample's own
number says nothing there.

Adversary: none; whoever has train audits. Cost: the nearest training image for each sample and for
each training image.

Where :math:`x_*` has a near-duplicate in train, the right side is almost 0 and every sample is
authentic: cluster train first.
"""

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float64, Int64


def copied(nearest: Float64, index: Int64, spacing: Float64) -> npt.NDArray[np.bool_]:
    """Return which samples are not authentic, ``(m,)``.

    Parameters
    ----------
    nearest, index
        ``(m,)`` distance of each sample to its nearest training record, and which that is.
    spacing
        ``(n,)`` distance of each training record to the nearest other one.

    Examples
    --------
    The first sample lies nearest to the second training record, which stands alone.

    >>> copied(np.array([0.3, 0.3]), np.array([1, 0]), np.array([0.1, 0.9])).tolist()
    [True, False]
    """
    hit: npt.NDArray[np.bool_] = nearest < spacing[index]
    return hit
