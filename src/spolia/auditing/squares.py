"""Images of one size, to train a small generator on."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from spolia.auditing.embed import check_readable
from spolia.core.errors import UnreadableImage
from spolia.core.generator import Images
from spolia.core.progress import Progress, silent
from spolia.sources import Source
from spolia.sources.source import UInt8, images_of
from spolia.store.shards import Unreadable


@dataclass(frozen=True, eq=False)
class Squares:
    """The images of a set in one size, and what could not be read."""

    images: Images
    unreadable: tuple[Unreadable, ...]


def square_images(
    source: Source, side: int, *, max_bad: float = 0.01, progress: Progress = silent
) -> Squares:
    """Return the readable images of a set as ``(n, side, side, 3)``, each as by `squared`.

    Raises
    ------
    TooManyUnreadable
        If more than ``max_bad`` of them cannot be read.
    """
    n, found, unreadable = len(source), [], []
    for done, image in enumerate(images_of(source, range(n)), start=1):
        if isinstance(image, UnreadableImage):
            unreadable.append(Unreadable(source.ids[done - 1], str(image), image.kind))
        else:
            found.append(squared(image, side))
        progress("read", done, n)
    check_readable(unreadable, n, max_bad, source.uri)
    images = np.stack(found) if found else np.empty((0, side, side, 3), dtype=np.uint8)
    return Squares(images, tuple(unreadable))


def squared(image: UInt8, side: int) -> UInt8:
    """Return the largest square in the middle of an image, resized by Pillow (Lanczos).

    >>> wide = np.zeros((4, 8, 3), np.uint8)
    >>> wide[:, 2:6] = 9
    >>> squared(wide, 4).min(), squared(wide, 2).shape
    (np.uint8(9), (2, 2, 3))
    """
    height, width = image.shape[:2]
    least = min(height, width)
    top, left = (height - least) // 2, (width - least) // 2
    middle = np.ascontiguousarray(image[top : top + least, left : left + least])
    if least == side:
        return middle
    return np.array(Image.fromarray(middle).resize((side, side), Image.Resampling.LANCZOS))
