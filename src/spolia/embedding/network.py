"""The embedder that a card describes, whatever computes its network."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Protocol

import numpy as np
import PIL

from spolia.core.errors import InvalidCard, UnreadableImage, UsageError
from spolia.core.results import Kind, ModelSummary
from spolia.core.types import Float32, Float64, normalise
from spolia.embedding.about import about_card, digest_of
from spolia.embedding.cards import Card
from spolia.embedding.points import network_points, template_points
from spolia.embedding.preprocess import VERSION, check_pixels, is_blank, preprocess
from spolia.embedding.protocol import Pixels
from spolia.embedding.self_test import Verdict, pattern, run_self_test


class Network(Protocol):
    """A network that is open: preprocessed images in, all outputs out; shared by all threads."""

    @property
    def output(self) -> str:
        """Name of the output that is the embedding."""

    @property
    def batch(self) -> int:
        """Images that go through at once: the one shape that everything is padded to."""

    @property
    def decides(self) -> Mapping[str, str | int]:
        """What computes it and can change the last bits of a row: for the fingerprint."""

    def run(self, images: Float32, points: Float32 | None = None) -> dict[str, Float32]:
        """Return every float32 output by name, for at most ``batch`` preprocessed images.

        Raises
        ------
        InvalidCard
            If the network refuses the input.
        """


class CardEmbedder:
    """The network of a card, checked: right bytes, right shapes, self-test passed.

    Made by `spolia.embedding.opening.open_card`. An image of one colour gives the zero row without
    asking the network: it would answer with some unit row, the same for every blank image, and
    blank images would look like copies of one another.
    """

    def __init__(self, card: Card, network: Network) -> None:
        self.card = card
        self.name: str = card.name
        self.kind: Kind = card.kind
        self.dim: int = card.model.dim
        self.alignment: str = card.input.alignment
        self.takes_points: bool = card.input.keypoints is not None
        self._network = network

    @property
    def batch(self) -> int:
        """Images that go through at once; 1 on a CPU, and where landmarks are needed."""
        return 1 if self.takes_points else self._network.batch

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the model, its preprocessing and output, and what computes it."""
        decides = {
            "model": self.card.model.sha256,
            "output": self._network.output,
            "input": asdict(self.card.input),
            "preprocess": VERSION,
            "pillow": PIL.__version__,
            **self._network.decides,
        }
        return digest_of(decides)

    @property
    def summary(self) -> ModelSummary:
        """What a report says about it."""
        return about_card(self.card, self.kind, self.fingerprint)

    def embed(self, image: Pixels) -> Float32:
        """Return the row of one image; see `spolia.embedding.Embedder.embed`."""
        self._refuse_without_points()
        taken = self._prepared(image)
        if taken is None:
            return self._blank_row()
        return self._row(outputs_of(self.card, self._network, taken)[0])

    def embed_batch(self, images: Iterable[Pixels]) -> list[Float32 | UnreadableImage]:
        """Return the row of each image, or why it has none; see `Batched.embed_batch`."""
        self._refuse_without_points()
        # All are prepared before the network runs, and their rows made after it: in turns, each
        # would find the processor's caches full of the other, which costs a twentieth of the time.
        taken = [self._prepared(image) for image in images]
        given = [one for one in taken if one is not None]
        values: list[Float32] = []
        for start in range(0, len(given), self.batch):
            part = given[start : start + self.batch]
            together = part[0] if len(part) == 1 else np.concatenate(part)
            values += list(outputs_of(self.card, self._network, together))
        made = iter(values)
        return [self._blank_row() if one is None else self._row_or_why(next(made)) for one in taken]

    def embed_with_points(self, image: Pixels, points: Float64) -> Float32:
        """Return the row of one image with its landmarks; see `TakesPoints.embed_with_points`."""
        if not self.takes_points:
            raise UsageError(
                f"{self.name} takes an image alone, but came with landmarks; leave them out, or "
                f"name the input that takes them as 'keypoints' in {self.card.path}"
            )
        taken = self._prepared(image)
        where = network_points(points, image.shape[:2], self.card.input)
        if taken is None:
            return self._blank_row()
        return self._row(outputs_of(self.card, self._network, taken, where)[0])

    def _prepared(self, image: Pixels) -> Float32 | None:
        """Return what the network takes, ``None`` for an image of one colour."""
        check_pixels(image)
        return None if is_blank(image) else preprocess(image, self.card.input)

    def _blank_row(self) -> Float32:
        return np.zeros(self.dim, dtype=np.float32)

    def _refuse_without_points(self) -> None:
        if self.takes_points:
            raise UsageError(
                f"{self.name} must be told where eyes, nose and mouth are, but was given the image "
                "alone; give --detector or --landmarks"
            )

    def _row(self, values: Float32) -> Float32:
        if not np.isfinite(values).all():
            raise UnreadableImage(f"the network {self.name} gives a NaN or infinite value for it")
        row: Float32 = normalise(values[None])[0]
        return row

    def _row_or_why(self, values: Float32) -> Float32 | UnreadableImage:
        try:
            return self._row(values)
        except UnreadableImage as error:
            return error


def outputs_of(
    card: Card, network: Network, taken: Float32, points: Float32 | None = None
) -> Float32:
    """Return the card's output ``(n, dim)`` for preprocessed images, not normalised.

    At most ``network.batch`` of them.

    Raises
    ------
    InvalidCard
        If it has not ``dim`` values for an image.
    """
    values = network.run(taken, points)[network.output]
    n, dim = len(taken), card.model.dim
    if values.size != n * dim:
        gives = f"{values.size // n}" if values.size % n == 0 else f"{values.size} / {n}"
        raise InvalidCard(
            f"card {card.path} says dim = {dim}, but output {network.output!r} gives "
            f"{gives} values for an image; correct dim or output"
        )
    return values.reshape(n, dim)


def self_test(card: Card, network: Network) -> Verdict:
    """Hold the card's self-test against its network, and its dim.

    A network that takes landmarks gets those of the template, scaled to the card's size.

    Raises
    ------
    InvalidCard
        If the output has not ``dim`` values, or the network refuses the card's input.
    """
    size = card.input.size
    points = None
    if card.input.keypoints is not None:
        points = network_points(template_points(size), size, card.input)
    outputs_of(card, network, preprocess(pattern(size), card.input), points)
    return run_self_test(card, network.output, lambda image: network.run(image, points))


def embedder_of(card: Card, network: Network) -> CardEmbedder:
    """Return the embedder of a card whose network passes the card's self-test.

    Raises
    ------
    InvalidCard
        If it fails (names the change to the card that would pass it, if one would).
    """
    verdict = self_test(card, network)
    if verdict.status == "mismatch":
        raise InvalidCard(_mismatch(card, verdict))
    return CardEmbedder(card, network)


def padded(images: Float32, batch: int) -> Float32:
    """Return the images with empty ones behind them, ``batch`` in all.

    >>> padded(np.ones((2, 1), np.float32), 4).tolist()
    [[1.0], [1.0], [0.0], [0.0]]
    """
    if len(images) == batch:
        return images
    empty = np.zeros((batch - len(images), *images.shape[1:]), dtype=np.float32)
    return np.concatenate([images, empty])


def _mismatch(card: Card, verdict: Verdict) -> str:
    wanted = [] if card.self_test is None else list(card.self_test.first)
    advice = (
        f"with {verdict.variant} it matches: correct the card"
        if verdict.variant
        else "no usual channel order, range, layout or output matches either: compare the card "
        "with the code the model was trained with"
    )
    return (
        f"the self-test of card {card.path} fails: wanted {wanted}, but fed as the card says the "
        f"model gives {list(verdict.first)}; {advice}"
    )
