"""Factories of embedders, as a user may have them."""

from dataclasses import dataclass

import numpy as np

from spolia.core.results import Kind, ModelSummary
from spolia.core.types import Float32, normalise
from spolia.embedding import Embedder, Pixels
from spolia.embedding.preprocess import check_pixels, is_blank

FACTORY = "python:tests.cards.factories:corners"
NOT_CALLED = 5


@dataclass(frozen=True)
class Corners:
    """The values in the corners, and how many pixels there are."""

    name: str = "corners"
    kind: Kind = "copy"
    dim: int = 14
    fingerprint: str = "ab" * 32

    @property
    def summary(self) -> ModelSummary:
        return ModelSummary(self.name, self.kind, "MIT", True, "tests", (), self.fingerprint)

    def embed(self, image: Pixels) -> Float32:
        check_pixels(image)
        if is_blank(image):
            return np.zeros(self.dim, dtype=np.float32)
        four = image[[0, 0, -1, -1], [0, -1, 0, -1]].reshape(-1).astype(np.float64)
        row: Float32 = normalise(np.append(four, image.shape[:2])[None])[0]
        return row


def corners() -> Embedder:
    return Corners()


def nothing() -> object:
    return object()
