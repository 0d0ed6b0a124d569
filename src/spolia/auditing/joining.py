"""A join of two stored sets of embeddings, or of one with itself, in a folder and resumable."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from spolia.auditing.joined import read_part, write_part, write_tables
from spolia.core.errors import PlanMismatch, UsageError
from spolia.core.progress import Progress, silent
from spolia.core.rows import SubsetRows
from spolia.core.types import Int64, Rows
from spolia.core.version import VERSION
from spolia.search.engines import check_engine
from spolia.search.join import join
from spolia.search.plan import Wanted
from spolia.search.result import JoinResult, Pairs, merge
from spolia.search.watch import Watch
from spolia.store.atomic import write_text
from spolia.store.precomputed import Opened, open_precomputed
from spolia.store.shards import name_digest

FILE = "join.json"


@dataclass(frozen=True)
class JoinOptions:
    """How a join is run. Only ``part_rows`` concerns the result, and of it only the histogram."""

    memory: int = 2 << 30
    """Bytes the join may use beside the embeddings and its result."""
    threads: int | None = None
    """Default: one per core."""
    engine: str = "auto"
    """See `spolia.search.engines.ENGINES`."""
    part_rows: int = 65536
    """Query rows a part covers, and the most a killed join has to redo: against 100,000 base rows
    of width 512 about half a minute on two cores. Each part reads and packs base anew, which costs
    as much as comparing it with some 1,000 query rows."""


def join_to_folder(
    query: Path,
    base: Path | None,
    out: Path,
    wanted: Wanted,
    *,
    exclude_identities: bool = False,
    options: JoinOptions = JoinOptions(),
    progress: Progress = silent,
) -> dict[str, Any]:
    """Join two stored sets and write one table per output into ``out``.

    ``nearest.parquet`` (query, rank, base, similarity), ``above.parquet`` and ``top.parquet``
    (query, base, similarity), ``histogram.parquet`` (low, high, count), ``join.json``. Called again
    with the same sets and options, it goes on after the last finished part, with any engine.

    The histogram counts a sample of the query rows exactly: of each part the 512 evenly spaced
    rows of `spolia.search.result.sampled_rows`. ``histogram_rows`` says how many there were.

    Parameters
    ----------
    base
        ``None`` compares ``query`` with itself: no row with itself, and ``above`` and ``top`` list
        each pair once, with the row that comes first in the set as query.
    exclude_identities
        Leave out the pairs that show the same identity.

    Returns
    -------
    dict
        What ``join.json`` holds: the options, the inputs' fingerprints, how many rows each table
        has, and how many query rows the histogram counts.

    Raises
    ------
    UsageError
        If a set is not embeddings, nothing is wanted, the engine is not there, or identities are
        to be excluded where they are not known.
    PlanMismatch
        If ``out`` holds another join.
    InputChanged
        If a file of a set changes meanwhile. Parts that were finished before are kept.
    """
    if wanted == Wanted():
        raise UsageError("a join must be asked for k, above, top or histogram, but none is given")
    check_engine(options.engine)
    sides = _Sides.open(query, base)
    watch = Watch(sides.query.embeddings.vectors, sides.base.embeddings.vectors)
    record = {
        "spolia": VERSION,
        **asdict(wanted),
        "part_rows": options.part_rows,
        "query": sides.query.fingerprint,
        "base": None if sides.itself else sides.base.fingerprint,
        "embedder": sides.query.model.fingerprint,
        "exclude_identities": exclude_identities,
        "identities": sides.identities() if exclude_identities else None,
    }
    groups = sides.groups(exclude_identities=exclude_identities)
    _begin(out, record)
    n = len(sides.query.embeddings)
    starts = range(0, max(n, 1), options.part_rows)
    parts = []
    for number, start in enumerate(starts):
        path = out / "parts" / f"part_{number:05d}.npz"
        part = read_part(path)
        if part is None:
            part = _join_part(sides, groups, wanted, start, options, progress)
            watch.check()
            write_part(path, part)
        parts.append(part)
        progress("join", min(start + options.part_rows, n), n)
    watch.check()
    whole = _merged(parts, list(starts), wanted, both_ways=sides.itself)
    record["rows"] = write_tables(out, whole, sides.query, sides.base)
    record["histogram_rows"] = None if whole.histogram is None else whole.histogram.rows
    write_text(out / FILE, json.dumps(record, indent=2) + "\n")
    return record


@dataclass(frozen=True, eq=False)
class _Sides:
    """What is joined: two sets, or one with itself."""

    query: Opened
    base: Opened
    itself: bool

    @classmethod
    def open(cls, query: Path, base: Path | None) -> "_Sides":
        one = open_precomputed(query)
        other = one if base is None else open_precomputed(base)
        if one.model.fingerprint != other.model.fingerprint:
            raise UsageError(
                f"query and base must come from one embedder, but were made by {one.model.name} "
                f"and {other.model.name}, or by another version; embed them with the same"
            )
        return cls(one, other, base is None)

    def identities(self) -> str:
        """Return a digest of who is who, which no fingerprint of a store covers."""
        return name_digest([*self._names("query"), *self._names("base")])

    def groups(self, *, exclude_identities: bool) -> tuple[Int64, Int64] | None:
        """Return the groups of query and of base that are not compared within."""
        if exclude_identities:
            known: dict[str, int] = {}
            query, base = (
                np.array(
                    [known.setdefault(name, len(known)) for name in self._names(role)],
                    dtype=np.int64,
                )
                for role in ("query", "base")
            )
            return query, base
        if self.itself:
            rows = np.arange(len(self.query.embeddings), dtype=np.int64)
            return rows, rows
        return None

    def _names(self, role: str) -> tuple[str, ...]:
        names: tuple[str, ...] | None = getattr(self, role).embeddings.identities
        if names is None:
            raise UsageError(
                f"to exclude identities, both sides must have them, but {role} has none; embed it "
                "with --identities, or give the .parquet beside the .npy a column identity"
            )
        return names


def _join_part(
    sides: _Sides,
    groups: tuple[Int64, Int64] | None,
    wanted: Wanted,
    start: int,
    options: JoinOptions,
    progress: Progress,
) -> JoinResult:
    """Join one part of query with base; a set with itself: with all rows that may matter.

    Within a set every pair is found both ways. That the reversed ones can be dropped at the end
    without missing one of the ``top``: each comes after its own pair in the order, so among the
    best 2 * top of both ways are the best ``top`` of one.
    """
    query: Rows = sides.query.embeddings.vectors
    base: Rows = sides.base.embeddings.vectors
    n, m = query.shape[0], base.shape[0]
    rows = np.arange(start, min(start + options.part_rows, n))
    # A pair is listed with its later row as base; neighbours and counts need the earlier ones too.
    listed_only = sides.itself and wanted.k is None and wanted.histogram is None
    first = start if listed_only else 0
    found = join(
        SubsetRows(query, rows),
        SubsetRows(base, np.arange(first, m)) if first else base,
        k=wanted.k,
        above=wanted.above,
        top=2 * wanted.top if wanted.top is not None and sides.itself else wanted.top,
        histogram=wanted.histogram,
        exclude=None if groups is None else (groups[0][rows], groups[1][first:]),
        memory=options.memory,
        threads=options.threads,
        engine=options.engine,
        progress=lambda stage, done, _total: progress(stage, start + done, n),
    )
    return replace(found, pairs=_moved(found.pairs, first), top=_moved(found.top, first))


def _moved(pairs: Pairs | None, first: int) -> Pairs | None:
    """Return pairs whose base rows are counted from ``first`` on."""
    return None if pairs is None else replace(pairs, base=pairs.base + first)


def _merged(
    parts: list[JoinResult], starts: list[int], wanted: Wanted, *, both_ways: bool
) -> JoinResult:
    if not both_ways:
        return merge(parts, starts, top=wanted.top)
    whole = merge(parts, starts, top=None if wanted.top is None else 2 * wanted.top)
    return replace(whole, pairs=_once(whole.pairs, None), top=_once(whole.top, wanted.top))


def _once(pairs: Pairs | None, limit: int | None) -> Pairs | None:
    """Return each pair of a set with itself once, the first ``limit`` of them where given."""
    if pairs is None:
        return None
    rows = np.flatnonzero(pairs.query < pairs.base)[:limit]
    return Pairs(pairs.query[rows], pairs.base[rows], pairs.similarity[rows])


def _begin(out: Path, record: dict[str, Any]) -> None:
    path = out / FILE
    if not path.exists():
        if out.exists() and any(out.iterdir()):
            raise UsageError(f"{out} is not empty and holds no join; choose another --out")
        write_text(path, json.dumps(record, indent=2) + "\n")
        return
    there = json.loads(path.read_bytes())
    changed = [key for key, value in record.items() if there.get(key) != value]
    if changed:
        raise PlanMismatch(
            f"{out} holds another join: {', '.join(changed)} changed; choose another --out"
        )
