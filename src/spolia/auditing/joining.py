"""A join of two stored sets of embeddings, written to a folder and resumable."""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spolia.core.errors import PlanMismatch, UsageError
from spolia.core.progress import Progress, silent
from spolia.core.types import Int64
from spolia.core.version import VERSION
from spolia.search.join import join
from spolia.search.plan import Wanted
from spolia.search.result import Histogram, JoinResult, Pairs, merge
from spolia.store.atomic import atomic_file, write_text
from spolia.store.precomputed import Opened, open_precomputed

FILE = "join.json"
PART_ROWS = 16384
"""Query rows a part covers, and the most a killed join has to redo."""


def join_to_folder(
    query: Path,
    base: Path,
    out: Path,
    wanted: Wanted,
    *,
    memory: int = 2 << 30,
    threads: int | None = None,
    part_rows: int = PART_ROWS,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Join two stored sets and write one table per output into ``out``.

    ``nearest.parquet`` (query, rank, base, similarity), ``above.parquet`` and ``top.parquet``
    (query, base, similarity), ``histogram.parquet`` (low, high, count), ``join.json``. Called again
    with the same sets and options, it goes on after the last finished part.

    Returns
    -------
    dict
        What ``join.json`` holds: the options, the inputs' fingerprints, and how many rows each
        table has.

    Raises
    ------
    UsageError
        If a set is not embeddings, or nothing is wanted.
    PlanMismatch
        If ``out`` holds another join.
    """
    if wanted == Wanted():
        raise UsageError("a join must be asked for k, above, top or histogram, but none is given")
    sides = {"query": open_precomputed(query), "base": open_precomputed(base)}
    models = {role: one.model for role, one in sides.items()}
    if models["query"].fingerprint != models["base"].fingerprint:
        raise UsageError(
            f"query and base must come from one embedder, but were made by {models['query'].name} "
            f"and {models['base'].name}, or by another version; embed them with the same"
        )
    record = {
        "spolia": VERSION,
        **asdict(wanted),
        "part_rows": part_rows,
        "query": sides["query"].fingerprint,
        "base": sides["base"].fingerprint,
        "embedder": models["query"].fingerprint,
    }
    _begin(out, record)
    rows, against = sides["query"].embeddings.vectors, sides["base"].embeddings.vectors
    starts = range(0, max(rows.shape[0], 1), part_rows)
    parts = []
    for number, start in enumerate(starts):
        path = out / "parts" / f"part_{number:05d}.npz"
        part = _read(path)
        if part is None:
            part = join(
                rows[start : start + part_rows],
                against,
                k=wanted.k,
                above=wanted.above,
                top=wanted.top,
                histogram=wanted.histogram,
                memory=memory,
                threads=threads,
                progress=_shifted(progress, start, rows.shape[0]),
            )
            _write(path, part)
        parts.append(part)
        progress("join", min(start + part_rows, rows.shape[0]), rows.shape[0])
    whole = merge(parts, list(starts), top=wanted.top)
    record["rows"] = _write_tables(out, whole, sides["query"], sides["base"])
    write_text(out / FILE, json.dumps(record, indent=2) + "\n")
    return record


def _shifted(progress: Progress, start: int, total: int) -> Progress:
    def tell(stage: str, done: int, _total: int) -> None:
        progress(stage, start + done, total)

    return tell


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


_PAIR_FIELDS = ("query", "base", "similarity")


def _write(path: Path, part: JoinResult) -> None:
    arrays: dict[str, Any] = {}
    if part.indices is not None:
        arrays["indices"], arrays["similarities"] = part.indices, part.similarities
    for name, pairs in (("pairs", part.pairs), ("top", part.top)):
        if pairs is not None:
            arrays |= {f"{name}_{one}": getattr(pairs, one) for one in _PAIR_FIELDS}
    if part.histogram is not None:
        arrays["counts"], arrays["edges"] = part.histogram.counts, part.histogram.edges
    with atomic_file(path) as file:
        np.savez(file, **arrays)


def _read(path: Path) -> JoinResult | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None

    def pairs(name: str) -> Pairs | None:
        if f"{name}_query" not in found:
            return None
        return Pairs(*(found[f"{name}_{one}"] for one in _PAIR_FIELDS))

    return JoinResult(
        indices=found.get("indices"),
        similarities=found.get("similarities"),
        pairs=pairs("pairs"),
        top=pairs("top"),
        histogram=Histogram(found["counts"], found["edges"]) if "counts" in found else None,
    )


def _write_tables(out: Path, whole: JoinResult, query: Opened, base: Opened) -> dict[str, int]:
    tables: dict[str, pa.Table] = {}
    if whole.indices is not None and whole.similarities is not None:
        row, rank = np.nonzero(whole.indices >= 0)
        tables["nearest"] = pa.table(
            {
                "query": _names(query, row),
                "rank": rank + 1,
                "base": _names(base, whole.indices[row, rank]),
                "similarity": whole.similarities[row, rank],
            }
        )
    for name, pairs in (("above", whole.pairs), ("top", whole.top)):
        if pairs is not None:
            tables[name] = pa.table(
                {
                    "query": _names(query, pairs.query),
                    "base": _names(base, pairs.base),
                    "similarity": pairs.similarity,
                }
            )
    if whole.histogram is not None:
        edges = whole.histogram.edges
        tables["histogram"] = pa.table(
            {"low": edges[:-1], "high": edges[1:], "count": whole.histogram.counts}
        )
    for name, table in tables.items():
        with atomic_file(out / f"{name}.parquet") as file:
            pq.write_table(table, file)
    return {name: table.num_rows for name, table in tables.items()}


def _names(one: Opened, rows: Int64) -> pa.Array:
    return pa.array([one.embeddings.ids[i] for i in rows], pa.string())
