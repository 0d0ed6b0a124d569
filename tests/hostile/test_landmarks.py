"""Files of points that are wrong, by mistake or on purpose."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import UsageError
from spolia.embedding.align import TEMPLATE
from spolia.sources.landmarks import NAMES, read_landmarks

HEADER = "id," + ",".join(NAMES)
ROW = ",".join(str(value) for value in TEMPLATE.reshape(-1))


def file(tmp_path, *lines, name="points.csv"):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_several_rows_are_several_faces_in_their_order(tmp_path):
    other = ",".join(str(value) for value in (TEMPLATE + 1).reshape(-1))
    read = read_landmarks(file(tmp_path, HEADER, f"a,{ROW}", f"b,{ROW}", f"a,{other}"))
    points = read.of("train")
    assert [len(points[name]) for name in ("a", "b")] == [2, 1]
    assert np.array_equal(points["a"][1], TEMPLATE + 1)


def test_a_set_has_its_own_points_where_the_file_says_so(tmp_path):
    read = read_landmarks(file(tmp_path, f"set,{HEADER}", f"train,a,{ROW}", f"control,b,{ROW}"))
    assert list(read.of("train")) == ["a"]
    assert list(read.of("control")) == ["b"]
    assert read.of("synthetic") == {}


def test_parquet_and_csv_say_the_same(tmp_path):
    csv = read_landmarks(file(tmp_path, HEADER, f"a,{ROW}"))
    table = {"id": ["a"]} | {
        name: [float(value)] for name, value in zip(NAMES, TEMPLATE.reshape(-1), strict=True)
    }
    pq.write_table(pa.table(table), tmp_path / "points.parquet")
    other = read_landmarks(tmp_path / "points.parquet")
    assert np.array_equal(csv.of(None)["a"], other.of(None)["a"])


def test_other_columns_and_their_order_do_not_matter(tmp_path):
    names = ["score", *reversed(NAMES), "id"]
    values = ["0.9", *(str(value) for value in TEMPLATE.reshape(-1)[::-1]), "a"]
    read = read_landmarks(file(tmp_path, ",".join(names), ",".join(values)))
    assert np.array_equal(read.of(None)["a"][0], TEMPLATE)


BAD = {
    "empty file": ((), "lacks id, x1"),
    "header alone": ((HEADER,), "has no row"),
    "no id": ((HEADER[3:], ROW), "lacks id"),
    "two columns missing": (
        (HEADER.replace(",x5,y5", ""), f"a,{ROW}".rsplit(",", 2)[0]),
        "lacks x5, y5",
    ),
    "a column twice": ((HEADER + ",x1", f"a,{ROW},1"), "has 'x1' twice"),
    "truncated row": ((HEADER, f"a,{ROW[:-30]}"), "11 values in every row|finite numbers"),
    "row too long": ((HEADER, f"a,{ROW},1"), "must have 11 values in every row, but row 1 has 12"),
    "NaN": ((HEADER, f"a,nan{ROW[7:]}"), "row 1 has x1 = 'nan'"),
    "infinite": ((HEADER, f"a,1e999{ROW[7:]}"), "row 1 has x1 = '1e999'"),
    "words": ((HEADER, f"a,left{ROW[7:]}"), "row 1 has x1 = 'left'"),
    "nothing": ((HEADER, f"a,{ROW[7:]}"), "row 1 has x1 = ''"),
    "no name": ((HEADER, f",{ROW}"), "must name id in every row, but row 1 does not"),
    "no set": ((f"set,{HEADER}", f",a,{ROW}"), "must name id and set in every row"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_file_is_refused_by_name(tmp_path, case):
    lines, said = BAD[case]
    path = file(tmp_path, *lines)
    with pytest.raises(UsageError, match=said) as caught:
        read_landmarks(path)
    assert str(path) in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_landmarks(tmp_path / "missing.csv")
    with pytest.raises(UsageError, match="cannot be read"):
        read_landmarks(tmp_path)
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(UsageError, match="cannot be read as parquet"):
        read_landmarks(tmp_path / "x.parquet")


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "points.csv"
    path.write_bytes(HEADER.encode() + b"\n" + content)
    try:
        read = read_landmarks(path)
    except UsageError:
        return
    assert all(np.isfinite(one).all() for faces in read.points.values() for one in faces)
