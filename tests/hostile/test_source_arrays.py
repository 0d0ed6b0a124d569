"""Array files that are forged, truncated or hold something else than images."""

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.sources import open_source


def npy_claiming(shape: str, descr: str = "'|u1'", pixels: bytes = bytes(300)) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + pixels


def test_the_forger_of_the_next_tests_can_also_write_a_good_file(tmp_path: Path) -> None:
    (tmp_path / "set.npy").write_bytes(npy_claiming("(3, 10, 10)"))
    assert len(open_source(tmp_path / "set.npy")) == 3


FORGED = {
    "too many rows": npy_claiming("(4, 10, 10)"),
    "too few rows": npy_claiming("(2, 10, 10)"),
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
