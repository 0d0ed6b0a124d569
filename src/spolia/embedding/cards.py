"""Model cards: what a network is, what it takes, and how to tell that it is used rightly."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from spolia.core.errors import InvalidCard
from spolia.core.results import Kind
from spolia.embedding.preprocess import RESIZES, InputSpec
from spolia.embedding.schema import (
    TABLE,
    Key,
    checked,
    floats,
    is_digest,
    is_file_name,
    is_list,
    is_number,
    is_output,
    is_text,
    is_whole,
    numbers,
    one_of,
    read_toml,
)

ALIGNMENTS = ("none", "arcface-112", "dlib-150")
MODELS_VARIABLE = "SPOLIA_MODELS"
SELF_TEST_VALUES = 8

_LONGEST_SIDE = 4096
_WIDEST_ROW = 1 << 16


@dataclass(frozen=True)
class ModelSpec:
    """The ``[model]`` of a card; similarity is the cosine of its outputs."""

    file: str
    sha256: str
    dim: int
    output: int | str = 0
    """Index or name of the output that is the embedding."""


class ModelFile(Protocol):
    """The file of a network."""

    @property
    def file(self) -> str:
        """Its name, without a folder."""

    @property
    def sha256(self) -> str:
        """Its digest."""


class AnyCard(Protocol):
    """What the cards of all kinds of networks have."""

    @property
    def path(self) -> Path:
        """Where the card lies."""

    @property
    def source(self) -> str:
        """Where the network comes from."""

    @property
    def model(self) -> ModelFile:
        """Which file it is."""


@dataclass(frozen=True)
class SelfTest:
    """The ``[self_test]`` of a card: what the network gives for `self_test.pattern`."""

    first: tuple[float, ...]
    """The first 8 outputs (all, where there are fewer), before normalisation."""
    tolerance: float = 1e-3
    """Largest allowed difference, as a share of the largest absolute value in ``first``."""


@dataclass(frozen=True)
class Card:
    """A model card that follows the schema."""

    path: Path
    name: str
    kind: Kind
    licence: str
    source: str
    trained_on: tuple[str, ...]
    model: ModelSpec
    input: InputSpec
    commercial: bool | None = None
    """May the model be used commercially? ``None``: the card does not say."""
    self_test: SelfTest | None = None
    """``None``: nothing shows that the network is fed as it was trained; say so in the report."""


SCHEMA: Final[dict[str, dict[str, Key]]] = {
    "": {
        "name": Key("a name", is_text),
        "kind": one_of("identity", "copy"),
        "licence": Key("the licence as text", is_text),
        "commercial": Key("true or false", lambda value: isinstance(value, bool), False),
        "source": Key("where the model comes from, as text", is_text),
        "trained_on": Key(
            "a list of names",
            lambda value: isinstance(value, list) and all(map(is_text, value)),
            into=tuple,
        ),
        "model": TABLE,
        "input": TABLE,
        "self_test": Key("a table", TABLE.fits, False),
    },
    "model": {
        "file": Key("a file name without a folder", is_file_name),
        "sha256": Key("64 lower-case hexadecimal digits", is_digest),
        "output": Key(
            "the index or name of an output",
            lambda value: is_text(value) or is_whole(value, 0, 999),
            False,
        ),
        "dim": Key(
            f"a whole number from 1 to {_WIDEST_ROW}",
            lambda value: is_whole(value, 1, _WIDEST_ROW),
        ),
        "metric": one_of("cosine", required=False),
    },
    "input": {
        "size": Key(
            f"[height, width], whole numbers from 1 to {_LONGEST_SIDE}",
            lambda value: is_list(value, 2, lambda side: is_whole(side, 1, _LONGEST_SIDE)),
            into=tuple,
        ),
        "layout": one_of("NCHW", "NHWC"),
        "channels": one_of("RGB", "BGR"),
        "range": numbers(2, "[low, high], what 0 and 255 become", lambda v: v[0] < v[1]),
        "mean": numbers(3, "3 numbers", lambda _: True, required=False),
        "std": numbers(3, "3 numbers from 1e-6 up", lambda v: min(v) >= 1e-6, required=False),
        "resize": one_of(*RESIZES, required=False),
        "alignment": one_of(*ALIGNMENTS),
        "keypoints": Key("the name of an input", is_text, False),
        "keypoint_range": one_of("pixels", "unit", required=False),
    },
    "self_test": {
        "first": Key(
            f"the first {SELF_TEST_VALUES} outputs, finite numbers, not all 0",
            lambda value: isinstance(value, list) and all(map(is_output, value)) and any(value),
            into=floats,
        ),
        "tolerance": Key(
            "a number above 0, at most 0.01",
            lambda value: is_number(value) and 0 < value <= 0.01,
            False,
        ),
    },
}
"""The tables of an embedder's card; the empty name is the card itself."""


def load_card(path: str | os.PathLike[str]) -> Card:
    """Return the card at ``path``, checked against the schema; the model is not touched.

    Raises
    ------
    UsageError
        If there is no readable file.
    InvalidCard
        If it is not TOML, has an unknown key (names the nearest known one), lacks a key, or a
        value is not what the key wants.
    """
    path = Path(path)
    return card_of(path, read_toml(path))


def card_of(path: Path, table: dict[str, Any]) -> Card:
    """Return the card whose TOML is ``table`` and which lies, or will lie, at ``path``.

    Raises
    ------
    InvalidCard
        As `load_card`.
    """
    top = checked(path, "", table, SCHEMA[""])
    model = checked(path, "model", top.pop("model"), SCHEMA["model"])
    entry = checked(path, "input", top.pop("input"), SCHEMA["input"])
    test = (
        checked(path, "self_test", top.pop("self_test"), SCHEMA["self_test"])
        if "self_test" in top
        else None
    )
    model.pop("metric", None)
    if "keypoint_range" in entry and "keypoints" not in entry:
        raise InvalidCard(
            f"'keypoint_range' in [input] of card {path} says how points are scaled, but no "
            "'keypoints' names the input that takes them; add it, or leave both out"
        )
    card = Card(
        path=path,
        model=ModelSpec(**model),
        input=InputSpec(**entry),
        self_test=None if test is None else SelfTest(**test),
        **top,
    )
    _check_first(card)
    return card


def find_model(card: AnyCard) -> Path:
    """Return where the model of ``card`` lies: beside the card, else in ``$SPOLIA_MODELS``.

    Raises
    ------
    InvalidCard
        If it is in neither; names the places looked at.
    """
    places = [card.path.parent]
    folder = os.environ.get(MODELS_VARIABLE)
    if folder:
        places.append(Path(folder))
    for place in places:
        if (place / card.model.file).is_file():
            return place / card.model.file
    looked = " and ".join(str(place) for place in places)
    unset = "" if folder else f" ({MODELS_VARIABLE} is not set)"
    raise InvalidCard(
        f"card {card.path} needs the model {card.model.file}, which is not in {looked}{unset}; "
        f"put it beside the card or set {MODELS_VARIABLE} to its folder (source: {card.source})"
    )


def _check_first(card: Card) -> None:
    if card.self_test is None:
        return
    wanted = min(SELF_TEST_VALUES, card.model.dim)
    if len(card.self_test.first) != wanted:
        raise InvalidCard(
            f"'first' in [self_test] of card {card.path} must hold the first {wanted} outputs, "
            f"but holds {len(card.self_test.first)}; `spolia card check` prints them"
        )
