r"""Average and unique memorisation score: how many samples copy, and how many images are copied.

Source: Chen, Y., Wang, S., Zou, D. & Ma, X. (2024), https://arxiv.org/abs/2410.02467, equations 6
to 9 (version 6). With a range [α, β] of similarity that counts as a copy,

.. math:: AMS = \frac{\#\{g : \max_x s(g, x) \in [\alpha, \beta]\}}{m}, \qquad
          UMS = \frac{\#\{x : s(g, x) \in [\alpha, \beta] \text{ for a sample } g\}}{m}.

Here the range has no upper end, and is told as the largest distance of a copy, the *radius*.

Adversary: none; whoever has train audits. Cost: the nearest training image for each sample, the
nearest sample for each training image.

UMS grows more slowly than the number m of samples: compare it at one m only. It counts images, not
pairs; an image that is in train twice counts twice: cluster train first.
"""

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float64


def memorised(to_train: Float64, radius: float) -> npt.NDArray[np.bool_]:
    """Return which samples are a copy, ``(m,)``; their mean is AMS.

    Parameters
    ----------
    to_train
        ``(m,)`` distance of each sample to the nearest training record.
    radius
        Largest distance of a copy.

    Examples
    --------
    >>> memorised(np.array([0.1, 0.2, 0.5]), 0.2).tolist()
    [True, True, False]
    """
    hit: npt.NDArray[np.bool_] = to_train <= radius
    return hit


def recovered(to_samples: Float64, radius: float) -> npt.NDArray[np.bool_]:
    """Return which training records are copied, ``(n,)``; their number divided by m is UMS.

    Parameters
    ----------
    to_samples
        ``(n,)`` distance of each training record to the nearest sample.
    radius
        Largest distance of a copy.

    Examples
    --------
    >>> recovered(np.array([0.1, 0.2, 0.5]), 0.2).tolist()
    [True, True, False]
    """
    hit: npt.NDArray[np.bool_] = to_samples <= radius
    return hit
