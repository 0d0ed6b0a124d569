"""Delete what shows people: embeddings can be turned back into likenesses, some reports show them.

Verdict, findings and the public report stay, and so does what an audit counted. What is gone can
no longer be verified, and the same audit embeds again.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spolia.auditing.generating import SAMPLES
from spolia.auditing.stages import EMBEDDINGS, RUN_FILES
from spolia.core.errors import UsageError
from spolia.store.cache import PATTERN
from spolia.store.columns import FILE as COLUMNS

_WITH_IMAGES = ("report-internal.html", "report-full.html")
_STORE = ("manifest.json", "img_emb", "metadata", COLUMNS)
_PARTS = 2
"""A run of a study lies this deep in it."""


@dataclass(frozen=True)
class Personal:
    """A file or folder that is to go, and how large it is."""

    path: Path
    size: int


def find_personal(folder: Path) -> list[Personal]:
    """Return what a run, a study, a store or a cache holds that shows people.

    Raises
    ------
    UsageError
        If the folder is none of these.
    """
    if any((folder / name).is_file() for name in RUN_FILES):
        found = [
            path
            for depth in range(_PARTS + 1)
            for name in (EMBEDDINGS, SAMPLES, *_WITH_IMAGES)
            for path in sorted(folder.glob("*/" * depth + name))
        ]
    elif (folder / _STORE[0]).is_file():
        found = [folder / name for name in _STORE if (folder / name).exists()]
    elif caches := sorted(folder.glob(PATTERN + "*")):  # with what SQLite keeps beside it
        found = caches
    else:
        raise UsageError(
            f"a run, a study, a store of embeddings or a cache is wanted, but {folder} is none; "
            "check the path"
        )
    return [Personal(path, _size(path)) for path in found if not path.is_symlink()]


def purge(personal: Sequence[Personal]) -> None:
    """Delete what `find_personal` found."""
    for one in personal:
        if one.path.is_dir():
            shutil.rmtree(one.path)
        else:
            one.path.unlink()


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(one.lstat().st_size for one in files)
