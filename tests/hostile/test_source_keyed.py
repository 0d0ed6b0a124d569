"""LMDBs, masks, captions and strips that are broken, forged, or do not fit."""

import builtins
import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from spolia.core.errors import MissingExtra, UsageError
from spolia.sources import open_source
from spolia.sources.limits import Limits
from tests.formats import encoded, lmdb_of, write_files
from tests.hostile.broken import encode, png_claiming, reason, sound
from tests.hostile.test_source_arrays import npy_claiming

IMAGE = encode()


class Armed:
    """Says so, if it is ever unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.putenv, ("SPOLIA_WAS_UNPICKLED", "1"))


# LMDB


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"", "empty file"),
        (b"no image", "cannot identify image file"),
        (IMAGE[:-300], "truncated"),
        (pickle.dumps((IMAGE, 3)), "pickle, which is never loaded"),
        (pickle.dumps(Armed()), "pickle, which is never loaded"),
        (bytes(20_000), "value larger than 9,000 bytes"),
    ],
)
def test_a_value_that_is_no_image_costs_no_other(tmp_path: Path, value: bytes, why: str) -> None:
    path = lmdb_of(tmp_path / "set", {b"a": IMAGE, b"b": value, b"c": IMAGE})
    source = open_source(path, limits=Limits(encoded_bytes=9000))
    assert reason(source, 1) == why
    assert sound(source) == ["a", "c"]


@pytest.mark.parametrize(
    "key", [b"__len__", b"__keys__", b"length", b"num-samples", b"num_samples", b"label-000001"]
)
def test_notes_beside_the_images_are_counted_and_never_unpickled(
    tmp_path: Path, key: bytes
) -> None:
    path = lmdb_of(tmp_path / "set", {b"a": IMAGE, key: pickle.dumps(Armed())})
    source = open_source(path)
    assert source.ids == ("a",)
    assert source.ignored == 1


@pytest.mark.parametrize(
    "key",
    [b"\xff\xfe", b"../up.png", b"/root", b"\x1b[31m", b"n" * 511, "\u202egnp".encode(), b"\0"],
)
def test_a_key_is_only_a_name(tmp_path: Path, key: bytes) -> None:
    source = open_source(lmdb_of(tmp_path / "set", {key: IMAGE}))
    assert source.ids == (key.decode("utf-8", "backslashreplace"),)
    assert sound(source) == list(source.ids)
    assert len(source.fingerprint) == 64


@pytest.mark.parametrize("keep", [0, 10, 100, 4096, 8191, 9000, 20_000])
def test_a_truncated_lmdb_is_refused_before_it_is_mapped(tmp_path: Path, keep: int) -> None:
    path = lmdb_of(tmp_path / "set", {bytes([n]): IMAGE * 3 for n in range(30)})
    os.truncate(path / "data.mdb", keep)
    with pytest.raises(UsageError, match="LMDB is wanted"):
        open_source(path)


@pytest.mark.parametrize(("at", "value"), [(16, 0), (40, 0), (40, 2**31), (136, 2**31)])
def test_a_forged_head_of_an_lmdb_is_refused(tmp_path: Path, at: int, value: int) -> None:
    path = lmdb_of(tmp_path / "set", {b"a": IMAGE})
    content = bytearray((path / "data.mdb").read_bytes())
    for page in (0, 4096):
        struct.pack_into("<I", content, page + at, value)
    (path / "data.mdb").write_bytes(content)
    with pytest.raises(UsageError, match="LMDB is wanted"):
        open_source(path)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "is none"),
        ("(a)(b)", "has 2"),
        ("^z", "none of the 2 keys"),
        ("^(.)", "must be distinct"),
    ],
)
def test_a_pattern_that_does_not_fit_is_refused(tmp_path: Path, pattern: str, message: str) -> None:
    path = lmdb_of(tmp_path / "set", {b"a1": IMAGE, b"a2": IMAGE})
    with pytest.raises(UsageError, match=message):
        open_source(f"{path}#{pattern}")


def test_more_keys_than_the_limit_are_refused(tmp_path: Path) -> None:
    path = lmdb_of(tmp_path / "set", {b"a1": IMAGE, b"a2": IMAGE})
    with pytest.raises(UsageError, match="may have 1 entries"):
        open_source(path, limits=Limits(entries=1))


def test_without_the_package_the_command_to_install_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lmdb_of(tmp_path / "set", {b"a": IMAGE})
    known = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name == "lmdb":
            raise ImportError(name)
        return known(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"pip install 'spolia\[lmdb\]'"):
        open_source(path)


# Masks


MASKS = {
    "objects": (np.array([{"a": 1}, None], dtype=object), "cannot be read"),
    "armed": (np.array([Armed()], dtype=object), "cannot be read"),
    "floats": (np.array([0.0, 1.0]), "float64"),
    "table": (np.array([[0, 1]]), r"shape \(1, 2\)"),
    "number": (np.array(1), r"shape \(\)"),
    "bytes": (np.array([b"a.png"]), r"\|S5"),
    "times": (np.array(["2020-01-01"], "datetime64[D]"), "datetime64"),
    "too far": (np.array([0, 3]), "must lie in 0 to 2"),
    "negative": (np.array([-1]), "must lie in 0 to 2"),
    "short": (np.array([True, False]), "one for each of the 3 records"),
    "empty": (np.array([], np.int64), "leaves none"),
    "all false": (np.array([False] * 3), "leaves none"),
    "row twice": (np.array([1, 1]), r"names 'b\.png' twice"),
    "id twice": (np.array(["a.png", "a.png"]), r"names 'a\.png' twice"),
    "unknown id": (np.array(["a.pgn"]), r"did you mean 'a\.png'"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "set", dict.fromkeys(("a.png", "b.png", "c.png"), IMAGE))


@pytest.mark.parametrize(("mask", "message"), MASKS.values(), ids=MASKS)
def test_a_mask_that_does_not_fit_is_refused(
    folder: Path, tmp_path: Path, mask: np.ndarray, message: str
) -> None:
    np.save(tmp_path / "mask.npy", mask, allow_pickle=True)
    with pytest.raises(UsageError, match=message):
        open_source(f"{folder}@{tmp_path / 'mask.npy'}")
    assert "SPOLIA_WAS_UNPICKLED" not in os.environ


FORGED = {
    "empty": b"",
    "text": b"0\n1\n",
    "zip": b"PK\x05\x06" + bytes(18),
    "pickle": pickle.dumps(Armed()),
    "astronomic": npy_claiming("(9999999999,)"),
    "negative": npy_claiming("(-3,)"),
    "code": npy_claiming("(3,)", "__import__('os').system('true')"),
    "objects": npy_claiming("(3,)", "'|O'"),
    "cut": npy_claiming("(300,)", pixels=bytes(200)),
}


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED)
def test_a_forged_mask_is_refused(folder: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mask.npy").write_bytes(content)
    with pytest.raises(UsageError, match="a mask must"):
        open_source(f"{folder}@{tmp_path / 'mask.npy'}")


def test_a_mask_that_is_not_there_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.npy' cannot be read \(no such file"):
        open_source(f"{folder}@{tmp_path / 'gone.npy'}")
    with pytest.raises(UsageError, match=r"gone\.txt cannot be read"):
        open_source(f"{folder}@{tmp_path / 'gone.txt'}")


# Captions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "captions must be"),
        ("{", "captions must be"),
        ("[]", "captions must be"),
        ("3", "captions must be"),
        ('{"annotations": []}', "captions must be"),
        ('{"annotations": [{"image_id": 1, "caption": "x"}], "images": []}', "captions must be"),
        ('{"annotations": [{}], "images": [{"id": 1, "file_name": "a.png"}]}', "captions must be"),
        ('{"annotations": [], "images": [{"id": [], "file_name": "a.png"}]}', "captions must be"),
        ('{"a.png": 3}', "captions must be"),
        ('{"x.png": "a"}', r"none of the 1 file names .* such as 'x\.png'"),
        ("{}", "none of the 0 file names"),
        ("[" * 100_000, "captions must be"),
    ],
)
def test_captions_that_do_not_fit_are_refused(
    folder: Path, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "said.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        open_source(f"{folder}@{tmp_path / 'said.json'}")


def test_a_caption_is_text_that_every_file_can_hold(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "said.json").write_text('{"a.png": "\\ud800 \\u001b[31m"}')
    said = open_source(f"{folder}@{tmp_path / 'said.json'}").columns["caption"]
    assert said == ("\\ud800 \x1b[31m", "", "")


# Strips


SQUARE = np.random.default_rng(5).integers(0, 256, (8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty file"),
        (b"no image", "cannot identify image file"),
        (
            encoded(np.zeros((8, 20, 3), np.uint8)),
            "20 x 8 pixels do not divide into tiles of 8 x 8",
        ),
        (encoded(np.zeros((1, 5000, 3), np.uint8)), "tiles of 1 x 1 pixels are too small"),
        (png_claiming(9000, 9000)[:20], "truncated"),
        (png_claiming(80, 8), "truncated"),
        (png_claiming(10_000, 10_000), "header claims more than 89,478,485 pixels"),
    ],
)
def test_a_strip_that_is_none_costs_no_other(tmp_path: Path, content: bytes, why: str) -> None:
    whole = encoded(np.concatenate([SQUARE, SQUARE], axis=1))
    folder = write_files(tmp_path / "set", {"a.png": whole, "b.png": content, "c.png": whole})
    source = open_source(folder, format="strips")
    bad = [index for index, name in enumerate(source.ids) if name.startswith("b#")]
    assert {reason(source, index) for index in bad} == {why}
    others = [index for index in range(len(source)) if index not in bad]
    assert len(others) == 4
    assert all(np.array_equal(source.image(index), SQUARE) for index in others)


def test_a_strip_turned_by_exif_is_noticed(tmp_path: Path) -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.concatenate([SQUARE] * 3, axis=1)).save(file, format="PNG", exif=exif)
    folder = write_files(tmp_path / "set", {"a.png": file.getvalue()})
    source = open_source(folder, format="strips")
    assert reason(source, 2) == "strip of another size than its header says"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("strips:{}#0", "the side of a tile is wanted in pixels"),
        ("strips:{}#x", "the side of a tile is wanted in pixels"),
        ("strips:{}#" + "9" * 5000, "the side of a tile is wanted in pixels"),
        ("strips:{}#9", "none in .* is one"),
        ("strips:{}/a.png", "a zip is wanted"),
    ],
)
def test_strips_that_do_not_fit_are_refused(tmp_path: Path, address: str, message: str) -> None:
    folder = write_files(tmp_path / "set", {"a.png": encoded(SQUARE)})
    with pytest.raises(UsageError, match=message):
        open_source(address.format(folder))
