"""Random streams that depend on a seed and a name, never on order or batch."""

import hashlib

import numpy as np


def digest_key(seed: int, *names: str) -> bytes:
    """Return 16 bytes that are a function of ``seed`` and ``names`` alone.

    >>> digest_key(0, "split", "person-7") == digest_key(0, "split", "person-7")
    True
    >>> digest_key(0, "ab", "c") == digest_key(0, "a", "bc")
    False
    """
    h = hashlib.blake2b(str(seed).encode(), digest_size=16)
    for name in names:
        encoded = name.encode("utf-8", "surrogatepass")
        h.update(len(encoded).to_bytes(8, "little") + encoded)
    return h.digest()


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random stream of one named thing under one seed.

    >>> float(stream(0, "sample", "3").random()) == float(stream(0, "sample", "3").random())
    True
    """
    return np.random.default_rng(int.from_bytes(digest_key(seed, *names), "little"))
