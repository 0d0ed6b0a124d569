"""Which records of a set are meant: a mask of rows or ids, as ``SET@mask.npy``."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UsageError
from spolia.core.progress import Progress
from spolia.core.words import did_you_mean
from spolia.sources.columns import read_list
from spolia.sources.decode import reason_of
from spolia.sources.joined import select_records
from spolia.sources.source import Source

_WANTED = (
    "a mask must be one row of numbers (of rows, from 0), of true and false (one for each record), "
    "or of ids"
)


def masked(source: Source, path: Path, progress: Progress) -> Source:
    """Return the records of a source that a file names, in the source's order.

    A ``.npy`` holds row numbers, true and false, or ids as text; a ``.txt`` ids, one a line.

    Raises
    ------
    UsageError
        If the file cannot be read, names nothing, a record twice, or one that is not there.
    """
    if path.suffix.lower() == ".txt":
        rows = _rows_of_ids(source, path, list(read_list(path)[0]))
    else:
        rows = _rows(source, path, _array(path))
    return select_records(source, np.sort(rows), progress)


def _array(path: Path) -> npt.NDArray[np.generic]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy's failures have no common parent
        raise UsageError(
            f"{_WANTED}, but {str(path)!r} cannot be read ({reason_of(error)}); write it with "
            "numpy.save"
        ) from error
    if not isinstance(array, np.memmap):
        array.close()
        raise UsageError(f"{_WANTED}, but {str(path)!r} is an .npz; write it with numpy.save")
    if array.ndim != 1 or array.dtype.kind not in "biuU":
        raise UsageError(
            f"{_WANTED}, but {str(path)!r} holds {array.dtype} of shape {array.shape}; convert it"
        )
    return np.array(array)


def _rows(source: Source, path: Path, mask: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    n = len(source)
    if mask.dtype.kind == "U":
        return _rows_of_ids(source, path, [str(one) for one in mask])
    if mask.dtype.kind == "b":
        if len(mask) != n:
            raise UsageError(
                f"a mask of true and false needs one for each of the {n:,} records of "
                f"{source.uri!r}, but {str(path)!r} has {len(mask):,}; make it for this set"
            )
        return _filled(source, path, np.flatnonzero(mask).astype(np.int64))
    outside = (mask < 0) | (mask >= n)  # type: ignore[operator]
    if outside.any():
        raise UsageError(
            f"a mask of row numbers must lie in 0 to {n - 1:,} for {source.uri!r}, but "
            f"{str(path)!r} holds {mask[outside][0]}; if these are ids, save them as text"
        )
    return _filled(source, path, mask.astype(np.int64))


def _rows_of_ids(source: Source, path: Path, ids: list[str]) -> npt.NDArray[np.int64]:
    row_of = {name: row for row, name in enumerate(source.ids)}
    missing = [name for name in ids if name not in row_of]
    if missing:
        raise UsageError(
            f"a mask must name records of {source.uri!r}, but {len(missing):,} of the "
            f"{len(ids):,} ids in {str(path)!r} are none, such as {missing[0]!r}"
            + did_you_mean(missing[0], source.ids[:10_000], f"an id looks like {source.ids[0]!r}")
        )
    return _filled(source, path, np.array([row_of[name] for name in ids], np.int64))


def _filled(source: Source, path: Path, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    distinct = np.unique(rows)
    if len(distinct) == 0:
        raise UsageError(
            f"a mask must leave records of {source.uri!r}, but {str(path)!r} leaves none"
        )
    if len(distinct) < len(rows):
        values, times = np.unique(rows, return_counts=True)
        twice = source.ids[values[times > 1][0]]
        raise UsageError(
            f"a mask must name a record once, but {str(path)!r} names {twice!r} twice; "
            "save it through numpy.unique"
        )
    return rows
