"""A folder that `datasets` saved with ``save_to_disk``: Arrow streams, mapped and not loaded."""

import json
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spolia.core.errors import UnreadableImage, UsageError
from spolia.core.progress import Progress
from spolia.core.words import did_you_mean
from spolia.sources.address import split_key
from spolia.sources.columns import read_whole_text
from spolia.sources.decode import reason_of
from spolia.sources.encoded import EncodedSource
from spolia.sources.limits import Limits, check_entries
from spolia.sources.pieces import PiecesFile
from spolia.sources.table_layout import image_bytes, layout_of
from spolia.sources.table_records import columns_in, identities_in, ids_of, read_texts

if TYPE_CHECKING:
    import pyarrow as pa

_END = b"\xff\xff\xff\xff\0\0\0\0"
"""The mark at the end of a stream."""
STATE, SPLITS = "state.json", "dataset_dict.json"


def open_arrow(uri: str, *, identities: str, limits: Limits, progress: Progress) -> EncodedSource:
    """List the rows of a saved data set in order; ``FOLDER#SPLIT`` names one of several splits.

    Ids, identities and columns are those of parquet.

    Raises
    ------
    UsageError
        If it is no such folder, a file of it is damaged, or it holds no images.
    """
    folder = _split(uri)
    batches: list[pa.RecordBatch] = []
    file_of: list[PiecesFile] = []
    for path in _files(folder):
        file = _whole(path)
        batches += _batches(path)
        file_of += [file] * (len(batches) - len(file_of))
    ends = list(accumulate(batch.num_rows for batch in batches))
    rows = ends[-1] if ends else 0
    check_entries(uri, rows, limits)
    if rows == 0:
        raise UsageError(f"a data set of images is wanted, but {uri!r} has no rows")
    layout = layout_of(uri, batches[0].schema, None)
    texts = {name: tuple(values) for name, values in read_texts(batches, layout).items()}
    ids = ids_of(texts, layout, rows)

    def read(index: int) -> bytes:
        at = bisect_right(ends, index)
        row = index - (ends[at - 1] if at else 0)
        file_of[at].check_as_long()
        found = image_bytes(batches[at].column(layout.image), row, layout.is_struct)
        if found is None:
            raise UnreadableImage("no image in the row")
        if found.size > limits.encoded_bytes:
            raise UnreadableImage(f"image larger than {limits.encoded_bytes:,} bytes")
        return bytes(found.to_pybytes())

    people = identities_in(ids, texts, layout, identities)
    columns = columns_in(texts, layout, ids)
    return EncodedSource(uri, ids, people, 0, read, progress, limits, columns)


def is_saved(folder: Path) -> bool:
    """Whether `datasets` saved a folder."""
    return (folder / STATE).exists() or (folder / SPLITS).exists()


def _split(uri: str) -> Path:
    path, key = split_key(uri)
    folder = Path(path)
    if not (folder / SPLITS).exists():
        if key is not None:
            raise UsageError(f"{path!r} has no splits, but {key!r} is wanted; leave out #{key}")
        return folder
    splits = _known(folder / SPLITS, "splits")
    names = [one for one in splits if isinstance(one, str)] if isinstance(splits, list) else []
    if key not in names:
        raise UsageError(
            f"a split of {path!r} is wanted, as {path}#SPLIT, but {key!r} is none"
            + did_you_mean(key or "", names, f"it holds {', '.join(names) or 'no splits'}")
        )
    return folder / _inside(folder, key)


def _files(folder: Path) -> list[Path]:
    listed = _known(folder / STATE, "_data_files")
    try:
        names = [one["filename"] for one in listed]
    except (TypeError, KeyError):
        names = []
    if not names or not all(isinstance(name, str) for name in names):
        raise UsageError(
            f"a data set saved by `datasets` is wanted, but {str(folder / STATE)!r} names no "
            "files; save it again"
        )
    return [folder / _inside(folder, name) for name in names]


def _inside(folder: Path, name: str | None) -> str:
    if not name or Path(name).name != name or name == "..":
        raise UsageError(
            f"a data set must lie in its own folder, but that in {str(folder)!r} names {name!r}; "
            "save it again"
        )
    return name


def _known(path: Path, key: str) -> Any:
    text = read_whole_text(path)
    try:
        return json.loads(text)[key]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"{str(path)!r} must be JSON with a key {key!r}, but is not ({reason_of(error)}); "
            "save the data set again"
        ) from error


def _whole(path: Path) -> PiecesFile:
    """Return a file that ends as a stream does: cut short between two batches, it would be read."""
    file = PiecesFile(str(path), "an Arrow stream")
    if file.read(max(file.size - len(_END), 0), len(_END)) != _END:
        raise UsageError(
            f"a whole Arrow stream is wanted, but {str(path)!r} does not end as one; copy or save "
            "the data set again"
        )
    return file


def _batches(path: Path) -> "list[pa.RecordBatch]":
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(pa.memory_map(str(path))) as stream:
            batches = list(stream)
        for batch in batches:
            batch.validate(full=True)
        return batches
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UsageError(
            f"an Arrow stream is wanted, but {str(path)!r} cannot be read ({reason_of(error)}); "
            "save the data set again"
        ) from error
