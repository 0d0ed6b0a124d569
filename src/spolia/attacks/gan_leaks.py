r"""GAN-Leaks: who is trained on lies close to the nearest sample.

Source: Chen, D., Yu, N., Zhang, Y. & Fritz, M. (2020), https://arxiv.org/abs/1909.03935, the full
black-box attack, and its calibration.

Adversary: has samples, and for the calibration a reference set of the same population that was not
trained on. Cost: a nearest neighbour for each record.

The reconstruction error of a record is its distance to the nearest sample,

.. math:: L(x) = \min_j d(x, g_j), \qquad L_{cal}(x) = L(x) - L_{ref}(x),

calibrated by the same error against a reference, since some records are close to everything. In the
paper the reference is what a second generator makes, trained on a reference set; here it is that
set itself. Scores are :math:`-L` and :math:`-L_{cal}`.
"""

from spolia.core.types import Float64


def scores(to_samples: Float64) -> Float64:
    """Return the raw score of each record, ``(n,)``, at most 0.

    Parameters
    ----------
    to_samples
        ``(n,)`` distance to the nearest sample.

    Examples
    --------
    >>> import numpy as np
    >>> scores(np.array([0.1, 0.5])).tolist()
    [-0.1, -0.5]
    """
    return -to_samples


def calibrated_scores(to_samples: Float64, to_reference: Float64) -> Float64:
    """Return the calibrated score of each record, ``(n,)``; above 0: closer to samples.

    Parameters
    ----------
    to_samples, to_reference
        ``(n,)`` distance to the nearest sample, and to the nearest of a reference set that was not
        trained on and does not hold the record.

    Examples
    --------
    >>> import numpy as np
    >>> calibrated_scores(np.array([0.25, 0.5]), np.array([0.75, 0.5])).tolist()
    [0.5, 0.0]
    """
    return to_reference - to_samples
