"""What a set said of its records, kept beside their embeddings: licence, age group, caption ..."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from spolia.core.errors import UsageError
from spolia.store.atomic import atomic_file

FILE = "columns.parquet"
"""The id of every record of the set, with or without a row, and what was said of it."""
_ID = "id"


def write_columns(folder: Path, ids: Sequence[str], columns: Mapping[str, Sequence[str]]) -> None:
    """Keep the columns of a set in the folder of its store, in the place of what was there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not columns:
        (folder / FILE).unlink(missing_ok=True)
        return
    names = [name for name in columns if name != _ID]
    table = pa.table(
        [list(ids), *(list(columns[name]) for name in names)],
        schema=pa.schema([(name, pa.string()) for name in (_ID, *names)]),
    )
    with atomic_file(folder / FILE) as file:
        pq.write_table(table, file)


def read_columns(folder: Path, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the columns that are kept with a store, for these records in this order.

    Raises
    ------
    UsageError
        If the file cannot be read, or lacks one of the records.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / FILE
    if not path.exists():
        return {}
    try:
        table = pq.read_table(path)
        said = {name: table[name].to_pylist() for name in table.column_names}
        row_of = {name: row for row, name in enumerate(said.pop(_ID))}
        rows = [row_of[name] for name in ids]
    except (pa.ArrowException, OSError, KeyError) as error:
        raise UsageError(
            f"{path} must hold what is said of the records of its store, by id, but cannot be used "
            f"({error}); make the store again, or delete the file to go without"
        ) from error
    return {name: tuple(str(values[row]) for row in rows) for name, values in said.items()}
