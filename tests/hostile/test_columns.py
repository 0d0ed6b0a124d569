"""Columns and lists that cannot be followed say what was wanted, what came, and what to do."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import spolia
from spolia.core.errors import UsageError
from spolia.sources.columns import read_columns, read_list
from tests.planted import planted


def written(folder, text, name="c.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "either a column id or a column identity, but has neither"),
        ("name,age\nx,1\n", "either a column id or a column identity, but has neither"),
        ("id,identity,age\nx,y,1\n", "has id and identity"),
        ("id\nx\n", "must have a column beside id"),
        ("id,set\nx,train\n", "must have a column beside id"),
        ("id,age,age\nx,1,2\n", "'age' twice"),
        ("id,age\nx,1\nx,1\n", "has two for 'x'"),
        ("identity,age\nx,1\nx,2\n", r"which disagree \(age is '1' and '2'\)"),
        ("id,age\n,1\n", "row 1 does not"),
        ("id,set,age\nx,,1\n", "row 1 does not"),
        ("id,age\nx,1,2\n", "row 1 has 3"),
        ('id,age\n"x,1\n', "cannot be read as CSV"),
        (b"id,age\n\xff,1\n", "must be UTF-8"),
    ],
)
def test_a_csv_that_cannot_be_followed_is_refused(tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        read_columns(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path):
    for read in (read_columns, read_list):
        with pytest.raises(UsageError, match=r"nowhere\.csv cannot be read"):
            read(tmp_path / "nowhere.csv")
        with pytest.raises(UsageError, match="cannot be read"):
            read(tmp_path)


def test_a_parquet_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read as parquet"):
        read_columns(written(tmp_path, b"PAR1 no", "c.parquet"))


def test_csv_and_parquet_of_the_same_say_the_same(tmp_path):
    path = written(tmp_path, '\ufeffid,set,age,note\r\na,train, 7 ,"x, y"\r\nb,control,,\r\n')
    table = pa.table(
        {"id": ["a", "b"], "set": ["train", "control"], "age": [7, None], "note": ["x, y", None]}
    )
    pq.write_table(table, tmp_path / "c.parquet")
    one, other = read_columns(path), read_columns(tmp_path / "c.parquet")
    assert (one.key, one.names, one.rows) == (other.key, other.names, other.rows)
    assert one.rows["train", "a"] == ("7", "x, y")


def test_an_empty_list_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is empty"):
        read_list(written(tmp_path, "\n  \n"))


TRUTH = planted(leaks=5, clean=25, size=30)


def rows_of(*sets):
    return "".join(f"{name},x\n" for one in sets for name in one.ids)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,a\n" + rows_of(TRUTH.train) + "t9999,x\n", "names 't9999'"),
        ("id,a\n" + rows_of(TRUTH.train)[: -len("t0029,x\n")], "lacks 1 \\(first: 't0029'\\)"),
        ("id,set,a\nt0000,training,x\n", "must be one of train, control, synthetic"),
        ("identity,a\nann,x\n", "no set knows any"),
    ],
)
def test_columns_that_do_not_fit_the_sets_are_refused(tmp_path, text, message):
    options = spolia.Options(columns=written(tmp_path, text))
    with pytest.raises(UsageError, match=message):
        spolia.audit(**TRUTH.sets(), options=options)


def test_an_id_of_two_sets_needs_a_column_set(tmp_path):
    control = spolia.Embeddings(TRUTH.control.vectors, TRUTH.train.ids)
    sets = TRUTH.sets() | {"control": control}
    path = written(tmp_path, "id,a\n" + rows_of(TRUTH.train))
    with pytest.raises(UsageError, match="in train and in control; add a column set"):
        spolia.audit(**sets, options=spolia.Options(columns=path))
    rows = "".join(f"{name},train,x\n" for name in TRUTH.train.ids)
    path = written(tmp_path, "id,set,a\n" + rows)
    options = spolia.Options(columns=path, exclude_list=written(tmp_path, "t0001\n", "list"))
    counting = spolia.audit(**sets, options=options).summary.counting
    assert [one.role for one in counting.excluded] == ["train", "control"]


@pytest.mark.parametrize(
    ("exclude", "message"),
    [
        ("agee=x", "did you mean 'age'"),
        ("zzz=x", "it has age"),
        ("age=xx", "values are 'x'"),
        ("age", "must look like COLUMN=VALUE"),
        ("=x", "must look like COLUMN=VALUE"),
        ("age=x", "train has no record left"),
    ],
)
def test_a_reason_that_fits_nothing_or_everything_is_refused(tmp_path, exclude, message):
    path = written(tmp_path, "id,age\n" + rows_of(TRUTH.train))
    options = spolia.Options(columns=path, exclude=(exclude,))
    with pytest.raises(UsageError, match=message):
        spolia.audit(**TRUTH.sets(), options=options)


def test_a_reason_without_columns_and_an_id_of_no_set_are_refused(tmp_path):
    with pytest.raises(UsageError, match="needs columns"):
        spolia.audit(**TRUTH.sets(), options=spolia.Options(exclude=("age=x",)))
    listed = written(tmp_path, "t0001\nnobody\n", "list.txt")
    with pytest.raises(UsageError, match="first: 'nobody'"):
        spolia.audit(**TRUTH.sets(), options=spolia.Options(exclude_list=listed))


def test_blank_records_may_be_described_and_listed(tmp_path):
    rows = TRUTH.train.vectors[:].copy()
    rows[0] = 0.0
    train = spolia.Embeddings(rows, TRUTH.train.ids)
    options = spolia.Options(
        columns=written(tmp_path, "id,age\n" + rows_of(train)),
        exclude_list=written(tmp_path, "t0000\nt0001\n", "list.txt"),
    )
    result = spolia.audit(**(TRUTH.sets() | {"train": train}), options=options)
    assert [(one.role, one.records) for one in result.summary.counting.excluded] == [("train", 1)]


def test_values_that_would_be_formulas_or_markup_stay_text(tmp_path):
    truth = planted(leaks=60)
    rows = [f"{name},=cmd|' /C calc'!A0 <b>x</b>\n" for name in truth.train.ids]
    path = written(tmp_path, "id,<script>\n" + "".join(rows))
    result = spolia.audit(**truth.sets(), options=spolia.Options(columns=path))
    page = result.to_html()
    assert "<b>x</b>" not in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_set_that_is_alike_throughout_is_said_to_be_so():
    """Of 3,300 rows that are nearly one there are more than five million pairs."""
    rng = np.random.default_rng(0)
    rows = spolia.normalise(np.ones((1, 16)) + 1e-3 * rng.normal(size=(3300, 16)))
    rows[1] = rows[0]
    sets = {
        "train": spolia.Embeddings(rows),
        "control": spolia.Embeddings(spolia.normalise(rng.normal(size=(100, 16)))),
        "synthetic": spolia.Embeddings(spolia.normalise(rng.normal(size=(50, 16)))),
    }
    result = spolia.audit(**sets)
    found = result.summary.counting.duplicates
    assert found.too_many == ("train",)
    assert (found.sets[0].clusters, found.sets[0].records) == (1, 2)
    assert any("nearly everything is alike" in note for note in result.summary.notes)
