"""A zip of image files, read in place: nothing is ever extracted."""

import threading
import zipfile
from collections import Counter

from spolia.core.errors import UnreadableImage, UsageError
from spolia.core.progress import Progress
from spolia.sources.decode import reason_of
from spolia.sources.encoded import EncodedSource, is_hidden, is_image_name
from spolia.sources.identities import identities_of
from spolia.sources.limits import Limits, check_entries

_ENCRYPTED = 0x1


def open_zip(uri: str, *, identities: str, limits: Limits, progress: Progress) -> EncodedSource:
    """List the image files in a zip, sorted by name, which is the id.

    Names are only names: one with ``..`` or a leading slash reaches no file outside the zip.

    Raises
    ------
    UsageError
        If it is not a zip, holds no image, or holds a name twice.
    """
    try:
        archive = zipfile.ZipFile(uri)
    except Exception as error:  # zipfile also lets struct, value and decoding errors through
        raise UsageError(
            f"a zip is wanted, but {uri!r} cannot be opened ({reason_of(error)}); "
            "copy it again or repair it"
        ) from error
    check_entries(uri, len(archive.infolist()), limits)
    entries, ignored = _listing(archive)
    ids = tuple(entry.filename for entry in entries)
    _check_names(uri, ids, ignored)
    lock = threading.Lock()

    def read(index: int) -> bytes:
        entry = entries[index]
        _check_entry(entry, limits)
        try:
            # zipfile locks each read of the file, but not its count of open entries.
            with lock:
                return archive.read(entry)
        except Exception as error:  # each compression method has failures of its own
            raise UnreadableImage(reason_of(error)) from error

    return EncodedSource(uri, ids, identities_of(ids, identities), ignored, read, progress, limits)


def _listing(archive: zipfile.ZipFile) -> tuple[list[zipfile.ZipInfo], int]:
    visible = [
        entry
        for entry in archive.infolist()
        # A damaged directory may hold an entry without a name, on which `is_dir` fails.
        if entry.filename
        and not entry.is_dir()
        and not any(map(is_hidden, entry.filename.split("/")))
    ]
    images = [entry for entry in visible if is_image_name(entry.filename)]
    return sorted(images, key=lambda entry: entry.filename), len(visible) - len(images)


def _check_names(uri: str, ids: tuple[str, ...], ignored: int) -> None:
    if not ids:
        raise UsageError(
            f"a zip with images is wanted, but {uri!r} holds none "
            f"({ignored} other files); check the path"
        )
    name, times = Counter(ids).most_common(1)[0]
    if times > 1:
        raise UsageError(
            f"names in a zip must be distinct, but {uri!r} holds {name!r} {times} times; "
            "pack it again"
        )


def _check_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise UnreadableImage("encrypted")
    if entry.file_size > limits.encoded_bytes:
        raise UnreadableImage(f"file larger than {limits.encoded_bytes:,} bytes")
    if entry.file_size > limits.ratio * entry.compress_size:
        raise UnreadableImage(f"compressed more than {limits.ratio:,} times")
