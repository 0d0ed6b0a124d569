"""Images to unit rows, one at a time, described by a card.

::

    pixels (h, w, 3) uint8 ──┬── dct ─────────────────────────────┬─> row (dim,) float32
                             └── preprocess ── network of a card ─┘   norm 1, or exactly 0
                                     └── self_test: is it fed as it was trained?
"""

from spolia.core.types import normalise
from spolia.embedding.cards import Card, load_card
from spolia.embedding.check import CardReport, card_check
from spolia.embedding.opening import open_embedder
from spolia.embedding.preprocess import InputSpec, preprocess
from spolia.embedding.protocol import Embedder, Pixels

__all__ = [
    "Card",
    "CardReport",
    "Embedder",
    "InputSpec",
    "Pixels",
    "card_check",
    "load_card",
    "normalise",
    "open_embedder",
    "preprocess",
]
