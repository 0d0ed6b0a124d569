"""What a report may show beside the numbers, and what a public one may not."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from spolia.core.hits import Hit

Profile = Literal["public", "internal", "full"]
"""``public``: numbers, codes. ``internal``: ids, paths, blurred images. ``full``: not blurred."""

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Pair:
    """One synthetic record beside the training record it is closest to."""

    number: int
    """Place in the list, from 1."""
    similarity: float
    control_similarity: float | None
    """Best similarity of the same synthetic image to control; ``None`` without a control."""
    p: float | None
    q: float | None
    kind: str
    """``photo copy``, ``near duplicate``, ``same identity`` or ``unresolved``."""
    score: float | None = None
    """Standard score of the closest identity; ``None`` without a control."""
    query: str | None = None
    """Id of the synthetic record."""
    reference: str | None = None
    """Id of the training record."""
    identity: str | None = None
    """The training identity it shows."""
    query_code: str | None = None
    """`code` of the synthetic record; ``None`` where there is no key."""
    reference_code: str | None = None
    """`code` of the training record."""
    query_image: Image | None = None
    """``(h, w, 3)`` uint8 RGB."""
    reference_image: Image | None = None
    """``(h, w, 3)`` uint8 RGB."""
    difference_image: Image | None = None
    """How the two differ once one is laid over the other, black for not at all; of copies only."""
    others: tuple[Image, ...] = ()
    """Some other training images of the identity, each as above."""
    view: str | None = None
    """How the synthetic image was laid over the training image."""


@dataclass(frozen=True)
class Group:
    """Pairs that stand under one heading."""

    title: str | None
    """``None`` for all in one group."""
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Details:
    """What only people inside the house may read."""

    locations: Mapping[str, str]
    """Role of a set to where it lies."""
    quarantine: tuple[tuple[str, str, str], ...] = ()
    """``(role, id, reason)`` of every record that could not be read."""
    plan: str = ""
    """The plan as TOML."""


def grouped(pairs: Sequence[Pair]) -> tuple[Group, ...]:
    """Return pairs by kind, the plainest first; in one group where no kind was told.

    >>> [group.title for group in grouped([Pair(1, 0.9, 0.3, 0.001, 0.02, "same identity")])]
    ['Same identity']
    """
    if all(one.kind == "unresolved" for one in pairs):
        return (Group(None, tuple(pairs)),)
    kinds = dict.fromkeys([*get_args(Hit), *(one.kind for one in pairs)])
    groups = ((kind, tuple(one for one in pairs if one.kind == kind)) for kind in kinds)
    return tuple(Group(kind.capitalize(), some) for kind, some in groups if some)


def code(key: bytes, role: str, name: str) -> str:
    """Return what a public page writes for a record: its keyed hash, HMAC-SHA256 cut to 50 bits.

    Ids can be guessed, so a plain hash of one would give it away; who has the key can look up.

    >>> code(b"a key", "train", "ann/1.png"), code(b"another", "train", "ann/1.png")
    ('...-...', '...-...')
    """
    digest = hmac.new(key, f"{role}\0{name}".encode(), hashlib.sha256).digest()
    text = base64.b32encode(digest).decode()
    return f"{text[:5]}-{text[5:10]}"


def redact(pair: Pair) -> Pair:
    """Return ``pair`` with its numbers and codes alone: no id, no identity, no image.

    >>> pair = Pair(1, 0.9, 0.3, 0.001, 0.02, "same identity", query="a.png", identity="ann")
    >>> redact(pair).query is None and redact(pair).identity is None, redact(pair).similarity
    (True, 0.9)
    """
    return replace(
        pair,
        query=None,
        reference=None,
        identity=None,
        query_image=None,
        reference_image=None,
        difference_image=None,
        others=(),
        view=None,
    )
