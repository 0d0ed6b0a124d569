"""The only place that turns bytes into RGB."""

import importlib.util
import io
import re
from importlib.metadata import version

import numpy as np
import PIL
from PIL import Image, UnidentifiedImageError
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from spolia.core.errors import UnreadableImage
from spolia.sources.exif import orientation, split_jpeg, upright
from spolia.sources.limits import Limits
from spolia.sources.source import UInt8

# Only these: some of Pillow's other readers start programs (EPS) or guess the format. Importing
# them here also keeps decode threads from loading plugins at the same time.
_FORMATS = tuple(
    reader.format
    for reader in (
        JpegImageFile,
        PngImageFile,
        WebPImageFile,
        BmpImageFile,
        TiffImageFile,
        GifImageFile,
        PpmImageFile,
        Jpeg2KImageFile,
    )
)

VERSION = 1
"""Part of `decoder_version`; grows when `decode` gives other pixels."""

_FAST = importlib.util.find_spec("simplejpeg") is not None
_FAST_COLOURS = ("YCbCr", "Gray")
"""Colours of a JPEG in which simplejpeg gives Pillow's pixels, bit for bit."""

_TIFF_BITS, _TIFF_PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
_ADDRESS = re.compile(r"\s*\bat 0x[0-9a-fA-F]+")
_LONGEST_REASON = 100


def decoder_version() -> str:
    """Return what decides the pixels, for fingerprints: a cached row must not outlive it."""
    fast = version("simplejpeg") if _FAST else "none"
    return f"decode {VERSION}, pillow {PIL.__version__}, simplejpeg {fast}"


def decode(encoded: bytes, *, max_pixels: int = Limits.pixels, fast: bool = _FAST) -> UInt8:
    """Return an encoded image as upright RGB, ``(h, w, 3)`` uint8, writable and contiguous.

    The EXIF orientation is applied. Transparency is composited on white. Grey is repeated in the
    three channels; 16-bit grey is scaled by 255/65535 and rounded, 16-bit colour keeps the high
    byte. CMYK, YCbCr, Lab and palettes are converted. Of several frames the first is taken. Colour
    profiles are not applied. The format is read from the bytes, whatever the file's name says.

    Parameters
    ----------
    encoded
        A JPEG, PNG, WebP, BMP, TIFF, GIF, PPM/PGM/PBM or JPEG 2000 file.
    max_pixels
        An image whose header claims more is refused before its pixels are decoded. Pillow's own
        ``Image.MAX_IMAGE_PIXELS`` holds as well.
    fast
        Let simplejpeg decode the JPEGs that it can: three times as fast, and the same pixels.
        Default: where it is installed (``pip install 'spolia[fast]'``).

    Raises
    ------
    UnreadableImage
        The reason in one short line: not an image, truncated, too large, or 32-bit values, which
        have no defined range.

    Examples
    --------
    >>> decode(b"P5 2 1 255 " + bytes([0, 200])).tolist()
    [[[0, 0, 0], [200, 200, 200]]]
    >>> decode(b"P5 2 1 255 " + bytes([0]))
    Traceback (most recent call last):
    ...
    spolia.core.errors.UnreadableImage: truncated
    """
    if not encoded:
        raise UnreadableImage("empty file")
    stripped, exif = split_jpeg(encoded)
    limit = min(max_pixels, Image.MAX_IMAGE_PIXELS or max_pixels)
    if fast:
        quick = _quickly(stripped, limit)
        if quick is not None:
            return np.ascontiguousarray(upright(quick, orientation(exif)))
    try:
        with Image.open(io.BytesIO(stripped), formats=_FORMATS) as picture:
            if picture.width * picture.height > limit:
                raise Image.DecompressionBombError
            pixels = _rgb(picture)
            exif = exif or _exif_block(picture)
    except UnreadableImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage(f"header claims more than {limit:,} pixels") from error
    except Exception as error:  # Pillow's failures have no common parent
        raise UnreadableImage(reason_of(error)) from error
    return np.ascontiguousarray(upright(pixels, orientation(exif)))


def _quickly(encoded: bytes, limit: int) -> UInt8 | None:
    """Return the pixels of a JPEG, or ``None``: then Pillow decides what it is and what is wrong.

    simplejpeg refuses whatever libjpeg warns of, where Pillow may still accept it.
    """
    import simplejpeg

    if not encoded.startswith(b"\xff\xd8"):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(encoded)
        if height * width > limit or colours not in _FAST_COLOURS:
            return None
        pixels: UInt8 = simplejpeg.decode_jpeg(encoded, "RGB", fastdct=False, fastupsample=False)
    except (ValueError, MemoryError):
        return None
    return pixels


def reason_of(error: Exception) -> str:
    r"""Return why reading failed, as one short printable line without paths or addresses.

    >>> reason_of(OSError("image file is truncated (3 bytes not processed)"))
    'truncated'
    >>> reason_of(ValueError("bad object <X at 0x7f00ab>\nmore"))
    'bad object <X>'
    """
    lines = str(error).splitlines()
    text = _ADDRESS.sub("", lines[0]).strip() if lines else ""
    if isinstance(error, UnidentifiedImageError):
        return "cannot identify image file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, EOFError) or "truncated" in text.lower():
        return "truncated"
    if isinstance(error, MemoryError):
        return "not enough memory"
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return printable[:_LONGEST_REASON] or type(error).__name__


def _exif_block(picture: Image.Image) -> bytes:
    # A PNG may also hold a text that is called so.
    block = picture.info.get("exif")
    return block if isinstance(block, bytes) else b""


def _rgb(picture: Image.Image) -> UInt8:
    if picture.mode.startswith("I;16"):
        return _grey16(picture)
    # PGM is the one format whose 16-bit values Pillow hands over as 32-bit, scaled to 0..65535.
    if picture.mode == "I" and picture.format == PpmImageFile.format:
        return _grey16(picture)
    if picture.mode in ("I", "F"):
        raise UnreadableImage("32-bit or signed values have no defined range")
    if picture.has_transparency_data:
        return _on_white(picture)
    return np.array(picture.convert("RGB"))


def _grey16(picture: Image.Image) -> UInt8:
    top, white_is_zero = 65535, False
    if isinstance(picture, TiffImageFile):
        # Pillow unpacks 12-bit values unscaled, and does not turn white-is-zero round at 16 bits.
        top = 4095 if picture.tag_v2.get(_TIFF_BITS) == (12,) else top
        white_is_zero = picture.tag_v2.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO
    values = np.asarray(picture).astype(np.uint32)  # (h, w), at most 65535
    grey = ((values * 255 + top // 2) // top).astype(np.uint8)
    if white_is_zero:
        grey = 255 - grey
    if "transparency" in picture.info:
        grey[values == picture.info["transparency"]] = 255
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


def _on_white(picture: Image.Image) -> UInt8:
    if isinstance(picture, PngImageFile) and picture.mode in ("L", "RGB"):
        # The transparent colour is given at the file's own depth; Pillow compares it unscaled.
        depth = str(picture.tile[0].args).partition(";")[2]
        if depth:
            raise UnreadableImage(f"transparent colour at unusual bit depth ({depth})")
    if picture.mode == "La":
        picture = picture.convert("LA")
    rgba = np.asarray(picture.convert("RGBA")).astype(np.uint16)  # (h, w, 4)
    alpha = rgba[:, :, 3:]
    # Exact rounding; the sum is at most 255 * 255 + 127, which 16 bits hold.
    return ((rgba[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
