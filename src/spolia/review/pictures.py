"""The pictures of a deck: as the audit saw them, one size for both, drawn anew from pixels."""

import io
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from spolia.auditing.result import AuditResult
from spolia.core.errors import UsageError
from spolia.core.progress import Progress, silent
from spolia.core.seeds import stream
from spolia.embedding.copies import Canvas, Registration, register
from spolia.review.deck import Deck, Shown, Task
from spolia.sources import Source

Side = Literal["left", "right"]
Pixels = npt.NDArray[np.uint8]
Drawn = tuple[Image.Image, Image.Image]
"""Left and right."""

LARGEST = 1024
"""Longest side of a picture in pixels."""
_TINY = 64
_SEEN = 512
"""A picture whose longest side is at most the first is enlarged to about the second, pixel by
pixel, so that it is seen as it is."""
_CACHE = 64 << 20
_SQUARE = 64
"""Side of the square in which `register` gives shifts."""
_QUICK = 1
"""Compression of a PNG that only crosses a machine."""

_CUT = (0.02, 0.05)
"""Share of the sides that an edited picture loses at each edge."""
_BRIGHTER = (0.88, 1.12)
_QUALITY = (55, 80)


def open_sets(result: AuditResult, deck: Deck, progress: Progress = silent) -> dict[str, Source]:
    """Return the sets that a deck shows pictures of, by role.

    Raises
    ------
    UsageError
        If the audit was given embeddings, or a set no longer holds the images that were audited.
    """
    roles = sorted({one.role for task in deck.tasks for one in (task.query, task.reference)})
    opened = {role: result.images(role, progress) for role in roles}
    found = {role: source for role, source in opened.items() if source is not None}
    if len(found) < len(opened):
        raise UsageError(
            "a review shows images, but this run audited embeddings, whose images it does not "
            "know; audit the images themselves, e.g. spolia audit TRAIN SYNTHETIC --embedder CARD"
        )
    return found


class Pictures:
    """The pictures of the pairs of a deck as PNG, a few of them kept.

    Nothing of a file but its pixels is left in them. Safe to use from several threads at once.

    Parameters
    ----------
    deck
        The pairs.
    sets
        Role to the set that holds its images; see `open_sets`.
    keep
        Bytes of pictures that are kept.

    Raises
    ------
    UsageError
        If the deck names an image that its set does not hold.
    """

    def __init__(self, deck: Deck, sets: Mapping[str, Source], *, keep: int = _CACHE) -> None:
        self._tasks = {one.token: one for one in deck.tasks}
        self._sets = sets
        self._places = _places(deck, sets)
        self._keep = keep
        self._kept: OrderedDict[tuple[str, bool], tuple[bytes, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def png(self, task: str, shown: str, *, laid: bool) -> bytes:
        """Return one picture of a pair.

        Parameters
        ----------
        task, shown
            Their tokens.
        laid
            Whether the pair is laid over each other, so that equal places lie on equal places.

        Raises
        ------
        KeyError
            If there is no such pair, or the picture is not of it.
        UnreadableImage
            If one of the two cannot be read.
        """
        wanted = self._tasks[task]
        tokens = [one.token for one in sides(wanted)]
        if shown not in tokens:
            raise KeyError(shown)
        return self._pair(wanted, laid)[tokens.index(shown)]

    def _pair(self, task: Task, laid: bool) -> tuple[bytes, bytes]:
        key = task.token, laid
        # One at a time: the page asks for both pictures of a pair at once, and they are made
        # together.
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._draw(task, laid)
            self._kept.move_to_end(key)
            made = self._kept[key]
            while len(self._kept) > 1 and self._size() > self._keep:
                self._kept.popitem(last=False)
        return made

    def _size(self) -> int:
        return sum(len(one) for pair in self._kept.values() for one in pair)

    def _draw(self, task: Task, laid: bool) -> tuple[bytes, bytes]:
        first, second = (self._read(one) for one in sides(task))
        pair = as_fine(first, second)
        # Always the left over the right, whichever is synthetic: how a picture is turned must not
        # tell.
        pair = lay(register(Canvas(first), Canvas(second)), pair) if laid else centred(pair)
        return _encoded(pair[0]), _encoded(pair[1])

    def _read(self, shown: Shown) -> Pixels:
        pixels = self._sets[shown.role].image(self._places[shown.role, shown.id])
        return edited(pixels, shown.token) if shown.edited else pixels


def sides(task: Task) -> tuple[Shown, Shown]:
    """Return what stands on the left and what on the right."""
    pair = task.query, task.reference
    return pair[::-1] if task.swapped else pair


def _places(deck: Deck, sets: Mapping[str, Source]) -> dict[tuple[str, str], int]:
    wanted = {
        (one.role, one.id): one.role for task in deck.tasks for one in (task.query, task.reference)
    }
    found = {
        (role, name): index
        for role, source in sets.items()
        for index, name in enumerate(source.ids)
        if (role, name) in wanted
    }
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        role, name = missing[0]
        raise UsageError(
            f"the pairs of this review must be of images that the run audited, but {role} has no "
            f"{name!r} ({len(missing)} missing in all); --overwrite draws new pairs"
        )
    return found


def edited(pixels: Pixels, token: str) -> Pixels:
    """Return a picture edited a little: cut, brightened or darkened, and compressed.

    Of the same shape ``(h, w, 3)``; the same for the same token.

    Examples
    --------
    >>> gray = np.full((16, 16, 3), 100, np.uint8)
    >>> once, again = edited(gray, "a"), edited(gray, "a")
    >>> once.shape, bool((once == again).all()), bool((once == gray).all())
    ((16, 16, 3), True, False)
    """
    rng = stream(0, "edited", token)
    height, width = pixels.shape[:2]
    left, top, right, bottom = rng.uniform(*_CUT, size=4) * (width, height, width, height)
    image = Image.fromarray(pixels).resize(
        (width, height), Image.Resampling.BICUBIC, box=(left, top, width - right, height - bottom)
    )
    brighter = np.asarray(image, dtype=np.float64) * rng.uniform(*_BRIGHTER)
    written = io.BytesIO()
    image = Image.fromarray(np.rint(np.clip(brighter, 0.0, 255.0)).astype(np.uint8))
    image.save(written, format="JPEG", quality=int(rng.integers(*_QUALITY)))
    return np.array(Image.open(written).convert("RGB"))


def as_fine(first: Pixels, second: Pixels) -> Drawn:
    """Return two pictures as large as the smaller of them, by their longest sides.

    How large or how sharp a file is must not tell which set it is of. Tiny ones are enlarged.

    Examples
    --------
    >>> wide, tall = np.zeros((300, 900, 3), np.uint8), np.zeros((2000, 500, 3), np.uint8)
    >>> [one.size for one in as_fine(wide, tall)]
    [(900, 300), (225, 900)]
    """
    side = min(max(first.shape[:2]), max(second.shape[:2]), LARGEST)
    factor = _SEEN // side if side <= _TINY else 1
    return _fitted(first, side, factor), _fitted(second, side, factor)


def centred(pair: Drawn) -> Drawn:
    """Return two pictures in the middle of canvases of one size, where they have not one.

    Examples
    --------
    >>> [one.size for one in centred((Image.new("RGB", (9, 3)), Image.new("RGB", (2, 9))))]
    [(9, 9), (9, 9)]
    """
    size = max(one.width for one in pair), max(one.height for one in pair)
    return _centred(pair[0], size), _centred(pair[1], size)


def _fitted(pixels: Pixels, side: int, factor: int) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    longest = max(image.size)
    size = tuple(max(1, round(one * side / longest)) for one in image.size)
    if size != image.size:
        image = image.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    if factor == 1:
        return image
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _centred(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return an image in the middle of a canvas that cannot be seen."""
    if image.size == size:
        return image
    canvas = Image.new("RGBA", size)
    canvas.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return canvas


def lay(laid: Registration, pair: Drawn) -> Drawn:
    """Return the left picture as it lies over the right one, and of both what they share.

    The registration is of squares, as `Canvas` makes them; the result has the sides of the right.
    """
    view = laid.view
    size = pair[1].size
    side = max(*size)
    left = _middle(pair[0], view.query_cut, side)
    left = left.rotate(view.turned, expand=True) if view.turned else left
    left = left.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if view.mirrored else left
    right = _middle(pair[1], view.reference_cut, side)
    step = side / _SQUARE
    down, across = round(laid.down * step), round(laid.right * step)
    crop = partial(_shared, side=side, size=size)
    return crop(left, -across, -down), crop(right, across, down)


def _middle(image: Image.Image, cut: float, side: int) -> Image.Image:
    """Return the middle part of an image as a square."""
    x, y = (one * (1.0 - cut) / 2.0 for one in image.size)
    return image.resize(
        (side, side), Image.Resampling.BICUBIC, box=(x, y, image.width - x, image.height - y)
    )


def _shared(
    image: Image.Image, left: int, top: int, *, side: int, size: tuple[int, int]
) -> Image.Image:
    """Return what is left of a square when another is moved against it, at the asked size."""
    box = max(0, left), max(0, top), side - max(0, -left), side - max(0, -top)
    return image.resize(size, Image.Resampling.BICUBIC, box=box)


def _encoded(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, format="PNG", compress_level=_QUICK)
    return written.getvalue()
