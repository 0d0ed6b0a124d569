"""Are two images the same picture? They are laid over each other and compared pixel by pixel.

1. *Views.* One of the two is turned (by 0, 90, 180, 270 degrees), mirrored or not, and one of
   the two may be cut to its middle 90 or 80 %: 8 x 5 views. Both are squeezed to a square of
   64 x 64, so that another size or aspect does not matter.
2. *Registration.* For every view the shift is found by phase correlation (Kuglin & Hines 1975),

       shift = argmax F^-1( F(a) conj F(b) / |F(a) conj F(b)| ),

   on a grid of 32 x 32, up to an eighth of the side. The view with the highest normalised
   cross-correlation of the gray values over the overlap is registered anew on the full grid, with
   cuts of 5 % more and less, and beside it the plain view.
3. *Agreement* over the overlap: the cosine of the copy descriptors `spolia.embedding.dct` of both
   parts; the normalised cross-correlation of the gray values, which no change of brightness or
   contrast moves, without the quarter of the tiles that differ most, so that an overprint does not
   move it either; the normalised l2 of the colours; and its maximum over 4 x 4 corresponding tiles
   (Carlini et al. 2023, arXiv 2301.13188), which a local change moves as far as a change of
   everything.

The search makes the agreement of unrelated images higher as well, by an amount that depends on
the images. No value is high or low as such: `spolia.stats.kinds` holds it against pairs that
cannot be copies and went through the same search.

Cost: about 10 ms a pair on one core, and the decoding of the images.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.fft import irfft2, rfft2

from spolia.core.errors import UsageError
from spolia.core.types import Float64
from spolia.embedding.dct import dct_row
from spolia.embedding.preprocess import check_pixels
from spolia.embedding.protocol import Pixels

Complex128 = npt.NDArray[np.complex128]

VERSION = 1
"""Grows when `compare` gives other numbers."""

TILES = 4
"""Tiles along each side: 16 in all."""
CUTS = (1.0, 0.9, 0.8)
"""Middle parts of an image that are tried, as shares of its sides."""

_SIDE = 64
_COARSE = 32
_SHIFTED = 8
"""Views of the coarse search, those with the clearest shift, that are tried shifted as well."""
_REACH = 8
"""The largest shift is the side divided by this."""
_LUMA = np.array([0.299, 0.587, 0.114])
"""ITU-R 601, as in `spolia.embedding.dct`."""


def tiled_l2(a: Float64, b: Float64, *, tiles: int = TILES) -> float:
    r"""Return the largest normalised l2 of corresponding tiles, 0 (equal) to 1.

    .. math:: \max_t \sqrt{\tfrac{1}{d_t} \sum_{j \in t} (a_j - b_j)^2}

    The maximum over *tiles*, each with all its pixels and channels: one tile that is wholly
    different costs as much as an image that is.

    Parameters
    ----------
    a, b
        ``(h, w)`` or ``(h, w, channels)``, values in 0 to 1; h and w at least ``tiles``.
    tiles
        Tiles along each side, at least 1; sizes differ by at most one pixel.

    Raises
    ------
    UsageError
        If the shapes differ, or an image has fewer pixels along a side than ``tiles``.

    Examples
    --------
    >>> a, b = np.zeros((8, 8)), np.zeros((8, 8))
    >>> b[:2, :2] = 1.0
    >>> tiled_l2(a, b), l2(a, b)
    (1.0, 0.25)
    """
    if a.shape != b.shape or min(a.shape[:2]) < tiles:
        raise UsageError(
            f"tiled_l2 compares two images of one shape with at least {tiles} pixels along each "
            f"side, but got {a.shape} and {b.shape}; register them first"
        )
    return float(np.sqrt(_tile_means(np.square(a - b), tiles).max()))


def _tile_means(values: Float64, tiles: int) -> Float64:
    """Return the mean over each tile ``(tiles, tiles)``."""
    per_pixel = values.reshape(*values.shape[:2], -1).mean(axis=2)  # (h, w)
    rows, columns = (-(-np.arange(tiles) * side // tiles) for side in per_pixel.shape)
    sums = np.add.reduceat(np.add.reduceat(per_pixel, rows, axis=0), columns, axis=1)
    height = np.diff(rows, append=per_pixel.shape[0])
    width = np.diff(columns, append=per_pixel.shape[1])
    means: Float64 = sums / np.outer(height, width)
    return means


def l2(a: Float64, b: Float64) -> float:
    """Return the normalised l2 ``sqrt(mean((a - b)^2))`` of two images, 0 to 1.

    >>> l2(np.zeros((2, 2)), np.full((2, 2), 0.5))
    0.5
    """
    return float(np.sqrt(np.mean(np.square(a - b))))


def correlation(a: Float64, b: Float64) -> float:
    """Return the normalised cross-correlation of two gray images, -1 to 1; 0 where one is flat.

    >>> ramp = np.arange(16.0).reshape(4, 4)
    >>> correlation(ramp, 3.0 - 2.0 * ramp)
    -1.0
    """
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a * a).sum() * (b * b).sum())
    if norm < 1e-12:
        return 0.0
    return float(np.clip((a * b).sum() / norm, -1.0, 1.0))


def kept_correlation(a: Float64, b: Float64, *, tiles: int = TILES) -> float:
    """Return the `correlation` of gray images without the quarter of the tiles that differ most."""
    tile = _tile_means(np.square(a - b), tiles)
    worst = np.argsort(-tile, axis=None, kind="stable")[: tile.size // 4]
    kept = np.ones(tile.size, dtype=np.bool_)
    kept[worst] = False
    rows, columns = (np.arange(side) * tiles // side for side in a.shape)
    inside = kept[rows[:, None] * tiles + columns]
    return correlation(a[inside], b[inside])


@dataclass(frozen=True)
class View:
    """How a query is laid over a reference."""

    turned: int = 0
    """Degrees counter-clockwise: 0, 90, 180 or 270."""
    mirrored: bool = False
    """Left and right exchanged, after turning."""
    query_cut: float = 1.0
    """Share of the query's sides that is kept, around its middle."""
    reference_cut: float = 1.0
    """The same of the reference."""

    def __str__(self) -> str:
        """Describe it in words.

        >>> str(View()), str(View(90, True, 1.0, 0.8))
        ('as it is', 'turned by 90 degrees, mirrored, the middle 80 % of the training image')
        """
        said = [f"turned by {self.turned} degrees"] if self.turned else []
        said += ["mirrored"] if self.mirrored else []
        for share, of in ((self.query_cut, "synthetic"), (self.reference_cut, "training")):
            said += [f"the middle {share:.0%} of the {of} image".replace("%", " %")] * (share < 1)
        return ", ".join(said) or "as it is"

    def apply(self, square: Float64) -> Float64:
        """Turn and mirror a square."""
        turned = np.rot90(square, self.turned // 90)
        return turned[:, ::-1] if self.mirrored else turned


def _views() -> tuple[View, ...]:
    cuts = [(1.0, 1.0), *((one, 1.0) for one in CUTS[1:]), *((1.0, one) for one in CUTS[1:])]
    # The plain view first: where views agree equally well, the first is taken.
    return tuple(
        View(turned, mirrored, *cut)
        for cut in cuts
        for turned in (0, 90, 180, 270)
        for mirrored in (False, True)
    )


VIEWS = _views()
_QUERY_VIEWS = tuple(one for one in VIEWS if one.reference_cut == 1.0)
_QUERY_OF = [_QUERY_VIEWS.index(replace(one, reference_cut=1.0)) for one in VIEWS]
_REFERENCE_OF = [CUTS.index(one.reference_cut) for one in VIEWS]


class Canvas:
    """One image, squeezed to a square and cut to its middle parts, ready to be compared."""

    def __init__(self, image: Pixels) -> None:
        check_pixels(image)
        self._image = Image.fromarray(np.ascontiguousarray(image))
        self._colours: dict[float, Float64] = {}
        self._gray: dict[float, Float64] = {}

    def colours(self, cut: float) -> Float64:
        """Return its middle part, ``(64, 64, 3)`` in 0 to 1."""
        if cut not in self._colours:
            width, height = self._image.size
            x, y = width * (1.0 - cut) / 2.0, height * (1.0 - cut) / 2.0
            small = self._image.resize(
                (_SIDE, _SIDE), Image.Resampling.BICUBIC, box=(x, y, width - x, height - y)
            )
            self._colours[cut] = np.asarray(small) / 255.0
        return self._colours[cut]

    def gray(self, cut: float) -> Float64:
        """Return the luma of its middle part, ``(64, 64)`` in 0 to 1."""
        if cut not in self._gray:
            self._gray[cut] = self.colours(cut) @ _LUMA
        return self._gray[cut]

    def _coarse(self, cut: float) -> Float64:
        blocks = self.gray(cut).reshape((_COARSE, _SIDE // _COARSE) * 2)
        coarse: Float64 = blocks.mean(axis=(1, 3))
        return coarse

    @cached_property
    def as_query(self) -> "_Squares":
        """Its views as a query."""
        return _Squares.of([one.apply(self._coarse(one.query_cut)) for one in _QUERY_VIEWS])

    @cached_property
    def as_reference(self) -> "_Squares":
        """Its middle parts as a reference."""
        return _Squares.of([self._coarse(cut) for cut in CUTS])


@dataclass(frozen=True, eq=False)
class _Squares:
    """Coarse squares ``(n, 32, 32)`` with their spectra."""

    gray: Float64
    standard: Float64
    """``(n, 1024)`` with mean 0 and norm 1; 0 where it is flat."""
    spectra: Complex128

    @classmethod
    def of(cls, squares: list[Float64]) -> "_Squares":
        gray = np.stack(squares)
        flat = gray.reshape(len(gray), -1)
        flat = flat - flat.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(flat, axis=1, keepdims=True)
        return cls(gray, np.where(norm > 1e-6, flat / np.maximum(norm, 1e-6), 0.0), rfft2(gray))


@dataclass(frozen=True, eq=False)
class Registration:
    """Two images laid over each other."""

    view: View
    down: int
    """Rows of 64 by which the query is moved down."""
    right: int
    """Columns by which it is moved to the right."""
    query: Float64
    """``(h, w, 3)`` in 0 to 1: the part of the query that lies over the reference."""
    reference: Float64
    """The same part of the reference."""


@dataclass(frozen=True)
class Agreement:
    """How well two images agree once they lie over each other."""

    descriptor: float
    """Cosine of the copy descriptors, up to 1."""
    correlation: float
    """Normalised cross-correlation of the gray values but for the worst tiles, -1 to 1."""
    worst_tile: float
    """Largest normalised l2 of the colours of a tile, 0 to 1; lower is closer."""
    l2: float
    """Normalised l2 of the colours of the whole overlap, 0 to 1; lower is closer."""
    view: str
    """How the query was laid over the reference."""


def compare(query: Canvas, reference: Canvas) -> Agreement:
    """Return how well two images agree.

    Examples
    --------
    >>> image = (np.arange(64 * 64 * 3).reshape(64, 64, 3) ** 2 % 251).astype(np.uint8)
    >>> turned = compare(Canvas(np.rot90(image)), Canvas(image))
    >>> turned.correlation, turned.worst_tile, turned.view
    (1.0, 0.0, 'turned by 270 degrees')
    """
    laid = register(query, reference)
    row, other = (
        dct_row(np.rint(one * 255.0).astype(np.uint8)) for one in (laid.query, laid.reference)
    )
    return Agreement(
        descriptor=float(row.astype(np.float64) @ other.astype(np.float64)),
        correlation=kept_correlation(laid.query @ _LUMA, laid.reference @ _LUMA),
        worst_tile=tiled_l2(laid.query, laid.reference),
        l2=l2(laid.query, laid.reference),
        view=str(laid.view),
    )


def register(query: Canvas, reference: Canvas) -> Registration:
    """Lay ``query`` over ``reference`` where their gray values correlate best."""
    a, b = query.as_query, reference.as_reference
    scores = np.einsum("ip,jp->ij", a.standard, b.standard)[_QUERY_OF, _REFERENCE_OF]
    shifts, peaks = _shifts(a.spectra[_QUERY_OF], b.spectra[_REFERENCE_OF], _COARSE)
    for view in np.argsort(np.negative(peaks), kind="stable")[:_SHIFTED].tolist():
        moved = _overlap(a.gray[_QUERY_OF[view]], b.gray[_REFERENCE_OF[view]], *shifts[view])
        scores[view] = max(scores[view], correlation(*moved))
    return _fine(query, reference, VIEWS[int(np.argmax(scores.round(9)))])


def difference_image(laid: Registration, *, gain: float = 4.0) -> Pixels:
    """Return ``gain`` times the absolute difference of two registered images, cut off at white.

    ``(64, 64, 3)`` uint8; black where they are equal, and a middle gray where they do not overlap.

    >>> white = Canvas(np.full((8, 8, 3), 255, np.uint8))
    >>> difference_image(register(white, white)).max()
    np.uint8(0)
    """
    shown = np.full((_SIDE, _SIDE, 3), 128, dtype=np.uint8)
    difference = np.abs(laid.query - laid.reference)
    top, left = max(0, laid.down), max(0, laid.right)
    h, w = difference.shape[:2]
    shown[top : top + h, left : left + w] = np.rint(np.minimum(gain * difference, 1.0) * 255.0)
    return shown


def _fine(query: Canvas, reference: Canvas, coarse: View) -> Registration:
    """Register on the full grid, with cuts between those of the coarse search.

    The plain view is tried as well: an overprint may turn the coarse search away from it.
    """
    found: list[tuple[float, View, tuple[int, int]]] = []
    for view in dict.fromkeys([VIEWS[0], *_near(coarse)]):
        a, b = view.apply(query.gray(view.query_cut)), reference.gray(view.reference_cut)
        for shift in {(0, 0), *_shifts(rfft2(a)[None], rfft2(b)[None], _SIDE)[0]}:
            score = kept_correlation(*_overlap(a, b, *shift))
            found.append((round(score, 9), view, shift))
    _, view, shift = max(found, key=lambda one: (one[0], one[2] == (0, 0)))
    colours = view.apply(query.colours(view.query_cut)), reference.colours(view.reference_cut)
    return Registration(view, *shift, *_overlap(*colours, *shift))


def _near(view: View) -> list[View]:
    if view.reference_cut < 1.0:
        return [replace(view, reference_cut=one) for one in _near_cuts(view.reference_cut)]
    if view.query_cut < 1.0:
        return [replace(view, query_cut=one) for one in _near_cuts(view.query_cut)]
    smaller = _near_cuts(1.0)[1]
    return [view, replace(view, query_cut=smaller), replace(view, reference_cut=smaller)]


def _near_cuts(cut: float) -> list[float]:
    return [cut, round(cut - 0.05, 2), *([round(cut + 0.05, 2)] if cut < 1.0 else [])]


def _shifts(a: Complex128, b: Complex128, side: int) -> tuple[list[tuple[int, int]], Float64]:
    """Return the small shift that phase correlation finds for every pair, and its peak."""
    cross = b * np.conj(a)
    size = np.abs(cross)
    size = np.maximum(size, 1e-12 + 1e-9 * size.max(axis=(1, 2), keepdims=True))
    surface = irfft2(cross / size, s=(side, side))
    reach = side // _REACH
    window = np.roll(surface, (reach, reach), axis=(1, 2))[:, : 2 * reach + 1, : 2 * reach + 1]
    flat = window.reshape(len(window), -1)
    place = flat.argmax(axis=1).tolist()
    shifts = [(p // (2 * reach + 1) - reach, p % (2 * reach + 1) - reach) for p in place]
    return shifts, flat.max(axis=1)


def _overlap(a: Float64, b: Float64, down: int, right: int) -> tuple[Float64, Float64]:
    """Return what lies over each other once ``a`` is moved ``down`` and ``right``."""
    h, w = a.shape[:2]
    return (
        a[max(0, -down) : h - max(0, down), max(0, -right) : w - max(0, right)],
        b[max(0, down) : h - max(0, -down), max(0, right) : w - max(0, -right)],
    )
