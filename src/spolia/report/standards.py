"""Which questions of standards and opinions a report speaks to, from a dated file."""

import datetime
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Point:
    """One question of a document, and where the report speaks to it."""

    asks: str
    here: str
    section: str
    """Anchor of the section of the page."""


@dataclass(frozen=True)
class Document:
    """A standard or an opinion."""

    name: str
    title: str
    where: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Standards:
    """All of them."""

    read_on: datetime.date
    """When the sources were read last."""
    documents: tuple[Document, ...]


@cache
def standards() -> Standards:
    """Return what ``standards.toml`` says.

    >>> standards().documents[0].name
    'ISO/IEC 19795-1:2021'
    """
    told = tomllib.loads(files("spolia.report").joinpath("standards.toml").read_text("utf-8"))
    return Standards(
        told["read_on"],
        tuple(
            Document(
                one["name"],
                one["title"],
                one["where"],
                tuple(Point(**point) for point in one["point"]),
            )
            for one in told["document"]
        ),
    )
