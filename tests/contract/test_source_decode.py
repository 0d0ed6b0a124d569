"""What decoding promises, for every kind of image file."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin, TiffImagePlugin

from spolia.core.errors import UnreadableImage
from spolia.sources import decode
from spolia.sources.exif import orientation, split_jpeg

UInt8 = npt.NDArray[np.uint8]


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def colours(h: int = 6, w: int = 10) -> UInt8:
    return np.random.default_rng(5).integers(0, 256, (h, w, 3), dtype=np.uint8)


def tiff(pixels: bytes, w: int, h: int, tags: dict[int, int], order: str = "<") -> bytes:
    """Return an uncompressed one-strip TIFF; ``tags`` are SHORTs that complete or replace."""
    entries = {256: w, 257: h, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: h, 279: len(pixels)}
    entries |= tags
    start = 8 + 2 + 12 * len(entries) + 4
    entries[273] = start
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    head += struct.pack(order + "H", len(entries))
    for tag, value in sorted(entries.items()):
        head += struct.pack(order + "HHIHH", tag, 3, 1, value, 0)
    return head + struct.pack(order + "I", 0) + pixels


LOSSLESS = {
    "PNG": {},
    "BMP": {},
    "TIFF": {},
    "PPM": {},
    "WEBP": {"lossless": True},
    "JPEG2000": {"irreversible": False},
}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_give_the_very_pixels(kind: str) -> None:
    encoded = encode(Image.fromarray(colours(40, 50)), kind, **LOSSLESS[kind])
    came = decode(encoded)
    assert np.array_equal(came, colours(40, 50))
    assert came.flags.writeable
    assert came.flags.c_contiguous


def test_jpeg_gives_what_pillow_gives() -> None:
    encoded = encode(Image.fromarray(colours(40, 50)), "JPEG", quality=80)
    assert np.array_equal(decode(encoded), np.asarray(Image.open(io.BytesIO(encoded))))


# Orientation, from the table in the EXIF standard: which side of the upright image the stored
# first row and first column are.
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def stored(upright: UInt8, turn: int) -> UInt8:
    first_row, first_column = SIDES[turn]
    sides = (first_row, first_column)
    if "bottom" in sides:
        upright = upright[::-1]
    if "right" in sides:
        upright = upright[:, ::-1]
    if first_row in ("left", "right"):
        upright = upright.swapaxes(0, 1)
    return np.ascontiguousarray(upright)


def exif_of(turn: int, order: str = "<") -> bytes:
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, turn, 0)
    return b"Exif\x00\x00" + head + struct.pack(order + "H", 1) + entry + b"\x00" * 4


@pytest.mark.parametrize("turn", SIDES)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_every_orientation_gives_the_upright_image(turn: int, order: str, kind: str) -> None:
    picture = Image.fromarray(stored(colours(), turn))
    encoded = encode(picture, kind, exif=exif_of(turn, order), **LOSSLESS[kind])
    assert np.array_equal(decode(encoded), colours())
    assert decode(encoded).flags.c_contiguous


@pytest.mark.parametrize("turn", SIDES)
@pytest.mark.parametrize("grey", [False, True])
def test_every_orientation_of_a_jpeg_gives_the_upright_image(turn: int, grey: bool) -> None:
    blocks = np.kron(colours(2, 3), np.ones((16, 16, 1), dtype=np.uint8))
    picture = Image.fromarray(stored(blocks, turn)).convert("L" if grey else "RGB")
    encoded = encode(picture, "JPEG", quality=95, subsampling=0, exif=exif_of(turn))
    expected = np.asarray(Image.fromarray(blocks).convert("L").convert("RGB")) if grey else blocks
    assert np.abs(decode(encoded).astype(int) - expected).max() < 12


@pytest.mark.parametrize("turn", SIDES)
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_every_orientation_of_a_tiff_is_applied_once(turn: int, compression: str) -> None:
    picture = Image.fromarray(stored(colours(), turn))
    encoded = encode(picture, "TIFF", compression=compression, tiffinfo={0x0112: turn})
    assert np.array_equal(decode(encoded), colours())


CORRUPT = {
    "no entries": exif_of(6)[:14],
    "cut in an entry": exif_of(6)[:22],
    "too many entries": exif_of(1)[:14] + b"\xff\xff" + b"\x99" * 40,
    "offset outside": b"Exif\x00\x00II*\x00\xff\xff\xff\xff",
    "no byte order": b"Exif\x00\x00XX*\x00\x08\x00\x00\x00",
    "empty": b"Exif\x00\x00",
    "no turn": exif_of(0),
    "turn of nine": exif_of(9),
    "turn as text": exif_of(6).replace(b"\x12\x01\x03", b"\x12\x01\x02"),
    "many turns": exif_of(6).replace(b"\x03\x00\x01\x00", b"\x03\x00\x09\x00"),
}


@pytest.mark.parametrize("block", CORRUPT.values(), ids=CORRUPT)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_corrupt_exif_neither_warns_nor_costs_the_image(kind: str, block: bytes) -> None:
    plain = encode(Image.fromarray(colours()), kind, lossless=True)
    spoilt = encode(Image.fromarray(colours()), kind, lossless=True, exif=block)
    assert np.array_equal(decode(spoilt), decode(plain))


def test_a_text_called_exif_costs_nothing() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("exif", "II*")
    assert np.array_equal(decode(encode(Image.fromarray(colours()), pnginfo=text)), colours())


@pytest.mark.parametrize("turn", range(10))
def test_an_orientation_is_from_1_to_8(turn: int) -> None:
    assert orientation(exif_of(turn)) == (turn if turn in SIDES else 1)


def test_a_jpeg_keeps_the_segment_that_says_its_colours_are_not_ycbcr() -> None:
    red = Image.new("RGB", (8, 8), (250, 10, 30))
    encoded = encode(red, "JPEG", keep_rgb=True)
    # Without the names R, G and B of the components, Adobe's segment alone says what they are.
    for where in (b"\x08\x00\x08\x00\x08\x03", b"\xff\xda\x00\x0c\x03"):
        start = encoded.index(where) + len(where)
        head, tail = encoded[:start], encoded[start:]
        for number, letter in enumerate(b"RGB", 1):
            tail = tail.replace(bytes([letter]), bytes([number]), 1)
        encoded = head + tail
    assert np.abs(decode(encoded) - [250.0, 10.0, 30.0]).max() <= 3


def test_a_jpeg_is_left_alone_from_where_it_stops_making_sense() -> None:
    nonsense = b"\xff\xd8\xff\xe1\x00\x00" + exif_of(6)
    assert split_jpeg(nonsense) == (nonsense, b"")


def test_a_broken_multi_picture_index_costs_nothing() -> None:
    plain = encode(Image.fromarray(colours()), "JPEG")
    segment = b"MPF\x00II*\x00\x08\x00\x00\x00\x01\x00garbage"
    spoilt = plain[:2] + b"\xff\xe2" + struct.pack(">H", len(segment) + 2) + segment + plain[2:]
    assert np.array_equal(decode(spoilt), decode(plain))


@given(st.binary(max_size=80))
def test_no_exif_block_whatever_can_cost_a_jpeg(block: bytes) -> None:
    plain = encode(Image.fromarray(colours(4, 4)), "JPEG")
    spoilt = encode(Image.fromarray(colours(4, 4)), "JPEG", exif=b"Exif\x00\x00" + block)
    assert sorted(decode(spoilt).ravel()) == sorted(decode(plain).ravel())


# Grey and 16 bits


def test_grey_is_repeated_over_the_channels() -> None:
    grey = colours()[:, :, 0]
    assert np.array_equal(decode(encode(Image.fromarray(grey))), np.stack([grey] * 3, axis=2))


def test_one_bit_is_black_and_white() -> None:
    bits = np.array([[True, False], [False, True]])
    assert decode(encode(Image.fromarray(bits)))[:, :, 0].tolist() == [[255, 0], [0, 255]]


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=40))
def test_16_bit_grey_is_scaled_and_rounded(levels: list[int]) -> None:
    values = np.array([levels], dtype=np.uint16)
    expected = np.rint(values.astype(float) * 255 / 65535)[:, :, np.newaxis] * np.ones(3)
    portable = b"P5 %d 1 65535\n" % len(levels) + values.astype(">u2").tobytes()
    for encoded in (encode(Image.fromarray(values)), portable):
        assert np.array_equal(decode(encoded), expected)


def test_16_bit_grey_keeps_its_ends() -> None:
    values = np.array([[0, 256, 32768, 65535]], dtype=np.uint16)
    assert decode(encode(Image.fromarray(values)))[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_tiff_is_scaled_in_both_byte_orders(order: str) -> None:
    values = np.array([[0, 256, 32768, 65535]], dtype=order + "u2")
    encoded = tiff(values.tobytes(), 4, 1, {258: 16}, order)
    assert decode(encoded)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_16_bit_white_is_zero_is_turned_round() -> None:
    values = np.array([[0, 256, 65535]], dtype="<u2")
    encoded = tiff(values.tobytes(), 3, 1, {258: 16, 262: 0})
    assert decode(encoded)[0, :, 0].tolist() == [255, 254, 0]


def test_8_bit_white_is_zero_is_turned_round() -> None:
    assert decode(tiff(bytes([0, 1, 255]), 3, 1, {262: 0}))[0, :, 0].tolist() == [255, 254, 0]


def test_12_bit_tiff_fills_the_range() -> None:
    encoded = tiff(bytes([0x00, 0x08, 0x00, 0xFF, 0xF0, 0x00]), 4, 1, {258: 12})
    assert decode(encoded)[0, :, 0].tolist() == [0, 128, 255, 0]


def test_16_bit_grey_that_is_the_transparent_level_is_white() -> None:
    values = np.array([[7, 8]], dtype=np.uint16)
    encoded = encode(Image.fromarray(values), transparency=7)
    assert decode(encoded)[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_32_bit_values_are_refused_for_want_of_a_range(dtype: type) -> None:
    encoded = encode(Image.fromarray(np.ones((2, 2), dtype=dtype)), "TIFF")
    with pytest.raises(UnreadableImage, match="no defined range"):
        decode(encoded)


def test_signed_16_bit_values_are_refused_for_want_of_a_range() -> None:
    with pytest.raises(UnreadableImage, match="no defined range"):
        decode(tiff(b"\x00\x80\x01\x00", 2, 1, {258: 16, 339: 2}))


# Transparency


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 4), min_size=1, max_size=30))
def test_alpha_is_composited_on_white_to_the_nearest_level(
    pixels: list[tuple[int, int, int, int]],
) -> None:
    rgba = np.array([pixels], dtype=np.uint8)
    colour, alpha = rgba[..., :3].astype(float), rgba[..., 3:] / 255
    expected = np.rint(colour * alpha + 255 * (1 - alpha))
    assert np.array_equal(decode(encode(Image.fromarray(rgba))), expected)


def test_grey_with_alpha_is_composited_on_white() -> None:
    la = np.array([[[100, 255], [100, 0], [0, 51]]], dtype=np.uint8)
    for kind in ("PNG", "TIFF"):
        assert decode(encode(Image.fromarray(la, "LA"), kind))[0, :, 0].tolist() == [100, 255, 204]


@pytest.mark.skipif(
    not any(mode == "La" for mode, _ in TiffImagePlugin.OPEN_INFO.values()),
    reason="this Pillow does not read premultiplied grey, and says so",
)
def test_premultiplied_grey_is_divided_before_it_is_composited() -> None:
    encoded = tiff(bytes([20, 51, 0, 0, 9, 255]), 3, 1, {277: 2, 258: 8, 338: 1})
    assert decode(encoded)[0, :, 0].tolist() == [224, 255, 9]


def palette_image() -> Image.Image:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 200, 0, 0, 0, 0, 250])
    image.putdata([0, 1, 2])
    return image


def test_a_palette_gives_its_colours() -> None:
    for kind in ("PNG", "GIF", "BMP", "TIFF"):
        expected = [[10, 20, 30], [200, 0, 0], [0, 0, 250]]
        assert decode(encode(palette_image(), kind))[0].tolist() == expected


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_white(kind: str) -> None:
    came = decode(encode(palette_image(), kind, transparency=1))
    assert came[0].tolist() == [[10, 20, 30], [255, 255, 255], [0, 0, 250]]


def test_a_half_transparent_palette_entry_is_composited() -> None:
    came = decode(encode(palette_image(), transparency=bytes([255, 51, 0])))
    assert came[0].tolist() == [[10, 20, 30], [244, 204, 204], [255, 255, 255]]


def test_a_transparent_colour_is_white() -> None:
    pixels = np.array([[[1, 2, 3], [1, 2, 4]]], dtype=np.uint8)
    came = decode(encode(Image.fromarray(pixels), transparency=(1, 2, 3)))
    assert came[0].tolist() == [[255, 255, 255], [1, 2, 4]]
    grey = decode(encode(Image.fromarray(pixels[:, :, 2]), transparency=4))
    assert grey[0].tolist() == [[3, 3, 3], [255, 255, 255]]


@pytest.mark.parametrize(("depth", "kind", "key"), [(4, 0, "000f"), (16, 2, "000100020003")])
def test_a_transparent_colour_at_a_depth_that_pillow_confuses_is_refused(
    depth: int, kind: int, key: str
) -> None:
    plain, keyed = png(depth, kind, b""), png(depth, kind, bytes.fromhex(key))
    assert decode(plain).shape == (1, 2, 3)
    with pytest.raises(UnreadableImage, match="transparent colour at unusual bit depth"):
        decode(keyed)


def png(depth: int, kind: int, transparent: bytes) -> bytes:
    """Return a PNG of 2 x 1 black pixels with a tRNS chunk, if any."""
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", 2, 1, depth, kind, 0, 0, 0),
        b"tRNS": transparent,
        b"IDAT": zlib.compress(bytes(1 + (2 * depth * (3 if kind == 2 else 1) + 7) // 8)),
        b"IEND": b"",
    }
    if not transparent:
        del chunks[b"tRNS"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks.items()
    )


# Other colour spaces, frames


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_converted(kind: str) -> None:
    white_black_red = np.zeros((16, 48, 4), dtype=np.uint8)
    white_black_red[:, 16:32, 3] = 255
    white_black_red[:, 32:, 1:3] = 255
    came = decode(encode(Image.fromarray(white_black_red, "CMYK"), kind))
    for column, colour in ((8, (255, 255, 255)), (24, (0, 0, 0)), (40, (255, 0, 0))):
        assert np.abs(came[8, column].astype(int) - colour).max() <= 3


def test_lab_is_converted() -> None:
    white = Image.new("LAB", (2, 2), (255, 128, 128))
    assert decode(encode(white, "TIFF")).min() >= 250


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_of_several_frames_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    encoded = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert (decode(encoded) == (255, 0, 0)).all()


# Size


def test_the_limit_on_pixels_is_inclusive() -> None:
    encoded = encode(Image.fromarray(colours(4, 5)))
    assert decode(encoded, max_pixels=20).shape == (4, 5, 3)
    with pytest.raises(UnreadableImage, match="header claims more than 19 pixels"):
        decode(encoded, max_pixels=19)
