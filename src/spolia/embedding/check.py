"""What ``spolia card check`` says about a card and its model."""

import os
from dataclasses import dataclass
from pathlib import Path

from spolia.embedding.cards import Card, find_model, load_card
from spolia.embedding.onnx import Network, read_model
from spolia.embedding.self_test import Verdict


@dataclass(frozen=True)
class CardReport:
    """A card held against its model. Licence and terms are in ``card``."""

    card: Card
    model_path: Path
    sha256: str
    """Digest of the file at ``model_path``."""
    self_test: Verdict | None
    """None: the digest is not the card's, so the model was not opened."""

    @property
    def sha_ok(self) -> bool:
        """Is the file the one that the card describes?"""
        return self.sha256 == self.card.model.sha256

    @property
    def ok(self) -> bool:
        """Does the model pass the card's digest and, where there is one, its self-test?"""
        return self.self_test is not None and self.self_test.status != "mismatch"


def card_check(path: str | os.PathLike[str]) -> CardReport:
    """Hold the card at ``path`` against its model.

    Raises
    ------
    UsageError, InvalidCard
        If the card cannot be read or followed, the model is missing, or its input, output or
        dim are not the card's. A wrong digest or self-test is reported, not raised.
    MissingExtra
        If onnxruntime is not installed.
    """
    card = load_card(path)
    model_path = find_model(card)
    model, digest = read_model(model_path)
    if digest != card.model.sha256:
        return CardReport(card, model_path, digest, None)
    return CardReport(card, model_path, digest, Network(card, model).self_test())
