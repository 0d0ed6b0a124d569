"""A folder of image files, at any depth."""

import os
import stat
from pathlib import Path

from spolia.core.errors import UnreadableImage, UsageError
from spolia.core.progress import Progress
from spolia.sources.decode import reason_of
from spolia.sources.encoded import EncodedSource, is_hidden, is_image_name
from spolia.sources.identities import identities_of
from spolia.sources.limits import Limits, check_entries

_SETS = (".rec", ".tar", ".parquet", ".zip", ".csv", ".npz", ".npy")
"""Files in a folder without images that may be what was meant."""


def open_folder(uri: str, *, identities: str, limits: Limits, progress: Progress) -> EncodedSource:
    """List the image files under a folder, sorted by relative path, which is the id.

    Hidden files and folders are left out; other files are left out and counted. A link to a file
    outside the folder is listed, but unreadable.

    Raises
    ------
    UsageError
        If it is not a folder, cannot be listed, holds no image, or holds a link to a folder
        elsewhere.
    """
    if not Path(uri).is_dir():
        raise UsageError(f"a folder is wanted, but {uri!r} is none; give --format, or its folder")
    root = Path(uri).resolve()
    names, ignored = _listing(root)
    if not names:
        raise UsageError(
            f"a folder with images is wanted, but {uri!r} holds none "
            f"({ignored} other files); {_advice(uri, root)}"
        )
    check_entries(uri, len(names), limits)
    names.sort()
    # A name that is not UTF-8 comes as lone surrogates, which no table and no page can hold.
    ids = tuple(name.encode("utf-8", "backslashreplace").decode() for name in names)

    def read(index: int) -> bytes:
        return read_file(root, names[index], limits)

    return EncodedSource(uri, ids, identities_of(ids, identities), ignored, read, progress, limits)


def _advice(uri: str, root: Path) -> str:
    inside = sorted(path.name for path in root.iterdir() if path.suffix.lower() in _SETS)
    return f"did you mean {str(Path(uri) / inside[0])!r}?" if inside else "check the path"


def _listing(root: Path) -> tuple[list[str], int]:
    names: list[str] = []
    ignored = 0
    # A stack and not recursion: a hostile set may be nested a thousand folders deep.
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        for entry in _entries(root, prefix):
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name + "/")
            elif _links_to_folder(entry):
                _check_link_to_folder(root, name)
                ignored += 1  # its images are listed where they really lie
            elif is_image_name(name):
                names.append(name)
            else:
                ignored += 1
    return names, ignored


def _entries(root: Path, prefix: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / prefix) as entries:
            return [entry for entry in entries if not is_hidden(entry.name)]
    except OSError as error:
        raise UsageError(
            f"every folder of a set must be readable, but {prefix or str(root)!r} cannot be "
            f"listed ({reason_of(error)}); change its permissions or take it out"
        ) from error


def _links_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _check_link_to_folder(root: Path, name: str) -> None:
    # A file that we may not follow is one unreadable record; a folder may be half the set, and
    # an audit without it would be a wrong number.
    if leaves(root, root / name):
        raise UsageError(
            f"links in a set must stay inside it, but {name!r} leads to a folder elsewhere; "
            "put the images themselves there, or remove the link"
        )


def leaves(root: Path, path: Path) -> bool:
    """Whether a path leads out of a folder (resolved), by a link at any depth."""
    try:
        return not path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link that leads to itself
        return True


def read_file(root: Path, name: str, limits: Limits) -> bytes:
    """Return the bytes of a file under a folder (resolved), if it is one and lies in there.

    Raises
    ------
    UnreadableImage
        If it leads elsewhere, is too large, or cannot be read.
    """
    path = root / name
    try:
        if path.is_symlink() and leaves(root, path):
            raise UnreadableImage("link that leaves the folder")
        status = path.stat()
        # Reading a pipe would wait for ever.
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImage("not a regular file")
        if status.st_size > limits.encoded_bytes:
            raise UnreadableImage(f"file larger than {limits.encoded_bytes:,} bytes")
        return path.read_bytes()
    except (OSError, MemoryError) as error:
        raise UnreadableImage(reason_of(error)) from error
