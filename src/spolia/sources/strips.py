"""Strips: image files that each hold several square images of one person, in a row or a grid.

IDiff-Face and others write one file for each identity. A tile is as high as the strip, or as wide
where that is less; ``PATH#128`` says how high, for a grid. Tiles are numbered row by row, from 0.
"""

import io
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from spolia.core.errors import UnreadableImage, UsageError
from spolia.core.progress import Progress
from spolia.sources.address import split_key
from spolia.sources.archive import open_zip
from spolia.sources.decode import reason_of
from spolia.sources.encoded import EncodedSource
from spolia.sources.folder import open_folder
from spolia.sources.identities import labelled_identities
from spolia.sources.limits import Limits, check_entries
from spolia.sources.source import UInt8, fingerprint_of

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
_LEAST_SIDE = 8
"""A file of a few bytes can claim a strip of a million tiles of one pixel."""
_KEPT_STRIPS = 8
"""Decoded strips that are kept: all tiles of a strip are asked for one after the other."""


@dataclass(frozen=True)
class _Tile:
    strip: int
    number: int
    side: int
    columns: int
    wrong: str | None = None


@dataclass(frozen=True, eq=False)
class StripSource:
    """The tiles of strips; a `Source`.

    Parameters
    ----------
    uri, ids, identities, ignored
        As in `Source`.
    strips
        The files.
    tiles
        Where each record lies.
    progress
        Told about the fingerprint.
    columns
        As in `Source`.
    """

    uri: str
    ids: tuple[str, ...] = field(repr=False)
    identities: tuple[str, ...] | None = field(repr=False)
    ignored: int
    strips: EncodedSource
    tiles: tuple[_Tile, ...] = field(repr=False)
    progress: Progress = field(repr=False)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    _kept: "OrderedDict[int, UInt8]" = field(default_factory=OrderedDict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the ids and the RGB pixels."""
        return fingerprint_of(self.ids, self.content, progress=self.progress)

    def image(self, index: int) -> UInt8:
        """Return tile ``index`` as RGB, ``(side, side, 3)`` uint8."""
        tile = self.tiles[index]
        if tile.wrong is not None:
            raise UnreadableImage(tile.wrong)
        row, column = divmod(tile.number, tile.columns)
        top, left = row * tile.side, column * tile.side
        pixels = self._strip(tile.strip)[top : top + tile.side, left : left + tile.side]
        if pixels.shape != (tile.side, tile.side, 3):
            raise UnreadableImage("strip of another size than its header says")
        return np.array(pixels)

    def content(self, index: int) -> bytes:
        """Return the RGB pixels of tile ``index``, and their shape."""
        pixels = self.image(index)
        return repr(pixels.shape).encode() + pixels.tobytes()

    def __len__(self) -> int:
        return len(self.ids)

    def _strip(self, index: int) -> UInt8:
        with self._lock:
            known = self._kept.get(index)
        if known is not None:
            return known
        pixels = self.strips.image(index)
        with self._lock:
            self._kept[index] = pixels
            while len(self._kept) > _KEPT_STRIPS:
                self._kept.popitem(last=False)
        return pixels


def open_strips(uri: str, *, identities: str, limits: Limits, progress: Progress) -> StripSource:
    """List the tiles of the strips in a folder or zip; the identity of a tile is its strip.

    The id is the strip's name without its ending, ``#`` and the number of the tile. A strip that
    cannot be read, or that does not divide into tiles, is one unreadable record.

    Raises
    ------
    UsageError
        If there is no image, the side of a tile is no number, or no strip divides into tiles.
    """
    path, key = split_key(uri)
    if key is not None and not (key.isdecimal() and 0 < int(key[:9]) < 1 << 20):
        raise UsageError(
            f"the side of a tile is wanted in pixels, as {path}#128, but {key!r} is none"
        )
    opened = open_folder if Path(path).is_dir() else open_zip
    strips = opened(path, identities="none", limits=limits, progress=progress)
    tiles: list[_Tile] = []
    for strip in range(len(strips)):
        tiles += _tiles(strips, strip, None if key is None else int(key), limits)
        check_entries(uri, len(tiles), limits)
    if all(tile.wrong is not None for tile in tiles):
        raise UsageError(
            f"strips of square images are wanted, but none in {uri!r} is one "
            f"({strips.ids[0]!r}: {tiles[0].wrong}); say the side of a tile as {path}#128"
        )
    people = _people(strips.ids)
    ids = tuple(f"{people[tile.strip]}#{tile.number}" for tile in tiles)
    labels = tuple(people[tile.strip] for tile in tiles)
    known = labelled_identities(ids, labels, identities)
    return StripSource(uri, ids, known, strips.ignored, strips, tuple(tiles), progress)


def _people(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names without their endings, where they stay distinct."""
    short = tuple(name.rpartition(".")[0] for name in names)
    return short if len(set(short)) == len(short) else names


def _tiles(strips: EncodedSource, strip: int, side: int | None, limits: Limits) -> list[_Tile]:
    try:
        width, height = _size(strips.read(strip), limits)
    except UnreadableImage as error:
        return [_Tile(strip, 0, 1, 1, str(error))]
    side = side or min(width, height)
    if width * height > limits.pixels:
        return [_Tile(strip, 0, 1, 1, f"header claims more than {limits.pixels:,} pixels")]
    if side < _LEAST_SIDE:
        return [_Tile(strip, 0, 1, 1, f"tiles of {side} x {side} pixels are too small")]
    if width % side or height % side:
        reason = f"{width} x {height} pixels do not divide into tiles of {side} x {side}"
        return [_Tile(strip, 0, 1, 1, reason)]
    columns = width // side
    return [_Tile(strip, n, side, columns) for n in range(columns * (height // side))]


def _size(encoded: bytes, limits: Limits) -> tuple[int, int]:
    """Return width and height from the header; the pixels are decoded when they are asked for."""
    if not encoded:
        raise UnreadableImage("empty file")
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as picture:
            return picture.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage(f"header claims more than {limits.pixels:,} pixels") from error
    except Exception as error:  # Pillow's failures have no common parent
        raise UnreadableImage(reason_of(error)) from error
