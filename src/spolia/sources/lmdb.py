"""Images in LMDB: a folder with ``data.mdb``, or such a file, each value an encoded image.

Nothing is unpickled: a value that is a pickle is unreadable, and says so.
"""

import os
import re
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from spolia.core.errors import MissingExtra, UnreadableImage, UsageError
from spolia.core.progress import Progress
from spolia.sources.address import split_key
from spolia.sources.decode import reason_of
from spolia.sources.encoded import EncodedSource
from spolia.sources.identities import identities_of
from spolia.sources.limits import Limits, check_entries
from spolia.sources.pieces import PiecesFile

if TYPE_CHECKING:
    import lmdb

DATA = "data.mdb"
_NOTES = re.compile(rb"__.*__|length|num[-_]samples|meta|label-\d+", re.DOTALL)
"""Keys of what tools note beside the images, where no pattern is given."""
_MAGIC = 0xBEEFC0DE
_PICKLE = re.compile(rb"\x80[\x02-\x05]")

_opened: "WeakValueDictionary[str, lmdb.Environment]" = WeakValueDictionary()
_opening = threading.Lock()


def open_lmdb(uri: str, *, identities: str, limits: Limits, progress: Progress) -> EncodedSource:
    """List the keys of an LMDB in its order; ``PATH#PATTERN`` names those of the images.

    The id is the key, or what the one group of PATTERN finds in it. Without a pattern, keys that
    tools use for notes (``__len__``, ``__keys__``, ``length``, ``num-samples``, ``meta``,
    ``label-1``) are left out and counted.

    Raises
    ------
    MissingExtra
        If the package lmdb is not installed.
    UsageError
        If it is no LMDB, is truncated, or no key fits.
    """
    path, pattern = split_key(uri)
    wanted = _compiled(pattern)
    environment, file = _environment(path)
    keys: list[bytes] = []
    ids: list[str] = []
    others = 0
    with environment.begin(buffers=False) as reading:
        check_entries(uri, int(reading.stat()["entries"]), limits)
        for key in reading.cursor().iternext(keys=True, values=False):
            name = _name(key, wanted)
            if name is None:
                others += 1
            else:
                keys.append(key)
                ids.append(name)
    if not keys:
        raise UsageError(
            f"an LMDB with images is wanted, but none of the {others:,} keys of {uri!r} is that "
            "of one; say which are as PATH#PATTERN"
        )
    if len(set(ids)) < len(ids):
        raise UsageError(
            f"the ids that {pattern!r} finds in the keys of {path!r} must be distinct, but are "
            "not; put the group round more of the key"
        )

    def read(index: int) -> bytes:
        file.check_as_long()
        return _read(environment, keys[index], limits)

    names = tuple(ids)
    people = identities_of(names, identities)
    return EncodedSource(uri, names, people, others, read, progress, limits)


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    try:
        compiled = None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise UsageError(
            f"keys of images need a regular expression, but {pattern!r} is none: {error}; "
            "correct it"
        ) from error
    if compiled is not None and compiled.groups > 1:
        raise UsageError(
            f"a pattern of keys may have one group, for the id, but {pattern!r} has "
            f"{compiled.groups}; write (?:...) for the others"
        )
    return compiled


def _name(key: bytes, wanted: re.Pattern[str] | None) -> str | None:
    """Return the id of a key, or None where it is not that of an image."""
    text = key.decode("utf-8", "backslashreplace")
    if wanted is None:
        return None if _NOTES.fullmatch(key) else text
    match = wanted.search(text)
    if match is None:
        return None
    return match[1] if wanted.groups and match[1] is not None else text


def _environment(path: str) -> "tuple[lmdb.Environment, PiecesFile]":
    """Open an LMDB for reading; once in a process, as LMDB wants it. And its file."""
    try:
        import lmdb
    except ImportError as error:
        raise MissingExtra(
            "LMDB needs the package lmdb, which is not installed; pip install 'spolia[lmdb]'"
        ) from error
    file = str(Path(path) / DATA) if Path(path).is_dir() else path
    pieces = _whole(file)
    with _opening:
        # The status tells a file that was written anew under the same name.
        status = Path(file).stat()
        name = f"{os.path.realpath(file)} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
        known = _opened.get(name)
        if known is not None:
            return known, pieces
        try:
            environment = lmdb.open(
                file, subdir=False, readonly=True, lock=False, create=False, readahead=False
            )
        except lmdb.Error as error:
            raise UsageError(
                f"an LMDB is wanted, but {path!r} cannot be opened ({reason_of(error)}); "
                "copy it again"
            ) from error
        _opened[name] = environment
        return environment, pieces


def _whole(path: str) -> PiecesFile:
    """Return a file that is not shorter than it says: reading past the end would end the program.

    A page begins with 16 bytes; in the first two, then: magic, version, address, size of the map,
    two databases of 48 bytes (the first has the size of a page), last page, transaction.
    """
    file = PiecesFile(path, "an LMDB")
    head = file.read(0, 152)
    if len(head) < 152 or struct.unpack_from("<I", head, 16)[0] != _MAGIC:
        raise UsageError(f"an LMDB is wanted, but {path!r} does not begin like one; check the path")
    page = struct.unpack_from("<I", head, 40)[0]
    metas = [head, file.read(page, 152)] if 256 <= page <= 65536 else []
    if len(metas) != 2 or len(metas[1]) < 152:
        raise UsageError(f"an LMDB is wanted, but {path!r} is damaged at its head; copy it again")
    last = max(metas, key=lambda meta: struct.unpack_from("<Q", meta, 144)[0])
    pages = struct.unpack_from("<Q", last, 136)[0] + 1
    if pages * page > file.size:
        raise UsageError(
            f"a whole LMDB is wanted, but {path!r} has {file.size:,} bytes of the "
            f"{pages * page:,} that it says; copy it again"
        )
    return file


def _read(environment: "lmdb.Environment", key: bytes, limits: Limits) -> bytes:
    try:
        with environment.begin(buffers=True) as reading:
            value = reading.get(key)
            if value is None:
                raise UnreadableImage("key that is no longer there")
            if len(value) > limits.encoded_bytes:
                raise UnreadableImage(f"value larger than {limits.encoded_bytes:,} bytes")
            content = bytes(value)
    except UnreadableImage:
        raise
    except Exception as error:  # those of lmdb, and of memory
        raise UnreadableImage(reason_of(error)) from error
    if _PICKLE.match(content) and content.endswith(b"."):
        raise UnreadableImage("pickle, which is never loaded")
    return content
