"""Model cards: what a network is, what it takes, and how to tell that it is used rightly."""

import difflib
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from spolia.core.errors import InvalidCard, UsageError
from spolia.core.results import Kind
from spolia.embedding.preprocess import RESIZES, InputSpec

ALIGNMENTS = ("none", "arcface-112", "dlib-150")
MODELS_VARIABLE = "SPOLIA_MODELS"
SELF_TEST_VALUES = 8

_CARD_BYTES = 1 << 20
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


@dataclass(frozen=True)
class _Key:
    wanted: str
    fits: Callable[[Any], bool]
    required: bool = True
    into: Callable[[Any], Any] = lambda value: value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _is_number(value: Any, limit: float = 1e6) -> bool:
    # Also refuses NaN. The limit keeps float32 from overflowing later.
    return type(value) in (int, float) and abs(value) <= limit


def _is_output(value: Any) -> bool:
    return _is_number(value, limit=1e30)


def _floats(value: Any) -> tuple[float, ...]:
    return tuple(map(float, value))


def _is_list(value: Any, length: int, item: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and len(value) == length and all(map(item, value))


def _is_file_name(value: Any) -> bool:
    # A card may come from a stranger: it must not reach outside the two folders it is told about.
    return _is_text(value) and value not in (".", "..") and not set(value) & set("/\\:\0")


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _one_of(*choices: str, required: bool = True) -> _Key:
    wanted = " or ".join(f'"{choice}"' for choice in choices)
    return _Key(wanted, lambda value: isinstance(value, str) and value in choices, required)


def _numbers(length: int, wanted: str, fits: Callable[[Any], bool], required: bool = True) -> _Key:
    def all_fit(value: Any) -> bool:
        return _is_list(value, length, _is_number) and fits(value)

    return _Key(wanted, all_fit, required, _floats)


_TABLE = _Key("a table", lambda value: isinstance(value, dict))

_SCHEMA: Final[dict[str, dict[str, _Key]]] = {
    "": {
        "name": _Key("a name", _is_text),
        "kind": _one_of("identity", "copy"),
        "licence": _Key("the licence as text", _is_text),
        "commercial": _Key("true or false", lambda value: isinstance(value, bool), False),
        "source": _Key("where the model comes from, as text", _is_text),
        "trained_on": _Key(
            "a list of names",
            lambda value: isinstance(value, list) and all(map(_is_text, value)),
            into=tuple,
        ),
        "model": _TABLE,
        "input": _TABLE,
        "self_test": _Key("a table", _TABLE.fits, False),
    },
    "model": {
        "file": _Key("a file name without a folder", _is_file_name),
        "sha256": _Key("64 lower-case hexadecimal digits", _is_digest),
        "output": _Key(
            "the index or name of an output",
            lambda value: _is_text(value) or _is_whole(value, 0, 999),
            False,
        ),
        "dim": _Key(
            f"a whole number from 1 to {_WIDEST_ROW}",
            lambda value: _is_whole(value, 1, _WIDEST_ROW),
        ),
        "metric": _one_of("cosine", required=False),
    },
    "input": {
        "size": _Key(
            f"[height, width], whole numbers from 1 to {_LONGEST_SIDE}",
            lambda value: _is_list(value, 2, lambda side: _is_whole(side, 1, _LONGEST_SIDE)),
            into=tuple,
        ),
        "layout": _one_of("NCHW", "NHWC"),
        "channels": _one_of("RGB", "BGR"),
        "range": _numbers(2, "[low, high], what 0 and 255 become", lambda v: v[0] < v[1]),
        "mean": _numbers(3, "3 numbers", lambda _: True, required=False),
        "std": _numbers(3, "3 numbers from 1e-6 up", lambda v: min(v) >= 1e-6, required=False),
        "resize": _one_of(*RESIZES, required=False),
        "alignment": _one_of(*ALIGNMENTS),
    },
    "self_test": {
        "first": _Key(
            f"the first {SELF_TEST_VALUES} outputs, finite numbers, not all 0",
            lambda value: isinstance(value, list) and all(map(_is_output, value)) and any(value),
            into=_floats,
        ),
        "tolerance": _Key(
            "a number above 0, at most 0.01",
            lambda value: _is_number(value) and 0 < value <= 0.01,
            False,
        ),
    },
}


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
    table = _read_toml(path)
    top = _checked(path, "", table)
    model = _checked(path, "model", top.pop("model"))
    entry = _checked(path, "input", top.pop("input"))
    test = _checked(path, "self_test", top.pop("self_test")) if "self_test" in top else None
    model.pop("metric", None)
    card = Card(
        path=path,
        model=ModelSpec(**model),
        input=InputSpec(**entry),
        self_test=None if test is None else SelfTest(**test),
        **top,
    )
    _check_first(card)
    return card


def find_model(card: Card) -> Path:
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


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_CARD_BYTES + 1)
    except OSError as error:
        raise UsageError(f"no card can be read at {path}: {error.strerror}") from error
    if len(content) > _CARD_BYTES:
        raise InvalidCard(f"a card is at most {_CARD_BYTES} bytes of TOML, but {path} is longer")
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # syntax, not UTF-8, nested too deep
        raise InvalidCard(f"a card must be TOML, but {path} is not: {error}") from error


def _checked(path: Path, where: str, table: dict[str, Any]) -> dict[str, Any]:
    """Return the values of ``table`` once every key is known, there and well-formed."""
    keys = _SCHEMA[where]
    place = f"[{where}] of card {path}" if where else f"card {path}"
    for name in table:
        if name not in keys:
            raise InvalidCard(f"{place} has the unknown key {name!r}{_nearest(name, keys)}")
    for name, key in keys.items():
        if name not in table:
            if key.required:
                raise InvalidCard(f"{place} lacks the key {name!r}: {key.wanted}")
        elif not key.fits(table[name]):
            raise InvalidCard(f"{name!r} in {place} must be {key.wanted}, but is {table[name]!r}")
    return {name: keys[name].into(value) for name, value in table.items()}


def _nearest(name: str, keys: dict[str, _Key]) -> str:
    close = difflib.get_close_matches(name, keys, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(keys)}"


def _check_first(card: Card) -> None:
    if card.self_test is None:
        return
    wanted = min(SELF_TEST_VALUES, card.model.dim)
    if len(card.self_test.first) != wanted:
        raise InvalidCard(
            f"'first' in [self_test] of card {card.path} must hold the first {wanted} outputs, "
            f"but holds {len(card.self_test.first)}; `spolia card check` prints them"
        )
