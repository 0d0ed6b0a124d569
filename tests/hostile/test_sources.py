"""Sets and files that are broken, lie about themselves or are made to do harm."""

import io
import os
import struct
import sys
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from spolia.core.errors import UnreadableImage, UsageError
from spolia.sources import Source, decode, open_source

PIXELS = np.random.default_rng(3).integers(0, 256, (24, 20, 3), dtype=np.uint8)


def encode(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, format=kind)
    return file.getvalue()


def png_claiming(w: int, h: int) -> bytes:
    """Return a PNG whose header claims ``w`` x ``h`` pixels and which holds next to none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(50)))
        + chunk(b"IEND", b"")
    )


def reason(source: Source, index: int = 0) -> str:
    with pytest.raises(UnreadableImage) as caught:
        source.image(index)
    return str(caught.value)


def folder_of(tmp_path: Path, files: dict[str, bytes]) -> Path:
    root = tmp_path / "set"
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def zip_of(tmp_path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return path


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


@settings(max_examples=300)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000"]),
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


ENCODED = {
    kind: encode(kind) for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000")
}


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
        assert source.ids == (os.fsdecode(name),)
        assert np.array_equal(source.image(0), PIXELS)
        prints.append(source.fingerprint)
        Path(os.fsdecode(root), os.fsdecode(name)).unlink()
    assert prints[0] != prints[1]


# Zips


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


# Arrays


def npy_claiming(shape: str, descr: str = "'|u1'", pixels: bytes = bytes(300)) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + pixels


def test_the_forger_of_the_next_tests_can_also_write_a_good_file(tmp_path: Path) -> None:
    (tmp_path / "set.npy").write_bytes(npy_claiming("(3, 10, 10)"))
    assert len(open_source(tmp_path / "set.npy")) == 3


FORGED = {
    "too many rows": npy_claiming("(4, 10, 10)"),
    "astronomic": npy_claiming("(9999999999, 99999, 99999)"),
    "negative": npy_claiming("(-3, 10, 10)"),
    "both negative": npy_claiming("(-3, -10, 10)"),
    "no rows": npy_claiming("(0, 10, 10)"),
    "no height": npy_claiming("(3, 0, 10)"),
    "not a shape": npy_claiming("'abc'"),
    "code": npy_claiming("(3, 10, 10)", "__import__('os').system('true')"),
    "objects": npy_claiming("(3, 10, 10)", "'|O'"),
    "truncated": npy_claiming("(3, 10, 10)", pixels=bytes(299)),
    "cut header": npy_claiming("(3, 10, 10)")[:40],
    "empty": b"",
    "pickle": b"\x80\x04\x95\x05\x00\x00\x00",
}


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_forged_array_is_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"set.{suffix}"
    if suffix == "npy":
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", content)
    with pytest.raises(UsageError, match=f"uint8 images of shape .* but .*set.{suffix}"):
        open_source(path)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((9, 128), np.float32), "--embedder precomputed"),
        (np.zeros((9, 8, 8, 3), np.float64), "--embedder precomputed"),
        (np.zeros((9, 8, 8), np.uint16), "uint8"),
        (np.zeros((9, 8, 8), bool), "uint8"),
        (np.zeros((9, 3, 8, 8), np.uint8), "channels last"),
        (np.zeros((9, 8, 8, 4), np.uint8), "channels last"),
        (np.zeros((80, 80, 3), np.uint8), "single image"),
        (np.zeros(9, np.uint8), r"shape \(9,\)"),
        (np.zeros((), np.uint8), r"shape \(\)"),
        (np.zeros((1, 1, 1, 1, 1), np.uint8), "shape"),
        (np.array([{"a": 1}, None], dtype=object), "object"),
    ],
)
def test_an_array_that_is_no_images_is_refused_with_what_to_do(
    tmp_path: Path, array: np.ndarray, message: str, suffix: str
) -> None:
    path = tmp_path / f"set.{suffix}"
    np.save(path, array) if suffix == "npy" else np.savez(path, images=array)
    with pytest.raises(UsageError, match=message):
        open_source(path)


def test_a_npz_without_images_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    np.savez(path)
    with pytest.raises(UsageError, match="holds no array"):
        open_source(path)
    np.savez(path, rows=np.zeros((4, 16), np.float32))
    with pytest.raises(UsageError, match="--embedder precomputed"):
        open_source(path)
    path.write_bytes(b"no zip")
    with pytest.raises(UsageError, match="not a zip"):
        open_source(path)


def test_a_npz_with_the_name_of_a_npy_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=np.zeros((3, 9, 9), np.uint8))
    (tmp_path / "set.npz").rename(tmp_path / "set.npy")
    with pytest.raises(UsageError, match=r"it is an \.npz"):
        open_source(tmp_path / "set.npy")
    assert len(open_source(tmp_path / "set.npy", format="npz")) == 3


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
