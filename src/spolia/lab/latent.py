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
import scipy.linalg

from spolia.core.errors import UsageError
from spolia.core.generator import Images
from spolia.core.types import Float32

_MIDDLE = 127.5
_LARGEST = 8192
"""Rows of the largest matrix whose eigenvectors are asked for: minutes, and 512 MiB."""
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
    """``(k,)`` what a latent is multiplied by: the root of the standard deviation of the training
    images along its axis, times that of the mean one. So the first axes lead, and the last are not
    lost; the mean variance of a training set's latents is 1."""

    def encode(self, images: Images) -> Float32:
        """Return latents ``(n, k)`` of images ``(n, side, side, 3)``."""
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
    n, d = len(images), images[0].size
    if min(n, d) > _LARGEST:
        raise UsageError(
            f"principal components of at most {_LARGEST:,} images are computed here, or of as many "
            f"numbers an image, but there are {n:,} images of {d:,}; train on fewer, or smaller"
        )
    rows = _rows(images)
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = rows - mean
    # The two products have the same eigenvalues; the smaller one is solved.
    small = (centred @ centred.T if n <= d else centred.T @ centred).astype(np.float64)
    k = min(most, n - 1, d)
    last = len(small) - 1
    variances, vectors = scipy.linalg.eigh(small, subset_by_index=(last - k + 1, last))
    variances, vectors = variances[::-1], vectors[:, ::-1].astype(np.float32)
    k = int(np.count_nonzero(variances > _NO_VARIANCE * variances[0])) if variances[0] > 0 else 0
    if k == 0:
        raise UsageError(
            f"a generator needs images that differ, but all {n} are the same; give others"
        )
    axes = (centred.T @ vectors[:, :k] if n <= d else vectors[:, :k]).T  # (k, d)
    axes = _signed(axes / np.linalg.norm(axes, axis=1, keepdims=True))
    spread = np.sqrt(variances[:k] / n)
    return Latent(mean, axes, np.sqrt(spread * spread.mean()).astype(np.float32))


def _signed(axes: Float32) -> Float32:
    """Turn every axis so that its largest coordinate is positive: solvers leave the sign open."""
    largest = np.abs(axes).argmax(axis=1)
    signs: Float32 = np.sign(axes[np.arange(len(axes)), largest])
    return np.ascontiguousarray(axes * signs[:, np.newaxis])


def _rows(images: Images) -> Float32:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(_MIDDLE) - 1
