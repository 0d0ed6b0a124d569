"""Images as few numbers: principal components, and back.

Source
    Turk and Pentland, "Eigenfaces for Recognition", https://doi.org/10.1162/jocn.1991.3.1.71.
    Diffusion in the latents of an autoencoder: Rombach et al., arXiv 2112.10752. Here the
    autoencoder is linear, which takes no training.
Cost
    An eigenvalue problem of (n, n) for n images: a second for 1,000 of 64x64 on one core.

The components are made from the training images, so that they hold those images' people, as the
weights do. With as many components as there are images less one nothing is lost, and every image
of the training set can be written exactly.
"""

from dataclasses import dataclass

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.generator import Images
from spolia.core.types import Float32, Float64

_MIDDLE = 127.5
_NO_VARIANCE = 1e-6
"""Share of the largest variance under which a component is nothing but rounding."""


@dataclass(frozen=True, eq=False)
class Latent:
    """An orthonormal basis of images, and the spread of the training images along it."""

    mean: Float32
    """``(d,)`` of images scaled to [-1, 1], d = side · side · 3."""
    axes: Float32
    """``(k, d)``, orthonormal rows, by falling variance."""
    scale: Float32
    """``(k,)`` standard deviation of the training images along each axis."""

    def encode(self, images: Images) -> Float32:
        """Return latents ``(n, k)`` of images ``(n, side, side, 3)``: unit variance in training."""
        return np.asarray((_rows(images) - self.mean) @ self.axes.T / self.scale)

    def decode(self, latents: Float32) -> Images:
        """Return latents ``(n, k)`` as images ``(n, side, side, 3)``, rounded and cut to 0..255."""
        rows = (latents * self.scale) @ self.axes + self.mean  # (n, d)
        side = round((rows.shape[1] / 3) ** 0.5)
        pixels = np.rint((rows.clip(-1.0, 1.0) + 1.0) * _MIDDLE)
        return pixels.astype(np.uint8).reshape(-1, side, side, 3)


def fit_latent(images: Images, most: int) -> Latent:
    """Return the first ``most`` principal components of images, or as many as they have.

    Raises
    ------
    UsageError
        If the images are all the same.

    Examples
    --------
    >>> images = np.zeros((3, 4, 4, 3), np.uint8)
    >>> images[1, 0] = 255
    >>> latent = fit_latent(images, 8)
    >>> latent.axes.shape, bool((latent.decode(latent.encode(images)) == images).all())
    ((1, 48), True)
    """
    rows = _rows(images)
    mean: Float32 = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = rows - mean
    # n is smaller than d: the eigenvectors of the small matrix give those of the large one.
    products = (centred @ centred.T).astype(np.float64)  # (n, n)
    variances, vectors = np.linalg.eigh(products)
    variances, vectors = variances[::-1], vectors[:, ::-1]
    real = int(np.count_nonzero(variances > _NO_VARIANCE * max(float(variances[0]), 0.0)))
    k = min(most, real)
    if k == 0 or variances[0] <= 0.0:
        raise UsageError(
            f"a generator needs images that differ, but all {len(images)} are the same; give others"
        )
    axes = _signed((centred.T.astype(np.float64) @ vectors[:, :k] / np.sqrt(variances[:k])).T)
    scale = np.sqrt(variances[:k] / len(images))
    return Latent(mean, axes.astype(np.float32), scale.astype(np.float32))


def _signed(axes: Float64) -> Float64:
    """Turn every axis so that its largest coordinate is positive: solvers leave the sign open."""
    largest = np.abs(axes).argmax(axis=1)
    signs: Float64 = np.sign(axes[np.arange(len(axes)), largest])
    return axes * signs[:, np.newaxis]


def _rows(images: Images) -> Float32:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(_MIDDLE) - 1
