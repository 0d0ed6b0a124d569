"""Laying a face onto the template that face networks are trained on, in one warp.

In the plane, five points fix a face: two eyes, the nose, two corners of the mouth. With points as
complex numbers, z_i found and w_i in the template, both with their means z, w taken off, the
similarity transform (turn, scale, shift; no mirroring) of the smallest squared error is

    x -> a x + b,    a = sum(conj(z_i) w_i) / sum(|z_i|^2),    b = w - a z

which is Umeyama's closed form for two dimensions ("Least-squares estimation of transformation
parameters between two point patterns", IEEE PAMI 13(4), 1991, doi:10.1109/34.88573). The template
is ArcFace's (doi:10.1109/CVPR.2019.00482). Pixel centres have whole coordinates, as there.

Cost: one crop takes about 2 ms, whatever the size of the image around it.
"""

from dataclasses import dataclass

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.types import Float64
from spolia.embedding.preprocess import check_pixels
from spolia.embedding.protocol import Pixels

SIZE = 112
"""Height and width of an aligned face."""

TEMPLATE: Float64 = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
"""``(5, 2)`` x and y of left eye, right eye, nose, left and right corner of the mouth, in an
aligned face; left and right as one sees them in the image."""

POINTS = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")
"""The five points in their order; left and right as one sees them in the image."""

FLATTEST = 0.02
"""Smallest spread of the points across their longest direction, as a share of the one along it."""
LEAST_ALIKE = 0.3
"""Smallest share of the template's spread that the fitted points explain. A profile, whose eyes
fall together, has about .6; points with left and right exchanged have .05."""

VERSION = 1
"""Grows when the same image and points give other pixels."""

_LARGEST_BLOCK = 64
"""Pixels are averaged over squares of this side at most: for faces of 7,000 pixels."""

_LARGEST = 1e7
"""No image has pixels so far out; larger numbers only lose digits."""


@dataclass(frozen=True)
class Similarity:
    """Turn, scale and shift: ``x -> a x + b`` of points as complex numbers."""

    a: complex
    b: complex

    def __call__(self, points: Float64) -> Float64:
        """Return where ``points`` ``(n, 2)`` go.

        >>> Similarity(2j, 1 + 0j)(np.array([[1.0, 0.0], [0.0, 1.0]])).tolist()
        [[1.0, 2.0], [-1.0, 0.0]]
        """
        moved = self.a * (points[:, 0] + 1j * points[:, 1]) + self.b
        return np.column_stack([moved.real, moved.imag])

    @property
    def scale(self) -> float:
        """How much larger it makes things."""
        return abs(self.a)


@dataclass(frozen=True, eq=False)
class Aligned:
    """A face in the template's place."""

    pixels: Pixels
    """``(112, 112, 3)`` RGB, uint8; black where the image ends."""
    points: Float64
    """``(5, 2)`` where its points are now."""


def fit(points: Float64, template: Float64 = TEMPLATE) -> Similarity:
    """Return the similarity transform that takes ``points`` closest to ``template``.

    Parameters
    ----------
    points
        ``(5, 2)`` x and y, in the order of `POINTS`.
    template
        ``(5, 2)`` where they should go.

    Raises
    ------
    UsageError
        If the points are not five finite pairs, lie on a line, or lie like no face: mirrored, or
        in another order.

    Examples
    --------
    >>> fit(TEMPLATE)
    Similarity(a=(1+0j), b=0j)
    >>> round(fit(TEMPLATE * 2.0 + 10.0).scale, 6)
    0.5
    """
    (x, y), (u, v) = _centred(checked(points)), _centred(template)
    spread = float(np.sum(x * x + y * y))
    # In real numbers: numpy's complex products are fused on some machines, and then i * i has a
    # part that is not real.
    a = complex(np.sum(x * u + y * v), np.sum(x * v - y * u)) / spread
    alike = abs(a) ** 2 * spread / float(np.sum(u * u + v * v))
    if alike < LEAST_ALIKE:
        mirrored = abs(complex(np.sum(x * u - y * v), np.sum(x * v + y * u))) / spread
        raise UsageError(
            f"the five points must lie like those of a face, in the order {', '.join(POINTS)}, but "
            f"are {'mirrored' if mirrored > abs(a) else 'in another order'}; left and right are "
            "those of the image"
        )
    b = complex(*template.mean(axis=0)) - a * complex(*points.mean(axis=0))
    return Similarity(a, b)


def checked(points: Float64) -> Float64:
    """Return ``points`` if they are five, finite, and not all on a line.

    Raises
    ------
    UsageError
        If they are not.
    """
    if points.shape != TEMPLATE.shape:
        raise UsageError(f"a face must have 5 points (x, y), but has shape {points.shape}")
    if not (np.abs(points) <= _LARGEST).all():  # also false for NaN
        raise UsageError(
            f"the points of a face must be finite pixels, but one is "
            f"{points[~(np.abs(points) <= _LARGEST)][0]}"
        )
    along, across = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    if across <= FLATTEST * along:
        raise UsageError(
            "the five points of a face must not be equal or on one line, but these are "
            f"{points.tolist()}"
        )
    return points


def size_of(points: Float64) -> float:
    """Return how large a face is: the root mean square distance of its points from their mean.

    >>> round(size_of(TEMPLATE * 2.0) / size_of(TEMPLATE), 6)
    2.0
    """
    return float(np.sqrt(np.sum(_centred(points) ** 2) / len(points)))


def align(image: Pixels, points: Float64) -> Aligned:
    """Return the face at ``points``, moved onto the template.

    Values between pixels are bilinear. Where the face shrinks by more than 2, whole blocks of
    pixels are averaged first, so that no pixel of it is skipped.

    Parameters
    ----------
    image
        ``(h, w, 3)`` RGB, uint8.
    points
        ``(5, 2)`` x and y in the image, in the order of `POINTS`; they may lie outside it.

    Raises
    ------
    UsageError
        As `fit`, or if ``image`` is no such image.

    Examples
    --------
    >>> image = np.arange(112 * 112 * 3, dtype=np.uint8).reshape(112, 112, 3)
    >>> bool((align(image, TEMPLATE).pixels == image).all())
    True
    """
    check_pixels(image)
    there = fit(points)
    return Aligned(_warp(image, there), there(points))


def _warp(image: Pixels, there: Similarity) -> Pixels:
    y, x = np.mgrid[:SIZE, :SIZE]
    back = (x + 1j * y - there.b) / there.a  # (112, 112), where each pixel comes from
    x, y = back.real, back.imag
    block = min(max(1, int(1.0 / there.scale + 1e-6)), _LARGEST_BLOCK)
    left, columns = _blocks(x, block, image.shape[1])
    top, rows = _blocks(y, block, image.shape[0])
    part = _averaged(image, (top, left), (rows, columns), block)
    x, y = (_exact((one - start + 0.5) / block - 0.5) for one, start in ((x, left), (y, top)))
    values: Pixels = np.rint(_bilinear(part, x, y)).astype(np.uint8)
    return values


def _blocks(at: Float64, block: int, length: int) -> tuple[int, int]:
    """Return where the first block that is needed starts, and how many there are.

    The blocks start at the face and not at the image, so that a shifted face is the same face.
    """
    # One block more on each side, because values between the middles of two blocks need both.
    first = int(np.floor(at.min())) - block
    last = int(np.ceil(at.max())) + block
    skipped = max(0, -first // block)
    start = first + skipped * block
    stop = min(last + 1, length)
    return start, max(0, -(-(stop - start) // block))


def _averaged(
    image: Pixels, start: tuple[int, int], blocks: tuple[int, int], block: int
) -> Float64:
    """Return the means of ``blocks`` of the image; it is black outside."""
    (top, left), (rows, columns) = start, blocks
    part = np.zeros((rows * block, columns * block, 3), np.uint8)
    inside = image[max(top, 0) : top + rows * block, max(left, 0) : left + columns * block]
    y, x = max(-top, 0), max(-left, 0)
    part[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    means: Float64 = part.reshape(rows, block, columns, block, 3).mean(axis=(1, 3))
    return means


def _exact(at: Float64) -> Float64:
    """Round to 1/1024 of a pixel, so that what follows is exact: a shifted face stays the same."""
    rounded: Float64 = np.rint(at * 1024.0) / 1024.0
    return rounded


def _bilinear(values: Float64, x: Float64, y: Float64) -> Float64:
    """Return ``values`` ``(h, w, 3)`` at each x and y; 0 outside."""
    h, w = values.shape[:2]
    around = np.zeros((h + 3, w + 3, 3))
    around[1:-2, 1:-2] = values
    x, y = np.clip(x, -1.0, w) + 1.0, np.clip(y, -1.0, h) + 1.0
    column, row = x.astype(np.int64), y.astype(np.int64)
    right, below = (x - column)[..., None], (y - row)[..., None]
    upper = around[row, column] * (1.0 - right) + around[row, column + 1] * right
    lower = around[row + 1, column] * (1.0 - right) + around[row + 1, column + 1] * right
    between: Float64 = upper * (1.0 - below) + lower * below
    return between


def _centred(points: Float64) -> Float64:
    """Return x and y ``(2, n)`` without their means."""
    centred: Float64 = (points - points.mean(axis=0)).T
    return centred
