"""From images to rows: batches, threads and caches change none of them, and lose nothing."""

import io
import shutil
import sqlite3
import stat
import zipfile
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from spolia.auditing.embed import EmbedOptions, embed_source
from spolia.core.errors import UnreadableImage, UsageError
from spolia.embedding import open_embedder
from spolia.sources import open_source
from spolia.store.cache import RowCache, content_key
from spolia.store.shards import open_store
from tests.pictures import picture

DCT = open_embedder("dct")


@dataclass
class Counting:
    """The built-in judge, which counts what it is asked; ``batch`` images at a time."""

    batch: int = 1
    fingerprint: str = DCT.fingerprint
    refused: frozenset[bytes] = frozenset()
    sizes: list[int] = field(default_factory=list)
    name: str = "counting"
    kind: str = "copy"
    dim: int = DCT.dim

    @property
    def summary(self):
        return DCT.summary

    def embed(self, image):
        self.sizes.append(1)
        return self._one(image)

    def embed_batch(self, images):
        images = list(images)
        self.sizes.append(len(images))
        return [self._or_why(image) for image in images]

    def _one(self, image):
        if image.tobytes() in self.refused:
            raise UnreadableImage("refused")
        return DCT.embed(image)

    def _or_why(self, image):
        try:
            return self._one(image)
        except UnreadableImage as error:
            return error


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def zipped(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Forty pictures, of which two cannot be read."""
    contents = {f"p{i:02d}/1.png": png(picture(i, 24)) for i in range(40)}
    contents["p07/1.png"] = b"broken"
    contents["p23/1.png"] = b""
    return zipped(tmp_path_factory.mktemp("images") / "set.zip", contents)


def rows_of(images, embedder, folder, **options):
    embed_source(
        open_source(images), embedder, folder, options=EmbedOptions(max_bad=0.2, **options)
    )
    stored = open_store(folder)
    return (
        stored.embeddings.vectors[0 : len(stored.embeddings)],
        list(stored.embeddings.ids),
        list(stored.embeddings.identities),
        [(one.id, one.reason) for one in stored.unreadable],
    )


def the_same(one, other):
    return np.array_equal(one[0], other[0]) and one[1:] == other[1:]


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shard", [11, 1000])
def test_batches_threads_and_shards_change_no_row(images, tmp_path, batch, threads, shard):
    plain = rows_of(images, DCT, tmp_path / "plain")
    other = rows_of(
        images, Counting(batch), tmp_path / "other", threads=threads, shard_records=shard
    )
    assert the_same(plain, other)
    assert plain[3] == [("p07/1.png", "cannot identify image file"), ("p23/1.png", "empty file")]


def test_a_batch_is_full_wherever_there_are_images_left(images, tmp_path):
    judge = Counting(batch=8)
    rows_of(images, judge, tmp_path / "store")
    assert sum(judge.sizes) == 38
    assert max(judge.sizes) <= 8


def test_an_image_that_the_judge_refuses_in_a_batch_is_set_aside_alone(images, tmp_path):
    bad = frozenset([picture(3, 24).tobytes()])
    for batch in (1, 8):
        found = rows_of(images, Counting(batch, refused=bad), tmp_path / f"by {batch}")
        assert ("p03/1.png", "refused") in found[3]
        assert len(found[1]) == 37


def test_a_cached_row_is_the_row_and_costs_no_second_embedding(images, tmp_path):
    first, again = Counting(), Counting()
    one = rows_of(images, first, tmp_path / "one", cache=tmp_path / "cache")
    two = rows_of(images, again, tmp_path / "two", cache=tmp_path / "cache")
    assert the_same(one, two)
    assert the_same(one, rows_of(images, DCT, tmp_path / "plain"))
    assert (sum(first.sizes), sum(again.sizes)) == (38, 0)


def test_a_row_is_found_again_under_another_name_and_elsewhere(tmp_path):
    one = zipped(
        tmp_path / "a.zip", {"x/1.png": png(picture(1, 24)), "y/1.png": png(picture(2, 24))}
    )
    folder = tmp_path / "folder" / "other"
    folder.mkdir(parents=True)
    (folder / "name.png").write_bytes(png(picture(2, 24)))
    (tmp_path / "folder" / "third").mkdir()
    (tmp_path / "folder" / "third" / "new.png").write_bytes(png(picture(3, 24)))
    judge = Counting()
    rows_of(one, judge, tmp_path / "one", cache=tmp_path / "cache")
    rows_of(tmp_path / "folder", judge, tmp_path / "two", cache=tmp_path / "cache")
    assert sum(judge.sizes) == 3


@pytest.mark.parametrize("batch", [1, 4])
def test_a_cache_is_never_stale(tmp_path, batch):
    """Another image under the same name, or another judge, is embedded anew."""
    old, new = ({f"{i}/1.png": png(picture(i + shift, 24)) for i in range(3)} for shift in (0, 1))
    path = tmp_path / "set.zip"
    judge = Counting(batch)
    rows_of(zipped(path, old), judge, tmp_path / "one", cache=tmp_path / "cache")
    changed = rows_of(zipped(path, new), judge, tmp_path / "two", cache=tmp_path / "cache")
    assert the_same(changed, rows_of(path, DCT, tmp_path / "plain"))
    assert sum(judge.sizes) == 4
    another = Counting(batch, fingerprint="0" * 64)
    rows_of(path, another, tmp_path / "three", cache=tmp_path / "cache")
    assert sum(another.sizes) == 3


def test_what_cannot_be_read_is_asked_again(images, tmp_path):
    options = {"cache": tmp_path / "cache"}
    one = rows_of(images, DCT, tmp_path / "one", **options)
    assert rows_of(images, DCT, tmp_path / "two", **options)[3] == one[3]


def test_a_cache_is_for_its_owner_only(images, tmp_path):
    rows_of(images, DCT, tmp_path / "one", cache=tmp_path / "new" / "cache")
    folder = tmp_path / "new" / "cache"
    modes = {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes == {0o600}


def test_nothing_is_cached_where_it_is_not_asked_for(images, tmp_path):
    rows_of(images, DCT, tmp_path / "one")
    assert [one.name for one in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("broken", ["text", "folder", "width"])
def test_a_broken_cache_is_named_and_nothing_is_lost(tmp_path, broken):
    path = tmp_path / "rows-ab.sqlite"
    if broken == "text":
        path.write_text("this is no database, and long enough to be read as one" * 20)
    elif broken == "folder":
        path.mkdir()
    else:
        with RowCache(tmp_path, "ab", 3) as cache:
            cache.put([(content_key(b"one"), np.ones(3, np.float32))])
    wanted = pytest.raises(UsageError, match="delete the file, or choose another folder")
    with wanted, RowCache(tmp_path, "ab", 2) as cache:
        cache.get(content_key(b"one"))
    assert path.exists()


def test_a_locked_cache_waits_for_the_other_process(tmp_path):
    with RowCache(tmp_path, "ab", 2) as one, RowCache(tmp_path, "ab", 2) as other:
        one.put([(content_key(b"a"), np.array([1, 0], np.float32))])
        other.put([(content_key(b"b"), np.array([0, 1], np.float32))])
        assert one.get(content_key(b"b")).tolist() == [0.0, 1.0]
    assert sqlite3.connect(tmp_path / "rows-ab.sqlite").execute(
        "SELECT count(*) FROM rows"
    ).fetchone() == (2,)


def test_a_shard_that_another_process_writes_meanwhile_moves_no_row(images, tmp_path):
    """The second shard appears while the first is embedded: the third keeps its own images."""
    plain = rows_of(images, DCT, tmp_path / "plain", shard_records=11)
    shard = ("img_emb/img_emb_0001.npy", "metadata/metadata_0001.parquet")

    def copy_second(_stage, done, _total):
        if done == 11:
            for name in shard:
                shutil.copy(tmp_path / "plain" / name, tmp_path / "other" / name)

    options = EmbedOptions(max_bad=0.2, shard_records=11)
    source = open_source(images)
    embed_source(source, DCT, tmp_path / "other", options=options, progress=copy_second)
    stored = open_store(tmp_path / "other").embeddings
    assert list(stored.ids) == plain[1]
    assert np.array_equal(stored.vectors[0 : len(stored)], plain[0])


def test_groups_of_records_change_no_row(tmp_path):
    contents = {f"p{i:03d}/1.png": png(picture(i, 24)) for i in range(300)}
    contents |= {f"p{i:03d}/1.png": b"broken" for i in (0, 7, 8, 9, 299)}
    path = zipped(tmp_path / "set.zip", contents)
    # A thread takes 8 records at once in the one way, and one in the other.
    one = rows_of(path, DCT, tmp_path / "one", threads=1)
    assert the_same(one, rows_of(path, DCT, tmp_path / "two", threads=19))
    assert the_same(one, rows_of(path, Counting(), tmp_path / "three", threads=2))
    assert the_same(one, rows_of(path, Counting(64), tmp_path / "four", threads=2))
    assert [name for name, _ in one[3]] == [f"p{i:03d}/1.png" for i in (0, 7, 8, 9, 299)]
