"""A list of image files: a CSV or parquet table with a column ``path``, and what else is known."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from spolia.core.errors import UnreadableImage, UsageError
from spolia.core.progress import Progress
from spolia.core.words import did_you_mean
from spolia.sources.columns import read_table
from spolia.sources.encoded import EncodedSource
from spolia.sources.folder import leaves, read_file
from spolia.sources.identities import labelled_identities
from spolia.sources.joined import first_twice
from spolia.sources.limits import Limits, check_entries

PATH, ID, IDENTITY = "path", "id", "identity"


def open_list(uri: str, *, identities: str, limits: Limits, progress: Progress) -> EncodedSource:
    """List the files that a table names, in its order.

    Paths are relative to the table's folder and stay inside it. The id is the column ``id``, or
    else the path; identities are the column ``identity`` where there is one. Every further column
    is one of the source. A file that is not there, or that a link leads out of the folder, is
    listed, but unreadable.

    Raises
    ------
    UsageError
        If the table cannot be read, has no column ``path`` or no row, names a path that is
        absolute or leaves the folder, or an id twice.
    """
    path = Path(uri)
    header, lines, _ = read_table(path)
    rows = list(lines)
    check_entries(uri, len(rows), limits)
    if PATH not in header or not rows:
        raise UsageError(
            f"a list with a column path, and a row for each image, is wanted, but {uri!r} has "
            f"{len(rows):,} rows with the columns {', '.join(map(repr, header)) or 'none'}"
            + did_you_mean(PATH, header, f"name the column of the files {PATH!r}")
        )
    table = {name: tuple(row[at] for row in rows) for at, name in enumerate(header)}
    names = table.pop(PATH)
    for number, name in enumerate(names, start=1):
        _check_path(uri, number, name)
    ids = _filled(uri, ID, table.pop(ID)) if ID in table else names
    _check_distinct(uri, ids)
    labels = _filled(uri, IDENTITY, table.pop(IDENTITY)) if IDENTITY in table else None
    root = path.resolve().parent

    def read(index: int) -> bytes:
        if leaves(root, root / names[index]):
            raise UnreadableImage("link that leaves the folder")
        return read_file(root, names[index], limits)

    people = labelled_identities(ids, labels, identities)
    return EncodedSource(uri, ids, people, 0, read, progress, limits, table)


def _check_path(uri: str, number: int, name: str) -> None:
    if not name or "\0" in name:
        wrong = "is empty" if not name else f"holds a NUL: {name!r}"
    elif PurePosixPath(name).is_absolute() or (name[1:2] == ":" and "\\" in name):
        wrong = f"is absolute: {name!r}"
    elif ".." in PurePosixPath(name.replace("\\", "/")).parts:
        wrong = f"leaves it: {name!r}"
    else:
        return
    raise UsageError(
        f"paths in a list must be relative to its folder and stay in it, but in {uri!r} that of "
        f"row {number} {wrong}; write it relative to the list, or put the list beside the images"
    )


def _filled(uri: str, column: str, values: tuple[str, ...]) -> tuple[str, ...]:
    if "" in values:
        raise UsageError(
            f"the column {column} must have a value in every row, but in {uri!r} row "
            f"{values.index('') + 1} has none; fill it in, or take the row out"
        )
    return values


def _check_distinct(uri: str, ids: Sequence[str]) -> None:
    twice = first_twice(ids)
    if twice is not None:
        raise UsageError(
            f"a list must name every record once, but {uri!r} has {twice[0]!r} {twice[1]} times; "
            "take the others out, or add a column id"
        )
