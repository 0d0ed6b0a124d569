"""Some rows of a matrix, and where rows lie: in memory and on disk.

Besides what `spolia.core.types.Rows` asks for, rows may offer two methods, ``row_addresses`` and
``files``; the functions `row_addresses` and `files_of` call them.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float32, Int64, Rows

UInt64 = npt.NDArray[np.uint64]


def row_addresses(rows: Rows) -> UInt64 | None:
    """Return the memory address of every row, or ``None`` where rows do not lie row by row.

    At an address stand d aligned float32 numbers in the machine's byte order, one after the other.
    Rows may lie anywhere, even in one place. An address is good as long as ``rows`` lives.

    Parameters
    ----------
    rows
        An array or memory-map, whose columns must be neighbours in memory, or rows with a method
        ``row_addresses``, such as those of a store. Others have no addresses.

    Returns
    -------
    UInt64
        ``(n,)``; the only memory taken that grows with n.

    Examples
    --------
    >>> rows = np.zeros((5, 3), dtype=np.float32)
    >>> np.diff(row_addresses(rows[::2])).tolist()
    [24, 24]
    >>> row_addresses(rows.T) is None
    True
    """
    if isinstance(rows, np.ndarray):
        return _array_addresses(rows)
    method = getattr(rows, "row_addresses", None)
    addresses: UInt64 | None = None if method is None else method()
    return addresses


def _array_addresses(array: npt.NDArray[Any]) -> UInt64 | None:
    if array.ndim != 2 or array.dtype != np.float32 or not array.flags.aligned:
        return None
    # The strides of an empty array, or of a single column, mean nothing.
    if array.size and array.shape[1] > 1 and array.strides[1] != array.itemsize:
        return None
    addresses = np.arange(len(array), dtype=np.int64)
    addresses *= array.strides[0]
    # Modulo 2^64, so that a negative stride counts back from the first row.
    unsigned = addresses.view(np.uint64)
    unsigned += np.uint64(array.ctypes.data)
    return unsigned


def files_of(rows: Rows) -> tuple[Path, ...]:
    """Return the files that ``rows`` are read from, as far as they are known.

    Parameters
    ----------
    rows
        A memory-map, a view of one, or rows with a method ``files``. Others have no files.

    Examples
    --------
    >>> files_of(np.zeros((5, 3), dtype=np.float32))
    ()
    """
    if not isinstance(rows, np.ndarray):
        method = getattr(rows, "files", None)
        return () if method is None else tuple(method())
    found: dict[Path, None] = {}
    owner: Any = rows
    while owner is not None:
        if isinstance(owner, np.memmap) and owner.filename is not None:
            found[Path(owner.filename)] = None
        owner = getattr(owner, "base", None)
    return tuple(found)


class SubsetRows:
    """Some rows of a matrix in a chosen order, gathered when asked for and never copied as a whole.

    >>> from spolia.core.types import normalise
    >>> rows = SubsetRows(normalise([[1.0], [-1.0], [2.0]]), np.array([2, 1]))
    >>> rows.shape, rows[0:2].tolist()
    ((2, 1), [[1.0], [-1.0]])
    """

    __slots__ = ("_index", "_rows")

    def __init__(self, rows: Rows, index: Int64) -> None:
        self._rows = rows
        self._index = index

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, d)``."""
        return (self._index.size, self._rows.shape[1])

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """``float32``."""
        return self._rows.dtype

    def __getitem__(self, key: slice | Int64, /) -> Float32:
        """Return the rows of a slice (no step) or of an index array, as one array."""
        rows: Float32 = self._rows[self._index[key]]
        return rows

    def row_addresses(self) -> UInt64 | None:
        """Return the addresses of the chosen rows, see the function `row_addresses`."""
        addresses = row_addresses(self._rows)
        return None if addresses is None else addresses[self._index]

    def files(self) -> tuple[Path, ...]:
        """Return the files of the whole matrix, see the function `files_of`."""
        return files_of(self._rows)
