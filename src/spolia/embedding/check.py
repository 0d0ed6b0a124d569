"""What ``spolia card check`` says about a card and its model."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from spolia.embedding.cards import Card, find_model, load_card
from spolia.embedding.network import self_test
from spolia.embedding.opening import open_network
from spolia.embedding.self_test import Verdict
from spolia.embedding.session import read_model


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


def card_check(path: str | os.PathLike[str], *, trust: Collection[str] = ()) -> CardReport:
    """Hold the card at ``path`` against its model, on the CPU.

    ``trust`` is that of `spolia.embedding.open_embedder`.

    Raises
    ------
    UsageError, InvalidCard
        If the card cannot be read or followed, the model is missing or not trusted, or its input,
        output or dim are not the card's. A wrong digest or self-test is reported, not raised.
    MissingExtra
        If onnxruntime, or torch for a TorchScript file, is not installed.
    """
    card = load_card(path)
    model_path = find_model(card)
    model, digest = read_model(model_path)
    if digest != card.model.sha256:
        return CardReport(card, model_path, digest, None)
    network = open_network(card, model, trust=trust, device="cpu")
    return CardReport(card, model_path, digest, self_test(card, network))
