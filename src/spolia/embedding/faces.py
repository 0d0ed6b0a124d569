"""Cutting faces out of images: found by a detector or given by a file, chosen, aligned.

::

    image ── finder: detector of a card │ points of a file ──> faces
          ── choice: largest │ central │ all │ one ──────────> cuts, each 112 x 112

What a judge of faces sees is the cut. An image without a face is no evidence of anything: it is set
aside, with the reason, and counted.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, get_args

import numpy as np

from spolia.core.errors import NoFace, UsageError
from spolia.core.results import ModelSummary
from spolia.core.types import Float64
from spolia.embedding.about import digest_of
from spolia.embedding.align import VERSION, align, size_of
from spolia.embedding.detect import Face
from spolia.embedding.protocol import Pixels

Choice = Literal["largest", "central", "all", "one"]
"""Which faces of an image count: the largest, the one closest to the middle, every one, or the only
one (an image with several is then set aside)."""

CHOICES: tuple[Choice, ...] = get_args(Choice)


class FaceFinder(Protocol):
    """Finds the faces of an image; safe to call from several threads at once."""

    @property
    def method(self) -> str:
        """Hex digest of how faces are found; it must be equal for sets that are compared."""

    @property
    def fingerprint(self) -> str:
        """Hex digest of everything that decides which faces are found."""

    @property
    def summary(self) -> ModelSummary:
        """What a report says about it."""

    def told(self, name: str) -> bytes:
        """Return what decides the faces of the image ``name`` beside the method and the image."""

    def find(self, name: str, image: Pixels) -> tuple[Face, ...]:
        """Return the faces of the image whose id is ``name``; none is an answer.

        Raises
        ------
        UnreadableImage
            If it cannot be searched.
        """


@dataclass(frozen=True, eq=False)
class Cut:
    """One aligned face of an image."""

    suffix: str
    """What its id has more than that of the image: nothing, or ``#1`` and so on under ``all``."""
    pixels: Pixels
    """``(112, 112, 3)`` RGB, uint8."""
    points: Float64
    """``(5, 2)`` where the five points are in ``pixels``."""


def checked_choice(given: str) -> Choice:
    """Return the choice of that name.

    >>> checked_choice("biggest")
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: face must say which faces of an image count, but is 'biggest';
    choose one of largest, central, all, one
    """
    for choice in CHOICES:
        if choice == given:
            return choice
    raise UsageError(
        f"face must say which faces of an image count, but is {given!r}; choose one of "
        f"{', '.join(CHOICES)}"
    )


@dataclass(frozen=True)
class FaceCutter:
    """Gives a judge aligned faces in the place of images.

    Examples
    --------
    >>> from spolia.embedding.align import TEMPLATE
    >>> cutter = FaceCutter(GivenFaces({"a.png": (TEMPLATE,)}, "0" * 64), "one")
    >>> [cut.pixels.shape for cut in cutter.cut("a.png", np.zeros((200, 300, 3), np.uint8))]
    [(112, 112, 3)]
    """

    finder: FaceFinder
    choice: Choice = "largest"

    def __post_init__(self) -> None:
        checked_choice(self.choice)

    def cut(self, name: str, image: Pixels) -> tuple[Cut, ...]:
        """Return the chosen faces of the image whose id is ``name``, the largest first.

        Raises
        ------
        UsageError
            If ``image`` is not ``(h, w, 3)`` uint8 with at least one pixel.
        NoFace
            If there is none, or, under ``one``, not exactly one; or if its points lie like no face.
        UnreadableImage
            If it cannot be searched.
        """
        chosen = choose(self.finder.find(name, image), image.shape[:2], self.choice)
        suffixes = [f"#{i}" for i in range(1, len(chosen) + 1)] if self.choice == "all" else [""]
        cuts = []
        for suffix, face in zip(suffixes, chosen, strict=True):
            try:
                aligned = align(image, face.points)
            except UsageError as error:
                raise NoFace(str(error)) from error
            cuts.append(Cut(suffix, aligned.pixels, aligned.points))
        return tuple(cuts)

    def decides(self, name: str) -> bytes:
        """Return what decides the cuts of the image ``name``, beside the image itself."""
        return self.method.encode() + self.finder.told(name)

    @property
    def method(self) -> str:
        """Hex digest of how faces are cut; it must be equal for sets that are compared."""
        return _digest(self.finder.method, self.choice)

    @property
    def fingerprint(self) -> str:
        """Hex digest of everything that decides the cuts; equal digests, equal cuts."""
        return _digest(self.finder.fingerprint, self.choice)

    @property
    def summary(self) -> ModelSummary:
        """What a report says about the finder."""
        return self.finder.summary


def _digest(finder: str, choice: Choice) -> str:
    decides = {"finder": finder, "choice": choice, "align": VERSION}
    return digest_of(decides)


def choose(faces: tuple[Face, ...], size: tuple[int, int], choice: Choice) -> tuple[Face, ...]:
    """Return the faces that count, the largest first; of equal ones the first given.

    Parameters
    ----------
    faces
        All of an image.
    size
        Height and width of the image.
    choice
        Which of them.

    Raises
    ------
    NoFace
        If there is none, or, under ``one``, not exactly one.
    """
    if not faces:
        raise NoFace
    if choice == "one" and len(faces) > 1:
        raise NoFace(f"{len(faces)} faces, where there must be one")
    if choice == "central":
        middle = (np.array(size[::-1]) - 1.0) / 2.0
        away = [float(np.linalg.norm(face.points.mean(axis=0) - middle)) for face in faces]
        return (faces[int(np.argmin(away))],)
    by_size = sorted(faces, key=lambda face: size_of(face.points), reverse=True)  # stable
    return tuple(by_size) if choice == "all" else (by_size[0],)


@dataclass(frozen=True, eq=False)
class GivenFaces:
    """Faces whose points somebody else has found.

    An image without points has no face.
    """

    points: Mapping[str, tuple[Float64, ...]]
    """By id of the image, ``(5, 2)`` for each of its faces."""
    fingerprint: str
    """Digest of the points."""

    @property
    def method(self) -> str:
        """Digest that all given points share: nothing is known of how they were found."""
        return hashlib.sha256(b"given points").hexdigest()

    @property
    def summary(self) -> ModelSummary:
        """What a report says about it."""
        return replace(_GIVEN, fingerprint=self.fingerprint)

    def told(self, name: str) -> bytes:
        """Return the points of the image."""
        return b"".join(points.tobytes() for points in self.points.get(name, ()))

    def find(self, name: str, image: Pixels) -> tuple[Face, ...]:
        """Return the given faces of the image ``name`` that lie in it at least in part.

        Raises
        ------
        NoFace
            If all points of a face lie outside the image: they are of another one.
        """
        h, w = image.shape[:2]
        faces = self.points.get(name, ())
        for points in faces:
            inside = (points > -1.0).all(axis=1) & (points < (w, h)).all(axis=1)
            if not inside.any():
                raise NoFace(
                    f"all points given lie outside its {w} x {h} pixels: they are of an image of "
                    "another size"
                )
        return tuple(Face(points, 1.0) for points in faces)


_GIVEN = ModelSummary(
    name="points given in a file",
    kind="unknown",
    licence="not known",
    commercial=None,
    source="given with the sets",
    trained_on=(),
    fingerprint="",
)
