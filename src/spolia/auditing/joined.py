"""The files of a join: finished parts, and the tables made of them."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spolia.core.types import Int64
from spolia.search.result import Histogram, JoinResult, Pairs
from spolia.store.atomic import atomic_file
from spolia.store.precomputed import Opened

_PAIR_FIELDS = ("query", "base", "similarity")


def write_part(path: Path, part: JoinResult) -> None:
    """Write the join of some query rows as a ``.npz``."""
    arrays: dict[str, Any] = {}
    if part.indices is not None:
        arrays["indices"], arrays["similarities"] = part.indices, part.similarities
    for name, pairs in (("pairs", part.pairs), ("top", part.top)):
        if pairs is not None:
            arrays |= {f"{name}_{one}": getattr(pairs, one) for one in _PAIR_FIELDS}
    if part.histogram is not None:
        arrays["counts"], arrays["edges"] = part.histogram.counts, part.histogram.edges
        arrays["counted_rows"] = np.array(part.histogram.rows)
    with atomic_file(path) as file:
        np.savez(file, **arrays)


def read_part(path: Path) -> JoinResult | None:
    """Read what `write_part` wrote; ``None`` where there is no such file, or a broken one."""
    try:
        # numpy leaves a file open that it cannot read, if it opens it itself.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None

    def pairs(name: str) -> Pairs | None:
        if f"{name}_query" not in found:
            return None
        return Pairs(*(found[f"{name}_{one}"] for one in _PAIR_FIELDS))

    histogram = None
    if "counts" in found:
        histogram = Histogram(found["counts"], found["edges"], int(found["counted_rows"]))
    return JoinResult(
        indices=found.get("indices"),
        similarities=found.get("similarities"),
        pairs=pairs("pairs"),
        top=pairs("top"),
        histogram=histogram,
    )


def write_tables(out: Path, whole: JoinResult, query: Opened, base: Opened) -> dict[str, int]:
    """Write a parquet table for each output and return how many rows each has."""
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
