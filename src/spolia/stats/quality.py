r"""Are two sets of images comparable? Five plain measures, and how often a set falls outside.

Sources: Pech-Pacheco, J. L. et al. (2000), https://doi.org/10.1109/ICPR.2000.903548 (sharpness as
the variance of the Laplacian); luma after ITU-R BT.601.

Adversary: none. Cost: a few passes over each image of a sample.

No threshold here is absolute: a value is unusual where it lies outside the central 99.8 % of
another set, so that of a set like it about two in a thousand are. How many more can be chance
follows from order statistics: with the range from the (i+1)-th lowest to the (i+1)-th highest of n
values, the share of a like population outside is Beta(2(i+1), n+1-2(i+1)) distributed (Wilks, S. S.
(1941), https://doi.org/10.1214/aoms/1177731788).
"""

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from spolia.core.types import Float64

Pixels = npt.NDArray[np.uint8]

MEASURES = ("size", "sharpness", "brightness", "clipped", "border")
"""What `measure` returns, in order."""

CENTRAL = 0.998
"""Share of a set that counts as usual for it."""

_LUMA = np.array([0.299, 0.587, 0.114])
_FLAT = 4.0
"""Levels of 255 that a row of a uniform border may span; JPEG is seldom exact."""
_DARK, _LIGHT = 2.0, 253.0


def measure(image: Pixels) -> Float64:
    """Return the five measures of one image, in the order of `MEASURES`.

    ``size``: root of the number of pixels. ``sharpness``: variance of the Laplacian of the luma,
    which is 0 to 255; 0 for images under 3 pixels. ``brightness``: mean luma. ``clipped``: share
    of pixels at an end of the scale. ``border``: rows and columns of one shade at the four edges,
    as a share of all rows and columns.

    Parameters
    ----------
    image
        ``(h, w, 3)`` uint8, at least one pixel.

    Examples
    --------
    >>> image = np.zeros((8, 8, 3), dtype=np.uint8)
    >>> image[2:6, 2:6] = np.arange(48).reshape(4, 4, 3) * 5
    >>> dict(zip(MEASURES, measure(image).round(2).tolist()))
    {'size': 8.0, 'sharpness': 27637.2, 'brightness': 29.14, 'clipped': 0.75, 'border': 0.5}
    """
    luma = image @ _LUMA  # (h, w)
    h, w = luma.shape
    return np.array(
        [
            np.sqrt(h * w),
            _sharpness(luma),
            luma.mean(),
            np.mean((luma <= _DARK) | (luma >= _LIGHT)),
            (_edges(np.ptp(luma, axis=1)) + _edges(np.ptp(luma, axis=0))) / (h + w),
        ]
    )


def _sharpness(luma: Float64) -> float:
    if min(luma.shape) < 3:
        return 0.0
    inner = luma[1:-1, 1:-1]
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return float(np.var(around - 4.0 * inner))


def _edges(span: Float64) -> int:
    """Return how many lines at both ends span next to nothing."""
    varied = np.flatnonzero(span > _FLAT)
    return int(span.size if varied.size == 0 else varied[0] + span.size - 1 - varied[-1])


def usual_range(values: Float64) -> tuple[float, float]:
    """Return the central 99.8 % of ``values`` ``(n,)``, n at least 1: its two ends belong to it.

    The ends are values that occur, so that of few values none is outside.

    >>> usual_range(np.arange(10_000.0))
    (9.0, 9990.0)
    """
    tail = (1.0 - CENTRAL) / 2.0
    low = np.quantile(values, tail, method="lower")
    high = np.quantile(values, 1.0 - tail, method="higher")
    return float(low), float(high)


def chance_outside(n: int) -> float:
    """Return the share outside `usual_range` of n values that chance exceeds once in a thousand.

    For a set drawn from the same population; few values give a range that misses more.

    >>> round(chance_outside(2000), 4), round(chance_outside(200), 4), chance_outside(1)
    (0.0065, 0.0452, 1.0)
    """
    ranks = 2 * (int((1.0 - CENTRAL) / 2.0 * (n - 1)) + 1)
    if ranks > n:
        return 1.0
    return float(betaincinv(ranks, n + 1 - ranks, 0.999))


def outside(values: Float64, usual: tuple[float, float]) -> int:
    """Return how many of ``values`` ``(n,)`` lie outside a range.

    >>> outside(np.array([0.0, 1.0, 5.0]), (0.5, 5.0))
    1
    """
    return int(np.count_nonzero((values < usual[0]) | (values > usual[1])))
