"""Sets of encoded image files, whatever holds the files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from spolia.core.errors import UnreadableImage
from spolia.core.progress import Progress
from spolia.sources.apart import decode_apart, decode_each
from spolia.sources.limits import Limits
from spolia.sources.source import Found, UInt8, fingerprint_of

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".jp2")
)


@dataclass(frozen=True, eq=False)
class EncodedSource:
    """Image files in a container that can be read by index; a `Source`.

    Parameters
    ----------
    uri, ids, identities, ignored
        As in `Source`.
    read
        Gives a record's encoded bytes or raises UnreadableImage; safe in several threads.
    progress
        Told about the fingerprint.
    limits
        Of one image.
    columns
        As in `Source`.
    """

    uri: str
    ids: tuple[str, ...] = field(repr=False)
    identities: tuple[str, ...] | None = field(repr=False)
    ignored: int
    read: Callable[[int], bytes] = field(repr=False)
    progress: Progress = field(repr=False)
    limits: Limits = field(default=Limits(), repr=False)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the ids and the encoded bytes."""
        return fingerprint_of(self.ids, self.content, progress=self.progress)

    def content(self, index: int) -> bytes:
        """Return the encoded bytes of record ``index``."""
        return self.read(index)

    def image(self, index: int) -> UInt8:
        """Return record ``index`` as upright RGB, ``(h, w, 3)`` uint8."""
        return decode_apart(self.read(index), self.limits)

    def each_image(self, indices: Sequence[int]) -> Iterator[Found]:
        """Yield some records, decoded ahead; see `spolia.sources.source.images_of`."""
        contents = [self._content_or_reason(index) for index in indices]
        decoded = decode_each([one for one in contents if isinstance(one, bytes)], self.limits)
        for one in contents:
            yield next(decoded) if isinstance(one, bytes) else one

    def _content_or_reason(self, index: int) -> bytes | UnreadableImage:
        try:
            return self.read(index)
        except UnreadableImage as error:
            return error

    def __len__(self) -> int:
        return len(self.ids)


def is_image_name(name: str) -> bool:
    """Whether ``name`` ends like an image file, in upper or lower case.

    >>> is_image_name("a/b.JPG"), is_image_name("a/notes.txt")
    (True, False)
    """
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def is_hidden(part: str) -> bool:
    """Whether one part of a path is hidden, or what macOS adds to archives.

    >>> is_hidden(".thumbs"), is_hidden("__MACOSX"), is_hidden(".."), is_hidden("a")
    (True, True, False, False)
    """
    return part == "__MACOSX" or (part.startswith(".") and part not in (".", ".."))
