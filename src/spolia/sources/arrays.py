"""Images of one size as an array: ``.npy`` (memory-mapped) and ``.npz`` (in memory)."""

import difflib
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.lib.format as npy_format
import numpy.typing as npt

from spolia.core.errors import UsageError
from spolia.core.progress import Progress
from spolia.sources.address import split_key
from spolia.sources.decode import reason_of
from spolia.sources.identities import identities_of
from spolia.sources.limits import Limits, check_entries
from spolia.sources.source import UInt8, fingerprint_of

_WANTED = "uint8 images of shape (n, h, w), (n, h, w, 1) or (n, h, w, 3)"
_NARROWEST = 5
"""A last axis of three-dimensional images that is shorter than this holds channels."""


@dataclass(frozen=True, eq=False)
class ArraySource:
    """Rows of an array as images; a `Source`.

    Parameters
    ----------
    uri, ids, identities, ignored, columns
        As in `Source`; nothing in an array is ever ignored.
    images
        ``(n, h, w, 1 or 3)`` uint8.
    progress
        Told about the fingerprint.
    """

    uri: str
    ids: tuple[str, ...] = field(repr=False)
    identities: tuple[str, ...] | None = field(repr=False)
    images: UInt8 = field(repr=False)
    progress: Progress = field(repr=False)
    ignored: int = 0
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the ids and the RGB pixels."""
        return fingerprint_of(self.ids, self.content, progress=self.progress)

    def image(self, index: int) -> UInt8:
        """Return record ``index`` as RGB, ``(h, w, 3)`` uint8."""
        pixels = self.images[index]  # (h, w, 1 or 3)
        return np.repeat(pixels, 3 // pixels.shape[2], axis=2)

    def __len__(self) -> int:
        return len(self.ids)

    def content(self, index: int) -> bytes:
        """Return the RGB pixels of record ``index``, and their shape."""
        pixels = self.image(index)
        return repr(pixels.shape).encode() + pixels.tobytes()


def open_npy(uri: str, *, identities: str, limits: Limits, progress: Progress) -> ArraySource:
    """Open the images in a ``.npy`` file; the ids are the row numbers.

    Raises
    ------
    UsageError
        If the file is no such array, or its header does not fit its size.
    """
    try:
        images = np.load(uri, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy's failures have no common parent
        raise _refusal(uri, reason_of(error)) from error
    if not isinstance(images, np.memmap):
        images.close()
        raise _refusal(uri, "it is an .npz", "say --format npz")
    pixels = Path(uri).stat().st_size - images.offset
    if images.nbytes != pixels:
        raise _refusal(uri, _claim(images.nbytes, pixels))
    return _source(uri, images, identities, limits, progress)


def open_npz(uri: str, *, identities: str, limits: Limits, progress: Progress) -> ArraySource:
    """Open the images in a ``.npz`` file; ``FILE.npz#KEY`` names the array.

    Without a key it is the array called ``images``, or the only one that can hold images.

    Raises
    ------
    UsageError
        If there is no such array, or several, which are named.
    """
    path, key = split_key(uri)
    try:
        with zipfile.ZipFile(path) as archive:
            headers = _headers(archive)
            chosen = _choose(uri, headers, key)
            _check(uri, headers[chosen].shape, headers[chosen].dtype)
            # The claim is checked before any memory is set aside for it.
            claimed = math.prod(headers[chosen].shape)
            pixels = archive.getinfo(f"{chosen}.npy").file_size - headers[chosen].length
            if claimed != pixels:
                raise _refusal(uri, _claim(claimed, pixels))
            with archive.open(f"{chosen}.npy") as file:
                images = npy_format.read_array(file, allow_pickle=False)
    except UsageError:
        raise
    except Exception as error:  # as above, and those of zipfile
        raise _refusal(uri, reason_of(error)) from error
    return _source(uri, images, identities, limits, progress)


class _Header(NamedTuple):
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    length: int


def _headers(archive: zipfile.ZipFile) -> dict[str, _Header]:
    headers = {}
    for name in archive.namelist():
        if name.endswith(".npy"):
            with archive.open(name) as file:
                version = npy_format.read_magic(file)
                read = (
                    npy_format.read_array_header_1_0
                    if version == (1, 0)
                    else npy_format.read_array_header_2_0
                )
                shape, _, dtype = read(file)
                headers[name.removesuffix(".npy")] = _Header(shape, dtype, file.tell())
    return headers


def _choose(uri: str, headers: Mapping[str, _Header], key: str | None) -> str:
    if not headers:
        raise ValueError("it holds no array")
    if key is not None and key not in headers:
        close = difflib.get_close_matches(key, headers, n=1)
        raise UsageError(
            f"the key of an array in the .npz is wanted, but {uri!r} names none of "
            f"{', '.join(headers)}" + (f"; did you mean {close[0]!r}?" if close else "; name one")
        )
    if key is None and "images" in headers:
        return "images"
    likely = [name for name, h in headers.items() if h.dtype == np.uint8 and len(h.shape) in (3, 4)]
    if key is None and len(likely) > 1:
        raise UsageError(
            f"one array of images is wanted, but {uri!r} holds {', '.join(likely)}; "
            f"choose one as FILE.npz#{likely[0]}"
        )
    # With no likely array any will do: the check of its type says what is wrong with it.
    return key if key is not None else next(iter(likely or headers))


def _source(
    uri: str,
    images: npt.NDArray[np.generic],
    identities: str,
    limits: Limits,
    progress: Progress,
) -> ArraySource:
    _check(uri, images.shape, images.dtype)
    check_entries(uri, len(images), limits)
    n = len(images)
    ids = tuple(f"{row:0{len(str(n - 1))}d}" for row in range(n))
    shaped: UInt8 = np.asarray(images).reshape(*images.shape[:3], -1).view(np.uint8)
    return ArraySource(uri, ids, identities_of(ids, identities), shaped, progress)


def _check(uri: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    came = f"it holds {dtype} of shape {shape}"
    if dtype.kind == "f":
        raise _refusal(uri, came, "if these are embeddings, say --embedder precomputed")
    if dtype != np.uint8:
        raise _refusal(uri, came, "scale to 0..255 and convert with .astype('uint8')")
    if len(shape) == 4 and shape[3] not in (1, 3):
        raise _refusal(uri, came, "put the channels last, and only grey or RGB")
    if len(shape) == 3 and shape[2] < _NARROWEST:
        raise _refusal(uri, came, "if it is a single image, add the first axis: array[None]")
    if len(shape) not in (3, 4) or min(shape) < 1:
        raise _refusal(uri, came)


def _claim(claimed: int, pixels: int) -> str:
    return f"its header claims {claimed} bytes of pixels, but {pixels} follow"


def _refusal(uri: str, came: str, advice: str = "write it again with numpy.save") -> UsageError:
    return UsageError(f"{_WANTED} are wanted, but {uri!r} cannot be used: {came}; {advice}")
