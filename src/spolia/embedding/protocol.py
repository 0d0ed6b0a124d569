"""What every embedder is, and what some can do besides."""

from collections.abc import Iterable
from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UnreadableImage
from spolia.core.results import Kind, ModelSummary
from spolia.core.types import Float32, Float64

Pixels = npt.NDArray[np.uint8]
"""One decoded image: ``(h, w, 3)`` RGB, ``uint8``, of any size from 1 x 1."""


class Embedder(Protocol):
    """Turns one image into one unit row.

    One image a call, on purpose: a row can then not depend on the images that came with it, and
    nothing is lost by it (a 112 x 112 mobile face network on one CPU core takes 5.3 ms an image
    alone, 5.3 in batches of 8 and 6.7 in batches of 32). Speed comes from calling `embed` from
    several threads. An embedder on a graphics card is `Batched` as well.
    """

    @property
    def name(self) -> str:
        """What a report calls it."""

    @property
    def kind(self) -> Kind:
        """What a high similarity means: the same photo (``copy``) or person (``identity``)."""

    @property
    def dim(self) -> int:
        """Columns of a row."""

    @property
    def fingerprint(self) -> str:
        """Hex digest of everything that decides the numbers; equal digests, equal rows."""

    @property
    def summary(self) -> ModelSummary:
        """What a report says about it."""

    def embed(self, image: Pixels) -> Float32:
        """Return the row ``(dim,)`` of one image; safe to call from several threads at once.

        The row has norm 1, or is exactly 0 where the image has nothing to compare: an image of
        one colour always has none.

        Raises
        ------
        UsageError
            If ``image`` is not ``(h, w, 3)`` uint8 with at least one pixel, or the embedder
            needs landmarks (see `TakesPoints`).
        UnreadableImage
            If this image cannot be embedded; it belongs in the quarantine.
        """


@runtime_checkable
class Batched(Protocol):
    """An `Embedder` that is faster with several images in a call.

    A row must not depend on the images that came with it: where the hardware computes otherwise
    for another shape, every batch is filled up to ``batch``.
    """

    @property
    def batch(self) -> int:
        """Images that go through together, as on a GPU; 1: threads are the faster way."""

    def embed_batch(self, images: Iterable[Pixels]) -> list[Float32 | UnreadableImage]:
        """Return the row ``(dim,)`` of each image, or why it has none.

        The images are taken one after the other, and each may be gone when the next one is. Safe to
        call from several threads at once.

        Raises
        ------
        UsageError
            As `Embedder.embed`.
        """


class TakesPoints(Embedder, Protocol):
    """An embedder that must be told where the eyes, the nose and the mouth are."""

    @property
    def takes_points(self) -> bool:
        """Does it need landmarks?"""

    def embed_with_points(self, image: Pixels, points: Float64) -> Float32:
        """Return the row of one image; see `Embedder.embed`.

        Parameters
        ----------
        image
            As for `Embedder.embed`.
        points
            ``(5, 2)``: x and y of left eye, right eye, nose, left and right corner of the mouth,
            left and right as seen in the image, in pixels of ``image``; the middle of its first
            pixel is (0, 0).
        """


def needs_points(embedder: Embedder) -> TypeGuard[TakesPoints]:
    """Is it one that needs landmarks, so that `Embedder.embed` alone refuses every image?"""
    return bool(getattr(embedder, "takes_points", False))
