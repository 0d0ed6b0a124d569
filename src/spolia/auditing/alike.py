"""Records that are alike: joins of a set with itself or with another, in parts that are kept."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from spolia.auditing.joined import read_part, write_part
from spolia.auditing.options import Options
from spolia.core.errors import ResultTooLarge
from spolia.core.progress import Progress, silent
from spolia.core.rows import SubsetRows
from spolia.core.types import Float64, Int64, Rows
from spolia.search.join import join
from spolia.search.result import JoinResult, Pairs, merge_pairs, shift
from spolia.search.watch import Watch

MOST_PAIRS = 5_000_000
"""Pairs within one set that are looked at; a set with more is alike throughout."""
MOST_NAMED = 1_000
"""Closest pairs of two identities that are kept for a reviewer."""

_PART_ROWS = 65536
_ROWS_PER_STEP = 8192

_Ask = Callable[[int, int], JoinResult | None]
"""Joins the query rows from one number to another; row numbers are those of the whole set."""


@dataclass(frozen=True)
class Kept:
    """Where finished parts of a join are kept, and how it is run; none of it changes a result."""

    folder: Path
    options: Options = Options()
    progress: Progress = silent


@dataclass(frozen=True, eq=False)
class Across:
    """One set against another: the nearest row of the other, and the closest pairs of all."""

    nearest: Int64
    """``(n,)``."""
    similarity: Float64
    """``(n,)``."""
    top: Pairs


def equal_rows(rows: Rows) -> Int64:
    """Return for every row ``(n,)`` the number of its value, in the order of first occurrence.

    >>> equal_rows(np.float32([[1, 0], [0, 1], [1, -0.0]])).tolist()
    [0, 1, 0]
    """
    numbers: dict[bytes, int] = {}
    of_row = np.empty(rows.shape[0], dtype=np.int64)
    for start in range(0, rows.shape[0], _ROWS_PER_STEP):
        piece = rows[start : start + _ROWS_PER_STEP] + np.float32(0.0)  # makes -0.0 a plain zero
        for i, row in enumerate(piece, start=start):
            digest = hashlib.blake2b(row.tobytes(), digest_size=16).digest()
            of_row[i] = numbers.setdefault(digest, len(numbers))
    return of_row


def pairs_within(rows: Rows, above: float, kept: Kept) -> Pairs | None:
    """Return all pairs of a set at or above a similarity, each once, the lower row as query.

    ``None`` where there are more than `MOST_PAIRS`.
    """
    n = rows.shape[0]

    def ask(start: int, stop: int) -> JoinResult | None:
        waiting, found, count = [(start, stop)], [], 0
        while waiting:
            first, last = waiting.pop()
            try:
                piece = join(
                    SubsetRows(rows, np.arange(first, last)),
                    SubsetRows(rows, np.arange(first, n)),
                    above=above,
                    memory=kept.options.memory,
                    threads=kept.options.threads,
                    engine=kept.options.engine,
                )
            except ResultTooLarge:
                if last - first == 1:
                    raise
                middle = (first + last) // 2
                waiting += [(middle, last), (first, middle)]
                continue
            found.append(_once(cast("Pairs", piece.pairs), first))
            count += len(found[-1])
            if count > MOST_PAIRS:
                return None
        return JoinResult(pairs=merge_pairs(found))

    parts = _parts(rows, ask, kept)
    if parts is None or sum(len(one) for one in _pairs(parts)) > MOST_PAIRS:
        return None
    return merge_pairs(_pairs(parts))


def closest_within(rows: Rows, groups: Int64, kept: Kept) -> Pairs:
    """Return the closest `MOST_NAMED` pairs of a set whose rows are of different groups."""
    n = rows.shape[0]

    def ask(start: int, stop: int) -> JoinResult:
        found = join(
            SubsetRows(rows, np.arange(start, stop)),
            SubsetRows(rows, np.arange(start, n)),
            # Pairs within the part are found both ways, the reverse after its own pair.
            top=2 * MOST_NAMED,
            exclude=(groups[start:stop], groups[start:]),
            memory=kept.options.memory,
            threads=kept.options.threads,
            engine=kept.options.engine,
        )
        return JoinResult(pairs=_once(cast("Pairs", found.top), start))

    return merge_pairs(_pairs(_parts(rows, ask, kept) or []), MOST_NAMED)


def across(query: Rows, base: Rows, kept: Kept) -> Across:
    """Return the nearest row of ``base`` for every row of ``query``, and the closest pairs."""

    def ask(start: int, stop: int) -> JoinResult:
        found = join(
            SubsetRows(query, np.arange(start, stop)),
            base,
            k=1,
            top=MOST_NAMED,
            memory=kept.options.memory,
            threads=kept.options.threads,
            engine=kept.options.engine,
        )
        return replace(found, top=None, pairs=shift(cast("Pairs", found.top), start))

    parts = _parts(query, ask, kept, base) or []
    return Across(
        np.concatenate([cast("Int64", part.indices)[:, 0] for part in parts]),
        np.concatenate([cast("Float64", part.similarities)[:, 0] for part in parts]),
        merge_pairs(_pairs(parts), MOST_NAMED),
    )


def _pairs(parts: list[JoinResult]) -> list[Pairs]:
    return [cast("Pairs", part.pairs) for part in parts]


def _once(pairs: Pairs, first: int) -> Pairs:
    """Return each pair of a set with itself once; both sides were counted from row ``first``."""
    rows = np.flatnonzero(pairs.query < pairs.base)
    return Pairs(pairs.query[rows] + first, pairs.base[rows] + first, pairs.similarity[rows])


def _parts(query: Rows, ask: _Ask, kept: Kept, *others: Rows) -> list[JoinResult] | None:
    """Return the joins of consecutive rows, from disk where they are finished.

    ``None`` as soon as one of them is.
    """
    watch = Watch(query, *others)
    n = query.shape[0]
    found: list[JoinResult] = []
    for start in range(0, n, _PART_ROWS):
        path = kept.folder / f"pairs_{start:010d}.npz"
        stop = min(start + _PART_ROWS, n)
        part = read_part(path)
        if part is None:
            part = ask(start, stop)
            watch.check()
            if part is None:
                return None
            write_part(path, part)
        found.append(part)
        kept.progress("duplicates", stop, n)
    return found
