"""What the keys of a card may be, and the check that a card holds these and no others."""

import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spolia.core.errors import InvalidCard, UsageError

_CARD_BYTES = 1 << 20
_SHOWN = 80
_SHOWN_BITS = 256


@dataclass(frozen=True)
class Key:
    """What the value of a key must be."""

    wanted: str
    fits: Callable[[Any], bool]
    required: bool = True
    into: Callable[[Any], Any] = lambda value: value


def is_text(value: Any) -> bool:
    """Is it a text with something in it?"""
    return isinstance(value, str) and bool(value.strip())


def is_whole(value: Any, low: int, high: int) -> bool:
    """Is it a whole number from ``low`` to ``high``?"""
    return type(value) is int and low <= value <= high


def is_number(value: Any, limit: float = 1e6) -> bool:
    """Is it a number of no more than ``limit``?"""
    # Also refuses NaN. The limit keeps float32 from overflowing later.
    return type(value) in (int, float) and abs(value) <= limit


def is_output(value: Any) -> bool:
    """Is it a number that a network may give?"""
    return is_number(value, limit=1e30)


def floats(value: Any) -> tuple[float, ...]:
    """Return numbers as floats."""
    return tuple(map(float, value))


def is_list(value: Any, length: int, item: Callable[[Any], bool]) -> bool:
    """Is it a list of so many such items?"""
    return isinstance(value, list) and len(value) == length and all(map(item, value))


def is_file_name(value: Any) -> bool:
    """Is it the name of a file, without a folder?"""
    # A card may come from a stranger: it must not reach outside the two folders it is told about.
    return is_text(value) and value not in (".", "..") and not set(value) & set("/\\:\0")


def is_digest(value: Any) -> bool:
    """Is it a SHA-256 in hexadecimal digits?"""
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def one_of(*choices: str, required: bool = True) -> Key:
    """Return a key that takes one of some texts."""
    wanted = " or ".join(f'"{choice}"' for choice in choices)
    return Key(wanted, lambda value: isinstance(value, str) and value in choices, required)


def numbers(length: int, wanted: str, fits: Callable[[Any], bool], required: bool = True) -> Key:
    """Return a key that takes so many numbers, which fit together."""

    def all_fit(value: Any) -> bool:
        return is_list(value, length, is_number) and fits(value)

    return Key(wanted, all_fit, required, floats)


def shown(value: Any) -> str:
    """Return a value of a card as a message shows it: not all of it, where it is long.

    >>> shown("x" * 500), shown(16**5000)
    ("'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...", 'a number of 20001 bits')
    """
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return f"a number of {value.bit_length()} bits"
    try:
        text = repr(value)
    except ValueError:  # such a number, deeper inside
        text = f"a {type(value).__name__} with a very large number"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}..."


TABLE = Key("a table", lambda value: isinstance(value, dict))


def read_toml(path: Path) -> dict[str, Any]:
    """Return the TOML of a card.

    Raises
    ------
    UsageError
        If there is no readable file.
    InvalidCard
        If it is too long, or no TOML.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # A named pipe would never end.
            raise UsageError(f"a card must be a file, but {path} is a device or a pipe")
        with path.open("rb") as file:
            content = file.read(_CARD_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"no card can be read at {path}: {error.strerror}; check the path, or write one: "
            "`spolia card new`"
        ) from error
    if len(content) > _CARD_BYTES:
        raise InvalidCard(f"a card is at most {_CARD_BYTES} bytes of TOML, but {path} is longer")
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # syntax, not UTF-8, nested too deep
        raise InvalidCard(f"a card must be TOML, but {path} is not: {error}") from error


def checked(
    path: Path, where: str, table: dict[str, Any], keys: Mapping[str, Key]
) -> dict[str, Any]:
    """Return the values of ``table`` once every key is known, there and well-formed.

    ``where`` is the name of the table in the card; empty for the card itself.

    Raises
    ------
    InvalidCard
        If a key is unknown (names the nearest known one) or missing, or a value does not fit.
    """
    place = f"[{where}] of card {path}" if where else f"card {path}"
    for name in table:
        if name not in keys:
            raise InvalidCard(f"{place} has the unknown key {shown(name)}{_nearest(name, keys)}")
    for name, key in keys.items():
        if name not in table:
            if key.required:
                raise InvalidCard(f"{place} lacks the key {name!r}: {key.wanted}")
        elif not key.fits(table[name]):
            raise InvalidCard(
                f"{name!r} in {place} must be {key.wanted}, but is {shown(table[name])}"
            )
    return {name: keys[name].into(value) for name, value in table.items()}


def check_known(what: str, name: str, known: Mapping[str, Any]) -> None:
    """Raise unless ``name`` is one of ``known``; names the nearest.

    >>> check_known("a template", "sscf", {"sscd": 1, "clip": 2})
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: a template must be one of sscd, clip, but is 'sscf'; did you mean
    'sscd'?
    """
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        advice = f"; did you mean {close[0]!r}?" if close else ""
        raise UsageError(f"{what} must be one of {', '.join(known)}, but is {name!r}{advice}")


def _nearest(name: str, keys: Mapping[str, Key]) -> str:
    close = difflib.get_close_matches(name, keys, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(keys)}"
