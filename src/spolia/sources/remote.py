"""Sets in stores that a network or an archive keeps: copied here first, because the user says so.

``PROTOCOL://PATH`` is a place that fsspec knows (``s3://bucket/faces.tar``,
``https://host/set.zip``); nothing else makes spolia use a network. What is there is copied into a
private folder, which is gone when the program ends, and read from it as ever.
"""

import atexit
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import Any

from spolia.core.errors import MissingExtra, UsageError
from spolia.core.progress import Progress
from spolia.sources.address import shards_of, split_key
from spolia.sources.decode import reason_of

_BESIDE = {".rec": (".idx", ".lst")}
"""What is read beside a file, if it is there."""
_COPIES: dict[str, str] = {}
"""Where each place was copied to, once in a program, so that all of a run sees one state of it; the
folder goes when the program ends."""


def fetched(place: str, progress: Progress) -> str:
    """Copy what lies at a remote place, once, and return the same place here.

    Raises
    ------
    MissingExtra
        If fsspec is not installed.
    UsageError
        If there is nothing there, it cannot be reached, or it is a list, whose files lie elsewhere.
    """
    if place not in _COPIES:
        _COPIES[place] = _copied(place, progress)
    return _COPIES[place]


def _copied(place: str, progress: Progress) -> str:
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtra(
            f"a set at {place!r} needs fsspec, which is not installed; "
            "run: pip install 'spolia[remote]'"
        ) from error
    path, key = split_key(place)
    if PurePosixPath(path).suffix.lower() == ".csv":
        raise UsageError(
            f"a list names files beside it, but {place!r} lies elsewhere; copy the list and its "
            "files here, or give the folder"
        )
    kept = mkdtemp(prefix="spolia-")
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    try:
        for shard in _counted(shards_of(path), place, progress):
            store, there = fsspec.core.url_to_fs(shard)
            _copy(store, there, Path(kept))
    except Exception as error:  # every store has failures of its own
        raise UsageError(
            f"a set is wanted at {place!r}, but it cannot be copied from there "
            f"({reason_of(error)}); check the address, or copy it here yourself"
        ) from error
    local = str(Path(kept) / PurePosixPath(path.rstrip("/")).name)
    return local if key is None else f"{local}#{key}"


def _counted(shards: tuple[str, ...], place: str, progress: Progress) -> Iterator[str]:
    for number, shard in enumerate(shards):
        progress(f"copy {place}", number, len(shards))
        yield shard
    progress(f"copy {place}", len(shards), len(shards))


def _copy(store: Any, there: str, folder: Path) -> None:
    name = PurePosixPath(there.rstrip("/")).name
    if store.isdir(there):
        for one in store.find(there):
            target = folder / name / _inside(one, there.rstrip("/") + "/")
            target.parent.mkdir(parents=True, exist_ok=True)
            store.get_file(one, str(target))
        return
    store.get_file(there, str(folder / name))
    stem, suffix = there[: -len(PurePosixPath(there).suffix)], PurePosixPath(there).suffix
    for more in _BESIDE.get(suffix.lower(), ()):
        with suppress(FileNotFoundError):
            store.get_file(stem + more, str(folder / (PurePosixPath(stem).name + more)))


def _inside(file: str, folder: str) -> str:
    """Return the path of a file in its folder: what a store lists may lead elsewhere."""
    path = file.removeprefix(folder)
    if path == file or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(f"it lists {file!r}, which is not in the folder")
    return path
