"""The framing of MXNet RecordIO: where each record of a ``.rec`` lies, and its payload.

A record is one part or several. A part is, in little-endian words of 32 bits: the magic
0xced7230a; three bits that say whether the part is whole (0), first (1), middle (2) or last (3),
and 29 of its length; the payload, padded to 4 bytes. Where the payload itself held the magic it was
cut there, and the magic left out; it comes back between the parts. (dmlc-core, recordio.h)

Untrusted: what is damaged is said with its offset, and reading goes on at the next record.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from spolia.core.errors import UnreadableImage
from spolia.sources.limits import Limits
from spolia.sources.pieces import PiecesFile

MAGIC = struct.pack("<I", 0xCED7230A)
_WHOLE, _FIRST, _LAST = 0, 1, 3
_HEAD = 8
_CHUNK = 1 << 20
_MOST_PARTS = 256
FRONT = 64
"""Bytes of the first part that a scan gives: enough for the labels of most records."""


@dataclass(frozen=True)
class Record:
    """A record as the scan met it."""

    offset: int
    front: bytes
    """The first bytes of its payload."""
    length: int
    """Bytes of its payload."""
    wrong: str | None = None
    """Why it cannot be read, if so."""


def scan(file: PiecesFile) -> Iterator[Record]:
    """Yield every record of a file in order, the damaged ones too."""
    offset = 0
    while offset < file.size:
        record, end = _record_at(file, offset)
        if record is None:
            end = _next_start(file, offset + 4)
            yield Record(offset, b"", 0, _gap(offset, end, file.size))
        else:
            yield record
        offset = end


def read_record(file: PiecesFile, offset: int, limits: Limits) -> bytes:
    """Return the payload of the record at ``offset``.

    Raises
    ------
    UnreadableImage
        If it is damaged, or larger than the limit.
    """
    found = bytearray()
    for start, length, last in _parts(file, offset):
        if len(found) + length > limits.encoded_bytes:
            raise UnreadableImage(f"record larger than {limits.encoded_bytes:,} bytes")
        found += file.read(start, length)
        if last:
            return bytes(found)
        found += MAGIC
    raise UnreadableImage(f"broken record at offset {offset:,}")


def _record_at(file: PiecesFile, offset: int) -> tuple[Record | None, int]:
    """Return the record at an offset and where the next begins; None where there is none."""
    length, front, end = 0, b"", offset
    for start, part, last in _parts(file, offset):
        if not front:
            front = file.read(start, min(part, FRONT))
        length += part + (0 if last else len(MAGIC))
        end = start + part + -part % 4
        if last:
            return Record(offset, front, length), end
    return None, end


def _parts(file: PiecesFile, offset: int) -> Iterator[tuple[int, int, bool]]:
    """Yield where the payload of each part begins, its length, and whether it is the last."""
    for number in range(_MOST_PARTS):
        head = file.read(offset, _HEAD)
        if len(head) < _HEAD or head[:4] != MAGIC:
            return
        word = int.from_bytes(head[4:], "little")
        kind, length = word >> 29, word & ((1 << 29) - 1)
        wanted = (_WHOLE, _FIRST) if number == 0 else (2, _LAST)
        start = offset + _HEAD
        if kind not in wanted or start + length > file.size:
            return
        yield start, length, kind in (_WHOLE, _LAST)
        if kind in (_WHOLE, _LAST):
            return
        offset = start + length + -length % 4


def _next_start(file: PiecesFile, offset: int) -> int:
    """Return where the next record begins at or after ``offset``; the end if there is none.

    A record begins on a multiple of 4 with the magic, as a whole or a first part that fits.
    """
    at = offset - offset % 4
    while at < file.size:
        chunk = file.read(at, _CHUNK + _HEAD)
        found = chunk.find(MAGIC)
        while 0 <= found < _CHUNK:
            if found % 4 == 0 and at + found >= offset and _begins(chunk, found, at, file.size):
                return at + found
            found = chunk.find(MAGIC, found + 1)
        if len(chunk) <= _CHUNK:
            return file.size
        at += _CHUNK
    return file.size


def _begins(chunk: bytes, found: int, at: int, size: int) -> bool:
    word = int.from_bytes(chunk[found + 4 : found + _HEAD], "little")
    end = at + found + _HEAD + (word & ((1 << 29) - 1))
    return len(chunk) >= found + _HEAD and word >> 29 in (_WHOLE, _FIRST) and end <= size


def _gap(offset: int, end: int, size: int) -> str:
    if end == size:
        return f"truncated: no whole record at offset {offset:,}"
    return f"broken record at offset {offset:,}; reading goes on at {end:,}"
