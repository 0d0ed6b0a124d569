"""The faster way to decode a JPEG gives the pixels, and the reasons, of the slower one."""

import importlib.util
import io
import itertools
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spolia.core.errors import UnreadableImage
from spolia.sources import decode
from tests.pictures import picture

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("simplejpeg") is None,
    reason="simplejpeg is not installed; it comes with spolia[fast]",
)


def jpeg(image, mode="RGB", **options):
    file = io.BytesIO()
    Image.fromarray(image).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def found(encoded, **options):
    """The pixels, or the reason why there are none."""
    try:
        return decode(encoded, **options)
    except UnreadableImage as error:
        return str(error)


def the_same(encoded, **options):
    fast, slow = (found(encoded, fast=fast, **options) for fast in (True, False))
    if isinstance(fast, str) or isinstance(slow, str):
        return isinstance(fast, str) and isinstance(slow, str) and fast == slow
    return np.array_equal(fast, slow) and fast.flags.writeable == slow.flags.writeable


KINDS = itertools.product(["RGB", "L", "CMYK"], [0, 1, 2], [False, True], [20, 83, 100])


@pytest.mark.parametrize(("mode", "subsampling", "progressive", "quality"), list(KINDS))
def test_every_kind_of_jpeg_gives_the_same_pixels(mode, subsampling, progressive, quality):
    options = {} if mode == "L" else {"subsampling": subsampling}
    encoded = jpeg(
        picture(5, 61, width=83), mode, quality=quality, progressive=progressive, **options
    )
    assert the_same(encoded)


@pytest.mark.parametrize("size", [(1, 1), (1, 17), (16, 1), (8, 8), (15, 33), (112, 112)])
def test_every_size_gives_the_same_pixels(size):
    rng = np.random.default_rng(1)
    assert the_same(jpeg(rng.integers(0, 256, (*size, 3), dtype=np.uint8), quality=75))


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_gives_the_same_pixels(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    assert the_same(jpeg(picture(2, 20, width=30), exif=exif))


@given(st.integers(0, 2**32), st.floats(0, 1), st.binary(min_size=1, max_size=6))
def test_a_damaged_jpeg_is_never_read_otherwise(seed, where, damage):
    """libjpeg mends what it can: a warning sends the file the slower way."""
    encoded = bytearray(jpeg(picture(seed % 7, 24), quality=80))
    at = int(where * (len(encoded) - len(damage)))
    encoded[at : at + len(damage)] = damage
    assert the_same(bytes(encoded))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_a_truncated_jpeg_has_the_same_reason(share):
    encoded = jpeg(picture(3, 40))
    assert the_same(encoded[: int(share * len(encoded))])
    assert the_same(encoded[:-2])


def test_the_limit_on_pixels_is_the_same():
    encoded = jpeg(picture(3, 40))
    assert the_same(encoded, max_pixels=1599)
    assert the_same(encoded, max_pixels=1600)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_what_is_no_jpeg_goes_the_slower_way(kind):
    file = io.BytesIO()
    Image.fromarray(picture(4, 20)).save(file, kind)
    assert the_same(file.getvalue())


@pytest.mark.skipif(not DATA.exists(), reason=f"no real images at {DATA}")
def test_real_photos_give_the_same_pixels():
    with zipfile.ZipFile(DATA / "faces" / "lfw_half_aligned112.zip") as faces:
        contents = [faces.read(name) for name in faces.namelist() if name.endswith(".jpg")][::40]
    contents += [path.read_bytes() for path in sorted((DATA / "copies").rglob("*.jp*g"))]
    assert len(contents) > 100
    assert all(the_same(one) for one in contents)
