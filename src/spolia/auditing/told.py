"""Columns that the sets bring with them: what a list or a table says of its records."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from spolia.auditing.described import columns_from
from spolia.auditing.sets import AuditSet
from spolia.sources.columns import KEYS, SET, Columns
from spolia.store.atomic import atomic_file

FILE = "columns.parquet"
"""Set and id of the records of the sets that say something, and what; not for publication."""


class Says(Protocol):
    """A set that may say something of its records: a source, or a store made of one."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The records."""

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """See `spolia.sources.Source.columns`."""


def told_columns(
    folder: Path,
    sets: Mapping[str, AuditSet],
    sources: Mapping[str, Says],
    taken: Collection[str],
) -> Columns | None:
    """Return what the sets say of their records, and keep it in the run folder.

    Columns of the names ``taken`` are left out: what the user or a network says goes before. So are
    those that are called like a key. Where a set lacks a column of another, its values are empty.
    """
    left_out = {SET, *KEYS, *taken}
    said = {role: sources[role].columns for role in sets if role in sources}
    every = dict.fromkeys(name for one in said.values() for name in one)
    names = [name for name in every if name not in left_out]
    parts = [
        _table(role, sets[role], sources[role], names)
        for role, columns in said.items()
        if any(name in columns for name in names)
    ]
    if not parts:
        (folder / FILE).unlink(missing_ok=True)
        return None
    table = pa.concat_tables(parts)
    with atomic_file(folder / FILE) as file:
        pq.write_table(table, file)
    return columns_from(FILE, table)


def told_again(folder: Path) -> Columns | None:
    """Return what the sets said when a run was made."""
    path = folder / FILE
    return columns_from(FILE, pq.read_table(path)) if path.exists() else None


def _table(role: str, one: AuditSet, source: Says, names: list[str]) -> pa.Table:
    row_of = {name: i for i, name in enumerate(source.ids)}
    rows = [row_of[name] for name in one.ids]
    values = [
        [source.columns[name][i] for i in rows] if name in source.columns else [""] * len(rows)
        for name in names
    ]
    return pa.table(
        [[role] * len(rows), list(one.ids), *values],
        schema=pa.schema([(name, pa.string()) for name in (SET, "id", *names)]),
    )
