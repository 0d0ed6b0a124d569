"""Laws of rows: how their norms are judged, where they lie, and when their files have changed."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from spolia.core.errors import InputChanged, InvalidRows
from spolia.core.rows import SubsetRows
from spolia.core.types import NORM_TOLERANCE, Float32, normalise
from spolia.store.shards import ShardedRows

WIDTHS = (1, 2, 7, 511, 512, 513, 1537)


def rows_of(n: int, d: int, seed: int = 0) -> Float32:
    """Return ``n`` unit rows, no two alike."""
    return normalise(np.random.default_rng(seed).standard_normal((n, d)))


# Norms: laws of a function that takes rows and raises InvalidRows


def norms_at_the_tolerance_are_judged_exactly(check: Callable[[Float32], None]) -> None:
    for d in WIDTHS:
        for edge in (1.0 - NORM_TOLERANCE, 1.0 + NORM_TOLERANCE):
            nudges = 1.0 + np.linspace(-2e-6, 2e-6, 41)[:, np.newaxis]
            rows = (rows_of(41, d).astype(np.float64) * edge * nudges).astype(np.float32)
            assert [accepted(check, row) for row in rows] == [within(row) for row in rows]


def norms_far_from_one_are_refused(check: Callable[[Float32], None]) -> None:
    for size in (1e-45, 1e-30, 1e-19, 0.99, 1.01, 1e19, 1e30):
        for d in WIDTHS:
            assert not accepted(check, rows_of(1, d)[0] * np.float32(size) + np.float32(1e-45))


def accepted(check: Callable[[Float32], None], row: Float32) -> bool:
    try:
        check(row[np.newaxis])
    except InvalidRows:
        return False
    return True


def within(row: Float32) -> bool:
    """Tell, without rounding, whether the norm lies within the tolerance of 1."""
    squares = sum(Fraction(float(value)) ** 2 for value in row)
    low, high = (Fraction(1.0 + sign * NORM_TOLERANCE) for sign in (-1, 1))
    return low**2 <= squares <= high**2


# Addresses: laws of a function that takes rows and returns their addresses or None


def every_address_is_that_of_its_row(row_addresses: Callable[[Any], Any]) -> None:
    for rows, views in in_memory():
        expected = [one.__array_interface__["data"][0] for one in views]
        assert row_addresses(rows).tolist() == expected


def in_memory() -> list[tuple[Any, list[Float32]]]:
    """Return rows that lie in memory, each with the views of their single rows in order."""
    rows, other = rows_of(20, 6), rows_of(9, 6, seed=1)
    index = np.array([7, 0, 7, 19, 3])
    layouts = [
        rows,
        rows[5:],
        rows[3:17:4],
        rows[::-1],
        rows[::-3],
        rows[:, 1:5],
        rows[:, 5:],
        rows[:0],
        np.broadcast_to(rows[4], (8, 6)),
        np.asfortranarray(rows)[:, 2:3],
        rows[:, ::2][:, 1:2],
    ]
    found = [(one, [*one]) for one in layouts]
    halves = ShardedRows([rows[4:12], other[:0], other[::-1]], 6)
    of_halves = [*rows[4:12], *other[::-1]]
    subset = SubsetRows(rows[::-1], index)
    return [
        *found,
        (halves, of_halves),
        (ShardedRows([], 6), []),
        (subset, [rows[::-1][i] for i in index]),
        (SubsetRows(halves, index[:3]), [of_halves[i] for i in index[:3]]),
        (SubsetRows(subset, np.array([4, 1])), [rows[::-1][3], rows[::-1][0]]),
    ]


# Files: laws of a class that watches rows and has a method check


def a_changed_file_is_noticed(watch: Callable[..., Any], folder: Path) -> None:
    for change in CHANGES:
        for view in VIEWS:
            path = folder / "rows.npy"
            np.save(path, rows_of(20, 6))
            os.utime(path, ns=(0, 0))
            one = watch(rows_of(3, 6), view(np.load(path, mmap_mode="r")))
            one.check()
            change(path)
            assert complains(one), (change.__name__, view)


def complains(watch: Any) -> bool:
    try:
        watch.check()
    except InputChanged:
        return True
    return False


def write_in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(200)
        file.write(b"\0\0\0\0")


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")
    os.utime(path, ns=(0, 0))


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(0, 0))
    other.replace(path)


def remove(path: Path) -> None:
    path.unlink()


CHANGES = (write_in_place, grow, replace, remove)

VIEWS: tuple[Callable[[Any], Any], ...] = (
    lambda rows: rows,
    lambda rows: rows[3:7],
    lambda rows: np.asarray(rows)[::-1],
    lambda rows: np.broadcast_to(rows[:1], (4, 6)),
    lambda rows: SubsetRows(rows, np.array([2, 0])),
    lambda rows: ShardedRows([rows_of(2, 6), rows[:2], rows[2:]], 6),
    lambda rows: SubsetRows(ShardedRows([rows], 6), np.array([5])),
)
