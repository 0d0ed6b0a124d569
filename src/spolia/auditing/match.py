"""Nearest records of every set for every synthetic record, in parts that survive a kill."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from spolia.core.progress import Progress, silent
from spolia.core.rows import SubsetRows
from spolia.core.types import Float64, Int64, Rows
from spolia.search.join import join
from spolia.search.watch import Watch
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
    part_rows: int = 65536
    """Synthetic records a part covers, and the most a killed run has to redo: against 100,000
    train and control records of width 512 about half a minute on two cores. Each part reads and
    packs train and control anew, which costs as much as matching some 1,000 records; in memory a
    part takes 80 bytes for each record and side."""
    engine: str = "auto"
    """See `spolia.search.engines.ENGINES`."""


@dataclass(frozen=True, eq=False)
class Apart:
    """A row of a side whose group equals that of the asking row is not compared with it."""

    asking: Int64
    """``(m,)``."""
    sides: Mapping[str, Int64]
    """By name of the side, ``(n,)`` each."""


def match(
    asking: Rows,
    sides: Mapping[str, Rows],
    folder: Path,
    *,
    key: str,
    apart: Apart | None = None,
    options: MatchOptions = MatchOptions(),
    progress: Progress = silent,
) -> dict[str, Neighbours]:
    """Find the nearest rows of every side for every asking row, all sides in one pass.

    Parameters
    ----------
    asking
        ``(m, d)`` query rows.
    sides
        Base rows by name, each ``(n, d)``.
    folder
        Where finished parts are kept.
    key
        What the parts are a function of; parts with another key are computed anew.
    apart
        Rows that are not compared with each other; default none.

    Raises
    ------
    InputChanged
        If a file of a side changes meanwhile. Parts that were finished before are kept.
    """
    m = asking.shape[0]
    width = sum(rows.shape[0] for rows in sides.values())
    watch = Watch(asking, *sides.values())
    parts: dict[str, list[Neighbours]] = {name: [] for name in sides}
    for start in range(0, m, options.part_rows):
        rows = SubsetRows(asking, np.arange(start, min(start + options.part_rows, m)))
        count = rows.shape[0]
        paths = {name: folder / f"{name}_{start:010d}.npz" for name in sides}
        read = {name: _read_part(path, key, count) for name, path in paths.items()}
        found = {name: part for name, part in read.items() if part is not None}
        missing = {name: base for name, base in sides.items() if name not in found}
        if missing:
            pairs = count * sum(base.shape[0] for base in missing.values())
            done = (start + count) * width - pairs
            groups = None if apart is None else _groups(apart, start, count, missing)
            told = _counted(progress, done, pairs, m * width)
            new = _search(rows, missing, groups, options, told)
            watch.check()
            for name, part in new.items():
                _write_part(paths[name], key, part)
            found |= new
        progress("match", (start + count) * width, m * width)
        for name, part in found.items():
            parts[name].append(part)
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


def _groups(
    apart: Apart, start: int, count: int, sides: Mapping[str, Rows]
) -> tuple[Int64, list[Int64]]:
    return apart.asking[start : start + count], [apart.sides[name] for name in sides]


def _search(
    rows: Rows,
    sides: Mapping[str, Rows],
    groups: tuple[Int64, list[Int64]] | None,
    options: MatchOptions,
    progress: Progress,
) -> dict[str, Neighbours]:
    found = join(
        rows,
        tuple(sides.values()),
        k=NEIGHBOURS,
        exclude=groups,
        memory=options.memory,
        threads=options.threads,
        engine=options.engine,
        progress=progress,
    )
    return {
        name: Neighbours(cast("Int64", one.indices), cast("Float64", one.similarities))
        for name, one in zip(sides, found, strict=True)
    }


def _counted(progress: Progress, before: int, pairs: int, total: int) -> Progress:
    """Return the progress of a search through ``pairs`` pairs, told in pairs of the whole match."""

    def tell(_stage: str, done: int, of: int) -> None:
        progress("match", before + pairs * done // of, total)

    return tell


def _write_part(path: Path, key: str, part: Neighbours) -> None:
    with atomic_file(path) as file:
        np.savez(file, key=np.array(key), indices=part.indices, similarities=part.similarities)


@contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, Any]]:
    # numpy leaves a file open that it cannot read, if it opens it itself.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as part:
        yield part


def part_rows_of(folder: Path, side: str = "train") -> int:
    """Return how many records a part in ``folder`` covers; the default without parts.

    >>> part_rows_of(Path("nowhere"))
    65536
    """
    try:
        with _opened(folder / f"{side}_{0:010d}.npz") as part:
            return len(part["indices"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return MatchOptions.part_rows


def _read_part(path: Path, key: str, rows: int) -> Neighbours | None:
    try:
        with _opened(path) as part:
            # Parts of another length belong to a run that was cut up otherwise.
            if str(part["key"]) != key or len(part["indices"]) != rows:
                return None
            return Neighbours(part["indices"], part["similarities"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
