"""The summary as JSON, and back."""

import dataclasses
import difflib
import json
import math
import types
from collections.abc import Callable
from typing import Any, Literal, NoReturn, Union, cast, get_args, get_origin, get_type_hints

from spolia.core.errors import UsageError
from spolia.core.results import SCHEMA, Summary


def to_json(summary: Summary) -> str:
    """Return ``summary`` as JSON: fields in their order, two spaces, ASCII, a final newline.

    NaN and infinite numbers, which JSON does not have, become ``null``.
    """
    return write_record(summary)


def write_record(record: Any) -> str:
    """Return a frozen dataclass as JSON, as `to_json` does a summary."""
    return json.dumps(_finite(dataclasses.asdict(record)), indent=2, allow_nan=False) + "\n"


def from_json(text: str) -> Summary:
    """Return the summary written by `to_json`; a ``null`` number comes back as NaN.

    Raises
    ------
    UsageError
        If ``text`` is not JSON, has another schema version, or a field is missing, unknown or of
        the wrong type.
    """
    return cast(Summary, read_record(text, Summary, SCHEMA))


def read_record(text: str, wanted: type, wanted_schema: str, what: str = "report") -> Any:
    """Return the dataclass ``wanted`` that `write_record` wrote, refusing any other schema.

    ``what`` names the record in a message.
    """
    try:
        written = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"a {what} must be JSON, but this text is not ({error}); give one that spolia wrote"
        ) from error
    schema = written.get("schema") if isinstance(written, dict) else None
    if schema != wanted_schema:
        raise UsageError(
            f"a {what} must have schema {wanted_schema!r}, but this one has {schema!r}; "
            "read it with the version of spolia that wrote it"
        )
    return _read(wanted, written, what)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read(wanted: Any, value: Any, where: str) -> Any:
    """Return ``value`` as the type ``wanted``; ``where`` names it in a message."""
    if dataclasses.is_dataclass(wanted):
        return _read_fields(cast(type, wanted), value, where)
    read = _READERS.get(get_origin(wanted) or wanted)
    if read is None:
        raise TypeError(f"{where}: no JSON form is defined for {wanted}")
    return read(wanted, value, where)


def _read_fields(wanted: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        _refuse(where, "an object", value)
    hints = get_type_hints(wanted)
    for key in value.keys() - hints.keys():
        near = difflib.get_close_matches(key, hints, n=1)
        advice = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"{where} has no field {key!r}{advice}")
    missing = [name for name in hints if name not in value]
    if missing:
        raise UsageError(f"{where} must have the field {missing[0]!r}, but it is missing")
    return wanted(
        **{name: _read(hint, value[name], f"{where}.{name}") for name, hint in hints.items()}
    )


def _read_tuple(wanted: Any, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        _refuse(where, "a list", value)
    members = get_args(wanted)
    if members[-1] is Ellipsis:
        members = members[:1] * len(value)
    if len(members) != len(value):
        _refuse(where, f"a list of {len(members)}", value)
    pairs = zip(members, value, strict=True)
    return tuple(_read(member, one, f"{where}[{i}]") for i, (member, one) in enumerate(pairs))


def _read_optional(wanted: Any, value: Any, where: str) -> Any:
    if value is None:
        return None
    (member,) = (one for one in get_args(wanted) if one is not types.NoneType)
    return _read(member, value, where)


def _read_literal(wanted: Any, value: Any, where: str) -> Any:
    if value not in get_args(wanted):
        _refuse(where, f"one of {get_args(wanted)}", value)
    return value


def _read_float(_wanted: Any, value: Any, where: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(where, "a number", value)
    try:
        return float(value)
    except OverflowError:
        _refuse(where, "a number below 1.8e308", value)


def _read_exact(wanted: Any, value: Any, where: str) -> Any:
    # type(), because a bool is an int to isinstance.
    if type(value) is not wanted:
        _refuse(where, f"of type {wanted.__name__}", value)
    return value


def _refuse(where: str, wanted: str, value: Any) -> NoReturn:
    raise UsageError(f"{where} must be {wanted}, but is {value!r:.80}")


_READERS: dict[Any, Callable[[Any, Any, str], Any]] = {
    tuple: _read_tuple,
    types.UnionType: _read_optional,
    Union: _read_optional,
    Literal: _read_literal,
    float: _read_float,
    int: _read_exact,
    bool: _read_exact,
    str: _read_exact,
}
