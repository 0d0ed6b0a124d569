"""An address leads to the numbers of its row; rows that do not lie row by row have none."""

import ctypes
import gc
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.rows import SubsetRows, row_addresses
from spolia.core.types import Float32
from spolia.store.shards import ShardedRows
from tests.spec.row_laws import every_address_is_that_of_its_row, rows_of


def read(rows: Any) -> Float32:
    """Return what stands at the addresses of ``rows``."""
    addresses = row_addresses(rows)
    assert addresses is not None
    assert (addresses.dtype, addresses.shape) == (np.uint64, rows.shape[:1])
    kind = ctypes.c_float * rows.shape[1]
    found = np.empty(rows.shape, dtype=np.float32)
    for i, address in enumerate(addresses.tolist()):
        found[i] = kind.from_address(address)
    return found


def assert_readable(rows: Any) -> None:
    """Fail unless the addresses of ``rows`` hold the bits that reading the rows gives."""
    expected = np.asarray(rows[0 : rows.shape[0]])
    assert read(rows).tobytes() == np.ascontiguousarray(expected).tobytes()


slices = st.builds(
    slice,
    st.none() | st.integers(-12, 12),
    st.none() | st.integers(-12, 12),
    st.sampled_from([None, 1, 2, 3, -1, -2]),
)


@given(st.integers(0, 12), st.integers(1, 9), slices, st.integers(0, 8), st.integers(1, 9))
def test_an_address_leads_to_its_row(m: int, d: int, cut: slice, left: int, width: int) -> None:
    rows = rows_of(m, d)[cut, min(left, d - 1) :][:, :width]
    assert_readable(rows)


@given(
    st.lists(st.tuples(st.integers(0, 5), slices), max_size=4),
    st.lists(st.integers(0, 99), max_size=9),
)
def test_an_address_leads_to_its_row_across_shards(
    parts: list[tuple[int, slice]], index: list[int]
) -> None:
    rows = ShardedRows([rows_of(m, 4, seed)[cut] for seed, (m, cut) in enumerate(parts)], 4)
    assert_readable(rows)
    chosen = np.array([i % rows.shape[0] for i in index if rows.shape[0]], dtype=np.int64)
    assert_readable(SubsetRows(rows, chosen))


def test_every_address_is_that_of_its_row() -> None:
    assert every_address_is_that_of_its_row(row_addresses) is None


def test_rows_of_a_file_have_addresses_as_long_as_they_live(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.npy" for number in range(3)]
    for number, path in enumerate(paths):
        np.save(path, rows_of(50, 8, seed=number))
    rows = ShardedRows([np.load(path, mmap_mode="r") for path in paths], 8)
    gc.collect()
    expected = np.concatenate([rows_of(50, 8, seed=number) for number in range(3)])
    assert read(rows).tobytes() == expected.tobytes()
    assert_readable(np.load(paths[0], mmap_mode="r")[5:9])


class Stored:
    """Rows that offer no addresses."""

    shape, dtype = (4, 2), np.dtype(np.float32)

    def __getitem__(self, key: Any) -> Float32:
        return rows_of(4, 2)[key]


def unaligned() -> Float32:
    return np.frombuffer(bytes(4 * 12 + 1), dtype=np.float32, offset=1, count=12).reshape(4, 3)


@pytest.mark.parametrize(
    "rows",
    [
        np.asfortranarray(rows_of(4, 3)),
        rows_of(4, 6)[:, ::2],
        rows_of(4, 3)[:, ::-1],
        np.broadcast_to(np.float32([[1], [0]]), (2, 3)),
        rows_of(4, 3).astype(">f4" if np.little_endian else "<f4"),
        rows_of(4, 3).astype(np.float64),
        rows_of(4, 3).view(np.int32),
        rows_of(4, 3)[0],
        unaligned(),
        Stored(),
        ShardedRows([rows_of(4, 3), np.asfortranarray(rows_of(4, 3))], 3),
        ShardedRows([unaligned()], 3),
    ],
    ids=lambda rows: f"{type(rows).__name__} {rows.dtype}",
)
def test_rows_that_do_not_lie_row_by_row_have_no_addresses(rows: Any) -> None:
    assert row_addresses(rows) is None
    assert row_addresses(SubsetRows(rows, np.array([1, 0]))) is None


def test_addresses_take_eight_bytes_a_row() -> None:
    rows = rows_of(20_000, 2)
    tracemalloc.start()
    try:
        addresses = row_addresses(rows[::-1])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert addresses is not None
    assert peak < 8 * len(rows) + 10_000
