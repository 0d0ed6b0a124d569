"""From pixels to what a network takes: the one definition of it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image

from spolia.core.errors import UsageError
from spolia.core.types import Float32
from spolia.embedding.protocol import Pixels

VERSION = 1
"""Part of every card's fingerprint; grows when `preprocess` gives other numbers."""

RESIZES = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}


@dataclass(frozen=True)
class InputSpec:
    """What a network takes, as its card says.

    Pixels 0 and 255 become ``range``; then ``mean`` is subtracted and the result divided by
    ``std``, both in the order of ``channels``.
    """

    size: tuple[int, int]
    """Height and width."""
    layout: Literal["NCHW", "NHWC"]
    channels: Literal["RGB", "BGR"]
    range: tuple[float, float]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    resize: str = "bilinear"
    """A key of `RESIZES`."""
    alignment: str = "none"
    """What the images must be already; nothing is aligned here."""
    keypoints: str | None = None
    """Name of the input that takes five points of the face; ``None``: the image is all."""
    keypoint_range: Literal["pixels", "unit"] = "pixels"
    """Points in pixels of the resized image, or divided by its width and height."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of one preprocessed image.

        >>> InputSpec((112, 96), "NCHW", "RGB", (0.0, 1.0)).shape
        (1, 3, 112, 96)
        """
        h, w = self.size
        return (1, 3, h, w) if self.layout == "NCHW" else (1, h, w, 3)


def check_pixels(image: Pixels) -> None:
    """Raise unless ``image`` is ``(h, w, 3)`` uint8 with at least one pixel.

    >>> check_pixels(np.zeros((4, 4), np.uint8))
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: an image must be RGB uint8 of shape (h, w, 3) with at least
    one pixel, but is uint8 of shape (4, 4); decode it with spolia.sources
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise UsageError(
            "an image must be RGB uint8 of shape (h, w, 3) with at least one pixel, but is "
            f"{image.dtype} of shape {image.shape}; decode it with spolia.sources"
        )


def preprocess(image: Pixels, spec: InputSpec) -> Float32:
    """Return what the network takes for one image: float32 of shape ``spec.shape``.

    An image of another size is resized to ``spec.size`` by Pillow on 8-bit values, antialiased
    where it shrinks, without keeping its aspect: these are the numbers that `PIL.Image.resize`
    gives, not those of OpenCV or torch.

    Parameters
    ----------
    image
        ``(h, w, 3)`` RGB, uint8.
    spec
        The card's ``[input]``.

    Raises
    ------
    UsageError
        If ``image`` is not such an image.

    Examples
    --------
    >>> red = np.zeros((5, 7, 3), np.uint8)
    >>> red[..., 0] = 255
    >>> spec = InputSpec((2, 2), "NCHW", "BGR", (-1.0, 1.0))
    >>> preprocess(red, spec)[0, :, 0, 0].tolist()
    [-1.0, -1.0, 1.0]
    """
    check_pixels(image)
    if image.shape[:2] != spec.size:
        h, w = spec.size
        image = np.asarray(Image.fromarray(image).resize((w, h), RESIZES[spec.resize]))
    if spec.channels == "BGR":
        image = image[..., ::-1]
    pixels = np.ascontiguousarray(image.transpose(2, 0, 1))
    planes = np.empty(pixels.shape, dtype=np.float32)  # (3, h, w)
    for plane, values, whole in zip(planes, _values(spec), pixels, strict=True):
        # "clip" spares a check that a value from 0 to 255 cannot fail.
        np.take(values, whole, out=plane, mode="clip")
    if spec.layout == "NCHW":
        return planes[None]
    return np.ascontiguousarray(planes.transpose(1, 2, 0)[None])


@lru_cache(maxsize=16)
def _values(spec: InputSpec) -> Float32:
    """Return what each of the 256 values of each channel becomes, ``(3, 256)``."""
    low, high = spec.range
    pixel = np.arange(256)[:, np.newaxis]
    # float64 until the end, so that the order of these operations cannot be seen in the result.
    scaled = low + pixel * ((high - low) / 255.0)
    scaled = (scaled - np.array(spec.mean)) / np.array(spec.std)  # (256, 3)
    return np.ascontiguousarray(scaled.T, dtype=np.float32)


def is_blank(image: Pixels) -> bool:
    """Tell whether an image is of one colour.

    >>> is_blank(np.full((4, 5, 3), 7, np.uint8)), is_blank(np.eye(3, dtype=np.uint8)[None])
    (True, False)
    """
    # Nearly every picture is told by its first line.
    return all(bool((part == image[0, 0]).all()) for part in (image[0], image))
