"""A set that lies elsewhere is the same set."""

import zipfile

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.sources import open_source
from spolia.sources.address import absolute_address
from tests.hostile.broken import PIXELS, encode
from tests.recordio import payload, write_rec

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed; it is spolia[remote]")


@pytest.fixture
def store():
    """A store in memory, empty before and after."""
    there = fsspec.filesystem("memory")
    yield there
    there.rm("/", recursive=True)


def said_by(source):
    """All that a set says of itself, its pixels too."""
    images = [source.image(i).tolist() for i in range(len(source))]
    return source.ids, source.identities, source.fingerprint, images


def zipped(path, names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, encode())
    return path


def test_a_file_by_url_is_the_file(tmp_path, store):
    path = zipped(tmp_path / "set.zip", ["ann/1.png", "bob/1.png"])
    store.put_file(str(path), "/bucket/set.zip")
    assert said_by(open_source("memory://bucket/set.zip")) == said_by(open_source(path))
    assert said_by(open_source("zip:memory://bucket/set.zip")) == said_by(open_source(path))


def test_a_folder_by_url_is_the_folder(tmp_path, store):
    for name in ("ann/1.png", "bob/1.png"):
        (tmp_path / "set" / name).parent.mkdir(parents=True)
        (tmp_path / "set" / name).write_bytes(encode())
    store.put(str(tmp_path / "set") + "/", "/bucket/people/", recursive=True)
    assert said_by(open_source("memory://bucket/people")) == said_by(open_source(tmp_path / "set"))


def test_a_key_and_a_second_set_work_by_url(tmp_path, store):
    np.savez(tmp_path / "set.npz", a=PIXELS[None], b=PIXELS[None, ::-1])
    store.put_file(str(tmp_path / "set.npz"), "/bucket/set.npz")
    here, there = tmp_path / "set.npz", "memory://bucket/set.npz"
    assert said_by(open_source(f"{there}#b")) == said_by(open_source(f"{here}#b"))
    assert said_by(open_source(f"{here}#a+{there}#b")) == said_by(open_source(f"{here}#a+{here}#b"))


def test_what_lies_beside_records_is_copied_with_them(tmp_path, store):
    write_rec(tmp_path / "set.rec", [payload(encode(), 1.0), payload(encode(), 2.0)], keys=[7, 9])
    for one in tmp_path.iterdir():
        store.put_file(str(one), f"/bucket/{one.name}")
    assert said_by(open_source("memory://bucket/set.rec")) == said_by(
        open_source(tmp_path / "set.rec")
    )


def test_a_plan_keeps_the_url():
    assert absolute_address("memory://bucket/set.npz#b") == "memory://bucket/set.npz#b"


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("memory://bucket/nothing.zip", "cannot be copied from there"),
        ("nosuch://bucket/set.zip", "cannot be copied from there"),
        ("memory://bucket/list.csv", "a list names files beside it"),
    ],
)
def test_what_cannot_be_copied_is_named(store, place, why):
    with pytest.raises(UsageError, match=why):
        open_source(place)


class Lying(fsspec.AbstractFileSystem):
    """A store whose folder holds what is not in it."""

    protocol = "lying"
    listed = ""

    def isdir(self, path):
        return bool(path)

    def find(self, path, **_):
        return [self.listed] if path else []

    def get_file(self, there, here, **_):
        raise AssertionError(f"nothing is to be copied, but {there} is, to {here}")


LISTED = ("bucket/evil/../../x.png", "elsewhere/x.png", "bucket/evil//x", "bucket/evil/a/../x")


@pytest.mark.parametrize("listed", LISTED)
def test_a_store_that_lists_what_is_not_in_the_folder_is_refused(listed, monkeypatch):
    fsspec.register_implementation("lying", Lying, clobber=True)
    monkeypatch.setattr(Lying, "listed", listed)
    with pytest.raises(UsageError, match="which is not in the folder"):
        open_source("lying://bucket/evil")
