"""Pictures for the small generators, and how far apart they are."""

import numpy as np

SIDE = 8


def blobs(n, seed):
    """Return pictures of four by four coloured squares, each like no other."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(SIDE // 4, axis=1).repeat(SIDE // 4, axis=2)


def distances(samples, images):
    """Return the root mean square of each sample's difference to each image, in levels."""
    one, other = (x.reshape(len(x), 1, -1).astype(np.float64) for x in (samples, images))
    return np.sqrt(((one - other.transpose(1, 0, 2)) ** 2).mean(axis=2))
