"""What a store promises: whole shards or none, the same rows and names back, never a stale one."""

import json
import stat
from itertools import pairwise

import numpy as np
import pytest

import spolia
from spolia.core.errors import (
    InvalidRows,
    NoFace,
    PlanMismatch,
    RunIncomplete,
    UnreadableImage,
    UsageError,
)
from spolia.core.results import ModelSummary
from spolia.store.atomic import atomic_file
from spolia.store.precomputed import (
    UNKNOWN_MODEL,
    fingerprint,
    keep_embeddings,
    normalise_file,
    open_precomputed,
)
from spolia.store.shards import (
    FORMAT,
    Manifest,
    Shard,
    ShardedRows,
    Unreadable,
    begin_store,
    is_complete,
    open_store,
    read_unreadable,
    write_shard,
)

ROWS = spolia.normalise(np.random.default_rng(0).normal(size=(10, 4)))


def manifest(**changes):
    fields = {
        "source": "s",
        "embedder": "e",
        "dim": 4,
        "records": 10,
        "shard_records": 4,
        "identities": "digest",
        "model": UNKNOWN_MODEL,
    }
    return Manifest(**(fields | changes))


def fill(folder, *, skip=()):
    begin_store(folder, manifest())
    for number, start in enumerate(range(0, 10, 4)):
        if number not in skip:
            ids = [f"r{i}" for i in range(start, min(start + 4, 10))]
            write_shard(folder, number, Shard(ROWS[start : start + 4], ids, ids, ()))


def test_a_store_gives_back_what_was_written(tmp_path):
    fill(tmp_path)
    stored = open_store(tmp_path)
    np.testing.assert_array_equal(stored.embeddings.vectors[0:10], ROWS)
    assert stored.embeddings.ids == tuple(f"r{i}" for i in range(10))
    assert stored.embeddings.identities == stored.embeddings.ids
    assert stored.manifest == manifest()


def test_the_layout_is_the_one_other_tools_read(tmp_path):
    fill(tmp_path)
    assert (tmp_path / "img_emb" / "img_emb_0000.npy").exists()
    assert (tmp_path / "metadata" / "metadata_0000.parquet").exists()
    np.testing.assert_array_equal(np.load(tmp_path / "img_emb" / "img_emb_0001.npy"), ROWS[4:8])


def test_unreadable_images_are_kept_with_their_reason(tmp_path):
    begin_store(tmp_path, manifest(records=4, identities=None))
    bad = Unreadable("x'\n<b>.jpg", 'truncated, "really"')
    write_shard(tmp_path, 0, Shard(ROWS[:3], ["a", "b", "c"], None, (bad,)))
    assert open_store(tmp_path).unreadable == (bad,)


def test_what_has_no_face_is_told_by_its_kind_and_not_by_its_words(tmp_path):
    begin_store(tmp_path, manifest(records=4, identities=None))
    bad = tuple(
        Unreadable(name, str(error), error.kind)
        for name, error in {
            "d": NoFace(),
            "e": UnreadableImage("no face found"),
            "f": NoFace("3 faces, where there must be one"),
        }.items()
    )
    write_shard(tmp_path, 0, Shard(ROWS[:3], ["a", "b", "c"], None, bad))
    assert read_unreadable(tmp_path, 0) == list(bad)
    assert [one.no_face for one in open_store(tmp_path).unreadable] == [True, False, True]


def test_a_store_of_an_older_format_says_what_to_do(tmp_path):
    fill(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace(FORMAT, "spolia-store/1"))
    with pytest.raises(UsageError, match="make the store again"):
        open_store(tmp_path)


def test_an_incomplete_store_is_not_opened(tmp_path):
    fill(tmp_path, skip=(1,))
    assert not is_complete(tmp_path, 1)
    with pytest.raises(RunIncomplete, match=r"lacks 1 of 3 shards"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    "change", [{"source": "other"}, {"embedder": "other"}, {"records": 9}, {"identities": None}]
)
def test_a_store_of_something_else_is_never_reused(tmp_path, change):
    fill(tmp_path)
    begin_store(tmp_path, manifest())
    with pytest.raises(PlanMismatch, match=next(iter(change))):
        begin_store(tmp_path, manifest(**change))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "spolia-store/9"}', '{"model": 3}', "null"]
)
def test_a_broken_manifest_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match=r"manifest\.json"):
        open_store(tmp_path)


def test_a_manifest_of_a_later_format_is_refused(tmp_path):
    fill(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": "spolia-store/9"}))
    with pytest.raises(UsageError, match="spolia-store/9"):
        open_store(tmp_path)


def test_files_are_for_the_owner_only(tmp_path):
    fill(tmp_path / "store")
    files = [one for one in (tmp_path / "store").rglob("*") if one.is_file()]
    assert len(files) == 7
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


def test_a_failed_write_leaves_nothing(tmp_path):
    path = tmp_path / "one.bin"
    path.write_bytes(b"old")

    def cut_short():
        with atomic_file(path) as file:
            file.write(b"half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        cut_short()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("sizes", [[10], [3, 3, 4], [1] * 10, [0, 10], [4, 0, 6]])
def test_sharded_rows_read_like_one_matrix(sizes):
    cuts = np.cumsum([0, *sizes])
    rows = ShardedRows([ROWS[a:b] for a, b in pairwise(cuts)], 4)
    assert rows.shape == (10, 4)
    for start in range(11):
        for stop in range(12):
            np.testing.assert_array_equal(rows[start:stop], ROWS[start:stop])
    index = np.array([9, 0, 3, 3, 7])
    np.testing.assert_array_equal(rows[index], ROWS[index])
    assert rows[np.array([], dtype=np.int64)].shape == (0, 4)


@pytest.mark.parametrize(
    "bad", [ROWS.astype(np.float64), ROWS[:, :3], ROWS[0]], ids=["float64", "narrow", "vector"]
)
def test_a_shard_that_does_not_fit_is_named(bad):
    with pytest.raises(InvalidRows, match="shard 1 must hold float32 rows of width 4, but holds"):
        ShardedRows([ROWS, bad], 4)


def test_an_empty_store_has_no_rows():
    assert ShardedRows([], 4)[0:5].shape == (0, 4)


def test_precomputed_rows_take_their_names_from_the_table_beside(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    np.save(tmp_path / "x.npy", ROWS)
    plain = open_precomputed(tmp_path / "x.npy")
    assert plain.embeddings.ids[:2] == ("0", "1")
    assert plain.embeddings.identities is None
    names = [f"n{i}" for i in range(10)]
    pq.write_table(pa.table({"id": names, "identity": ["z"] * 10}), tmp_path / "x.parquet")
    named = open_precomputed(tmp_path / "x.npy")
    assert (named.embeddings.ids, set(named.embeddings.identities)) == (tuple(names), {"z"})
    assert named.fingerprint != plain.fingerprint


def test_a_store_and_a_file_of_the_same_rows_have_one_fingerprint(tmp_path):
    np.save(tmp_path / "x.npy", ROWS)
    kept = keep_embeddings(tmp_path / "store", spolia.Embeddings(ROWS))
    assert kept.fingerprint == open_precomputed(tmp_path / "x.npy").fingerprint
    assert fingerprint(kept.embeddings) == kept.fingerprint


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_of_any_float_are_normalised_on_request_only(tmp_path, dtype):
    np.save(tmp_path / "x.npy", (3 * ROWS).astype(dtype))
    with pytest.raises(InvalidRows, match=r"spolia embed x\.npy --embedder precomputed"):
        open_precomputed(tmp_path / "x.npy")
    rows = normalise_file(tmp_path / "x.npy", tmp_path / "unit").embeddings.vectors[0:10]
    np.testing.assert_allclose(rows, ROWS, atol=1e-3 if dtype == np.float16 else 1e-6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((3, 4, 4), np.uint8), "images need an --embedder"),
        (np.zeros(4, np.float32), "matrix"),
        (np.zeros((2, 2), np.int64), "floats"),
        (np.full((2, 2), np.nan, np.float32), "NaN"),
        (np.array([[1, "x"]], dtype=object), "cannot be read"),
        (b"", "cannot be read"),
        (b"not numpy at all", "cannot be read"),
    ],
    ids=["images", "vector", "integers", "nan", "object", "empty", "text"],
)
def test_what_is_no_embedding_is_named(tmp_path, content, message):
    path = tmp_path / "x.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content, allow_pickle=True)
    with pytest.raises(UsageError, match=message):
        open_precomputed(path)


def test_what_is_not_there_or_no_file_of_rows_is_named(tmp_path):
    for name, message in (("x.npy", "does not exist"), ("x.txt", "must be a .npy"), (".", "store")):
        with pytest.raises(UsageError, match=message):
            open_precomputed(tmp_path / name)


def test_a_table_that_does_not_fit_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    np.save(tmp_path / "x.npy", ROWS)
    for table in (pa.table({"id": ["a"]}), pa.table({"name": ["a"] * 10})):
        pq.write_table(table, tmp_path / "x.parquet")
        with pytest.raises(UsageError, match="10 rows"):
            open_precomputed(tmp_path / "x.npy")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UsageError, match="parquet"):
        open_precomputed(tmp_path / "x.npy")


@pytest.mark.parametrize("column", ["id", "identity"])
def test_a_name_that_is_missing_is_refused_and_not_called_none(tmp_path, column):
    import pyarrow as pa
    import pyarrow.parquet as pq

    np.save(tmp_path / "x.npy", ROWS)
    names = [f"n{i}" for i in range(10)]
    names[7] = None
    pq.write_table(pa.table({column: names}), tmp_path / "x.parquet")
    with pytest.raises(UsageError, match=f"every row of {column}, but row 7 has none"):
        open_precomputed(tmp_path / "x.npy")


def test_the_model_of_a_store_survives(tmp_path):
    model = ModelSummary("m", "copy", "CC0", True, "here", ("A", "B"), "f")
    begin_store(tmp_path, manifest(records=0, model=model))
    assert open_store(tmp_path).manifest.model == model
