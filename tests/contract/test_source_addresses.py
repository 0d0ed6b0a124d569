"""How sets are written: formats, keys, masks, captions, shards, and several sets as one."""

import json
from pathlib import Path

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.sources import open_source
from spolia.sources.address import FORMATS, absolute_address, paths_in
from spolia.sources.opening import _READERS
from tests.formats import (
    NAMES,
    as_list_of_people,
    as_parquet,
    as_rec,
    as_shards,
    encoded,
    files_of,
    lmdb_of,
    parquet_of,
    pictures,
    tar_of,
    write_csv,
    write_files,
)
from tests.recordio import MAGIC, payload, write_rec

SQUARES = [np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8) for seed in range(6)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "set", files_of(pictures()))


def test_every_format_can_be_named_in_an_address() -> None:
    assert set(FORMATS) == set(_READERS)


def test_a_format_before_the_path_is_that_of_this_part(folder: Path) -> None:
    where = folder.parent
    tar_of(where / "set.bin", files_of(pictures()))
    assert open_source(f"tar:{where / 'set.bin'}").ids == NAMES
    assert open_source(f"folder:{folder}+tar:{where / 'set.bin'}").ids[5] == "2/ann/1.png"


# Several sets


def test_joined_sets_keep_their_ids_where_all_are_distinct(tmp_path: Path) -> None:
    files = files_of(pictures())
    write_files(tmp_path / "a", dict(list(files.items())[:3]))
    write_files(tmp_path / "b", dict(list(files.items())[3:]))
    source = open_source(f"{tmp_path / 'a'}+{tmp_path / 'b'}/")
    assert source.ids == NAMES
    assert source.identities == ("ann", "ann", "bob", "bob", "cy")


def test_joined_sets_that_share_an_id_number_all_of_them(folder: Path) -> None:
    source = open_source(f"{folder}+{folder}")
    assert source.ids == tuple(f"{part}/{name}" for part in (1, 2) for name in NAMES)
    # Identities of one name are one.
    assert set(source.identities or ()) == {"ann", "bob", "cy"}
    assert np.array_equal(source.image(9), pictures()["cy/1.png"])
    assert source.content(0) == source.content(5)


def test_joined_sets_have_the_columns_of_all(tmp_path: Path) -> None:
    listed, table = as_list_of_people(tmp_path / "a", pictures()), as_parquet(tmp_path, pictures())
    source = open_source(f"{listed}+{table}")
    assert source.columns["licence"] == ("CC0",) * 5 + ("",) * 5
    assert source.columns["text"][5] == "about ann/1.png"
    assert source.columns["text"][0] == ""


def test_joined_sets_of_known_and_unknown_identities_are_refused(tmp_path: Path) -> None:
    write_files(tmp_path / "known", files_of(pictures()))
    write_files(tmp_path / "flat", {"1.png": encoded(SQUARES[0])})
    both = f"{tmp_path / 'known'}+{tmp_path / 'flat'}"
    with pytest.raises(UsageError, match=r"flat' are unknown, .* known; say --identities none"):
        open_source(both)
    assert open_source(both, identities="none").identities is None


def test_a_path_that_exists_wins_over_what_its_marks_could_mean(tmp_path: Path) -> None:
    for number, name in enumerate(("a+b", "c@mask.npy", "zip:d", "e#f", "g{0..1}", "a", "b")):
        write_files(tmp_path / name, {f"{number}.png": encoded(SQUARES[0])})
        assert open_source(tmp_path / name).ids == (f"{number}.png",)
    assert open_source(f"{tmp_path / 'a'}+{tmp_path / 'b'}").ids == ("5.png", "6.png")
    assert open_source(f"{tmp_path / 'a+b'}+{tmp_path / 'a'}").ids == ("0.png", "5.png")


def test_a_folder_with_a_set_in_it_names_that(tmp_path: Path) -> None:
    path = as_rec(tmp_path, pictures())
    with pytest.raises(UsageError, match=rf"holds none \(2 other files\); did you mean '{path}'"):
        open_source(tmp_path)


def test_a_key_ends_where_another_set_begins_and_may_hold_a_plus(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=np.stack(SQUARES), two=np.stack(SQUARES[:1]))
    write_files(tmp_path / "b", {"1.png": encoded(SQUARES[0])})
    assert len(open_source(f"{tmp_path / 'a.npz'}#two+{tmp_path / 'b'}/")) == 2
    values = {f"image-{i}".encode(): encoded(SQUARES[i]) for i in range(3)}
    path = lmdb_of(tmp_path / "set", values)
    assert open_source(rf"{path}#^image-([0-9]+)$").ids == ("0", "1", "2")
    assert len(open_source(rf"{path}#^image-[0-9]+$+{tmp_path / 'b'}")) == 4


def test_a_part_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing at '.*/sett'; did you mean 'set'"):
        open_source(f"{folder}+{folder}t")


def test_an_absolute_address_means_the_same_from_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("mask.npy", np.array([1, 2]))
    address = absolute_address("folder:set@mask.npy+set/")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(open_source(address)) == 7
    assert paths_in(address) == (str(folder), str(tmp_path / "mask.npy"), str(folder))


# Masks


@pytest.mark.parametrize(
    "mask",
    [
        np.array([3, 1]),
        np.array([1, 3], np.uint8),
        np.array([False, True, False, True, False]),
        np.array(["bob/2.PNG", "ann/2.png"]),
    ],
)
def test_a_mask_chooses_records_in_the_order_of_the_set(folder: Path, mask: np.ndarray) -> None:
    np.save(folder.parent / "mask.npy", mask)
    source = open_source(f"{folder}@{folder.parent / 'mask.npy'}")
    assert source.ids == ("ann/2.png", "bob/2.PNG")
    assert source.identities == ("ann", "bob")
    assert np.array_equal(source.image(1), pictures()["bob/2.PNG"])


def test_a_text_of_ids_is_a_mask_and_columns_follow(tmp_path: Path) -> None:
    listed = as_list_of_people(tmp_path, pictures())
    (tmp_path / "mine.txt").write_text("cy/1.png\nann/1.png\n")
    source = open_source(f"{listed}@{tmp_path / 'mine.txt'}")
    assert source.ids == ("ann/1.png", "cy/1.png")
    assert source.columns == {"licence": ("CC0", "CC0")}


# Captions


def test_captions_of_coco_become_a_column(folder: Path) -> None:
    known = {
        "images": [{"id": 7, "file_name": "ann/1.png"}, {"id": 8, "file_name": "2.PNG"}],
        "annotations": [
            {"image_id": 7, "caption": "a woman"},
            {"image_id": 7, "caption": "someone"},
            {"image_id": 8, "caption": "a man"},
        ],
    }
    path = folder.parent / "captions.json"
    path.write_text(json.dumps(known))
    source = open_source(f"{folder}@{path}")
    assert source.columns["caption"] == ("a woman\nsomeone", "", "", "a man", "")
    assert source.fingerprint == open_source(folder).fingerprint
    path.write_text(json.dumps({"cy/1.png": "a child"}))
    assert open_source(f"{folder}@{path}").columns["caption"][4] == "a child"


def test_a_mask_and_captions_can_be_given_together(folder: Path) -> None:
    np.save(folder.parent / "mask.npy", np.array([4]))
    (folder.parent / "said.json").write_text('{"cy/1.png": "a child"}')
    source = open_source(f"{folder}@{folder.parent / 'mask.npy'}@{folder.parent / 'said.json'}")
    assert source.columns == {"caption": ("a child",)}


# Strips


def test_a_strip_is_split_into_squares_of_its_height(tmp_path: Path) -> None:
    row, column = np.concatenate(SQUARES[:3], axis=1), np.concatenate(SQUARES[3:5], axis=0)
    write_files(tmp_path / "set", {"ann.png": encoded(row), "bob.png": encoded(column)})
    source = open_source(tmp_path / "set", format="strips")
    assert source.ids == ("ann#0", "ann#1", "ann#2", "bob#0", "bob#1")
    assert source.identities == ("ann", "ann", "ann", "bob", "bob")
    assert all(np.array_equal(source.image(i), SQUARES[i]) for i in range(5))
    assert source.content(0) != source.content(1)


def test_a_grid_is_split_row_by_row_into_squares_of_the_side_given(tmp_path: Path) -> None:
    rows = [np.concatenate(SQUARES[at : at + 3], axis=1) for at in (0, 3)]
    write_files(tmp_path / "set", {"ann.png": encoded(np.concatenate(rows))})
    source = open_source(f"strips:{tmp_path / 'set'}#9")
    assert len(source) == 6
    assert all(np.array_equal(source.image(i), SQUARES[i]) for i in range(6))


# Keys


def test_the_column_of_images_can_be_named(tmp_path: Path) -> None:
    one, two = encoded(SQUARES[0]), encoded(SQUARES[1])
    path = parquet_of(tmp_path / "set.parquet", {"mine": [one], "other": [two]})
    assert np.array_equal(open_source(f"{path}#other").image(0), SQUARES[1])
    with pytest.raises(UsageError, match=r"has mine, other; choose one as PATH#mine"):
        open_source(path)
    with pytest.raises(UsageError, match="did you mean 'other'"):
        open_source(f"{path}#othr")


def test_a_folder_of_shards_is_one_set_and_a_split_is_chosen(tmp_path: Path) -> None:
    for at, name in enumerate(
        ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001")
    ):
        parquet_of(tmp_path / "set" / "data" / f"{name}.parquet", {"image": [encoded(SQUARES[at])]})
    with pytest.raises(UsageError, match=r"holds test, train; choose one as .*#test"):
        open_source(tmp_path / "set")
    source = open_source(f"{tmp_path / 'set'}#train")
    assert [np.array_equal(source.image(i), SQUARES[i]) for i in range(2)] == [True, True]
    with pytest.raises(UsageError, match="did you mean 'train'"):
        open_source(f"{tmp_path / 'set'}#trian")


def test_a_pattern_of_keys_gives_the_ids(tmp_path: Path) -> None:
    values = {f"256-{i:05d}".encode(): encoded(SQUARES[i]) for i in range(3)}
    path = lmdb_of(tmp_path / "set", values | {b"128-00000": b"small", b"length": b"3"})
    source = open_source(rf"{path}#^256-(\d+)$")
    assert source.ids == ("00000", "00001", "00002")
    assert source.ignored == 2
    assert open_source(path).ids[0] == "128-00000"


def test_an_lmdb_can_be_open_twice(tmp_path: Path) -> None:
    path = lmdb_of(tmp_path / "set", {b"a": encoded(SQUARES[0])})
    first, second = open_source(path), open_source(path)
    assert np.array_equal(first.image(0), second.image(0))


# What webdatasets, lists and records bring with them


def test_what_lies_beside_an_image_of_a_webdataset_becomes_columns(tmp_path: Path) -> None:
    source = open_source(as_shards(tmp_path, pictures()))
    assert source.columns == {
        "age": ("30",) * 5,
        "caption": tuple(f"a face of {name.partition('/')[0]}" for name in NAMES),
    }
    assert source.ignored == 0


def test_shards_that_share_names_number_them(tmp_path: Path) -> None:
    for shard in "01":
        tar_of(tmp_path / f"s{shard}.tar", {"0001.png": encoded(SQUARES[int(shard)])})
    source = open_source(tmp_path / "s{0..1}.tar")
    assert source.ids == ("1/0001.png", "2/0001.png")
    assert np.array_equal(source.image(1), SQUARES[1])


def test_a_broken_file_beside_an_image_is_said_in_a_column(tmp_path: Path) -> None:
    files = {"1.png": encoded(SQUARES[0]), "1.json": b"{broken", "2.png": encoded(SQUARES[1])}
    source = open_source(tar_of(tmp_path / "set.tar", files))
    assert source.columns["sidecar"][0].startswith("1.json: ")
    assert source.columns["sidecar"][1] == ""


def test_the_further_columns_of_a_table_are_those_of_the_source(tmp_path: Path) -> None:
    assert open_source(as_list_of_people(tmp_path / "a", pictures())).columns == {
        "licence": ("CC0",) * 5
    }
    assert open_source(as_parquet(tmp_path / "b", pictures())).columns == {
        "text": tuple(f"about {name}" for name in NAMES)
    }


@pytest.mark.parametrize("line", ["{key}\t{label}\t{path}", "{key}\t{path}\t{label}"])
@pytest.mark.parametrize("name", ["set.lst", "list.txt"])
def test_a_list_beside_records_gives_their_paths(tmp_path: Path, line: str, name: str) -> None:
    path = as_rec(tmp_path, pictures())
    rows = zip((1, 2, 3, 4, 5), (0, 0, 1, 1, 2), NAMES, strict=True)
    lines = [line.format(key=key, label=label, path=one) for key, label, one in rows]
    (tmp_path / name).write_text("\n".join(lines))
    source = open_source(path)
    assert source.columns == {"path": NAMES}
    assert source.identities == ("0", "0", "1", "1", "2")
    folders = open_source(path, identities="folder")
    assert folders.identities == ("ann", "ann", "bob", "bob", "cy")


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("label", [7.0, (7.0,), (7.0, 1.0, 2.0)])
def test_labels_of_records_are_read_in_every_width(
    tmp_path: Path, label: float | tuple[float, ...], wide: bool
) -> None:
    one = payload(encoded(SQUARES[0]), label, wide=wide)
    write_rec(tmp_path / "file.rec", [one, payload(encoded(SQUARES[1]), 8.5)], keys=["a", "b"])
    source = open_source(tmp_path / "file.rec")
    assert source.identities == ("7", "8.5")
    assert source.ids == ("a", "b")
    assert np.array_equal(source.image(0), SQUARES[0])


def test_a_payload_that_holds_the_magic_is_put_together_again(tmp_path: Path) -> None:
    pixels = np.frombuffer(MAGIC * 48, np.uint8).reshape(8, 8, 3)
    for blanks in range(1, 5):
        image = b"P6" + b" " * blanks + b"8 8\n255\n" + pixels.tobytes()
        write_rec(tmp_path / "set.rec", [payload(image, 1.0), payload(encoded(SQUARES[0]), 2.0)])
        source = open_source(tmp_path / "set.rec")
        assert np.array_equal(source.image(0), pixels)
        assert np.array_equal(source.image(1), SQUARES[0])


def test_a_list_keeps_its_own_order(tmp_path: Path) -> None:
    root = write_files(tmp_path, files_of(pictures()))
    path = write_csv(root / "list.csv", ["path"], [[name] for name in reversed(NAMES)])
    assert open_source(path).ids == NAMES[::-1]
