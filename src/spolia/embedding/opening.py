"""From what a user writes to an embedder."""

import difflib
import os
from collections.abc import Callable

from spolia.core.errors import UsageError
from spolia.embedding.cards import load_card
from spolia.embedding.dct import Dct
from spolia.embedding.onnx import open_card
from spolia.embedding.protocol import Embedder

BUILT_IN: dict[str, Callable[[], Embedder]] = {"dct": Dct}
"""Embedders that need no card, by name."""

_MEMBERS = ("name", "kind", "dim", "fingerprint", "summary", "embed")


def open_embedder(spec: str | os.PathLike[str] | Embedder) -> Embedder:
    """Return the embedder that ``spec`` names.

    Parameters
    ----------
    spec
        ``"dct"``, the path of a model card (``.toml``), or an embedder, returned as it is.

    Raises
    ------
    UsageError
        If it names none; says what exists.
    InvalidCard
        If the card or its model is wrong.
    MissingExtra
        If the card's network needs an extra that is not installed.

    Examples
    --------
    >>> open_embedder("dct").kind
    'copy'
    >>> open_embedder("dtc")
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: an embedder must be dct or the path of a model card (.toml),
    but is 'dtc'; did you mean dct?
    """
    if not isinstance(spec, str | os.PathLike):
        return _checked(spec)
    name = os.fspath(spec)
    if name in BUILT_IN:
        return BUILT_IN[name]()
    if name.lower().endswith(".toml"):
        return open_card(load_card(name))
    raise UsageError(
        f"an embedder must be {', '.join(BUILT_IN)} or the path of a model card (.toml), but is "
        f"{name!r}; {_advice(name)}"
    )


def _checked(embedder: Embedder) -> Embedder:
    lacks = [member for member in _MEMBERS if not hasattr(embedder, member)]
    if lacks:
        raise UsageError(
            f"an embedder must have {', '.join(_MEMBERS)}, but {type(embedder).__name__} lacks "
            f"{', '.join(lacks)}; see spolia.embedding.Embedder"
        )
    return embedder


def _advice(name: str) -> str:
    if name == "precomputed":
        return "precomputed embeddings are opened as a set's embeddings, nothing computes them"
    if name.lower().endswith(".onnx"):
        return "a network is opened by its card, which says how to feed it: write one"
    close = difflib.get_close_matches(name.lower(), BUILT_IN, n=1)
    return f"did you mean {close[0]}?" if close else "give one of these"
