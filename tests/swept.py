"""A labelled set whose people look alike, and generators that remember or do not."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

PEOPLE, PHOTOS, SIDE = 64, 5, 24


def write_people(folder, *, people=PEOPLE, photos=PHOTOS, seed=0):
    """Write people as patterns of blocks, each photo with noise of its own."""
    rng = np.random.default_rng(seed)
    for number in range(people):
        own = folder / f"person-{number:03d}"
        own.mkdir(parents=True)
        face = rng.integers(40, 216, (8, 8, 3)).repeat(3, axis=0).repeat(3, axis=1)
        for photo in range(photos):
            pixels = np.clip(face + rng.normal(0.0, 30.0, face.shape), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(own / f"{photo}.png")
    return folder


@dataclass(frozen=True, eq=False)
class Rememberer:
    """Hands out what it was trained on, with noise."""

    images: np.ndarray
    name: str = "rememberer"
    fingerprint: str = "0"

    def sample(self, n, *, seed, progress):
        rng = np.random.default_rng(seed)
        drawn = self.images[rng.integers(len(self.images), size=n)].astype(np.float64)
        progress("sample", n, n)
        return np.clip(drawn + rng.normal(0.0, 8.0, drawn.shape), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Stranger:
    """Makes people nobody has seen."""

    side: int = SIDE
    name: str = "stranger"
    fingerprint: str = "1"

    def sample(self, n, *, seed, progress):
        rng = np.random.default_rng([seed, 99])
        faces = rng.integers(40, 216, (n, 8, 8, 3)).repeat(3, axis=1).repeat(3, axis=2)
        progress("sample", n, n)
        return np.clip(faces + rng.normal(0.0, 30.0, faces.shape), 0, 255).astype(np.uint8)


def train_rememberer(images, steps, seed, progress):
    return [Rememberer(images) for _ in steps]


def train_stranger(images, steps, seed, progress):
    return [Stranger() for _ in steps]
