"""Judges and sets for studies: small images, and embedders that see them in different ways."""

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np

from spolia.core.results import ModelSummary
from spolia.core.types import normalise

SIDE = 9


@cache
def _mix(turn, size, dim):
    return np.random.default_rng(turn).normal(size=(size, dim))


@dataclass(frozen=True)
class Pixels:
    """A judge that compares pixels, seen through a random matrix of its own."""

    name: str = "pixels"
    turn: int = 0
    trained_on: tuple[str, ...] = ()
    kind = "copy"
    dim = 64

    @property
    def fingerprint(self):
        return f"{self.name}-{self.turn}"

    @property
    def summary(self):
        return ModelSummary(
            self.name,
            self.kind,
            "made by the test",
            None,
            "tests",
            self.trained_on,
            self.fingerprint,
        )

    def embed(self, image):
        flat = image.astype(np.float64).ravel() - image.mean()
        return normalise((flat @ _mix(self.turn, flat.size, self.dim))[None])[0]


@dataclass(frozen=True)
class Blind(Pixels):
    """A judge that sees nothing: its rows follow from the pixels and tell nothing of them."""

    name: str = "blind"

    def embed(self, image):
        digest = hashlib.blake2b(image.tobytes(), digest_size=8).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "little"))
        return normalise(rng.normal(size=(1, self.dim)))[0]


def images(rng, n):
    return rng.integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8)


def write_study(folder, *, size=200, leaks=60, clean=140, seed=0):
    """Write train, control, and the synthetic sets ``leaky`` (copies, changed) and ``clean``."""
    rng = np.random.default_rng(seed)
    train = images(rng, size)
    near = train[:leaks].astype(np.int16) + rng.integers(-6, 7, (leaks, SIDE, SIDE, 3))
    copies = np.clip(near, 0, 255).astype(np.uint8)
    sets = {
        "train": train,
        "control": images(rng, size),
        "leaky": np.concatenate([copies, images(rng, clean)]),
        "clean": images(rng, leaks + clean),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, some in sets.items():
        np.save(folder / f"{name}.npy", some)
    return {name: folder / f"{name}.npy" for name in sets}
