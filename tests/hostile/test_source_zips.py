"""Zips that are broken, lie about their entries or are made to do harm."""

import io
import struct
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from spolia.core.errors import UnreadableImage, UsageError
from spolia.sources import open_source
from tests.hostile.broken import PIXELS, encode, reason, zip_of


def test_names_that_climb_out_of_a_zip_are_only_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    climbing = ("../up.png", "/root.png", "C:\\x.png", "a/../../b.png", "<b>/\n\x1b[31m\u202e.png")
    path = zip_of(tmp_path, dict.fromkeys(climbing, encode()))
    before = sorted(tmp_path.rglob("*"))
    source = open_source(path)
    assert set(source.ids) == set(climbing)
    assert all(np.array_equal(source.image(i), PIXELS) for i in range(len(climbing)))
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/root.png").exists()


def test_a_zip_bomb_is_unreadable_and_costs_no_other_entry(tmp_path: Path) -> None:
    bomb = zip_of(
        tmp_path, {"bomb.png": bytes(30_000_000), "good.png": encode()}, zipfile.ZIP_BZIP2
    )
    assert bomb.stat().st_size < 10_000
    source = open_source(bomb)
    assert reason(source) == "compressed more than 1,100 times"
    assert np.array_equal(source.image(1), PIXELS)


def test_a_blank_image_is_no_bomb(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (1500, 1500), "white").save(file, format="BMP")
    source = open_source(zip_of(tmp_path, {"blank.bmp": file.getvalue()}))
    assert (source.image(0) == 255).all()


def patched(path: Path, at: bytes, offset: int, replacement: bytes) -> Path:
    """Overwrite bytes at ``offset`` of every record of the zip that starts with ``at``."""
    content = bytearray(path.read_bytes())
    start = content.find(at)
    while start >= 0:
        content[start + offset : start + offset + len(replacement)] = replacement
        start = content.find(at, start + 4)
    path.write_bytes(content)
    return path


def test_an_entry_that_claims_too_much_is_refused_unread(tmp_path: Path) -> None:
    path = patched(
        zip_of(tmp_path, {"a.png": encode()}), b"PK\x01\x02", 24, struct.pack("<I", 2**31)
    )
    assert reason(open_source(path)) == "file larger than 268,435,456 bytes"


def test_an_entry_that_claims_too_little_is_not_read_on(tmp_path: Path) -> None:
    path = patched(zip_of(tmp_path, {"a.png": encode()}), b"PK\x01\x02", 24, struct.pack("<I", 100))
    assert "CRC" in reason(open_source(path))


def test_an_encrypted_entry_is_unreadable(tmp_path: Path) -> None:
    path = patched(zip_of(tmp_path, {"a.png": encode()}), b"PK\x01\x02", 8, b"\x01\x00")
    assert reason(open_source(path)) == "encrypted"


def test_an_unknown_compression_is_unreadable(tmp_path: Path) -> None:
    path = patched(zip_of(tmp_path, {"a.png": encode()}), b"PK\x01\x02", 10, b"\x61\x00")
    assert "compression" in reason(open_source(path))


def test_a_flipped_bit_in_an_entry_is_noticed(tmp_path: Path) -> None:
    path = zip_of(tmp_path, {"a.png": encode()}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[600] ^= 1
    path.write_bytes(content)
    assert "CRC" in reason(open_source(path))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path, {"a.png": encode()})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a.png", b"other")
    with pytest.raises(UsageError, match=r"holds 'a\.png' 2 times"):
        open_source(path)


@pytest.mark.parametrize("content", [b"", b"no zip", zipfile.stringEndArchive + bytes(3)])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="a zip is wanted"):
        open_source(path)


@example(at=600028, byte=0, keep=1.0)  # an entry whose name was cut to nothing
@given(at=st.integers(0, 10**6), byte=st.integers(0, 255), keep=st.floats(0.3, 1.0))
def test_any_zip_gives_images_or_a_known_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, keep: float
) -> None:
    tmp_path = tmp_path_factory.mktemp("any")
    path = zip_of(tmp_path, {"a/1.png": encode(), "b/1.png": encode()})
    content = bytearray(path.read_bytes())
    content[-1 - at % 250] = byte
    path.write_bytes(content[-int(keep * len(content)) :])
    try:
        images = [open_source(path).image(0)]
    except (UsageError, UnreadableImage):
        images = []
    assert all(np.array_equal(image, PIXELS) for image in images)


def test_threads_on_a_zip_of_good_and_bad_entries_each_get_their_own(tmp_path: Path) -> None:
    files = {f"{i:03d}.png": encode() if i % 2 else b"bad" for i in range(60)}
    source = open_source(zip_of(tmp_path, files))

    def outcome(index: int) -> bool:
        try:
            return np.array_equal(source.image(index), PIXELS)
        except UnreadableImage:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outcome, range(60))) == [bool(i % 2) for i in range(60)]
