"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

OWNER_ONLY = 0o600
"""Embeddings and matches are personal: nobody else on the machine may read them."""


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears at ``path`` complete when the block ends, or not at all.

    Written to a temporary name beside it, synced, renamed over ``path``; mode 0600.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.txt"
    >>> with atomic_file(path) as file:
    ...     _ = file.write(b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    make_private(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(
            temporary, "wb", opener=lambda name, flags: os.open(name, flags, OWNER_ONLY)
        ) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def make_private(folder: Path) -> None:
    """Make a folder and what leads to it, each for the owner only, where they are missing."""
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, whole or not at all."""
    with atomic_file(path) as file:
        file.write(text.encode("utf-8", "surrogatepass"))


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
