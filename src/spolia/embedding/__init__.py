"""Images to unit rows, one at a time, described by a card.

::

    pixels (h, w, 3) uint8 ──┬── dct, gist, phash ────────────────┬─> row (dim,) float32
                             └── preprocess ── network of a card ─┘   norm 1, or exactly 0
                                     └── self_test: is it fed as it was trained?
"""

from spolia.core.types import normalise
from spolia.embedding.cards import Card, load_card
from spolia.embedding.check import CardReport, card_check
from spolia.embedding.opening import open_embedder
from spolia.embedding.preprocess import InputSpec, preprocess
from spolia.embedding.protocol import (
    Batched,
    Embedder,
    Pixels,
    TakesPoints,
    needs_points,
)

__all__ = [
    "Batched",
    "Card",
    "CardReport",
    "Embedder",
    "InputSpec",
    "Pixels",
    "TakesPoints",
    "card_check",
    "load_card",
    "needs_points",
    "normalise",
    "open_embedder",
    "preprocess",
]
