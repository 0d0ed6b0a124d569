"""Embeddings and the rows behind them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spolia.core.errors import InvalidRows, UsageError

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

NORM_TOLERANCE = 1e-4
"""How far a row's norm may lie from 1. Rows normalised in float32 stay within 1e-6 of it."""

_AT_ONCE = 1 << 19
"""Coordinates read together: 2 MiB, so that what is looked at twice is still in the cache."""
_SUMMED = 512
"""Squares of a row added up in float32."""
_NOT_PLAIN = (np.ma.MaskedArray, np.matrix)
"""Arrays that do not compute as others do."""


class Rows(Protocol):
    """An ``(n, d)`` float32 matrix that may live on disk: an array, a memory-map, a store."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, d)``."""

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """``float32``."""

    def __getitem__(self, key: Any, /) -> Any:
        """Return the rows of a slice (no step) or of an int64 index array, as one float32 array.

        Typed loosely, because numpy's own indexing admits far more.
        """


def check_rows(rows: Rows, name: str) -> None:
    """Raise unless ``rows`` are finite float32 rows of norm 1 (within 1e-4) or exactly 0.

    Parameters
    ----------
    rows
        The matrix to check; read once, 2 MiB at a time.
    name
        What to call it in the message.

    Raises
    ------
    InvalidRows
        Names the first bad row, its norm, and how many there are.

    Examples
    --------
    >>> check_rows(np.array([[2.0, 0.0]], dtype=np.float32), "base")
    Traceback (most recent call last):
    ...
    spolia.core.errors.InvalidRows: base must have unit rows, but row 0 has norm 2.0000
    (1 bad row of 1); normalise with spolia.normalise(...) first
    """
    _check_matrix(rows, name)
    n, d = rows.shape
    first, norm_of_first, bad = -1, 0.0, 0
    for start in range(0, n, step := max(1, _AT_ONCE // d)):
        piece = np.asarray(rows[start : start + step])
        doubtful = np.flatnonzero(~_surely_unit(piece))
        norms = row_norms(piece[doubtful])
        wrong = ~((np.abs(norms - 1.0) <= NORM_TOLERANCE) | (norms == 0.0))
        if wrong.any() and first < 0:
            first = start + int(doubtful[np.argmax(wrong)])
            norm_of_first = float(norms[np.argmax(wrong)])
        bad += int(np.count_nonzero(wrong))
    if bad == 0:
        return
    count = f"({bad} bad row{'s' if bad > 1 else ''} of {n})"
    if not np.isfinite(norm_of_first):
        raise InvalidRows(
            f"{name} must be finite, but row {first} has a NaN or infinite value {count}; "
            "remove these rows or embed the images again"
        )
    raise InvalidRows(
        f"{name} must have unit rows, but row {first} has norm {norm_of_first:.4f} {count}; "
        "normalise with spolia.normalise(...) first"
    )


def _check_matrix(rows: Rows, name: str) -> None:
    if not (hasattr(rows, "shape") and isinstance(getattr(rows, "dtype", None), np.dtype)):
        raise InvalidRows(
            f"{name} must be a matrix (n, d) of float32, but is a {type(rows).__name__}; make one "
            "with spolia.normalise(...)"
        )
    if len(rows.shape) != 2:
        raise InvalidRows(f"{name} must be a matrix (n, d), but has shape {rows.shape}")
    if rows.dtype != np.float32:
        raise InvalidRows(
            f"{name} must be float32, but is {rows.dtype}; convert with .astype('float32')"
        )
    if rows.shape[1] == 0:
        raise InvalidRows(f"{name} must have at least one column, but has shape {rows.shape}")
    if not isinstance(piece := rows[0:0], np.ndarray) or isinstance(piece, _NOT_PLAIN):
        raise InvalidRows(
            f"{name} must be a plain array, but is a {type(rows).__name__}; convert it to a "
            "numpy.ndarray in which no value is masked or left out"
        )


def _surely_unit(rows: Float32) -> npt.NDArray[np.bool_]:
    """Return which rows have a norm so near 1 that float32 is enough to tell, ``(n,)``.

    Proof, with T = 1e-4, u = 2^-24, S the true sum of squares and s the one computed:

    1. Each square of 512 meets at most 512 roundings in float32, in any order of summation, fused
       or not; sums of 512 are added in float64. So |s - S| <= g S + h, g = (1 + u)^512 - 1 <
       3.06e-5. If every square and every sum under 2^-126 becomes 0, h is below 2^-125 d.
    2. So |s - 1| <= T gives 0.99986 < (1 - T - h) / (1 + g) <= S <= (1 + T + h) / (1 - g) <
       1.00014, for all d that fit a memory.
    3. (1 - T)^2 < 0.99981 and 1.0002 < (1 + T)^2, so the norm lies within T of 1 with more than
       2e-5 to spare for the d 2^-53 by which `row_norms`, and the sum of sums, may err.

    Overflow and NaN are not near 1. Rows normalised in float32 have |s - 1| of about 1e-6.
    """
    widths = range(0, rows.shape[1], _SUMMED)
    pieces = (rows[:, start : start + _SUMMED] for start in widths)
    squares = sum(np.einsum("ij,ij->i", piece, piece).astype(np.float64) for piece in pieces)
    sure: npt.NDArray[np.bool_] = np.abs(squares - 1.0) <= NORM_TOLERANCE
    return sure


def row_norms(rows: Float32) -> Float64:
    """Return the Euclidean norms ``(n,)`` in float64; exact zero only for all-zero rows.

    >>> row_norms(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)).tolist()
    [5.0, 0.0]
    """
    # Squares of float32 cannot underflow in float64 (2**-298 > 2**-1074).
    squares: Float64 = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return np.sqrt(squares)


def normalise(vectors: npt.ArrayLike) -> Float32:
    """Return the rows of ``vectors`` ``(n, d)`` scaled to unit norm, as float32.

    All-zero rows stay zero: they are similar to nothing.

    Raises
    ------
    InvalidRows
        If a value is NaN or infinite, or ``vectors`` is not a matrix of numbers.

    Examples
    --------
    >>> normalise([[3.0, 4.0], [0.0, 0.0]]).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    array = np.asarray(vectors)
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.floating):
        raise InvalidRows(
            f"vectors must be a matrix (n, d) of floats, but are {array.dtype} of shape "
            f"{array.shape}"
        )
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise InvalidRows(
            f"vectors must be finite, but row {int(np.argmin(finite))} has a NaN or infinite "
            f"value ({int(np.count_nonzero(~finite))} of {len(array)}); remove these rows"
        )
    wide = array.astype(np.float64)
    # Scale by the largest coordinate first, so that no square under- or overflows.
    peak = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    wide = wide / np.where(peak > 0.0, peak, 1.0)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    return (wide / np.where(norms > 0.0, norms, 1.0)).astype(np.float32)


class Embeddings:
    """Unit rows with the ids and identities of their records; treat as immutable.

    Parameters
    ----------
    vectors
        ``(n, d)`` float32, rows of norm 1 (within 1e-4) or exactly 0: an array, a memory-map or
        the rows of a store. `spolia.normalise` makes such rows.
    ids
        One distinct name per record; default the row numbers, zero-padded.
    identities
        One identity per record: the person, patient or artwork it shows. Default: unknown, and
        every record counts as its own identity.

    Raises
    ------
    InvalidRows
        If the rows are not finite unit float32 rows.
    UsageError
        If ids or identities do not fit the rows, or an id is given twice.

    Examples
    --------
    >>> e = Embeddings(normalise([[1.0, 2.0], [2.0, 1.0]]), identities=["ann", "bob"])
    >>> e.ids, e.identities, len(e)
    (('0', '1'), ('ann', 'bob'), 2)
    """

    __slots__ = ("identities", "ids", "vectors")

    def __init__(
        self,
        vectors: Rows,
        ids: Sequence[str] | None = None,
        identities: Sequence[str] | None = None,
    ) -> None:
        check_rows(vectors, "vectors")
        self.vectors = vectors
        n = vectors.shape[0]
        width = len(str(max(n - 1, 0)))
        self.ids = _names("ids", ids, n) or tuple(f"{i:0{width}d}" for i in range(n))
        self.identities = _names("identities", identities, n)
        _check_distinct(self.ids)

    def __len__(self) -> int:
        return self.vectors.shape[0]

    @property
    def identity_of(self) -> tuple[str, ...]:
        """The identity of each row; where none are known, the record's own id."""
        return self.ids if self.identities is None else self.identities


def _names(what: str, names: Sequence[str] | None, n: int) -> tuple[str, ...] | None:
    if names is None:
        return None
    if len(names) != n:
        raise UsageError(f"{what} must name each of the {n} rows, but {len(names)} are given")
    texts = tuple(str(name) for name in names)
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{what} must be valid Unicode, but one holds a lone surrogate; rename it, for "
            "example with name.encode('utf-8', 'backslashreplace').decode()"
        ) from None
    return texts


def _check_distinct(ids: tuple[str, ...]) -> None:
    if len(set(ids)) == len(ids):
        return
    twice, times = Counter(ids).most_common(1)[0]
    raise UsageError(f"ids must be distinct, but {twice!r} is given {times} times")
