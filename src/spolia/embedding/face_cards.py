"""Cards of networks that are no judge: one that finds faces, and one that tells what they show."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from spolia.core.errors import InvalidCard
from spolia.embedding.cards import SCHEMA
from spolia.embedding.preprocess import InputSpec
from spolia.embedding.schema import (
    TABLE,
    Key,
    checked,
    is_number,
    is_text,
    is_whole,
    one_of,
    read_toml,
)

_SMALLEST_LONGEST, _LARGEST_LONGEST = 64, 4096
_MOST_VALUES = 100
_TAKEN = ("id", "identity", "set", "list")
"""What a column cannot be called: these mean something else where columns are read."""


@dataclass(frozen=True)
class ModelPart:
    """The ``[model]`` of such a card."""

    file: str
    sha256: str
    output: int | str = 0
    """Index or name of the output that counts; a detector's outputs are found by name."""


@dataclass(frozen=True)
class DetectorCard:
    """A card of a network that finds faces, checked against the schema."""

    path: Path
    name: str
    licence: str
    source: str
    trained_on: tuple[str, ...]
    model: ModelPart
    family: str
    longest_side: int = 640
    """Images with a longer side are made smaller before the search."""
    score: float = 0.7
    """Faces with a lower score are no faces."""
    overlap: float = 0.3
    """Of two boxes that share more of their union, the one with the lower score is left out."""
    commercial: bool | None = None


@dataclass(frozen=True)
class AttributeCard:
    """A card of a network that sorts images into classes, checked against the schema."""

    path: Path
    name: str
    licence: str
    source: str
    trained_on: tuple[str, ...]
    model: ModelPart
    input: InputSpec
    column: str
    values: tuple[str, ...]
    """One per class, in the order of the network's output."""
    commercial: bool | None = None


_ABOUT = {
    name: SCHEMA[""][name]
    for name in ("name", "licence", "commercial", "source", "trained_on", "model")
}
_MODEL = {name: SCHEMA["model"][name] for name in ("file", "sha256", "output")}


def _share(value: Any) -> bool:
    return is_number(value) and 0.0 < value < 1.0


_DETECTOR: Final[dict[str, Key]] = {
    "family": one_of("yunet"),
    "longest_side": Key(
        f"a whole number from {_SMALLEST_LONGEST} to {_LARGEST_LONGEST}",
        lambda value: is_whole(value, _SMALLEST_LONGEST, _LARGEST_LONGEST),
        False,
    ),
    "score": Key("a number between 0 and 1", _share, False, float),
    "overlap": Key("a number between 0 and 1", _share, False, float),
}

_ATTRIBUTE: Final[dict[str, Key]] = {
    "column": Key(
        f"a name without spaces around it and =, and not {', '.join(_TAKEN)}",
        lambda value: (
            is_text(value) and value == value.strip() and "=" not in value and value not in _TAKEN
        ),
    ),
    "values": Key(
        f"a list of 2 to {_MOST_VALUES} different names, without spaces around them",
        lambda value: (
            isinstance(value, list)
            and 2 <= len(value) <= _MOST_VALUES
            and all(is_text(one) and one == one.strip() for one in value)
            and len(set(value)) == len(value)
        ),
        into=tuple,
    ),
}


def load_detector_card(path: str | os.PathLike[str]) -> DetectorCard:
    """Return the card of a detector; the model is not touched.

    Raises
    ------
    UsageError
        If there is no readable file.
    InvalidCard
        If it is not such a card: names the key.
    """
    path = Path(path)
    top, model = _read(path, "detector", {"detector": TABLE})
    own = checked(path, "detector", top.pop("detector"), _DETECTOR)
    return DetectorCard(path=path, model=model, **top, **own)


def load_attribute_card(path: str | os.PathLike[str]) -> AttributeCard:
    """Return the card of a network that fills a column; the model is not touched.

    Raises
    ------
    UsageError
        If there is no readable file.
    InvalidCard
        If it is not such a card: names the key.
    """
    path = Path(path)
    top, model = _read(path, "attribute", {"attribute": TABLE, "input": TABLE})
    own = checked(path, "attribute", top.pop("attribute"), _ATTRIBUTE)
    entry = checked(path, "input", top.pop("input"), SCHEMA["input"])
    return AttributeCard(path=path, model=model, input=InputSpec(**entry), **top, **own)


def _read(path: Path, kind: str, more: dict[str, Key]) -> tuple[dict[str, Any], ModelPart]:
    table = read_toml(path)
    if table.get("kind") != kind:
        raise InvalidCard(
            f'card {path} must have kind = "{kind}" to be used here, but has '
            f"{table.get('kind')!r}; --embedder, --detector and --attribute take different cards"
        )
    top = checked(path, "", table, {**_ABOUT, **more, "kind": one_of(kind)})
    del top["kind"]
    return top, ModelPart(**checked(path, "model", top.pop("model"), _MODEL))
