"""Rows kept from one run to the next, by what the image holds and what made the row of it.

::

    FOLDER/rows-<maker>.sqlite      rows: content (digest, 32 bytes), row (float32, little endian)

A row is found again wherever its image lies and whatever it is called; another model,
preprocessing or decoder is another file. Embeddings are personal data: the folder is made for its
owner only, and nothing is kept unless it is asked for.
"""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.types import Float32
from spolia.store.atomic import OWNER_ONLY, make_private

PATTERN = "rows-*.sqlite"
"""The files of a cache."""

_TABLE = "CREATE TABLE IF NOT EXISTS rows (content BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID"
_ROW = np.dtype("<f4")


def content_key(content: bytes) -> bytes:
    """Return the digest by which a row is found again.

    >>> len(content_key(b"an image"))
    32
    """
    return hashlib.blake2b(content, digest_size=32).digest()


class RowCache:
    """The rows that one maker made; safe in several threads, and in several processes.

    Parameters
    ----------
    folder
        Where the files lie; made if missing.
    maker
        Hex digest of everything but the image that decides a row.
    dim
        Width of a row.

    Raises
    ------
    UsageError
        If the file cannot be opened, or is no such file.

    Examples
    --------
    >>> import tempfile
    >>> with RowCache(Path(tempfile.mkdtemp()), "ab", 2) as cache:
    ...     cache.put([(content_key(b"an image"), np.array([0.6, 0.8], np.float32))])
    ...     cache.get(content_key(b"an image")), cache.get(content_key(b"another"))
    (array([0.6, 0.8], dtype=float32), None)
    """

    def __init__(self, folder: Path, maker: str, dim: int) -> None:
        self._path = folder / PATTERN.replace("*", maker)
        self._dim = dim
        self._lock = threading.Lock()
        try:
            make_private(folder)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, OWNER_ONLY))
            self._rows = sqlite3.connect(self._path, timeout=60, check_same_thread=False)
            with self._rows:
                self._rows.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise self._refusal(error) from error

    def get(self, key: bytes) -> Float32 | None:
        """Return the row ``(dim,)`` of an image, if it is there."""
        try:
            with self._lock:
                found = self._rows.execute("SELECT row FROM rows WHERE content = ?", (key,))
                one = found.fetchone()
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        if one is None:
            return None
        if len(one[0]) != self._dim * _ROW.itemsize:
            raise self._refusal(ValueError(f"a row has {len(one[0])} bytes"))
        return np.frombuffer(one[0], dtype=_ROW).astype(np.float32)

    def put(self, rows: Iterable[tuple[bytes, Float32]]) -> None:
        """Keep the rows of some images, all of them or none."""
        packed = [(key, row.astype(_ROW).tobytes()) for key, row in rows]
        try:
            with self._lock, self._rows:
                self._rows.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?)", packed)
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    def __enter__(self) -> "RowCache":
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    def _refusal(self, error: Exception) -> UsageError:
        return UsageError(
            f"a cache of embeddings is wanted at {self._path}, but it cannot be used ({error}); "
            "delete the file, or choose another folder"
        )
