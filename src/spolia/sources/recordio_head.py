"""The header in front of each image of MXNet RecordIO.

It is ``<IfQQ``: flag, label, two ids. With a flag above 0 so many labels follow. Some writers put
labels in 64 bits; where the image begins tells. A header with labels and no image is a note of the
writer (insightface: ranges of keys).
"""

import struct
from typing import NamedTuple

_HEADER = struct.Struct("<IfQQ")
_WIDE = struct.Struct("<IdQQ")
_SIGNATURES = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"RIFF",
    b"BM",
    b"GIF8",
    b"II*\0",
    b"MM\0*",
    b"P5",
    b"P6",
    b"\0\0\0\x0cjP",
)
_LONGEST_SIGNATURE = max(map(len, _SIGNATURES))
_MOST_LABELS = 1 << 16


class Head(NamedTuple):
    """What the header of a payload says."""

    label: float
    """The first."""
    start: int
    """Where the image begins."""
    is_note: bool


def head_of(front: bytes, length: int) -> Head | None:
    """Return what the header says; None where there is none.

    Parameters
    ----------
    front
        The payload, or as much of its front as `bytes_needed` says.
    length
        Bytes of the whole payload.
    """
    if len(front) < _HEADER.size:
        return None
    flag, label, _, _ = _HEADER.unpack_from(front)
    if flag == 0:
        if not _is_image(front, _HEADER.size) and _is_image(front, _WIDE.size):
            return Head(_WIDE.unpack_from(front)[1], _WIDE.size, False)
        return Head(label, _HEADER.size, False)
    narrow, wide = _HEADER.size + 4 * flag, _HEADER.size + 8 * flag
    if flag > _MOST_LABELS or narrow > length:
        return None
    if not _is_image(front, narrow) and (_is_image(front, wide) or wide == length):
        return Head(struct.unpack_from("<d", front, _HEADER.size)[0], wide, wide == length)
    return Head(struct.unpack_from("<f", front, _HEADER.size)[0], narrow, narrow == length)


def bytes_needed(front: bytes, length: int) -> int:
    """Return how much of a payload `head_of` has to see, from its first bytes."""
    flag = int.from_bytes(front[:4], "little")
    labels = 8 * flag if flag <= _MOST_LABELS else 0
    return min(length, _WIDE.size + labels + _LONGEST_SIGNATURE)


def label_text(label: float) -> str:
    """Return a label as the name of an identity.

    >>> label_text(12.0), label_text(0.5)
    ('12', '0.5')
    """
    return str(int(label)) if label.is_integer() else repr(label)


def _is_image(front: bytes, at: int) -> bool:
    return front.startswith(_SIGNATURES, at)
