"""Nearest records of every set for every synthetic record, in parts that survive a kill."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from spolia.core.progress import Progress, silent
from spolia.core.types import Float64, Int64, Rows
from spolia.search.join import join
from spolia.store.atomic import atomic_file

NEIGHBOURS = 5
"""Nearest records kept for every synthetic record and set."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The k nearest records of one set for each of m synthetic records, nearest first."""

    indices: Int64
    """``(m, k)`` row numbers; -1 where the set has fewer than k rows."""
    similarities: Float64
    """``(m, k)``; ``-inf`` there."""


@dataclass(frozen=True)
class MatchOptions:
    """How the search is run; none of it changes a result."""

    memory: int = 512 << 20
    """Bytes the search may use beside the embeddings."""
    threads: int | None = None
    """Default: one per core."""
    part_rows: int = 16384
    """Synthetic records a part covers, and the most a killed run has to redo."""


def match(
    synthetic: Rows,
    sides: Mapping[str, Rows],
    folder: Path,
    *,
    key: str,
    options: MatchOptions = MatchOptions(),
    progress: Progress = silent,
) -> dict[str, Neighbours]:
    """Find the nearest rows of every side for every synthetic row.

    Parameters
    ----------
    synthetic
        ``(m, d)`` query rows.
    sides
        Base rows by name, each ``(n, d)``.
    folder
        Where finished parts are kept.
    key
        What the parts are a function of; parts with another key are computed anew.
    """
    m = synthetic.shape[0]
    total = m * sum(rows.shape[0] for rows in sides.values())
    parts: dict[str, list[Neighbours]] = {name: [] for name in sides}
    done = 0
    for start in range(0, m, options.part_rows):
        rows = synthetic[start : start + options.part_rows]
        for name, base in sides.items():
            path = folder / f"{name}_{start:010d}.npz"
            part = _read_part(path, key, len(rows))
            finished = done + len(rows) * base.shape[0]
            if part is None:
                part = _search(rows, base, options, progress, done, total)
                _write_part(path, key, part)
            else:
                progress("match", finished, total)
            parts[name].append(part)
            done = finished
    return {
        name: Neighbours(
            np.concatenate([part.indices for part in some]),
            np.concatenate([part.similarities for part in some]),
        )
        for name, some in parts.items()
    }


def nearest_of(one: Neighbours, other: Neighbours) -> Neighbours:
    """Return the nearest among two sets whose rows are numbered alike.

    >>> a = Neighbours(np.array([[0, 2]]), np.array([[0.9, 0.2]]))
    >>> b = Neighbours(np.array([[1, 3]]), np.array([[0.5, 0.1]]))
    >>> nearest_of(a, b).indices.tolist()
    [[0, 1]]
    """
    k = one.indices.shape[1]
    indices = np.concatenate([one.indices, other.indices], axis=1)
    similarities = np.concatenate([one.similarities, other.similarities], axis=1)
    order = np.lexsort((indices, -similarities))[:, :k]
    return Neighbours(
        np.take_along_axis(indices, order, axis=1),
        np.take_along_axis(similarities, order, axis=1),
    )


def _search(
    rows: Rows, base: Rows, options: MatchOptions, progress: Progress, done: int, total: int
) -> Neighbours:
    def tell(_stage: str, finished: int, _of: int) -> None:
        progress("match", done + finished * base.shape[0], total)

    found = join(
        rows,
        base,
        k=NEIGHBOURS,
        memory=options.memory,
        threads=options.threads,
        progress=tell,
    )
    return Neighbours(cast("Int64", found.indices), cast("Float64", found.similarities))


def _write_part(path: Path, key: str, part: Neighbours) -> None:
    with atomic_file(path) as file:
        np.savez(file, key=np.array(key), indices=part.indices, similarities=part.similarities)


def part_rows_of(folder: Path) -> int:
    """Return how many synthetic records a part in ``folder`` covers; the default without parts.

    >>> part_rows_of(Path("nowhere"))
    16384
    """
    try:
        with np.load(folder / f"train_{0:010d}.npz", allow_pickle=False) as part:
            return len(part["indices"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return MatchOptions.part_rows


def _read_part(path: Path, key: str, rows: int) -> Neighbours | None:
    try:
        with np.load(path, allow_pickle=False) as part:
            # Parts of another length belong to a run that was cut up otherwise.
            if str(part["key"]) != key or len(part["indices"]) != rows:
                return None
            return Neighbours(part["indices"], part["similarities"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
