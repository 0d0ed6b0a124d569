"""The one thing we want from EXIF: which way is up.

Read here and not by Pillow, because Pillow parses the whole block, and warns or fails when any
part of it is corrupt although the image itself is good.
"""

import struct

from spolia.sources.source import UInt8

_NO_TURN = 1
_ORIENTATION = 0x0112
_SHORT = 3
_PREFIX = b"Exif\x00\x00"

# Application segments that say how to decode: JFIF (0) and Adobe's colour transform (14).
_METADATA_SEGMENTS = frozenset(range(0xE1, 0xF0)) - {0xEE}
_SEGMENTS_WITH_LENGTH = frozenset(range(0xC0, 0xFF)) - frozenset(range(0xD0, 0xDB))


def split_jpeg(encoded: bytes) -> tuple[bytes, bytes]:
    r"""Return a JPEG without its metadata segments, and its EXIF block (empty if none).

    Pixels do not depend on these segments. Anything that is not a JPEG, or not a sound one, comes
    back as it is from the place where it stops making sense.

    >>> split_jpeg(b"\xff\xd8" + b"\xff\xe1\x00\x0aExif\x00\x00II" + b"\xff\xda...")
    (b'\xff\xd8\xff\xda...', b'Exif\x00\x00II')
    """
    if not encoded.startswith(b"\xff\xd8\xff"):
        return encoded, b""
    kept, exif, at = [encoded[:2]], b"", 2
    while at + 4 <= len(encoded) and encoded[at] == 0xFF:
        marker, length = encoded[at + 1], int.from_bytes(encoded[at + 2 : at + 4], "big")
        if marker not in _SEGMENTS_WITH_LENGTH or length < 2:
            break
        segment = encoded[at : at + 2 + length]
        if marker not in _METADATA_SEGMENTS:
            kept.append(segment)
        elif not exif and segment[4:].startswith(_PREFIX):
            exif = segment[4:]
        at += 2 + length
    return b"".join([*kept, encoded[at:]]), exif


def orientation(exif: bytes) -> int:
    r"""Return the EXIF orientation, 1 to 8; 1 (no turn) where there is none or it is corrupt.

    >>> orientation(b"II*\x00\x08\x00\x00\x00" + b"\x01\x00"
    ...     + b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00")
    6
    """
    tiff = exif.removeprefix(_PREFIX)
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None:
        return _NO_TURN
    try:
        (first,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, first)
        for at in range(first + 2, first + 2 + 12 * entries, 12):
            tag, kind, count, value = struct.unpack_from(order + "HHIH", tiff, at)
            if tag == _ORIENTATION:
                sound = kind == _SHORT and count == 1 and 1 <= value <= 8
                return int(value) if sound else _NO_TURN
    except struct.error:
        return _NO_TURN
    return _NO_TURN


def upright(pixels: UInt8, turn: int) -> UInt8:
    """Return ``pixels`` ``(h, w, 3)`` as they are to be seen, given the EXIF orientation.

    Orientations 5 to 8 exchange height and width.
    """
    if turn in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if turn in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
