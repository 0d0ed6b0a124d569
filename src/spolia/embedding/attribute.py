"""Telling by a network what an image shows, such as an age group: a class, by the largest output.

It fills a column, as a file of the user would. It errs, and says nothing of how often: what it sets
aside is as good as the network is on such images.
"""

from dataclasses import asdict
from functools import cached_property

import numpy as np
import PIL

from spolia.core.errors import InvalidCard, UnreadableImage
from spolia.core.results import ModelSummary
from spolia.core.types import Float32
from spolia.embedding.about import about_card, digest_of
from spolia.embedding.face_cards import AttributeCard
from spolia.embedding.preprocess import VERSION, check_pixels, preprocess
from spolia.embedding.protocol import Pixels
from spolia.embedding.self_test import pattern
from spolia.embedding.session import PlainNetwork, onnxruntime_module


class Attribute:
    """The network of a card; safe to ask from several threads at once.

    Raises
    ------
    InvalidCard
        If the model is missing, is not the card's, or has not one output for each value.
    MissingExtra
        If onnxruntime is not installed, or too old.
    """

    def __init__(self, card: AttributeCard) -> None:
        self.card = card
        self._network = PlainNetwork(card, card.input.shape)
        self._output = self._network.named(card.model.output)
        self._outputs(pattern(card.input.size))

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything that decides a value."""
        decides = {
            "model": self.card.model.sha256,
            "output": self._output,
            "input": asdict(self.card.input),
            "values": self.card.values,
            "preprocess": VERSION,
            "pillow": PIL.__version__,
            "onnxruntime": onnxruntime_module().__version__,
        }
        return digest_of(decides)

    @property
    def summary(self) -> ModelSummary:
        """What a report says about it."""
        return about_card(self.card, "unknown", self.fingerprint)

    def value(self, image: Pixels) -> str:
        """Return the value of one image: that of the largest output, the first of equal ones.

        Raises
        ------
        UsageError
            If ``image`` is not ``(h, w, 3)`` uint8 with at least one pixel.
        UnreadableImage
            If the network gives a NaN for it.
        """
        check_pixels(image)
        outputs = self._outputs(image)
        if np.isnan(outputs).any():
            raise UnreadableImage(f"the network {self.card.name} gives a NaN for it")
        return self.card.values[int(np.argmax(outputs))]

    def _outputs(self, image: Pixels) -> Float32:
        values = self._network.run(preprocess(image, self.card.input))[self._output]
        if values.size != len(self.card.values):
            raise InvalidCard(
                f"card {self.card.path} names {len(self.card.values)} values, but output "
                f"{self._output!r} gives {values.size} for an image; correct values or output"
            )
        return values.reshape(-1)
