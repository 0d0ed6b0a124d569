"""Lists, parquet and saved data sets that are broken, forged, or made to fill the memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import SpoliaError, UnreadableImage, UsageError
from spolia.sources import Source, open_source
from spolia.sources.columns import read_columns
from spolia.sources.limits import Limits
from tests.formats import parquet_of, write_csv, write_files
from tests.hostile.broken import PIXELS, encode, reason

IMAGE = encode()


def good(source: Source) -> list[int]:
    found = []
    for index in range(len(source)):
        try:
            if np.array_equal(source.image(index), PIXELS):
                found.append(index)
        except UnreadableImage:
            continue
    return found


# Lists


def listed(tmp_path: Path, *paths: str) -> Path:
    root = write_files(tmp_path / "set", {"a.png": IMAGE, "sub/b.png": IMAGE})
    return write_csv(root / "list.csv", ["path"], [["a.png"], *([path] for path in paths)])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../secret.png", "row 2 leaves it: '../secret.png'"),
        ("sub/../../secret.png", "row 2 leaves it"),
        ("sub\\..\\..\\secret.png", "row 2 leaves it"),
        ("..", "row 2 leaves it"),
        ("/etc/passwd", "row 2 is absolute: '/etc/passwd'"),
        ("C:\\x.png", "row 2 is absolute"),
        ("", "row 2 is empty"),
        ("a\0b.png", "row 2 holds a NUL"),
    ],
)
def test_a_path_that_leaves_the_folder_of_the_list_is_refused(
    tmp_path: Path, path: str, message: str
) -> None:
    where = tmp_path / "set" / "list.parquet"
    parquet_of(where, {"path": ["a.png", path]})
    with pytest.raises(UsageError, match=f"{message}.*write it relative".replace("\\", ".")):
        open_source(where)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("gone.png", "no such file or directory"),
        ("sub", "not a regular file"),
        ("list.csv", "cannot identify image file"),
        ("out.png", "link that leaves the folder"),
        ("outside/secret.png", "link that leaves the folder"),
        ("ring.png", "link that leaves the folder"),
        ("n" * 300 + ".png", "file name too long"),
        ("\N{PILE OF POO}\u202e\x1b[31m.png", "no such file or directory"),
        ("a.png/x.png", "not a directory"),
    ],
)
def test_a_file_that_cannot_be_read_costs_no_other(tmp_path: Path, path: str, why: str) -> None:
    table = listed(tmp_path, path, "sub/b.png")
    write_files(tmp_path / "elsewhere", {"secret.png": IMAGE})
    (tmp_path / "set" / "out.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    (tmp_path / "set" / "outside").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "ring.png").symlink_to("ring.png")
    source = open_source(table)
    assert source.ids == ("a.png", path, "sub/b.png")
    assert reason(source, 1) == why
    assert good(source) == [0, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "none; name the column of the files 'path'"),
        ("path\n", "has 0 rows"),
        ("file,age\na.png,3\n", "with the columns 'file', 'age'"),
        ("paths\na.png\n", "did you mean 'paths'"),
        ("path,path\na.png,a.png\n", "has 'path' twice"),
        ("path,id\na.png\n", "must have 2 values in every row"),
        ("path,id\na.png,\n", "row 1 has none"),
        ("path,id\na.png,1\nsub/b.png,1\n", "has '1' 2 times"),
        ("path\na.png\na.png\n", r"has 'a\.png' 2 times"),
        ("path,identity\na.png,ann\nsub/b.png,\n", "the column identity .* row 2 has none"),
        ('path\n"a.png\n', "cannot be read as CSV"),
        ("path\n\xff.png\n", "must be UTF-8"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path: Path, text: str, message: str) -> None:
    table = listed(tmp_path)
    table.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=message):
        open_source(table)


def test_names_that_differ_in_case_only_are_different_records(tmp_path: Path) -> None:
    table = listed(tmp_path, "A.png")
    assert open_source(table).ids == ("a.png", "A.png")


def test_a_text_that_is_no_utf8_in_a_table_is_refused(tmp_path: Path) -> None:
    column = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, 2], np.int32)), pa.py_buffer(b"\xff\xfe")]
    )
    path = parquet_of(tmp_path / "list.parquet", {"path": column})
    with pytest.raises(UsageError, match="cannot be read as parquet"):
        open_source(path)


# Parquet


ODD = {
    "null": (None, "no image in the row"),
    "no bytes": ({"bytes": None, "path": "x"}, "no image in the row"),
    "empty": ({"bytes": b"", "path": "x"}, "empty file"),
    "no image": ({"bytes": b"no image", "path": "x"}, "cannot identify image file"),
    "truncated": ({"bytes": IMAGE[:-300], "path": "x"}, "truncated"),
    "too large": ({"bytes": bytes(10_000), "path": "x"}, "image larger than 9,000 bytes"),
}


@pytest.mark.parametrize(("cell", "why"), ODD.values(), ids=ODD)
@pytest.mark.parametrize("group", [1, 3])
def test_a_row_that_is_no_image_costs_no_other(
    tmp_path: Path, cell: Any, why: str, group: int
) -> None:
    whole = {"bytes": IMAGE, "path": None}
    path = parquet_of(tmp_path / "set.parquet", {"image": [whole, cell, whole]}, group)
    source = open_source(path, limits=Limits(encoded_bytes=9000))
    assert source.ids == ("0", "1", "2")
    assert reason(source, 1) == why
    assert good(source) == [0, 2]


def test_rows_can_be_read_backwards_and_across_groups(tmp_path: Path) -> None:
    cells = [bytes([n]) * 40_000 for n in range(60)]
    path = parquet_of(tmp_path / "set.parquet", {"image": cells}, 25)
    source = open_source(path, limits=Limits(batch_rows=4))
    order = [59, 0, 30, 1, 58, 29, 2, *reversed(range(60)), *range(60)]
    assert [source.content(row)[0] for row in order] == order


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": ["a"]}, "has only 'text'; a table of file names needs a column path"),
        ({"image": ["a.png"]}, "has only 'image'"),
        ({"image": [[1, 2]]}, "has only 'image'"),
        ({"image": pa.array([], pa.binary())}, "has no rows"),
        ({"a": [b"1"], "b": [b"2"]}, "has a, b; choose one as PATH#a"),
    ],
)
def test_a_table_without_images_is_refused(tmp_path: Path, columns: Any, message: str) -> None:
    path = parquet_of(tmp_path / "set.parquet", columns)
    with pytest.raises(UsageError, match=message):
        open_source(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(40) + b"PAR1", b"no table" * 99])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.parquet").write_bytes(content)
    with pytest.raises(UsageError, match="a parquet file is wanted"):
        open_source(tmp_path / "set.parquet")


def test_shards_of_other_columns_are_refused(tmp_path: Path) -> None:
    parquet_of(tmp_path / "s0.parquet", {"image": [IMAGE]})
    parquet_of(tmp_path / "s1.parquet", {"image": [IMAGE], "age": [3]})
    with pytest.raises(UsageError, match="must have the same columns"):
        open_source(tmp_path / "s{0..1}.parquet")


def test_more_rows_than_the_limit_are_refused(tmp_path: Path) -> None:
    path = parquet_of(tmp_path / "set.parquet", {"image": [IMAGE] * 3})
    with pytest.raises(UsageError, match="may have 2 entries"):
        open_source(path, limits=Limits(entries=2))


@pytest.mark.parametrize(
    "names", ['{"info"', "[]", '{"info": {"features": {"label": 3}}}', "[" * 9999]
)
def test_broken_names_of_classes_leave_the_numbers(tmp_path: Path, names: str) -> None:
    table = pa.table({"image": [IMAGE, IMAGE], "label": [0, 7]})
    pq.write_table(table.replace_schema_metadata({"huggingface": names}), tmp_path / "set.parquet")
    assert open_source(tmp_path / "set.parquet").identities == ("0", "7")


def test_a_label_beyond_the_names_keeps_its_number(tmp_path: Path) -> None:
    path = parquet_of(
        tmp_path / "set.parquet",
        {"image": [IMAGE] * 3, "label": [0, 7, -1]},
        label={"names": ["ann"]},
    )
    assert open_source(path).identities == ("ann", "7", "-1")


BOMB = """
import resource, sys
from spolia.core.errors import UnreadableImage
from spolia.sources import open_source
import pyarrow.parquet
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source = open_source(sys.argv[1])
reasons = set()
for row in (0, 799, 400):
    try:
        source.image(row)
    except UnreadableImage as error:
        reasons.add(str(error))
print(len(source), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, reasons)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
@pytest.mark.parametrize("column", ["image", "text"])
def test_a_few_bytes_of_parquet_that_unfold_to_gigabytes_cost_little(
    tmp_path: Path, column: str
) -> None:
    # 800 rows of one value of a megabyte, which the file holds once.
    long: Any = bytes(1 << 20) if column == "image" else "t" * (1 << 20)
    rows = {"image": pa.array([b"x"] * 800), column: pa.array([long]).take(pa.array([0] * 800))}
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table(rows), path, compression="zstd")
    assert path.stat().st_size < 5000
    call = [sys.executable, "-c", BOMB, str(path)]
    said = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    assert said.startswith("800 ")
    assert int(said.split()[1]) < 300 << 10  # KiB
    assert "cannot identify image file" in said


def test_a_value_that_unfolds_more_than_images_do_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    bomb = pa.table({"image": [IMAGE, bytes(2_000_000)]})
    pq.write_table(bomb, path, compression="zstd", row_group_size=1, use_dictionary=False)
    source = open_source(path, limits=Limits(encoded_bytes=10_000))
    assert reason(source, 1) == "compressed more than 1,100 times"
    assert good(source) == [0]


def test_a_text_column_that_unfolds_is_kept_once_in_lists_too(tmp_path: Path) -> None:
    path = parquet_of(
        tmp_path / "people.parquet",
        {"id": [str(n) for n in range(300)], "age": ["t" * 100_000] * 300},
    )
    values = [row[0] for row in read_columns(path).rows.values()]
    assert len({id(value) for value in values}) == 1


@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6),
    keep=st.floats(0.5, 1.0),
)
def test_any_parquet_gives_images_or_a_known_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], keep: float
) -> None:
    path = parquet_of(tmp_path_factory.mktemp("any") / "set.parquet", {"image": [IMAGE] * 3})
    content = bytearray(path.read_bytes())
    for at, byte in changes:
        content[at % len(content)] = byte
    path.write_bytes(content[int((1 - keep) * len(content)) :])
    try:
        source = open_source(path)
    except SpoliaError:
        return
    assert len(good(source)) <= len(source)


# Saved by datasets


def saved(tmp_path: Path, state: Any = None) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    table = pa.table({"image": [{"bytes": IMAGE, "path": "1.png"}]})
    with pa.ipc.new_stream(str(folder / "data.arrow"), table.schema) as stream:
        stream.write_table(table)
    state = {"_data_files": [{"filename": "data.arrow"}]} if state is None else state
    (folder / "state.json").write_text(state if isinstance(state, str) else json.dumps(state))
    return folder


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("{", "must be JSON with a key '_data_files'"),
        ("[]", "must be JSON with a key"),
        ("{}", "must be JSON with a key"),
        ({"_data_files": []}, "names no files"),
        ({"_data_files": [{"filename": 3}]}, "names no files"),
        ({"_data_files": [{"filename": "../x.arrow"}]}, r"names '\.\./x\.arrow'"),
        ({"_data_files": [{"filename": "/etc/passwd"}]}, "names '/etc/passwd'"),
        ({"_data_files": [{"filename": ".."}]}, r"names '\.\.'"),
        ({"_data_files": [{"filename": "gone.arrow"}]}, "cannot be read"),
        ({"_data_files": [{"filename": "state.json"}]}, "does not end as one"),
    ],
)
def test_a_saved_set_whose_state_does_not_fit_is_refused(
    tmp_path: Path, state: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        open_source(saved(tmp_path, state))


def test_a_saved_set_that_is_truncated_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    assert good(open_source(folder)) == [0]
    os.truncate(folder / "data.arrow", 700)
    with pytest.raises(UsageError, match="save the data set again"):
        open_source(folder)


def test_a_split_of_a_saved_set_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    saved(tmp_path).rename(tmp_path / "all" / "train")
    (tmp_path / "all" / "dataset_dict.json").write_text('{"splits": ["train", "../set"]}')
    assert len(open_source(f"{tmp_path / 'all'}#train")) == 1
    with pytest.raises(UsageError, match="did you mean 'train'"):
        open_source(f"{tmp_path / 'all'}#trian")
    with pytest.raises(UsageError, match="it holds train"):
        open_source(tmp_path / "all")
    with pytest.raises(UsageError, match=r"names '\.\./set'"):
        open_source(f"{tmp_path / 'all'}#../set")
