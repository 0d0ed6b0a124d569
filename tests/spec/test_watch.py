"""A file that changes while its rows are read is noticed and named; nothing else is."""

import os
from pathlib import Path

import numpy as np
import pytest

from spolia.core.errors import InputChanged
from spolia.core.rows import files_of
from spolia.search.watch import Watch
from spolia.store.shards import ShardedRows
from tests.spec.row_laws import (
    VIEWS,
    a_changed_file_is_noticed,
    grow,
    remove,
    replace,
    rows_of,
    write_in_place,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of rows, last written long ago."""
    np.save(tmp_path / "rows.npy", rows_of(20, 6))
    os.utime(tmp_path / "rows.npy", ns=(0, 0))
    return tmp_path / "rows.npy"


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    assert a_changed_file_is_noticed(Watch, tmp_path) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (write_in_place, "it was written to"),
        (grow, "its size went from 608 to 609 bytes"),
        (replace, "another file took its place"),
        (remove, "it is gone"),
    ],
)
def test_the_error_says_which_file_what_and_what_to_do(change, said, path: Path) -> None:
    watch = Watch(np.load(path, mmap_mode="r"))
    change(path)
    with pytest.raises(InputChanged) as caught:
        watch.check()
    assert str(caught.value) == (
        f"{path.resolve()} must stay as it is while its rows are compared, but {said}; join again "
        "when nothing writes to it"
    )
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("view", VIEWS)
def test_the_files_behind_rows_are_known(view, path: Path) -> None:
    assert set(files_of(view(np.load(path, mmap_mode="r")))) == {path.resolve()}


def test_every_shard_has_its_file(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.npy" for number in range(3)]
    for one in paths:
        np.save(one, rows_of(4, 6))
    rows = ShardedRows([np.load(one, mmap_mode="r") for one in paths], 6)
    assert files_of(rows) == tuple(one.resolve() for one in paths)
    watch = Watch(rows)
    paths[2].unlink()
    with pytest.raises(InputChanged, match=r"2\.npy"):
        watch.check()


class Stored:
    """Rows that tell of no file."""


@pytest.mark.parametrize("rows", [rows_of(4, 2), rows_of(4, 2)[::2], Stored()], ids=type)
def test_rows_without_files_never_change(rows) -> None:
    assert files_of(rows) == ()
    Watch(rows, rows).check()


def test_a_copy_has_left_its_file(path: Path) -> None:
    mapped = np.load(path, mmap_mode="r")
    for copy in (mapped[np.array([1, 0])], mapped.copy(), np.array(mapped), mapped + 0):
        watch = Watch(copy)
        grow(path)
        watch.check()


def test_reading_is_no_change_and_new_files_beside_are_none(path: Path) -> None:
    watch = Watch(np.load(path, mmap_mode="r"))
    path.read_bytes()
    np.save(path.with_name("other.npy"), rows_of(2, 2))
    watch.check()


def test_a_file_that_had_no_name_when_the_watch_began_is_not_watched(path: Path) -> None:
    rows = np.load(path, mmap_mode="r")
    path.unlink()
    watch = Watch(rows)
    np.save(path, rows_of(20, 6))
    watch.check()
    np.testing.assert_array_equal(rows, rows_of(20, 6))


def test_a_map_of_an_open_file_without_a_name_is_not_watched(tmp_path: Path) -> None:
    import tempfile

    with tempfile.TemporaryFile(dir=tmp_path) as file:
        file.write(rows_of(2, 2).tobytes())
        file.flush()
        rows = np.memmap(file, dtype=np.float32, mode="r", shape=(2, 2))
        Watch(rows).check()
        assert files_of(rows) == ()
