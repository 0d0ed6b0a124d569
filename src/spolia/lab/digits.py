"""1,797 handwritten digits that ship with spolia, and the split of them into train and control.

UCI, Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, 1998), test set, CC BY 4.0,
https://doi.org/10.24432/C50P49; see ``optdigits.LICENCE.txt``.
"""

from importlib import resources

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UsageError
from spolia.core.seeds import stream
from spolia.core.types import Float64, Int64

UInt8 = npt.NDArray[np.uint8]

SIDE = 8
"""Height and width of a digit in pixels."""

_LEVELS = 16


def digits() -> UInt8:
    """Return the digits ``(1797, 8, 8)`` as uint8, 0 (paper) to 255 (ink).

    The published values 0..16 are scaled by ``round(v * 255 / 16)``.

    Examples
    --------
    >>> images = digits()
    >>> images.shape, images[0, 0].tolist()
    ((1797, 8, 8), [0, 0, 80, 207, 143, 16, 0, 0])
    """
    with (
        resources.files("spolia.lab").joinpath("optdigits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        counts = arrays["images"]
    images: UInt8 = np.rint(counts * (255.0 / _LEVELS)).astype(np.uint8)
    return images


def halves(seed: int) -> tuple[Int64, Int64]:
    """Return two disjoint sets of 898 row numbers of `digits`: train and control, each sorted.

    The number of digits is odd: one, drawn by the seed, is in neither half, so that nothing has to
    be corrected for unequal sizes.

    Examples
    --------
    >>> train, control = halves(0)
    >>> len(train), len(control), len(set(train) & set(control))
    (898, 898, 0)
    """
    n = len(digits())
    order = stream(seed, "halves").permutation(n).astype(np.int64)
    half = n // 2
    return np.sort(order[:half]), np.sort(order[half : 2 * half])


def to_rows(images: UInt8) -> Float64:
    """Return images ``(n, 8, 8)`` as float64 rows ``(n, 64)``, 0 to -1 and 255 to 1.

    Raises
    ------
    UsageError
        If ``images`` are not uint8 of that shape.

    Examples
    --------
    >>> to_rows(digits()[:1])[0, :3].round(3).tolist()
    [-1.0, -1.0, -0.373]
    """
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        raise UsageError(
            f"images must be uint8 of shape (n, {SIDE}, {SIDE}), but are {images.dtype} of shape "
            f"{images.shape}; pass spolia.lab.digits.digits() or rows of it"
        )
    return images.reshape(-1, SIDE * SIDE) / 127.5 - 1.0


def to_images(rows: Float64) -> UInt8:
    """Return rows ``(n, 64)`` as images ``(n, 8, 8)``, uint8; the inverse of `to_rows`.

    Values are rounded; what lies beyond -1 or 1, as a generator's samples may, becomes 0 or 255.

    Raises
    ------
    UsageError
        If ``rows`` have another width, or a value is NaN or infinite.

    Examples
    --------
    >>> bool((to_images(to_rows(digits())) == digits()).all())
    True
    """
    if rows.ndim != 2 or rows.shape[1] != SIDE * SIDE:
        raise UsageError(
            f"rows must have shape (n, {SIDE * SIDE}), but have {rows.shape}; "
            "pass one row per image"
        )
    if not np.isfinite(rows).all():
        raise UsageError("rows must be finite, but some value is NaN or infinite; sample them anew")
    return np.rint((rows.clip(-1.0, 1.0) + 1.0) * 127.5).astype(np.uint8).reshape(-1, SIDE, SIDE)
