"""Columns that come with a set: age group, licence, and whatever else is known of its records."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spolia.core.errors import UsageError

KEYS = ("id", "identity")
"""What a row of a columns file can be about: a record, or an identity."""
SET = "set"
"""A further column that says of which set a row is."""

_MOST_BYTES = 1 << 30
_BATCH_ROWS = 64


@dataclass(frozen=True)
class Columns:
    """What a file says of records or identities, as text."""

    path: str
    key: str
    """``id`` or ``identity``."""
    names: tuple[str, ...]
    """The columns, without the key and ``set``, in the file's order."""
    rows: Mapping[tuple[str | None, str], tuple[str, ...]]
    """Values by set (``None`` where the file has no column ``set``) and key."""
    fingerprint: str
    """Digest of the file's bytes."""


def read_columns(path: Path) -> Columns:
    r"""Read a CSV or parquet file with a column ``id`` or ``identity`` and any others.

    An optional column ``set`` (train, control or synthetic) says of which set a row is. Values are
    read as text, without the spaces around them; an empty or null one is the empty text.

    Raises
    ------
    UsageError
        If the file cannot be read, has both keys or neither, no further column, two columns of one
        name, a row of another length, a row without a key, or two rows for one key.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("identity,age\nann,adult\nbob,child\n")
    >>> columns = read_columns(path)
    >>> columns.names, columns.rows[None, "bob"]
    (('age',), ('child',))
    """
    header, rows, fingerprint = read_table(path)
    key = _check_header(header, path)
    names = tuple(name for name in header if name not in (key, SET))
    at = [header.index(name) for name in names]
    of_key, of_set = header.index(key), header.index(SET) if SET in header else None
    found: dict[tuple[str | None, str], tuple[str, ...]] = {}
    for number, row in enumerate(rows, start=1):
        name, role = row[of_key], None if of_set is None else row[of_set]
        if not name or role == "":
            raise UsageError(
                f"{path} must name {key}{' and set' if of_set is not None else ''} in every row, "
                f"but row {number} does not; fill it in, or take the row out"
            )
        if (role, name) in found:
            raise UsageError(
                f"{path} must have one row for each {key}, but has two for {name!r}"
                f"{_conflict(found[role, name], tuple(row[i] for i in at), names)}; take one out"
            )
        found[role, name] = tuple(row[i] for i in at)
    return Columns(str(path), key, names, found, fingerprint)


def read_table(path: Path) -> tuple[list[str], Iterator[list[str]], str]:
    """Return the header, the rows as text and the digest of a CSV or parquet file.

    Raises
    ------
    UsageError
        If it cannot be read, has a row of another length, or two columns of one name.
    """
    content = _bytes(path)
    parquet = path.suffix.lower() == ".parquet"
    header, rows = _parquet(content, path) if parquet else _csv(content, path)
    _check_distinct(header, path)
    return header, rows, _digest(content)


def cell_text(value: Any) -> str:
    r"""Return a value of a table as text that every other file can hold.

    >>> cell_text(None), cell_text(7), cell_text(" a "), cell_text("\ud800")
    ('', '7', 'a', '\\ud800')
    """
    if value is None:
        return ""
    return str(value).strip().encode("utf-8", "backslashreplace").decode()


def _conflict(there: Sequence[str], here: Sequence[str], names: Sequence[str]) -> str:
    """Say what two rows for one key disagree about."""
    for name, one, other in zip(names, there, here, strict=True):
        if one != other:
            return f", which disagree ({name} is {one!r} and {other!r})"
    return ""


def read_list(path: Path) -> tuple[tuple[str, ...], str]:
    """Read ids, one a line, and the digest of the file; empty lines are left out.

    Raises
    ------
    UsageError
        If the file cannot be read, or names nothing.
    """
    content = _bytes(path)
    ids = tuple(dict.fromkeys(line for line in _text(content, path).splitlines() if line.strip()))
    if not ids:
        raise UsageError(f"{path} must hold ids, one a line, but is empty; leave the option out")
    return ids, _digest(content)


def read_whole_text(path: Path) -> str:
    """Read a text file.

    Raises
    ------
    UsageError
        If the file cannot be read, or is not UTF-8.
    """
    return _text(_bytes(path), path)


def read_lines(path: Path) -> list[str]:
    """Read the lines of a text file that hold anything.

    Raises
    ------
    UsageError
        If the file cannot be read, or is not UTF-8.
    """
    # Not `splitlines`, which also splits where a name holds one of the rarer separators.
    lines = read_whole_text(path).split("\n")
    return [line.removesuffix("\r") for line in lines if line.strip()]


def file_fingerprint(path: Path) -> str:
    """Return the digest of a file's bytes, as `read_columns` and `read_list` give it.

    Raises
    ------
    UsageError
        If it cannot be read.
    """
    return _digest(_bytes(path))


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=32).hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is larger than {_MOST_BYTES >> 20} MiB; split it, or cut it")
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{path} cannot be read ({reason}); check the path") from None


def _text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} must be UTF-8, but byte {error.start} is not; save it as UTF-8"
        ) from None


def _csv(content: bytes, path: Path) -> tuple[list[str], Iterator[list[str]]]:
    rows = csv.reader(io.StringIO(_text(content, path), newline=""), strict=True)
    try:
        lines = [[cell.strip() for cell in row] for row in rows if row]
    except csv.Error as error:
        raise UsageError(f"{path} cannot be read as CSV: line {rows.line_num}: {error}") from None
    header = lines[0] if lines else []
    for number, row in enumerate(lines[1:], start=1):
        if len(row) != len(header):
            raise UsageError(
                f"{path} must have {len(header)} values in every row, but row {number} has "
                f'{len(row)}; a value with a comma needs "quotes"'
            )
    return header, iter(lines[1:])


def _parquet(content: bytes, path: Path) -> tuple[list[str], Iterator[list[str]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        rows: list[list[str]] = []
        seen: dict[str, str] = {}
        # A few hundred bytes of parquet can unfold to gigabytes: in small batches, and a text that
        # comes again is kept once.
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            for row in zip(*(map(cell_text, one.to_pylist()) for one in batch), strict=True):
                rows.append([seen.setdefault(cell, cell) for cell in row])  # noqa: PERF401
        return list(file.schema_arrow.names), iter(rows)
    # A text that is no UTF-8 is a value error, and a nesting too deep a recursion error.
    except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read as parquet: {error}") from None


def _check_distinct(header: Sequence[str], path: Path) -> None:
    twice = [name for name, times in Counter(header).items() if times > 1]
    if twice:
        raise UsageError(f"{path} must have distinct columns, but has {twice[0]!r} twice")


def _check_header(header: Sequence[str], path: Path) -> str:
    keys = [name for name in KEYS if name in header]
    if len(keys) != 1:
        raise UsageError(
            f"{path} must have either a column id or a column identity, but has "
            f"{' and '.join(keys) or 'neither'} among {', '.join(header) or 'no columns'}; "
            "name the column of the records id, or that of the people identity"
        )
    if not set(header) - {keys[0], SET}:
        raise UsageError(f"{path} must have a column beside {keys[0]}, but has none; add one")
    return keys[0]
