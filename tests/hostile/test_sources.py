"""Files, folders and paths that are broken or made to do harm."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spolia.core.errors import UnreadableImage, UsageError
from spolia.sources import decode, open_source
from tests.hostile.broken import PIXELS, encode, folder_of, png_claiming, reason, zip_of

# Files


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b"", "empty file"),
        (b"no image at all", "cannot identify image file"),
        (b"\xff\xd8\xff", "cannot identify image file"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot identify image file"),
        (encode("PNG")[:20], "truncated"),
        (encode("JPEG")[:-300], "truncated"),
        (encode("PNG")[:-300], "truncated"),
        (encode("BMP")[:-300], "truncated"),
        (png_claiming(0, 5), "cannot identify image file"),
    ],
)
def test_a_broken_file_is_unreadable_with_a_plain_reason(encoded: bytes, expected: str) -> None:
    with pytest.raises(UnreadableImage, match=f"^{expected}$"):
        decode(encoded)


@pytest.mark.parametrize(("w", "h"), [(100_000, 100_000), (10_000, 10_000), (2**31 - 1, 1)])
def test_a_header_that_claims_too_much_is_refused_before_pixels_are_decoded(w: int, h: int) -> None:
    with pytest.raises(UnreadableImage, match="header claims more than 89,478,485 pixels"):
        decode(png_claiming(w, h))


def test_no_limit_above_pillows_own_is_promised() -> None:
    with pytest.raises(UnreadableImage, match="header claims more than 89,478,485 pixels"):
        decode(png_claiming(10_000, 10_000), max_pixels=10**9)


def test_the_format_is_read_from_the_bytes_not_from_the_name(tmp_path: Path) -> None:
    source = open_source(folder_of(tmp_path, {"a.jpg": encode("PNG")}))
    assert np.array_equal(source.image(0), PIXELS)


ENCODED = {
    kind: encode(kind) for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000")
}


@settings(max_examples=300)
@given(
    kind=st.sampled_from(list(ENCODED)),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6),
    keep=st.floats(0.05, 1.0),
)
def test_any_bytes_give_an_image_or_one_short_line(
    kind: str, changes: list[tuple[int, int]], keep: float
) -> None:
    spoilt = bytearray(ENCODED[kind])
    for at, byte in changes:
        # Mostly in the head, where the structure is.
        spoilt[at % min(len(spoilt), 120)] = byte
    why, pixels = "an image", PIXELS
    try:
        pixels = decode(bytes(spoilt[: int(keep * len(spoilt))]), max_pixels=10**6)
    except UnreadableImage as error:
        why = str(error)
    assert 0 < len(why) <= 100
    assert why.isprintable()
    assert "0x" not in why
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert pixels.size > 0


# Folders


def test_one_unreadable_file_does_not_cost_the_others(tmp_path: Path) -> None:
    source = open_source(folder_of(tmp_path, {"a.png": b"", "b.png": encode()}))
    assert reason(source) == "empty file"
    assert np.array_equal(source.image(1), PIXELS)
    assert len(source.fingerprint) == 64


def test_a_folder_named_like_an_image_is_a_folder(tmp_path: Path) -> None:
    source = open_source(folder_of(tmp_path, {"x.jpg/1.png": encode(), "y.jpg/1.png": encode()}))
    assert source.ids == ("x.jpg/1.png", "y.jpg/1.png")
    assert source.identities == ("x.jpg", "y.jpg")


def test_a_file_that_vanished_since_the_listing_is_unreadable(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {"a.png": encode(), "b.png": encode()})
    source = open_source(root)
    (root / "a.png").unlink()
    assert reason(source) == "no such file or directory"
    assert np.array_equal(source.image(1), PIXELS)


def test_a_link_to_a_file_elsewhere_is_listed_but_not_followed(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {"a.png": encode()})
    secret = tmp_path / "secret.png"
    secret.write_bytes(encode())
    (root / "link.png").symlink_to(secret)
    (root / "up.png").symlink_to("../secret.png")
    source = open_source(root)
    assert source.ids == ("a.png", "link.png", "up.png")
    assert reason(source, 1) == reason(source, 2) == "link that leaves the folder"
    before = source.fingerprint
    secret.write_bytes(b"changed")
    assert open_source(root).fingerprint == before


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {"a.png": encode()})
    (root / "b.png").symlink_to("a.png")
    source = open_source(root)
    assert np.array_equal(source.image(1), PIXELS)
    # Also when the folder itself is reached through a link.
    (tmp_path / "alias").symlink_to(root)
    assert np.array_equal(open_source(tmp_path / "alias").image(1), PIXELS)


def test_links_that_lead_nowhere_or_in_a_ring_are_unreadable(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {"a.png": encode()})
    (root / "nowhere.png").symlink_to("missing.png")
    (root / "ring.png").symlink_to("ring.png")
    source = open_source(root)
    assert reason(source, 1) == "no such file or directory"
    assert reason(source, 2)
    assert len(source.fingerprint) == 64


def test_a_link_to_a_folder_inside_is_counted_and_its_images_are_listed_once(
    tmp_path: Path,
) -> None:
    root = folder_of(tmp_path, {"ann/1.png": encode(), "bob/1.png": encode()})
    (root / "loop").symlink_to(root)
    (root / "again").symlink_to("ann")
    source = open_source(root)
    assert source.ids == ("ann/1.png", "bob/1.png")
    assert source.ignored == 2


def test_a_link_to_a_folder_elsewhere_is_refused_for_it_may_be_half_the_set(
    tmp_path: Path,
) -> None:
    root = folder_of(tmp_path, {"ann/1.png": encode()})
    (root / "bob").symlink_to("/")
    with pytest.raises(UsageError, match="'bob' leads to a folder elsewhere"):
        open_source(root)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_named_like_an_image_does_not_hang_the_run(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {"a.png": encode()})
    os.mkfifo(root / "pipe.png")
    source = open_source(root)
    assert reason(source, 1) == "not a regular file"
    assert len(source.fingerprint) == 64


def test_a_sparse_giant_is_refused_unread(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {"a.png": b""})
    with (root / "a.png").open("r+b") as file:
        file.truncate(2**34)
    assert reason(open_source(root)) == "file larger than 268,435,456 bytes"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user who can be refused")
def test_what_may_not_be_read_is_said(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {"a.png": encode(), "sub/b.png": encode()})
    (root / "a.png").chmod(0)
    assert reason(open_source(root)) == "permission denied"
    (root / "sub").chmod(0)
    try:
        with pytest.raises(UsageError, match="cannot be listed"):
            open_source(root)
    finally:
        (root / "sub").chmod(0o700)


def test_a_deep_folder_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {"a.png": encode()})
    depth = sys.getrecursionlimit() + 200
    folders = [root / "/".join("d" * below) for below in range(1, depth + 1)]
    for folder in folders:
        folder.mkdir()
    try:
        assert open_source(root).ids == ("a.png",)
    finally:
        # One by one, from below: shutil.rmtree would exhaust the stack.
        for folder in reversed(folders):
            folder.rmdir()


WEIRD = [
    "'quotes' \"and\" more.png",
    "<img src=x onerror=alert(1)>.png",
    "new\nline.png",
    "\x1b[31mred.png",
    "\u202egnp.exe.png",
    "n" * 251 + ".png",
    "-rf *.png",
    "\N{PILE OF POO}é.png",
    "=cmd|' '!A0.png",
    "a\\b.png",
]


@pytest.mark.skipif(os.name == "nt", reason="names that only POSIX allows")
def test_weird_names_are_kept_as_they_are(tmp_path: Path) -> None:
    source = open_source(folder_of(tmp_path, dict.fromkeys(WEIRD, encode())))
    assert source.ids == tuple(sorted(WEIRD))
    assert all(np.array_equal(source.image(i), PIXELS) for i in range(len(WEIRD)))
    assert len(source.fingerprint) == 64


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text need such a system")
def test_names_that_are_no_text_are_told_apart(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {})
    root.mkdir()
    prints = []
    for name in (b"\xff.png", b"\xfe.png"):
        Path(os.fsdecode(root), os.fsdecode(name)).write_bytes(encode())
        source = open_source(root)
        assert source.ids == (os.fsdecode(name).encode("utf-8", "backslashreplace").decode(),)
        assert source.image(0).shape[2] == 3
        assert np.array_equal(source.image(0), PIXELS)
        prints.append(source.fingerprint)
        Path(os.fsdecode(root), os.fsdecode(name)).unlink()
    assert prints[0] != prints[1]


# Paths


def test_a_folder_or_zip_without_images_is_refused(tmp_path: Path) -> None:
    for path in (
        folder_of(tmp_path, {"notes.txt": b"x"}),
        zip_of(tmp_path, {"notes.txt": b"x"}),
    ):
        with pytest.raises(UsageError, match=r"holds none \(1 other files\)"):
            open_source(path)


def test_a_path_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    folder_of(tmp_path, {"a.png": encode()}).rename(tmp_path / "train")
    with pytest.raises(UsageError, match=r"nothing at .*trian'; did you mean 'train'"):
        open_source(tmp_path / "trian")
    with pytest.raises(UsageError, match="nothing at"):
        open_source(tmp_path / "no" / "such" / "place")
    with pytest.raises(UsageError, match="nothing at"):
        open_source("a\x00b")


def test_a_format_that_is_unknown_names_the_nearest(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {"a.png": encode()})
    with pytest.raises(UsageError, match="did you mean 'folder'"):
        open_source(root, format="foldr")
    with pytest.raises(UsageError, match="of format 'png'"):
        open_source(root / "a.png")
    with pytest.raises(UsageError, match="a folder is wanted"):
        open_source(root / "a.png", format="folder")
    with pytest.raises(UsageError, match="a zip is wanted"):
        open_source(root, format="zip")
    with pytest.raises(UsageError, match="uint8 images"):
        open_source(root, format="npy")
