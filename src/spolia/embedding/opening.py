"""From what a user writes to an embedder."""

import difflib
import os
from collections.abc import Callable, Collection
from typing import Any

from spolia.core.errors import UsageError
from spolia.embedding.cards import Card, load_card
from spolia.embedding.dct import Dct
from spolia.embedding.device import Device, check_device
from spolia.embedding.dlib_face import DlibFace
from spolia.embedding.gist import Gist
from spolia.embedding.network import CardEmbedder, Network, embedder_of
from spolia.embedding.onnx import OnnxNetwork
from spolia.embedding.phash import Phash
from spolia.embedding.protocol import Embedder
from spolia.embedding.session import checked_model
from spolia.embedding.torchscript import TorchNetwork, check_trusted, is_torchscript
from spolia.embedding.trust import check_trust, is_python, trusted_factory

BUILT_IN: dict[str, Callable[[], Embedder]] = {
    "dct": Dct,
    "gist": Gist,
    "phash": Phash,
    "dlib": DlibFace,
    "dlib-150": lambda: DlibFace("dlib-150", aligned=False),
}
"""Embedders that need no card, by name."""

_MEMBERS = ("name", "kind", "dim", "fingerprint", "summary", "embed")


def is_named(spec: str) -> bool:
    """Is this the name of an embedder, and not a path?

    >>> is_named("phash"), is_named("python:judges:face"), is_named("face.toml")
    (True, True, False)
    """
    return spec in BUILT_IN or is_python(spec)


def open_embedder(
    spec: str | os.PathLike[str] | Embedder,
    *,
    trust: Collection[str] = (),
    device: str = "auto",
) -> Embedder:
    """Return the embedder that ``spec`` names.

    Parameters
    ----------
    spec
        ``"dct"``, ``"gist"``, ``"phash"``, ``"dlib"``, ``"dlib-150"``, the path of a model card
        (``.toml``), ``"python:MODULE:FACTORY"``, or an embedder, returned as it is.
    trust
        What may run although it is a program: SHA-256 of TorchScript files, and
        ``"python:MODULE:FACTORY"``.
    device
        Where networks run: ``"cpu"``, ``"gpu"``, or ``"auto"``: on the graphics card where
        onnxruntime offers it.

    Raises
    ------
    UsageError
        If it names none (says what exists), is not trusted, or the device is not there.
    InvalidCard
        If the card or its model is wrong.
    MissingExtra
        If it needs an extra that is not installed.

    Examples
    --------
    >>> open_embedder("dct").kind
    'copy'
    >>> open_embedder("dtc")
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: an embedder must be dct, gist, phash, dlib, dlib-150, the path of
    a model card (.toml) or python:MODULE:FACTORY, but is 'dtc'; did you mean dct?
    """
    check_trust(trust)
    placed = check_device(device)
    if not isinstance(spec, str | os.PathLike):
        return _checked(spec)
    name = os.fspath(spec)
    if name in BUILT_IN:
        return BUILT_IN[name]()
    if is_python(name):
        return _checked(trusted_factory(name, trust), name)
    if name.lower().endswith(".toml"):
        return open_card(load_card(name), trust=trust, device=placed)
    raise UsageError(
        f"an embedder must be {', '.join(BUILT_IN)}, the path of a model card (.toml) or "
        f"python:MODULE:FACTORY, but is {name!r}; {_advice(name)}"
    )


def open_card(card: Card, *, trust: Collection[str] = (), device: Device = "auto") -> CardEmbedder:
    """Return the embedder of ``card``, after all that the card says of the model was checked.

    Raises
    ------
    InvalidCard
        If the model is missing, has another digest, other inputs or outputs, or fails the
        self-test (names the change to the card that would pass it, if one would).
    UsageError
        If the model is TorchScript and not trusted, or the device is not there.
    MissingExtra
        If onnxruntime, or torch, is not installed.
    """
    model = checked_model(card)
    return embedder_of(card, open_network(card, model, trust=trust, device=device))


def open_network(
    card: Card, model: bytes, *, trust: Collection[str] = (), device: Device = "auto"
) -> Network:
    """Return the network of a card from the bytes of its file, whose digest is the card's."""
    if is_torchscript(card):
        check_trusted(card, trust)
        return TorchNetwork(card, model)
    return OnnxNetwork(card, model, device=device)


def _checked(embedder: Any, spec: str | None = None) -> Embedder:
    lacks = [member for member in _MEMBERS if not hasattr(embedder, member)]
    if lacks:
        made = f"what {spec} makes, " if spec else ""
        raise UsageError(
            f"an embedder must have {', '.join(_MEMBERS)}, but {made}{type(embedder).__name__} "
            f"lacks {', '.join(lacks)}; see spolia.embedding.Embedder"
        )
    return embedder  # type: ignore[no-any-return]


def _advice(name: str) -> str:
    if name == "precomputed":
        return "precomputed embeddings are opened as a set's embeddings, nothing computes them"
    if name.lower().endswith((".onnx", ".pt", ".ts")):
        return "a network is opened by its card, which says how to feed it: write one"
    close = difflib.get_close_matches(name.lower(), BUILT_IN, n=1)
    return f"did you mean {close[0]}?" if close else "give one of these"
