"""What a report says about a network or descriptor, and the digest of what decides its numbers."""

import hashlib
import json
from typing import Any, Protocol

from spolia.core.results import Kind, ModelSummary


class Described(Protocol):
    """What every card says of where a network comes from."""

    @property
    def name(self) -> str:
        """What a report calls it."""

    @property
    def licence(self) -> str:
        """Under which licence it is."""

    @property
    def commercial(self) -> bool | None:
        """May it be used commercially? ``None``: not known."""

    @property
    def source(self) -> str:
        """Where it comes from."""

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Names of the sets that it was trained on."""


def digest_of(decides: Any) -> str:
    """Return the hex digest of what decides some numbers; anything that JSON can hold.

    >>> digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def about_card(card: Described, kind: Kind, fingerprint: str) -> ModelSummary:
    """Return what a report says about the network of a card."""
    return ModelSummary(
        name=card.name,
        kind=kind,
        licence=card.licence,
        commercial=card.commercial,
        source=card.source,
        trained_on=card.trained_on,
        fingerprint=fingerprint,
    )


def about_built_in(name: str, fingerprint: str, after: str = "") -> ModelSummary:
    """Return what a report says about a copy descriptor of spolia's own.

    >>> about_built_in("phash", "", "after Zauner 2010").source
    'built into spolia, after Zauner 2010'
    """
    return ModelSummary(
        name=name,
        kind="copy",
        licence="Apache-2.0 (part of spolia)",
        commercial=True,
        source="built into spolia" + (f", {after}" if after else ""),
        trained_on=(),
        fingerprint=fingerprint,
    )
