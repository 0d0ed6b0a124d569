"""What had a part in an audit beside the judge: what finds faces, and what fills columns."""

from dataclasses import dataclass
from typing import Literal

from spolia.core.rates import Rate

Commercial = bool | None


@dataclass(frozen=True)
class Tool:
    """A network, or a file, that had a part in an audit, and under which licence."""

    name: str
    licence: str
    commercial: Commercial
    """May it be used commercially? ``None``: not known."""
    source: str
    trained_on: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True)
class Filled:
    """A column that a network filled."""

    column: str
    tool: Tool


@dataclass(frozen=True)
class Lost:
    """The images of one set that can be read, but show no face that counts."""

    role: str
    images: Rate


@dataclass(frozen=True)
class Instruments:
    """What had a part in an audit beside the judge."""

    wanted: str | None
    """What the judge's card wants the images to be: ``arcface-112``, ``none`` ...; ``None`` where
    the sets are embeddings."""
    faces: Tool | None
    """What found the faces; ``None``: the judge saw the images as they are."""
    choice: Literal["largest", "central", "all", "one"] | None
    """Which of the faces in an image count."""
    filled: tuple[Filled, ...]
    lost: tuple[Lost, ...]
    """By set, in which some image shows no face that counts or faces were searched for."""
