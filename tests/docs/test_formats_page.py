"""Every command of the page of formats runs, on sets as the page describes them."""

import contextlib
import shutil

import numpy as np
import pytest

from spolia.cli.main import run
from spolia.sources.address import FORMATS
from spolia.store.precomputed import open_precomputed
from tests.docs.pages import blocks, commands, pages
from tests.formats import (
    NAMES,
    PEOPLE,
    as_list_of_people,
    as_parquet,
    as_rec,
    as_saved_by_datasets,
    as_shards,
    as_tar,
    encoded,
    files_of,
    lmdb_of,
    tar_of,
    write_files,
)
from tests.pictures import picture

PAGE = "docs/howto/formats.md"
COMMANDS = [
    arguments
    for block in blocks("console")
    if block.page == PAGE
    for arguments, _ in commands(block)
]
IMAGES = {name: picture(seed, 32) for seed, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A folder with every set that the page names."""
    where = tmp_path_factory.mktemp("formats")
    as_list_of_people(where, IMAGES)
    (where / "list.csv").rename(where / "people.csv")
    as_tar(where, IMAGES)
    (where / "set.tar").rename(where / "faces.tar")
    as_shards(where, IMAGES)
    for shard in range(2):
        (where / f"set-{shard:03d}.tar").rename(where / f"shard-{shard:03d}.tar")
    as_rec(where, IMAGES)
    for suffix in ("rec", "idx"):
        (where / f"set.{suffix}").rename(where / f"train.{suffix}")
    rows = zip(range(1, 6), (0, 0, 1, 1, 2), NAMES, strict=True)
    (where / "train.lst").write_text(
        "".join(f"{key}\t{label}\t{one}\n" for key, label, one in rows)
    )
    as_parquet(where, IMAGES)
    (where / "set.parquet").rename(where / "faces.parquet")
    (where / "hub" / "data").mkdir(parents=True)
    for split in ("train", "test"):
        name = f"{split}-00000-of-00001.parquet"
        shutil.copy(where / "faces.parquet", where / "hub" / "data" / name)
    as_saved_by_datasets(where / "s", IMAGES)
    (where / "s" / "set").rename(where / "saved")
    lmdb_of(
        where / "faces.lmdb", {f"image-{n}".encode(): one for n, one in files_of(IMAGES).items()}
    )
    np.savez(where / "digits.npz", images=np.stack(list(IMAGES.values())))
    pair = np.concatenate([picture(1, 32), picture(2, 32)], axis=1)
    write_files(where, {"generated/ann.png": encoded(pair), "generated/bob.png": encoded(pair)})
    write_files(where, {"grids/ann.png": encoded(np.concatenate([pair, pair]))})
    for name in ("folder", "train"):
        write_files(where / name, files_of(IMAGES))
    write_files(where / "control", files_of({f"{n}/1.png": picture(20 + n, 32) for n in range(5)}))
    np.save(where / "subset.npy", np.array([0, 2]))
    (where / "ids.txt").write_text("ann/1.png\ncy/1.png\n")
    (where / "captions.json").write_text('{"ann/1.png": "a face"}')
    tar_of(where / "more.tar", files_of({"dan/1.png": picture(9, 32), "eve/1.png": picture(8, 32)}))
    shutil.make_archive(str(where / "faces"), "zip", where / "folder")
    (where / "faces.zip").rename(where / "faces.cbz")
    return where


ELSEWHERE = ("s3://bucket", "https://example.org")


@pytest.fixture(scope="module")
def stores(sets):
    """The stores that the page names, in memory."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed; it is spolia[remote]")
    memory = fsspec.filesystem("memory")
    for path in sets.glob("*.tar"):
        memory.put_file(str(path), f"/page/{path.name}")
    yield "memory://page"
    memory.rm("/page", recursive=True)


ROWS = {"tiles": 4, "grids": 4, "subset": 2, "ids": 2, "both": 7}


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_command_of_the_page_runs(arguments, sets, capsys, request):
    for store in ELSEWHERE:
        if store in arguments[1]:
            there = arguments[1].replace(store, request.getfixturevalue("stores"))
            arguments = [arguments[0], there, *arguments[2:]]
    with contextlib.chdir(sets):
        code = run([*arguments, "--quiet"])
        said = capsys.readouterr()
        if arguments[0] == "audit":
            assert code in (0, 1, 4), said.err
            return
        assert code == 0, said.err
        rows = open_precomputed(sets / arguments[arguments.index("--out") + 1]).embeddings
    name = arguments[-1].removesuffix(".emb")
    assert len(rows) == ROWS.get(name, 5)
    if name == "by-folder":
        assert tuple(rows.identities) == PEOPLE


def test_every_format_is_on_the_page():
    table = pages()[PAGE].split("The format is told", 1)[0]
    assert all(f"`{name}`" in table for name in FORMATS)
