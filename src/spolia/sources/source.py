"""What every source offers, and the fingerprint they share."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UnreadableImage
from spolia.core.progress import Progress

UInt8 = npt.NDArray[np.uint8]
Found = UInt8 | UnreadableImage
"""A picture, or why there is none."""

_REPORT_EVERY = 64


class Source(Protocol):
    """A set of images: listed when opened, read one by one when asked.

    Safe to use from several threads at once.
    """

    @property
    def uri(self) -> str:
        """Where the set lies, as the caller wrote it."""

    @property
    def ids(self) -> tuple[str, ...]:
        """One distinct name per record, in the order of the records.

        File names are kept as they are, but for bytes that are no UTF-8, which are written as
        escapes. An id may hold control characters, and whoever prints it escapes it.
        """

    @property
    def identities(self) -> tuple[str, ...] | None:
        """The identity of each record, or None where unknown."""

    @property
    def ignored(self) -> int:
        """How many files of the set were left out because they are not images."""

    @property
    def fingerprint(self) -> str:
        """Hex digest (64 digits) of the ids and contents, in order; computed once, when asked.

        The same wherever the set lies and whenever it was written; a folder and a zip of the same
        files have the same. Identities are not part of it.
        """

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """What else the set says of its records, as text: licence, age group, caption ...

        One value per record, ``""`` where unknown; empty where the set says nothing.
        """

    def content(self, index: int) -> bytes:
        """Return what record ``index`` holds, so that equal bytes are equal images.

        Raises
        ------
        UnreadableImage
            As `image`.
        """

    def image(self, index: int) -> UInt8:
        """Return record ``index`` (from 0) as RGB, ``(h, w, 3)`` uint8, upright.

        Raises
        ------
        UnreadableImage
            The message is the reason, in one short line.
        """

    def __len__(self) -> int:
        """How many records there are, the unreadable ones included."""


@runtime_checkable
class ReadsAhead(Protocol):
    """A `Source` that is faster with several records at once; see `images_of`."""

    def each_image(self, indices: Sequence[int]) -> Iterator[Found]:
        """Yield some records in the order asked, each as `Source.image` returns it, or why not."""


def images_of(source: Source, indices: Sequence[int]) -> Iterator[Found]:
    """Yield some records of a source in the order asked, or why one cannot be read.

    What is decoded ahead is bounded: at most one picture for the caller, one for the decoder, and
    1 MiB between them.
    """
    if isinstance(source, ReadsAhead):
        yield from source.each_image(indices)
        return
    for index in indices:
        try:
            yield source.image(index)
        except UnreadableImage as error:
            yield error


def fingerprint_of(
    ids: Sequence[str], content: Callable[[int], bytes], *, progress: Progress
) -> str:
    """Return the digest of ``(id, content)`` of every record, in order.

    Parameters
    ----------
    ids
        The records' names.
    content
        Gives a record's bytes; where it raises UnreadableImage the record counts as unreadable,
        and the digest differs from that of the same set with a readable record there.
    progress
        Told about the stage ``fingerprint``.

    Examples
    --------
    >>> from spolia.core.progress import silent
    >>> fingerprint_of(["a", "b"], [b"1", b"2"].__getitem__, progress=silent)[:16]
    '...'
    """
    digest = hashlib.blake2b(b"spolia source 1\n", digest_size=32)
    for index, name in enumerate(ids):
        encoded = name.encode()
        # The length in front keeps ("ab", "c") and ("a", "bc") apart.
        digest.update(len(encoded).to_bytes(8, "little") + encoded + _digest(content, index))
        if (index + 1) % _REPORT_EVERY == 0 or index + 1 == len(ids):
            progress("fingerprint", index + 1, len(ids))
    return digest.hexdigest()


def _digest(content: Callable[[int], bytes], index: int) -> bytes:
    try:
        return b"\x01" + hashlib.blake2b(content(index), digest_size=32).digest()
    except UnreadableImage:
        return b"\x00"
