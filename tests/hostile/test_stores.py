"""A store that somebody else wrote: what is wrong with it is said, and nothing of it is run."""

import json
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spolia.auditing.exchange import write_exchange
from spolia.core.errors import InvalidRows, UsageError
from spolia.store.precomputed import open_precomputed
from spolia.store.shards import is_store
from tests.spec.handed_laws import opened


@pytest.fixture
def handed(tmp_path):
    write_exchange(opened(), tmp_path / "handed")
    return tmp_path / "handed"


def change(folder, **fields):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def refusal(folder):
    with pytest.raises(UsageError) as error:
        open_precomputed(folder)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shard_records", 0),
        ("shard_records", 1.5),
        ("records", -1),
        ("dim", "16"),
        ("dim", True),
    ],
)
def test_numbers_that_no_store_has_are_refused(handed, name, value):
    change(handed, **{name: value})
    assert f"as {name}, but has {value!r}" in refusal(handed)


@pytest.mark.parametrize(
    ("name", "value"), [("kind", "certain"), ("fingerprint", 7), ("name", None)]
)
def test_a_judge_of_no_kind_is_refused(handed, name, value):
    model = json.loads((handed / "manifest.json").read_text())["model"]
    change(handed, model={**model, name: value})
    assert "must say in words what made the rows" in refusal(handed)


def test_a_pickle_is_not_opened(handed):
    path = next((handed / "img_emb").iterdir())
    path.write_bytes(pickle.dumps(np.eye(2)))
    assert "cannot be read as .npy" in refusal(handed)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "cannot be read as .npy" in refusal(handed)


def test_rows_that_are_none_are_refused(handed):
    path = next((handed / "img_emb").iterdir())
    np.save(path, np.full((40, 16), 2.0, dtype=np.float32))
    with pytest.raises(InvalidRows, match="must have unit rows"):
        open_precomputed(handed)
    np.save(path, np.eye(16, dtype=np.float32)[:3])
    assert "must name each of the 3 rows, but 40 are given" in refusal(handed)


def test_records_that_are_none_are_refused(handed):
    path = next((handed / "metadata").iterdir())
    note = {"spolia.unreadable": json.dumps([{"nobody": 1}])}
    for table in (
        pa.table({"id": ["a"], "identity": ["b"]}),
        pa.table({"id": ["a"]}).replace_schema_metadata(note),
        pa.table({"id": ["a"], "identity": ["b"]}).replace_schema_metadata(note),
    ):
        pq.write_table(table, path)
        assert "cannot be read as the records of a store" in refusal(handed)
    path.write_bytes(b"nothing")
    assert "cannot be read as the records of a store" in refusal(handed)


def test_what_is_a_store_is_told_by_its_manifest(handed, tmp_path):
    assert is_store(handed)
    for text in ("", "[]", '{"format": 1}', '{"format": "other/1"}'):
        (handed / "manifest.json").write_text(text)
        assert not is_store(handed)
    assert not is_store(tmp_path)
