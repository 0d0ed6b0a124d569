"""Rows packed for the kernel: whole numbers of one byte, with what each row lost."""

import ctypes
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.search.native import binding
from spolia.search.native.binding import Addresses, Kernel, address, call

SLACK = 2e-11
"""Added to every bound: more than all float64 roundings of sums of up to 32,768 terms."""

PANELS_AT_ONCE = 64
"""Panels packed together by one thread, at most."""
_PIECES = 4
"""Pieces that a small base is packed in, so that all threads have some."""

COLUMN_BYTES = 40
"""What a packed base row needs beside its coordinates, at most."""


def along(rows: Float32, centre: Float32) -> Float64:
    """Return the similarities of rows with a centre, ``(n,)``."""
    # Not by the matrix library, whose threads would go on waiting while those of a join work.
    wide = rows.astype(np.float64), centre.astype(np.float64)
    result: Float64 = np.einsum("ij,j->i", *wide)
    return result


@dataclass(frozen=True, eq=False)
class Centre:
    r"""What rows have in common, which is taken off before they are packed.

    With a centre c, a weight w and a mean t, the rows

    .. math:: x' = (x - c,\; w), \qquad y' = (y - c,\; (y \cdot c - t) / w)

    have :math:`x \cdot y = x' \cdot y' + x \cdot c - c \cdot c + t`: what all rows have in common
    is computed once for each query row, and what is left is small where rows are alike.
    """

    vector: Float32
    """``(d,)``"""
    weight: float
    """A power of two."""
    mean: float

    @classmethod
    def of(cls, rows: Float32) -> "Centre":
        """Return the centre of some rows; the weight makes both added coordinates about as large.

        >>> Centre.of(np.float32([[1, 0], [0, 1]])).vector.tolist()
        [0.5, 0.5]
        """
        vector = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        extra = along(rows, vector)
        spread = max(float(extra.std()), 2.0**-60)
        return cls(vector, 2.0 ** round(math.log2(spread) / 2), float(extra.mean()))

    def query(self, rows: Float32) -> tuple[Float32, Float64]:
        """Return query rows centred, ``(n, d + 1)``, and their shifts ``(n,)``."""
        (square,) = along(self.vector[np.newaxis], self.vector)
        extra = np.full(len(rows), self.weight)
        return self._centred(rows, extra), along(rows, self.vector) - square + self.mean

    def base(self, rows: Float32) -> Float32:
        """Return base rows centred, ``(n, d + 1)``."""
        return self._centred(rows, (along(rows, self.vector) - self.mean) / self.weight)

    def _centred(self, rows: Float32, extra: Float64) -> Float32:
        centred = np.empty((len(rows), len(self.vector) + 1), dtype=np.float32)
        np.subtract(rows, self.vector, out=centred[:, :-1])
        centred[:, -1] = extra
        return centred


@dataclass(frozen=True, eq=False)
class Rotation:
    """The leading coordinates of centred rows that were rotated."""

    frame: Float32
    """``(depth, d + 1)``, rows all but orthonormal."""
    frame_error: float
    """At least the spectral norm of ``frame @ frame.T - 1``."""
    rounding: float
    """At least the error of a computed prefix, over the norm of the row."""

    def prefix(self, centred: Float32) -> tuple[Float32, Float64]:
        """Return prefixes ``(n, depth)``, and norms of the whole rows ``(n,)``, at least."""
        squares = np.einsum("ij,ij->i", centred, centred, dtype=np.float64)
        # A millionth more than computed: rounding x - c takes at most a tenth of that.
        return np.ascontiguousarray(centred @ self.frame.T), np.sqrt(squares) * (1.0 + 1e-6)


@dataclass(frozen=True, eq=False)
class Packing:
    """How rows are packed: for which kernel, centred or not, rotated or not."""

    kernel: Kernel
    d: int
    centre: Centre | None = None
    rotation: Rotation | None = None
    """Only of centred rows."""

    @property
    def width(self) -> int:
        """Return the coordinates that are packed."""
        if self.rotation is not None:
            return len(self.rotation.frame)
        return self.d if self.centre is None else self.d + 1

    @property
    def depth(self) -> int:
        """Return the bytes of a packed row."""
        return self.kernel.depth(self.width)

    def source(
        self, rows: Addresses, prefix: Float32 | None, whole: Float64 | None
    ) -> binding.Source:
        """Return rows at some addresses, or their prefixes, as the kernel reads them."""
        here = self.centre if self.rotation is None else None  # else centred already
        # Rounding x - c, or the added coordinate, errs by 2^-24 of each coordinate at most.
        rounding = 0.0 if here is None else 2.0**-24 * 1.01
        return binding.Source(
            address(rows),
            address(prefix),
            address(whole),
            None if here is None else address(here.vector),
            self.width,
            rounding if self.rotation is None else self.rotation.rounding,
            0.0 if self.rotation is None else self.rotation.frame_error,
            0.0 if here is None else here.weight,
            0.0 if here is None else here.mean,
        )


def aligned(size: int) -> npt.NDArray[np.uint8]:
    """Return bytes that begin with a cache line, so that no vector read touches two."""
    line = 64
    room = np.empty(size + line, dtype=np.uint8)
    start = -room.ctypes.data % line
    return room[start : start + size]


@dataclass(frozen=True, eq=False)
class Query:
    """A packed block of query rows; ``c`` is what the kernel reads, the rest keeps it alive."""

    c: binding.PackedQuery
    arrays: tuple[npt.NDArray[Any], ...]


def pack_query(
    packing: Packing,
    rows: Callable[[], Float32],
    addresses: Addresses,
    first: int,
) -> Query:
    """Return the block of query rows from number ``first`` on, packed."""
    n, kernel, depth = len(addresses), packing.kernel, packing.depth
    prefix, whole = None, None
    sizes = np.empty((5, n))
    sizes[-1] = 0.0  # the shifts
    if packing.rotation is not None and packing.centre is not None:
        centred, sizes[-1] = packing.centre.query(rows())
        prefix, whole = packing.rotation.prefix(centred)
    packed = aligned(-(-n // kernel.rows) * kernel.rows * depth)
    correction = np.empty(n, dtype=np.int32)
    arrays = packed, correction, sizes, addresses
    at = [address(one) for one in arrays]
    size_at = [at[2] + step for step in range(0, sizes.nbytes, sizes.strides[0])]
    call(
        "spolia_pack_query",
        kernel.number,
        packing.source(addresses, prefix, whole),
        ctypes.c_int64(n),
        ctypes.c_int64(depth),
        ctypes.c_void_p(at[0]),
        ctypes.c_void_p(at[1]),
        binding.Sizes(*size_at),
    )
    return Query(binding.PackedQuery(n, first, at[0], at[1], *size_at, at[3]), arrays)


class Base:
    """A packed stretch of base.

    Parameters
    ----------
    base
        ``(m, d)`` rows.
    numbers
        ``(c,)`` uint32, rising: the rows of base that are packed.
    addresses
        ``(c,)``: where these rows lie.
    late
        ``(c,)`` which of them are never among the nearest, or ``None``.
    groups
        ``(c,)`` their groups, or ``None``.
    """

    def __init__(
        self,
        packing: Packing,
        base: Rows,
        numbers: npt.NDArray[np.uint32],
        addresses: Addresses,
        late: npt.NDArray[np.uint8] | None,
        groups: Int64 | None,
    ) -> None:
        self._packing, self._base, self._numbers = packing, base, numbers
        self._addresses = addresses
        columns, depth = len(numbers), packing.depth
        panels = -(-columns // packing.kernel.columns)
        self._panels = aligned(panels * packing.kernel.columns * depth)
        self._scales: Float64 = np.empty(panels)
        self._maxima = np.empty((panels, 3), dtype=np.float32)
        packed = (self._panels, self._scales, self._maxima)
        self._arrays = (*packed, numbers, late, addresses, groups)
        self.columns = columns
        self.c = binding.PackedBase(
            columns, depth, packing.d, SLACK, *(address(one) for one in self._arrays)
        )

    @property
    def pieces(self) -> range:
        """The columns at which pieces to be packed begin; they may be packed side by side."""
        panels = min(PANELS_AT_ONCE, -(-len(self._scales) // _PIECES))
        return range(0, self.columns, max(1, panels) * self._packing.kernel.columns)

    def pack(self, start: int) -> int:
        """Pack the piece that begins at column ``start``; returns how many columns it has."""
        kernel, depth = self._packing.kernel, self._packing.depth
        columns = slice(start, min(self.columns, start + self.pieces.step))
        panels = slice(start // kernel.columns, -(-columns.stop // kernel.columns))
        prefix, whole = None, None
        centre, rotation = self._packing.centre, self._packing.rotation
        if rotation is not None and centre is not None:
            prefix, whole = rotation.prefix(centre.base(self._read(columns)))
        out = (
            self._panels[start * depth :],
            self._scales[panels],
            self._maxima[panels],
        )
        call(
            "spolia_pack_base",
            kernel.number,
            self._packing.source(self._addresses[columns], prefix, whole),
            ctypes.c_int64(columns.stop - start),
            ctypes.c_int64(depth),
            binding.PackedPanels(*(address(one) for one in out)),
        )
        return columns.stop - start

    def _read(self, columns: slice) -> Float32:
        numbers = self._numbers[columns]
        first, last = int(numbers[0]), int(numbers[-1]) + 1
        if last - first == len(numbers):
            return np.asarray(self._base[first:last])
        return np.asarray(self._base[numbers.astype(np.int64)])
