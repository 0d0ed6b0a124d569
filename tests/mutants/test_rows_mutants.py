"""Known wrong versions of how rows are judged, found and watched; each breaks a law."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spolia.core.errors import InputChanged, InvalidRows
from spolia.core.rows import SubsetRows, files_of, row_addresses
from spolia.core.types import NORM_TOLERANCE, Float32
from spolia.store.shards import ShardedRows
from tests.spec import row_laws as laws


def refuse(wrong: Any) -> None:
    if np.any(wrong):
        raise InvalidRows("rows")


def judged_in_float32(rows: Float32) -> None:
    refuse(~(np.abs(np.sqrt(np.einsum("ij,ij->i", rows, rows)) - 1) <= np.float32(NORM_TOLERANCE)))


def judged_by_the_square(rows: Float32) -> None:
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    refuse(~(np.abs(squares - 1) <= 2 * NORM_TOLERANCE))


def judged_quickly_without_margin(rows: Float32) -> None:
    squares = np.einsum("ij,ij->i", rows, rows)
    refuse(~(np.abs(squares - 1) <= 2 * NORM_TOLERANCE))


def tiny_taken_for_zero(rows: Float32) -> None:
    squares = np.einsum("ij,ij->i", rows, rows)
    refuse((squares != 0) & ~(np.abs(squares - 1) <= NORM_TOLERANCE))


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (laws.norms_at_the_tolerance_are_judged_exactly, judged_in_float32),
        (laws.norms_at_the_tolerance_are_judged_exactly, judged_by_the_square),
        (laws.norms_at_the_tolerance_are_judged_exactly, judged_quickly_without_margin),
        (laws.norms_far_from_one_are_refused, tiny_taken_for_zero),
    ],
    ids=lambda one: one.__name__,
)
def test_a_wrong_judgement_is_killed(law: Any, mutant: Any) -> None:
    with pytest.raises(AssertionError):
        law(mutant)


def plain(rows: Any, *, base: bool = False, stride: Any = lambda array: array.strides[0]) -> Any:
    start = rows.base if base and rows.base is not None else rows
    first = start.__array_interface__["data"][0]
    return np.uint64(first) + (np.arange(len(rows)) * stride(rows)).view(np.uint64)


def rows_taken_for_contiguous(rows: Any) -> Any:
    if not isinstance(rows, np.ndarray):
        return row_addresses(rows)
    return plain(rows, stride=lambda array: 4 * array.shape[1])


def stride_without_its_sign(rows: Any) -> Any:
    if not isinstance(rows, np.ndarray):
        return row_addresses(rows)
    return plain(rows, stride=lambda array: abs(array.strides[0]))


def start_of_the_view_forgotten(rows: Any) -> Any:
    return plain(rows, base=True) if isinstance(rows, np.ndarray) else row_addresses(rows)


def subset_taken_in_order(rows: Any) -> Any:
    if not isinstance(rows, SubsetRows):
        return row_addresses(rows)
    addresses = row_addresses(rows._rows)
    return None if addresses is None else addresses[: rows.shape[0]]


def shards_taken_for_one(rows: Any) -> Any:
    if not (isinstance(rows, ShardedRows) and rows.shape[0]):
        return row_addresses(rows)
    first = row_addresses(rows)
    return None if first is None else first[0] + np.arange(rows.shape[0], dtype=np.uint64) * 24


@pytest.mark.parametrize(
    "mutant",
    [
        rows_taken_for_contiguous,
        stride_without_its_sign,
        start_of_the_view_forgotten,
        subset_taken_in_order,
        shards_taken_for_one,
    ],
)
def test_wrong_addresses_are_killed(mutant: Any) -> None:
    with pytest.raises(AssertionError):
        laws.every_address_is_that_of_its_row(mutant)


class WatchOf:
    """A watch of some of what tells of a change; of all, it is right."""

    marks: tuple[str, ...] = ("st_size", "st_mtime_ns", "st_ino")

    def __init__(self, *rows: Any) -> None:
        self._before = {path: self._marks(path) for one in rows for path in self.files(one)}

    def files(self, rows: Any) -> tuple[Path, ...]:
        return files_of(rows)

    def _marks(self, path: Path) -> list[int]:
        return [getattr(path.stat(), mark) for mark in self.marks] if path.exists() else []

    def check(self) -> None:
        if any(self._marks(path) != before for path, before in self._before.items()):
            raise InputChanged("rows")


class SizeForgotten(WatchOf):
    marks = ("st_mtime_ns", "st_ino")


class TimeForgotten(WatchOf):
    marks = ("st_size", "st_ino")


class InodeForgotten(WatchOf):
    marks = ("st_size", "st_mtime_ns")


class ViewsForgotten(WatchOf):
    def files(self, rows: Any) -> tuple[Path, ...]:
        return files_of(rows) if isinstance(rows, np.memmap) or hasattr(rows, "files") else ()


class OnlyTheFirstSide(WatchOf):
    def __init__(self, *rows: Any) -> None:
        super().__init__(rows[0])


@pytest.mark.parametrize(
    "mutant", [SizeForgotten, TimeForgotten, InodeForgotten, ViewsForgotten, OnlyTheFirstSide]
)
def test_a_wrong_watch_is_killed(mutant: Any, tmp_path: Path) -> None:
    laws.a_changed_file_is_noticed(WatchOf, tmp_path)
    with pytest.raises(AssertionError):
        laws.a_changed_file_is_noticed(mutant, tmp_path)
