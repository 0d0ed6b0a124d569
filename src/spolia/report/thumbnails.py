"""Small pictures for the page, made anew from pixels so that nothing else of a file survives."""

import base64
import io

import numpy as np

from spolia.core.errors import UsageError
from spolia.report.pairs import Image

SIDE = 160
"""Longest side of a thumbnail in pixels."""


def thumbnail(pixels: Image) -> str:
    """Return ``pixels`` as the ``data:`` address of a PNG whose longest side is at most 160.

    A larger image is reduced; a tiny one (8 x 8 digits) is enlarged by a whole factor, pixel by
    pixel, so that it is seen as it is.

    Parameters
    ----------
    pixels
        ``(h, w, 3)`` uint8 RGB, at least one pixel.

    Raises
    ------
    UsageError
        If ``pixels`` are anything else.

    Examples
    --------
    >>> thumbnail(np.zeros((8, 8, 3), dtype=np.uint8))[:22]
    'data:image/png;base64,'
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise UsageError(
            "an image of the report must be uint8 RGB of shape (h, w, 3), but is "
            f"{pixels.dtype} of shape {pixels.shape}; decode it first"
        )
    # Here, because only the internal profiles show images.
    from PIL import Image as Pillow

    height, width = pixels.shape[:2]
    picture = Pillow.fromarray(np.ascontiguousarray(pixels))
    if max(height, width) <= SIDE:
        factor = SIDE // max(height, width)
        picture = picture.resize((width * factor, height * factor), Pillow.Resampling.NEAREST)
    else:
        picture.thumbnail((SIDE, SIDE), Pillow.Resampling.LANCZOS)
    written = io.BytesIO()
    picture.save(written, format="PNG")
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode("ascii")
