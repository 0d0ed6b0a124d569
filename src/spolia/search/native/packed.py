"""Rows packed for the kernel: whole numbers of one byte, with what each row lost."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.search.native import binding
from spolia.search.native.binding import Addresses, Kernel, address, call

SLACK = 1e-6
"""Added to every bound: float64 roundings of sums of up to 32,768 terms are under 1e-11, and one
rounding to float32 of a number under 2 is at most 1.2e-7."""

PANELS_AT_ONCE = 64
"""Panels packed together by one thread."""

COLUMN_BYTES = 48
"""What a packed base row needs beside its coordinates, at most."""


@dataclass(frozen=True, eq=False)
class Rotation:
    """Leading coordinates of rotated rows, and how far they may be from an exact rotation."""

    frame: Float32
    """``(depth, d)``, rows all but orthonormal."""
    frame_error: float
    """At least the spectral norm of ``frame @ frame.T - 1``."""
    error: float
    """At least the norm of what rounding did to a rotated row."""

    @property
    def slack(self) -> float:
        """Return what the imperfections add to the bound on a similarity."""
        # With u = frame x, v = frame y of norms under 1.01, and their computed neighbours.
        return 1.05 * self.frame_error / (1.0 - self.frame_error) + 2.1 * self.error


@dataclass(frozen=True, eq=False)
class Packing:
    """How rows are packed: for which kernel, rotated or not."""

    kernel: Kernel
    d: int
    rotation: Rotation | None

    @property
    def width(self) -> int:
        """Return the coordinates that are packed."""
        return self.d if self.rotation is None else len(self.rotation.frame)

    @property
    def depth(self) -> int:
        """Return the bytes of a packed row."""
        return self.kernel.depth(self.width)

    @property
    def slack(self) -> float:
        """Return what is added to every bound."""
        return SLACK + (0.0 if self.rotation is None else self.rotation.slack)

    def source(self, rows: Addresses, prefix: Float32 | None) -> binding.Source:
        """Return the rows at some addresses, and their rotated prefix, as the kernel reads them."""
        return binding.Source(
            address(rows),
            address(prefix),
            self.d,
            self.width,
            0.0 if self.rotation is None else self.rotation.error,
            0.0 if self.rotation is None else self.rotation.frame_error,
        )

    def prefix(self, rows: Callable[[], Float32]) -> Float32 | None:
        """Return the rotated prefix of some rows, which are read only where it is needed."""
        if self.rotation is None:
            return None
        return np.ascontiguousarray(rows() @ self.rotation.frame.T)


@dataclass(frozen=True, eq=False)
class Query:
    """A packed block of query rows; ``c`` is what the kernel reads, the rest keeps it alive."""

    c: binding.PackedQuery
    arrays: tuple[Any, ...]


def pack_query(
    packing: Packing,
    rows: Callable[[], Float32],
    addresses: Addresses,
    first: int,
) -> Query:
    """Return the block of query rows from number ``first`` on, packed."""
    n, kernel, depth = len(addresses), packing.kernel, packing.depth
    prefix = packing.prefix(rows)
    padded = -(-n // kernel.rows) * kernel.rows
    packed = np.empty(padded * depth, dtype=np.int8)
    correction = np.empty(n, dtype=np.int32)
    sizes = [np.empty(n) for _ in range(4)]
    call(
        "spolia_pack_query",
        kernel.number,
        packing.source(addresses, prefix),
        ctypes.c_int64(n),
        ctypes.c_int64(depth),
        ctypes.c_void_p(address(packed)),
        ctypes.c_void_p(address(correction)),
        binding.Sizes(*(address(one) for one in sizes)),
    )
    arrays = (packed, correction, *sizes, addresses)
    return Query(binding.PackedQuery(n, first, *(address(one) for one in arrays)), arrays)


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
        self._panels = np.empty(panels * packing.kernel.columns * depth, dtype=np.uint8)
        self._scales: Float64 = np.empty(panels)
        self._maxima = np.empty((panels, 3), dtype=np.float32)
        self._sizes = [np.empty(columns, dtype=np.float32) for _ in range(3)]
        arrays = (self._panels, self._scales, self._maxima, *self._sizes)
        self._arrays = (*arrays, numbers, late, addresses, groups)
        self.columns = columns
        self.c = binding.PackedBase(
            columns, depth, packing.d, packing.slack, *(address(one) for one in self._arrays)
        )

    @property
    def pieces(self) -> range:
        """The columns at which pieces to be packed begin; they may be packed side by side."""
        return range(0, self.columns, PANELS_AT_ONCE * self._packing.kernel.columns)

    def pack(self, start: int) -> None:
        """Pack the piece that begins at column ``start``."""
        kernel, depth = self._packing.kernel, self._packing.depth
        columns = slice(start, min(self.columns, start + self.pieces.step))
        panels = slice(start // kernel.columns, -(-columns.stop // kernel.columns))
        prefix = self._packing.prefix(lambda: self._read(columns))
        out = (
            self._panels[start * depth :],
            self._scales[panels],
            self._maxima[panels],
            *(one[columns] for one in self._sizes),
        )
        call(
            "spolia_pack_base",
            kernel.number,
            self._packing.source(self._addresses[columns], prefix),
            ctypes.c_int64(columns.stop - start),
            ctypes.c_int64(depth),
            binding.PackedPanels(*(address(one) for one in out)),
        )

    def _read(self, columns: slice) -> Float32:
        numbers = self._numbers[columns]
        first, last = int(numbers[0]), int(numbers[-1]) + 1
        if last - first == len(numbers):
            return np.asarray(self._base[first:last])
        return np.asarray(self._base[numbers.astype(np.int64)])
