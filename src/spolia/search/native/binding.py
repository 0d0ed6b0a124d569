"""The compiled kernel as Python sees it: its functions, and which instruction sets it can use."""

import ctypes
import os
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UsageError
from spolia.core.types import Float64

VARIABLE = "SPOLIA_KERNEL"
"""Environment variable that forces a kernel by name; ``library`` for none, default ``auto``."""

Addresses = npt.NDArray[np.uint64]
"""Where rows lie in memory."""


class _Info(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        *((name, ctypes.c_int32) for name in ("runs", "rows", "unit", "offset", "levels")),
        *((name, ctypes.c_int32) for name in ("bytes", "fine", "columns", "deepest")),
    )


class Source(ctypes.Structure):
    """``Source`` in pack.h."""

    _fields_ = (
        ("rows", ctypes.c_void_p),
        ("prefix", ctypes.c_void_p),
        ("whole", ctypes.c_void_p),
        ("centre", ctypes.c_void_p),
        ("width", ctypes.c_int64),
        *((name, ctypes.c_double) for name in ("rounding", "frame_error", "weight", "mean")),
    )


class Sizes(ctypes.Structure):
    """``Sizes`` in pack.h."""

    _fields_ = tuple(
        (name, ctypes.c_void_p) for name in ("scale", "norm", "error", "tail", "shift")
    )


class PackedPanels(ctypes.Structure):
    """``PackedPanels`` in pack.h."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("panels", "scales", "maxima"))


class PackedQuery(ctypes.Structure):
    """``PackedQuery`` in join.h."""

    _fields_ = (
        ("n", ctypes.c_int64),
        ("first", ctypes.c_int64),
        *(
            (name, ctypes.c_void_p)
            for name in ("packed", "correction", "scale", "norm", "error", "tail", "shift")
        ),
        ("rows", ctypes.c_void_p),
        ("groups", ctypes.c_void_p),
    )


class PackedBase(ctypes.Structure):
    """``PackedBase`` in join.h."""

    _fields_ = (
        ("columns", ctypes.c_int64),
        ("depth", ctypes.c_int64),
        ("d", ctypes.c_int64),
        ("slack", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in ("panels", "scales", "maxima")),
        *((name, ctypes.c_void_p) for name in ("numbers", "late", "rows", "groups")),
    )


class Collected(ctypes.Structure):
    """``Collected`` in join.h."""

    _fields_ = (
        ("nearest", ctypes.c_void_p),
        ("top", ctypes.c_void_p),
        ("above", ctypes.c_double),
        ("pairs", ctypes.c_void_p),
        ("pair_room", ctypes.c_int64),
        ("pair_count", ctypes.c_int64),
        ("once", ctypes.c_int32),
        ("panel", ctypes.c_int64),
        ("group", ctypes.c_int64),
        ("survivors", ctypes.c_int64),
        ("settled", ctypes.c_int64),
    )


PAIR = np.dtype([("similarity", "f8"), ("query", "u4"), ("base", "u4")])
"""``Pair`` in best.h."""
WAITING = np.dtype([("lower", "f8"), ("upper", "f8"), ("row", "u4"), ("column", "u4")])
"""``Waiting`` in best.h."""
BEST = np.dtype(
    [
        *((name, "u8") for name in ("best", "waiting")),
        *((name, "i8") for name in ("keep", "extra", "room", "held", "count")),
        ("floor", "f8"),
    ]
)
"""``Best`` in best.h."""

DONE, PAIRS_FULL, STOPPED = range(3)
"""``Status`` in join.h."""


@dataclass(frozen=True)
class Kernel:
    """One instruction set that the compiled engine knows."""

    name: str
    runs: bool
    """Does this machine have it?"""
    number: int
    rows: int
    """Query rows worked on together."""
    unit: int
    """Packed rows are a multiple of this many bytes."""
    columns: int
    """Base rows of a panel."""
    deepest: int
    """Coordinates that can be packed before a sum could overflow."""
    levels: int = 127
    """The largest packed number of base; with two bytes, the largest norm of a row of them."""
    bytes: int = 1
    """Bytes of a packed coordinate."""
    fine: int | None = None
    """The number of a kernel of two bytes a coordinate for the same machines."""

    def depth(self, width: int) -> int:
        """Return the bytes of a packed row of ``width`` coordinates."""
        return -(-width * self.bytes // self.unit) * self.unit


@cache
def library() -> ctypes.CDLL | None:
    """Return the compiled kernel, or ``None`` where it was not built."""
    spec = find_spec("spolia.search.native._kernel")
    return None if spec is None or spec.origin is None else ctypes.CDLL(spec.origin)


@cache
def kernels() -> tuple[Kernel, ...]:
    """Return all kernels that were built, fastest first."""
    built = library()
    if built is None:
        return ()
    found: list[Kernel] = []
    info = _Info()
    while built.spolia_kernel(len(found), ctypes.byref(info)):
        found.append(
            Kernel(
                name=info.name.decode(),
                runs=bool(info.runs),
                number=len(found),
                rows=info.rows,
                unit=info.unit,
                columns=info.columns,
                deepest=info.deepest,
                levels=info.levels,
                bytes=info.bytes,
                fine=None if info.fine < 0 else info.fine,
            )
        )
    return tuple(found)


def chosen_kernel() -> Kernel | None:
    """Return the kernel to use, or ``None`` for the library engine.

    Raises
    ------
    UsageError
        If ``SPOLIA_KERNEL`` names none, or one that was not built or that this machine lacks.
    """
    name = os.environ.get(VARIABLE, "auto")
    running = [one for one in kernels() if one.runs]
    if name == "library" or (name == "auto" and not running):
        return None
    if name == "auto":
        return running[0]
    for one in running:
        if one.name == name:
            return one
    names = ", ".join(["auto", "library", *(one.name for one in running)])
    raise UsageError(
        f"{VARIABLE} must name a kernel that was built and that this machine can run, one of "
        f"{names}, but is {name!r}; unset it, or see spolia doctor"
    )


@overload
def address(array: npt.NDArray[Any]) -> int: ...


@overload
def address(array: npt.NDArray[Any] | None) -> int | None: ...


def address(array: npt.NDArray[Any] | None) -> int | None:
    """Return where the data of a contiguous array begins; ``None`` for none."""
    if array is None:
        return None
    if not array.flags.c_contiguous:
        raise ValueError("the kernel reads contiguous arrays only")
    return int(array.ctypes.data)


def call(name: str, *arguments: Any) -> int:
    """Call a function of the compiled kernel; other Python threads run meanwhile."""
    built = library()
    if built is None:
        raise UsageError("the compiled kernel was not built; install spolia with a C++ compiler")
    function = getattr(built, name)
    passed = [ctypes.byref(one) if isinstance(one, ctypes.Structure) else one for one in arguments]
    return int(function(*passed))


def similarities(kernel: Kernel, x: Addresses, y: Addresses, d: int) -> Float64:
    """Return the exact similarities of rows at addresses ``x`` and ``y``, ``(n,)`` each."""
    out = np.empty(len(x))
    call(
        "spolia_similarities",
        kernel.number,
        *(ctypes.c_void_p(address(one)) for one in (x, y)),
        ctypes.c_int64(len(x)),
        ctypes.c_int64(d),
        ctypes.c_void_p(address(out)),
    )
    return out
