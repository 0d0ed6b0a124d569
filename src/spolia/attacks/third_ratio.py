r"""The one-third ratio: a sample far closer to one training image than to any other.

Source: Gu, X., Du, C., Pang, T., Li, C., Lin, M. & Wang, Y. (2023),
https://arxiv.org/abs/2310.02664: a sample is memorised if

.. math:: d(g, x_{(1)}) < \tfrac13\, d(g, x_{(2)})

with its nearest and second nearest training image, and the *effective model memorisation* is the
largest training set of which at least a share of 1 - ε of the samples is memorised.

Adversary: none; whoever has train audits. Cost: two nearest training images for each sample.

Where train holds an image twice, the second nearest is as close as the first, and nothing is
memorised by this definition: cluster train first.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UsageError
from spolia.core.types import Float64

THIRD = 1.0 / 3.0


def memorised(first: Float64, second: Float64) -> npt.NDArray[np.bool_]:
    """Return which samples are memorised, ``(m,)``.

    Parameters
    ----------
    first, second
        ``(m,)`` distance of each sample to its nearest and its second nearest record of one set.

    Examples
    --------
    >>> memorised(np.array([0.1, 0.2, 0.0]), np.array([0.4, 0.4, 0.0])).tolist()
    [True, False, False]
    """
    hit: npt.NDArray[np.bool_] = first < THIRD * second
    return hit


def effective_memorisation(
    sizes: Sequence[int], ratios: Sequence[float], epsilon: float = 0.1
) -> int | None:
    """Return the largest training set of which a share of at least 1 - ε is memorised.

    Parameters
    ----------
    sizes
        Sizes of training sets, each once.
    ratios
        Share of memorised samples of the model that was trained on each, 0 to 1.
    epsilon
        In [0, 1).

    Returns
    -------
    int or None
        One of ``sizes``; ``None`` if no model memorises so much. Beyond the largest size nothing is
        known: where that is returned, the true value may be larger.

    Raises
    ------
    UsageError
        If there is not one ratio for each size, a number is out of range, or there is none.

    Examples
    --------
    >>> effective_memorisation([100, 1000, 10000], [1.0, 0.93, 0.2])
    1000
    """
    if not sizes or len(sizes) != len(ratios) or len(set(sizes)) != len(sizes):
        raise UsageError(
            f"a ratio is needed for each of several different sizes, but there are {len(sizes)} "
            f"sizes and {len(ratios)} ratios"
        )
    if not 0.0 <= epsilon < 1.0 or not all(0.0 <= one <= 1.0 for one in ratios):
        raise UsageError("epsilon must be in [0, 1) and every ratio in 0 to 1, but one is not")
    least = 1.0 - epsilon - 1e-12  # 1 - 0.1 is over 0.9 in floating point
    return max((n for n, ratio in zip(sizes, ratios, strict=True) if ratio >= least), default=None)
