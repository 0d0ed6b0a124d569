"""How many samples of a trained model are copies, by their pixels."""

import numpy as np

from spolia.attacks.third_ratio import memorised
from spolia.core.generator import Images
from spolia.core.rates import Rate
from spolia.core.types import Float32, Float64
from spolia.stats.rates import exact_rate

_SAMPLES_AT_ONCE = 256


def copies(samples: Images, images: Images) -> Rate:
    """Return the share of samples that are far closer to one image than to any other.

    By the one-third ratio of Gu et al., https://arxiv.org/abs/2310.02664, on pixels.

    Parameters
    ----------
    samples
        ``(m, h, w, 3)``, m at least 1.
    images
        ``(n, h, w, 3)``, n at least 2, all different.

    Examples
    --------
    >>> images = np.arange(0, 250, 50, dtype=np.uint8).reshape(5, 1, 1, 1).repeat(3, axis=3)
    >>> near, between = images[:1] + np.uint8(2), images[:1] + np.uint8(25)
    >>> copies(np.concatenate([near, between]), images).value
    0.5
    """
    rows, others = _rows(samples), _rows(images)
    near = np.empty((len(rows), 2))
    for start in range(0, len(rows), _SAMPLES_AT_ONCE):
        some = slice(start, start + _SAMPLES_AT_ONCE)
        near[some] = np.partition(_distances(rows[some], others), 1, axis=1)[:, :2]
    hit = memorised(near[:, 0], near[:, 1])
    return exact_rate(int(np.count_nonzero(hit)), hit.size)


def _rows(images: Images) -> Float32:
    return images.reshape(len(images), -1).astype(np.float32)


def _distances(rows: Float32, others: Float32) -> Float64:
    """Return distances in levels; rows of whole numbers up to 255 are squared nearly exactly."""
    squares = [np.einsum("ij,ij->i", one, one, dtype=np.float64) for one in (rows, others)]
    products = (rows @ others.T).astype(np.float64)
    squared = squares[0][:, None] + squares[1] - 2.0 * products
    found: Float64 = np.sqrt(np.maximum(squared, 0.0))
    return found
