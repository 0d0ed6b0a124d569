"""Writes MXNet RecordIO, good and bad, for the tests."""

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

MAGIC = struct.pack("<I", 0xCED7230A)


def part(kind: int, payload: bytes) -> bytes:
    return MAGIC + struct.pack("<I", kind << 29 | len(payload)) + payload + bytes(-len(payload) % 4)


def framed(payload: bytes) -> bytes:
    """Return a record, cut where the payload holds the magic on a multiple of 4."""
    pieces, start = [], 0
    for at in range(0, len(payload) - 3, 4):
        if payload[at : at + 4] == MAGIC:
            pieces.append(payload[start:at])
            start = at + 4
    pieces.append(payload[start:])
    if len(pieces) == 1:
        return part(0, payload)
    kinds = [1] + [2] * (len(pieces) - 2) + [3]
    return b"".join(part(kind, piece) for kind, piece in zip(kinds, pieces, strict=True))


def payload(image: bytes, label: float | Sequence[float], *, wide: bool = False) -> bytes:
    """Return an image with its header; ``wide`` puts labels in 64 bits."""
    letter = "d" if wide else "f"
    if isinstance(label, int | float):
        return struct.pack(f"<I{letter}QQ", 0, label, 7, 0) + image
    labels = struct.pack(f"<{len(label)}{letter}", *label)
    return struct.pack("<IfQQ", len(label), 0.0, 7, 0) + labels + image


def write_rec(
    path: Path, payloads: Iterable[bytes], *, keys: Sequence[object] | None = None
) -> list[int]:
    """Write a ``.rec``, with an ``.idx`` where there are keys; return the offsets."""
    content, offsets = b"", []
    for one in payloads:
        offsets.append(len(content))
        content += framed(one)
    path.write_bytes(content)
    if keys is not None:
        lines = (f"{key}\t{offset}\n" for key, offset in zip(keys, offsets, strict=True))
        path.with_suffix(".idx").write_text("".join(lines))
    return offsets
