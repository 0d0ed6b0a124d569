"""Columns that networks fill: what each image shows, for exclusions and strata."""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spolia.auditing.described import columns_from
from spolia.auditing.exclude import Asked
from spolia.auditing.plan import Plan
from spolia.auditing.sets import AuditSet
from spolia.core.errors import RunIncomplete, UnreadableImage, UsageError
from spolia.core.progress import Progress
from spolia.core.seeds import digest_key
from spolia.embedding.attribute import Attribute
from spolia.embedding.face_cards import load_attribute_card
from spolia.sources import Source
from spolia.sources.columns import Columns
from spolia.store.atomic import atomic_file
from spolia.store.shards import name_digest

FILE = "attributes.parquet"
"""Set and id of every record, and a column for each attribute; not for publication."""

_PART = 1024


def open_attributes(cards: Sequence[str], columns: Columns | None) -> tuple[Attribute, ...]:
    """Open the networks that fill columns.

    Raises
    ------
    UsageError
        If two fill one column, or one fills a column of the file.
    InvalidCard
        If a card or its model is wrong.
    MissingExtra
        If an extra is needed that is not installed.
    """
    opened = tuple(Attribute(load_attribute_card(card)) for card in cards)
    taken = {} if columns is None else dict.fromkeys(columns.names, columns.path)
    for one in opened:
        name = one.card.column
        if name in taken:
            raise UsageError(
                f"a column must come from one place, but {name!r} is in {taken[name]} and in "
                f"{one.card.path}; leave one out, or rename it"
            )
        taken[name] = str(one.card.path)
    return opened


def fill_columns(
    folder: Path,
    attributes: Sequence[Attribute],
    sets: Mapping[str, AuditSet],
    sources: Mapping[str, Source],
    progress: Progress,
    *,
    parts: Path | None = None,
    threads: int | None = None,
) -> Columns | None:
    """Ask every network about every record, and keep the answers in the run folder.

    Finished parts are read, from ``parts`` (default ``folder``). A record whose image cannot be
    read any more, or of which a network says nothing, has an empty value.
    """
    if not attributes:
        return None
    tables, done, total = [], 0, sum(map(len, sets.values()))
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for role, one in sets.items():
            row_of = {name: i for i, name in enumerate(sources[role].ids)}
            ask = partial(_values, attributes, sources[role])
            for start in range(0, len(one), _PART):
                ids = one.ids[start : start + _PART]
                path = _part(parts or folder, role, one, ids, attributes)
                if not path.exists():
                    rows = pool.map(ask, [row_of[name] for name in ids])
                    _write(path, _table(role, ids, attributes, rows))
                tables.append(pq.read_table(path))
                done += len(ids)
                progress("attributes", done, total)
    table = pa.concat_tables(tables)
    _write(folder / FILE, table)
    return columns_from(FILE, table)


def asked_again(folder: Path, plan: Plan, asked: Asked) -> Asked:
    """Add to what a plan asks what networks said when its run was made.

    Raises
    ------
    RunIncomplete
        If that is no longer there.
    """
    if not plan.attributes:
        return asked
    path = folder / FILE
    if not path.exists():
        raise RunIncomplete(f"{folder} has no {FILE}; run the audit again")
    filled = columns_from(FILE, pq.read_table(path))
    excluded = [text.partition("=")[::2] for text in plan.exclude]
    values = {name: tuple(v for n, v in excluded if n == name) for name in filled.names}
    return replace(asked, filled=filled, values=values)


def _values(attributes: Sequence[Attribute], source: Source, index: int) -> list[str]:
    try:
        image = source.image(index)
    except UnreadableImage:
        return [""] * len(attributes)
    values = []
    for one in attributes:
        try:
            values.append(one.value(image))
        except UnreadableImage:
            values.append("")
    return values


def _part(
    parts: Path, role: str, one: AuditSet, ids: Sequence[str], attributes: Sequence[Attribute]
) -> Path:
    asked = [attribute.fingerprint + attribute.card.column for attribute in attributes]
    key = digest_key(0, one.summary.fingerprint, name_digest(ids), *asked).hex()[:16]
    return parts / "attributes" / f"{role}-{key}.parquet"


def _table(
    role: str, ids: Sequence[str], attributes: Sequence[Attribute], rows: Iterable[list[str]]
) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    names = [one.card.column for one in attributes]
    return pa.table(
        [[role] * len(ids), list(ids), *map(list, columns)],
        schema=pa.schema([(name, pa.string()) for name in ("set", "id", *names)]),
    )


def _write(path: Path, table: pa.Table) -> None:
    with atomic_file(path) as file:
        pq.write_table(table, file)
