"""The JSON Schema of a record, made from its dataclass: fields, types, and what they mean.

JSON Schema 2020-12, https://json-schema.org/specification
"""

import ast
import dataclasses
import inspect
import json
import textwrap
import types
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    # A number that is missing, or not finite, is written as null.
    float: {"type": ["number", "null"]},
}


def json_schema(record: type, name: str) -> str:
    """Return the JSON Schema of a frozen dataclass as `write_record` writes it.

    Parameters
    ----------
    record
        The dataclass; its fields may be dataclasses, tuples, literals and plain values.
    name
        What its ``schema`` field must say, which is also the schema's id.

    Raises
    ------
    TypeError
        If a field has a type that has no JSON form.

    Examples
    --------
    >>> from spolia.core.rates import Rate
    >>> json.loads(json_schema(Rate, "rate/1"))["properties"]["n"]
    {'type': 'integer'}
    """
    definitions: dict[str, Any] = {}
    root = _object(record, definitions)
    if "schema" in root["properties"]:
        root["properties"]["schema"] = {"const": name}
    head = {"$schema": DIALECT, "$id": f"urn:{name.replace('/', ':')}"}
    return json.dumps({**head, **root, "$defs": dict(sorted(definitions.items()))}, indent=2) + "\n"


def _object(record: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints, said = get_type_hints(record), dict(_said_of_fields(record))
    properties = {}
    for field in dataclasses.fields(record):
        form = _form(hints[field.name], definitions)
        properties[field.name] = form | (
            {"description": said[field.name]} if field.name in said else {}
        )
    return {
        "type": "object",
        "description": _one_line((record.__doc__ or "").split("\n\n")[0]),
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _form(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if dataclasses.is_dataclass(hint):
        return _reference(hint, definitions)  # type: ignore[arg-type]
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    make = _FORMS.get(get_origin(hint))
    if make is None:
        raise TypeError(f"no JSON form is defined for {hint}")
    return make(get_args(hint), definitions)


def _reference(record: type, definitions: dict[str, Any]) -> dict[str, Any]:
    name = record.__name__
    if name not in definitions:
        definitions[name] = {}  # so that a record within itself ends
        definitions[name] = _object(record, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _tuple(members: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    if members[-1] is Ellipsis:
        return {"type": "array", "items": _form(members[0], definitions)}
    forms = [_form(one, definitions) for one in members]
    count = {"minItems": len(forms), "maxItems": len(forms)}
    return {"type": "array", "prefixItems": forms, **count}


def _union(members: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    forms = [_form(one, definitions) for one in members if one is not types.NoneType]
    return {"anyOf": [*forms, {"type": "null"}]}


def _literal(members: tuple[Any, ...], _: dict[str, Any]) -> dict[str, Any]:
    return {"enum": list(members)}


_FORMS: dict[Any, Callable[[tuple[Any, ...], dict[str, Any]], dict[str, Any]]] = {
    tuple: _tuple,
    types.UnionType: _union,
    Union: _union,
    Literal: _literal,
}


def _said_of_fields(record: type) -> Iterator[tuple[str, str]]:
    """Yield the text that stands under each field in the source."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for field, text in pairwise(statements):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            yield field.target.id, _one_line(str(text.value.value))


def _one_line(text: str) -> str:
    return " ".join(text.replace("``None``", "null").replace("``", "'").split())
