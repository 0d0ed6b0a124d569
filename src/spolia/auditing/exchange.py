"""Embeddings to hand on: without images, names, paths, and without what would give them away.

::

    DIR/                 a store: rows in the order of their codes, codes, what made the rows
    DIR.names.csv        code, id, identity_code, identity: stays at home

What is left of a record is its row, its code and that of its identity. The codes are keyed hashes
under a key that is made for this exchange and forgotten, so that nobody can look one up, nor tell
that two exchanges show the same person but by the rows. Rows are sorted by code, so that their
order says nothing. Digests of the images, records without a row and further columns are left out.
"""

import csv
import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spolia.auditing.codes import exchange_code, new_key
from spolia.auditing.result import cell
from spolia.core.errors import UsageError
from spolia.core.results import ModelSummary
from spolia.core.rows import SubsetRows
from spolia.core.types import Embeddings, Int64
from spolia.store.atomic import make_private, write_text
from spolia.store.precomputed import Opened
from spolia.store.shards import Manifest, Shard, begin_store, name_digest, write_shard

COLUMNS = ("code", "id", "identity_code", "identity")
"""Of the table of names; the last two are empty where identities are not known."""

_NAMES = ".names.csv"


@dataclass(frozen=True)
class Exchanged:
    """What was written to hand on."""

    folder: Path
    names: Path
    """The table that stays at home."""
    records: int
    identities: int | None


def names_beside(folder: Path) -> Path:
    """Return where the table of names of an exchange lies.

    >>> names_beside(Path("out/asked")).as_posix()
    'out/asked.names.csv'
    """
    return folder.with_name(folder.name + _NAMES)


def check_free(folder: Path) -> None:
    """Refuse a place that is taken: the codes of an earlier exchange must stay readable.

    Raises
    ------
    UsageError
        If the folder, or the table of names beside it, is there.
    """
    for path in (folder, names_beside(folder)):
        if path.exists():
            raise UsageError(
                f"an exchange is written to a new folder, with new codes, but {path} is there; "
                "choose another --out, or delete it if the exchange was never handed on"
            )


def write_exchange(opened: Opened, folder: Path, *, shard_records: int = 65536) -> Exchanged:
    """Write embeddings to hand on, and beside the folder the table of names.

    ``shard_records`` are written, and held in memory, at a time.

    Raises
    ------
    UsageError
        If the place is taken, or it is not known what made the rows: nobody could tell whether
        theirs were made alike.
    """
    folder = folder.absolute()
    check_free(folder)
    if not opened.model.fingerprint:
        raise UsageError(
            "the other side must know what made the rows, but these came without it; embed images "
            "with `spolia embed SOURCE --embedder CARD`, or give a store that was made so"
        )
    rows, key = opened.embeddings, new_key()
    if not len(rows):
        raise UsageError("an exchange needs a record with a row, but none of these could be read")
    codes = [exchange_code(key, "record", name) for name in rows.ids]
    order = np.array(sorted(range(len(rows)), key=codes.__getitem__), dtype=np.int64)
    people = rows.identities
    if people is not None:
        people = tuple(exchange_code(key, "identity", people[i]) for i in order)
    coded = Embeddings(SubsetRows(rows.vectors, order), [codes[i] for i in order], people)
    names = names_beside(folder)
    make_private(folder.parent)
    # Under a passing name, so that half of one is never handed on.
    passing = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        _write_store(passing, coded, opened.model, shard_records)
        write_text(names, _table(coded, rows, order))
        passing.rename(folder)
    except BaseException:
        shutil.rmtree(passing, ignore_errors=True)
        names.unlink(missing_ok=True)
        raise
    return Exchanged(folder, names, len(rows), None if people is None else len(set(people)))


def _table(coded: Embeddings, rows: Embeddings, order: Int64) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for at, row in enumerate(order.tolist()):
        pair = ((coded, at), (rows, row))
        who = ["" if one.identities is None else one.identities[i] for one, i in pair]
        writer.writerow([cell(one) for one in (coded.ids[at], rows.ids[row], *who)])
    return text.getvalue()


def _write_store(folder: Path, coded: Embeddings, model: ModelSummary, shard_records: int) -> None:
    people = coded.identities
    begin_store(
        folder,
        Manifest(
            # A digest of the images would be a name: whoever has them could look it up.
            source=new_key().hex(),
            embedder=model.fingerprint,
            dim=coded.vectors.shape[1],
            records=len(coded),
            shard_records=shard_records,
            identities=None if people is None else name_digest(people),
            model=model,
        ),
    )
    for number, start in enumerate(range(0, len(coded), shard_records)):
        part = slice(start, start + shard_records)
        mine = None if people is None else people[part]
        write_shard(folder, number, Shard(coded.vectors[part], coded.ids[part], mine, ()))
