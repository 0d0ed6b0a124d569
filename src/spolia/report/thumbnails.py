"""Small pictures for the page, made anew from pixels so that nothing else of a file survives."""

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

from spolia.core.errors import UsageError
from spolia.report.pairs import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

SIDE = 160
"""Longest side of a thumbnail in pixels."""

SMALL = 80
"""The same of one that stands beside others."""

_TINY = 32
"""Up to this side an image is shown pixel by pixel, and nothing of it may be lost."""

_QUALITY = 80


def thumbnail(pixels: Image, side: int = SIDE) -> str:
    """Return ``pixels`` as the ``data:`` address of a picture whose longest side is ``side``.

    A larger image is reduced, and written as WebP, which a page of 200 findings has room for. A
    tiny one (8 x 8 digits) is enlarged by a whole factor, pixel by pixel, so that it is seen as it
    is, and written as PNG, without loss.

    Parameters
    ----------
    pixels
        ``(h, w, 3)`` uint8 RGB, at least one pixel.
    side
        At least 32. What is smaller than that keeps its own size, or a multiple of it.

    Raises
    ------
    UsageError
        If ``pixels`` are anything else.

    Examples
    --------
    >>> thumbnail(np.zeros((8, 8, 3), dtype=np.uint8))[:22]
    'data:image/png;base64,'
    >>> thumbnail(np.zeros((112, 112, 3), dtype=np.uint8), SMALL)[:23]
    'data:image/webp;base64,'
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise UsageError(
            "an image of the report must be uint8 RGB of shape (h, w, 3), but is "
            f"{pixels.dtype} of shape {pixels.shape}; decode it first"
        )
    # Here, because only the internal profiles show images.
    from PIL import Image as Pillow

    height, width = pixels.shape[:2]
    longest = max(height, width)
    picture = Pillow.fromarray(np.ascontiguousarray(pixels))
    if longest <= _TINY:
        factor = side // longest
        picture = picture.resize((width * factor, height * factor), Pillow.Resampling.NEAREST)
        return _address(picture, "png")
    picture.thumbnail((side, side), Pillow.Resampling.LANCZOS)
    return _address(picture, "webp", quality=_QUALITY)


def _address(picture: "Picture", form: str, **options: int) -> str:
    written = io.BytesIO()
    picture.save(written, format=form, **options)
    return f"data:image/{form};base64," + base64.b64encode(written.getvalue()).decode("ascii")
