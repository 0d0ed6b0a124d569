"""Makes sets of images, whole and broken, for the hostile tests."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spolia.core.errors import UnreadableImage
from spolia.sources import Source

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


def sound(source):
    """The ids of the records whose pixels are the right ones."""
    return [name for i, name in enumerate(source.ids) if _is_right(source, i)]


def _is_right(source, index):
    try:
        return np.array_equal(source.image(index), PIXELS)
    except UnreadableImage:
        return False
