"""Images in parquet: one file, shards, or a folder of shards as `datasets` stores them."""

import re
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spolia.core.errors import UnreadableImage, UsageError
from spolia.core.progress import Progress
from spolia.core.words import did_you_mean
from spolia.sources.address import shards_of, split_key
from spolia.sources.decode import reason_of
from spolia.sources.encoded import EncodedSource
from spolia.sources.limits import Limits, check_entries
from spolia.sources.table_layout import Layout, image_bytes, layout_of
from spolia.sources.table_records import columns_in, identities_in, ids_of, read_texts

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_SPLIT = re.compile(r"^(.+)-\d+-of-\d+\.parquet$")
_OPEN_GROUPS = 4
"""Row groups that are read at a time: threads are near each other, but not in step."""
_KEPT_BYTES = 64 << 20
"""Of images of one row group, so that a thread that is behind need not begin anew."""


def open_parquet(uri: str, *, identities: str, limits: Limits, progress: Progress) -> EncodedSource:
    """List the rows of parquet files in order, and read images a few rows at a time.

    The id is the column ``id``, or else the path that the images hold, where distinct; else the
    row number. Identities are the column ``identity`` or ``label``. Every other plain column is
    one of the source. ``FILE#COLUMN`` names the column of the images, ``FOLDER#SPLIT`` the split.

    Raises
    ------
    UsageError
        If a file is no such table, or the files differ in their columns.
    """
    paths, column = _files(uri)
    tables = [_open(path) for path in paths]
    layout = layout_of(uri, tables[0].schema_arrow, column)
    counts = [table.metadata.num_rows for table in tables]
    rows = sum(max(0, count) for count in counts)
    check_entries(uri, rows, limits)
    if rows == 0:
        raise UsageError(f"a table of images is wanted, but {uri!r} has no rows; check the path")
    for path, table in zip(paths, tables, strict=True):
        if layout_of(path, table.schema_arrow, layout.image) != layout:
            raise UsageError(
                f"shards must have the same columns, but those of {path!r} differ from those of "
                f"{paths[0]!r}; open them apart, and join them with +"
            )
    texts = _texts(uri, tables, layout, limits, rows)
    ids = ids_of(texts, layout, rows)
    groups = _Groups(layout, limits, _groups_of(paths, tables))
    people = identities_in(ids, texts, layout, identities)
    columns = columns_in(texts, layout, ids)
    return EncodedSource(uri, ids, people, 0, groups.read, progress, limits, columns)


def shards_in(folder: Path) -> list[Path]:
    """Return the parquet files of a folder, or of the folder ``data`` in it, sorted."""
    own = sorted(folder.glob("*.parquet"))
    return own or sorted((folder / "data").glob("*.parquet"))


def is_sharded(folder: Path) -> bool:
    """Whether a folder holds shards under the names that `datasets` gives."""
    return any(_SPLIT.match(path.name) for path in shards_in(folder))


def _files(uri: str) -> tuple[tuple[str, ...], str | None]:
    path, key = split_key(uri)
    if not Path(path).is_dir():
        return shards_of(path), key
    shards = shards_in(Path(path))
    splits = {match[1] for one in shards if (match := _SPLIT.match(one.name))}
    if key is None and len(splits) > 1:
        raise UsageError(
            f"one split is wanted, but {path!r} holds {', '.join(sorted(splits))}; choose one as "
            f"{path}#{min(splits)}"
        )
    if key is not None and key not in splits:
        raise UsageError(
            f"a split of {path!r} is wanted, but {key!r} is none"
            + did_you_mean(key, splits, f"it holds {', '.join(sorted(splits)) or 'no splits'}")
        )
    if key is not None:
        shards = [one for one in shards if one.name.startswith(f"{key}-")]
    if not shards:
        raise UsageError(f"parquet files are wanted, but {path!r} holds none; check the path")
    return tuple(map(str, shards)), None


def _open(path: str) -> "pq.ParquetFile":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UsageError(
            f"a parquet file is wanted, but {path!r} cannot be read ({reason_of(error)}); "
            "copy it again, or check the path"
        ) from error


def _texts(
    uri: str, tables: "Sequence[pq.ParquetFile]", layout: Layout, limits: Limits, rows: int
) -> dict[str, tuple[str, ...]]:
    import pyarrow as pa

    wanted = [*layout.scalars, *([f"{layout.image}.path"] if layout.has_path else [])]

    def batches() -> "Iterator[pa.RecordBatch]":
        for table in tables:
            yield from table.iter_batches(batch_size=limits.batch_rows, columns=wanted)

    if not wanted:
        return {"": ()}
    try:
        texts = read_texts(batches(), layout)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"the columns of {uri!r} cannot be read ({reason_of(error)}); copy it again"
        ) from error
    for name, values in texts.items():
        if values and len(values) != rows:
            raise UsageError(
                f"every column must have a value in every row, but {name or 'path'!r} of {uri!r} "
                f"has {len(values):,}, and the table {rows:,} rows; write it again"
            )
    return {name: tuple(values) for name, values in texts.items()}


def _groups_of(paths: Sequence[str], tables: "Sequence[pq.ParquetFile]") -> "list[_Group]":
    return [
        _Group(path, number, table.metadata.row_group(number).num_rows)
        for path, table in zip(paths, tables, strict=True)
        for number in range(table.metadata.num_row_groups)
    ]


@dataclass(frozen=True)
class _Group:
    path: str
    number: int
    rows: int


class _Groups:
    """Reads images by row; holds the few row groups that were asked last."""

    def __init__(self, layout: Layout, limits: Limits, groups: Sequence[_Group]) -> None:
        self._layout, self._limits, self._groups = layout, limits, groups
        self._ends = np.cumsum([max(0, group.rows) for group in groups])
        self._open: OrderedDict[int, _Cursor] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, index: int) -> bytes:
        """Return the bytes of the image in a row."""
        at = int(np.searchsorted(self._ends, index, side="right"))
        if at == len(self._groups):
            raise UnreadableImage("row in no row group")
        row = index - (int(self._ends[at - 1]) if at else 0)
        with self._lock:
            cursor = self._open.pop(at, None) or _Cursor(
                self._groups[at], self._layout, self._limits
            )
            self._open[at] = cursor
            if len(self._open) > _OPEN_GROUPS:
                self._open.popitem(last=False)
            return cursor.read(row)


class _Cursor:
    """Goes through the images of one row group, and keeps those of the last batches."""

    def __init__(self, group: _Group, layout: Layout, limits: Limits) -> None:
        self._group, self._layout, self._limits = group, layout, limits
        self._column = f"{layout.image}.bytes" if layout.is_struct else layout.image
        self._broken: tuple[int, str] | None = None
        self._begin()

    def read(self, row: int) -> bytes:
        if self._kept and row < self._kept[0][0]:
            self._begin()
        while row >= self._next:
            self._advance()
        for start, values in self._kept:
            if start <= row < start + len(values):
                return self._bytes(values, row - start)
        raise UnreadableImage("row that cannot be found")

    def _check_ratio(self, group: Any) -> None:
        """Refuse what unfolds more than any image does, as far as the file admits it."""
        chunks = (group.column(at) for at in range(group.num_columns))
        for chunk in chunks:
            most = max(self._limits.encoded_bytes, self._limits.ratio * chunk.total_compressed_size)
            if chunk.path_in_schema == self._column and chunk.total_uncompressed_size > most:
                raise UnreadableImage(f"compressed more than {self._limits.ratio:,} times")

    def _bytes(self, values: Any, row: int) -> bytes:
        found = image_bytes(values, row, self._layout.is_struct)
        if found is None:
            raise UnreadableImage("no image in the row")
        if found.size > self._limits.encoded_bytes:
            raise UnreadableImage(f"image larger than {self._limits.encoded_bytes:,} bytes")
        return bytes(found.to_pybytes())

    def _begin(self) -> None:
        self._kept: deque[tuple[int, Any]] = deque()
        self._next = 0
        self._batches: Iterator[Any] | None = None

    def _advance(self) -> None:
        if self._broken is not None and self._next >= self._broken[0]:
            raise UnreadableImage(self._broken[1])
        try:
            if self._batches is None:
                table = _open(self._group.path)
                self._check_ratio(table.metadata.row_group(self._group.number))
                self._batches = table.iter_batches(
                    batch_size=self._limits.batch_rows,
                    row_groups=[self._group.number],
                    columns=[self._column],
                )
            values = next(self._batches).column(0)
        except UnreadableImage as error:
            self._broken = self._next, str(error)
            raise
        except StopIteration:
            self._broken = self._next, "row that the table claims and has not"
            raise UnreadableImage(self._broken[1]) from None
        except Exception as error:  # pyarrow's failures, and those of the file
            self._broken = self._next, reason_of(error)
            self._batches = None
            raise UnreadableImage(self._broken[1]) from error
        self._kept.append((self._next, values))
        self._next += len(values)
        while len(self._kept) > 1 and sum(one.nbytes for _, one in self._kept) > _KEPT_BYTES:
            self._kept.popleft()
