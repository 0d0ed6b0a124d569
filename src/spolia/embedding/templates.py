"""Cards of known networks, without the networks: each is finished with the user's own file.

A template has all that is published about a network: licence, terms, what it was trained on, how it
is fed, and the digest where one is. It lacks what only a file can tell, its digest and its first
outputs. Outputs that are measured on the user's file show that nothing changes later, not that the
file, or the template, is right: for that each template names the published check, where there is
one.
"""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from spolia.core.errors import InvalidCard, UsageError
from spolia.embedding.cards import Card, card_of, find_model
from spolia.embedding.network import self_test
from spolia.embedding.opening import open_network
from spolia.embedding.schema import check_known
from spolia.embedding.session import read_model

SUFFIX = ".toml"
_UNKNOWN = "0" * 64
_MEASURED = (
    "# [self_test] was measured on this very file: it shows a later change, and not that the file\n"
    "# or this card is right.\n"
)


@dataclass(frozen=True)
class Template:
    """A card without the file."""

    name: str
    """What `new_card` calls it."""
    comment: str
    """Where its facts come from, and what published check is left to the user."""
    card: Card
    """With ``model.file`` ``MODEL`` and a digest of zeros where none is published."""

    @property
    def sha256(self) -> str | None:
        """The published digest of the file; ``None``: none is known."""
        digest = self.card.model.sha256
        return None if digest == _UNKNOWN else digest


@dataclass(frozen=True)
class NewCard:
    """A card that was written from a template."""

    card: Card
    published: bool | None
    """Is the file the published one? ``None``: no digest of it is known."""
    found: bool
    """Is the file where the card will look for it?"""
    check: str
    """The published check that is left to the user."""


def templates() -> list[Template]:
    """Return all templates, by name.

    >>> [one.name for one in templates() if one.card.commercial]
    ['auraface', 'dinov2', 'sscd']
    """
    found = [one for one in _folder().iterdir() if one.name.endswith(SUFFIX)]
    return [_template(one) for one in sorted(found, key=lambda one: one.name)]


def new_card(
    name: str, *, model: Path, out: Path, trust: Collection[str] = (), overwrite: bool = False
) -> NewCard:
    """Write the card of a template for the user's file, with its digest and its first outputs.

    Parameters
    ----------
    name
        The template.
    model
        The file of the network.
    out
        Where the card goes.
    trust
        That of `spolia.embedding.open_embedder`: the digest of a TorchScript file.
    overwrite
        Replace a card that is there.

    Raises
    ------
    UsageError
        If there is no such template, ``out`` exists, or the file is TorchScript and not trusted.
    InvalidCard
        If the network takes or gives something else than the template says.
    MissingExtra
        If onnxruntime, or torch, is not installed.
    """
    known = {one.name: one for one in templates()}
    check_known("a template", name, known)
    if out.suffix.lower() != SUFFIX or (out.exists() and not overwrite):
        raise UsageError(
            f"the card must go to a new {SUFFIX} file, but {out} "
            f"{'exists' if out.exists() else 'is none'}; choose another --out"
        )
    template, (content, digest) = known[name], read_model(model)
    table = _table(_folder() / f"{name}{SUFFIX}")
    table["model"] |= {"file": model.name, "sha256": digest}
    card = card_of(out, table)
    first = self_test(card, open_network(card, content, trust=trust, device="cpu")).first
    if not np.isfinite(first).all() or not any(first):
        raise InvalidCard(
            f"the first outputs of {model} for the self-test's picture must be finite and not all "
            f"0, but are {list(first)}; export the network again"
        )
    table["self_test"] = {"first": [float(f"{value:.7g}") for value in first]}
    out.write_text(template.comment + _MEASURED + tomli_w.dumps(table), encoding="utf-8")
    published = None if template.sha256 is None else template.sha256 == digest
    written = card_of(out, table)
    try:
        found = find_model(written).samefile(model)
    except InvalidCard:
        found = False
    return NewCard(written, published, found, _check(template.comment))


def _folder() -> Traversable:
    return files("spolia.embedding") / "templates"


def _table(file: Traversable) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _template(file: Traversable) -> Template:
    table = _table(file)
    table["model"] = {"file": "MODEL", "sha256": _UNKNOWN} | table["model"]
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    comment = "".join(line for line in lines if line.startswith("#"))
    return Template(file.name.removesuffix(SUFFIX), comment, card_of(Path(file.name), table))


def _check(comment: str) -> str:
    r"""Return what a template's comment says about the published check.

    >>> _check("# Read there.\n# Published check: the\n# digest.\n")
    'the digest.'
    """
    text = " ".join(line.removeprefix("#").strip() for line in comment.splitlines())
    return text.partition("Published check: ")[2]
