r"""Rows as whole numbers of one byte, and how far their products may lie from the similarity.

A row is cut into a scale, whole numbers and what is left: :math:`x = s q + e`, with the q in -127
to 127. Rows of one panel share their scale. For two rows, without any rounding,

.. math:: x \cdot y = s_x s_y \, q_x \cdot q_y + e_x \cdot y + s_x q_x \cdot e_y,

so that by Cauchy and Schwarz, with :math:`|s_x q_x| \le |x| + |e_x|`,

.. math:: |x \cdot y - s_x s_y \, q_x \cdot q_y| \le |e_x| |y| + (|x| + |e_x|) |e_y|
          \le 1.001 \, (|e_x| + |e_y| + |e_x| |e_y|) =: M.

The sum :math:`q_x \cdot q_y` is a whole number and has no error, provided that it fits 32 bits:
`WIDEST`. A pair whose similarity is f or more therefore has a sum of at least
:math:`(f - M) / (s_x s_y)`. In a panel M takes its largest e.

Roundings, all in float64, u = 2^-53. The scale is whatever number it was rounded to. Each
coordinate of e is off by at most 2 u, so its norm by u 2 sqrt(d) < 1e-13 and, from summation,
by a share of d u < 2e-11: `_ROUNDED_UP`. The least sum is at most 2^31, because s_x and s_y are at
least 0.9999 / (127 sqrt(d)); it is off by less than 1, which is taken off.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float32, Float64
from spolia.search.tiles import NORM_PRODUCT

WIDEST = 131_000
"""The widest rows whose sums fit 32 bits with one number to spare: 127 * 127 * d < 2^31 - 1."""

PANEL = 64
"""Base rows that share a scale."""

_LARGEST = 127
_ROWS, _DEPTH = 32, 16
"""What matrix libraries want rows and widths to be multiples of."""
_ELEMENTS = 1 << 15
"""Coordinates worked on together: 256 KiB of float64."""
_ROUNDED_UP = 1.0 + 1e-9, 1e-12


@dataclass(frozen=True, eq=False)
class Quantised:
    """Rows as whole numbers, a scale for each panel, and what they lost."""

    numbers: npt.NDArray[np.int8]
    """``(n', d')``: n rows of d numbers, and zeros up to multiples that matrix libraries want."""
    scales: Float64
    """``(panels,)``, above 0."""
    errors: Float64
    """``(panels,)``: at least the norm of what any row of the panel lost."""


def depth_of(d: int) -> int:
    """Return the bytes of a quantised row.

    >>> depth_of(512), depth_of(3)
    (512, 16)
    """
    return -(-d // _DEPTH) * _DEPTH


def quantise(rows: Float32, panel: int) -> Quantised:
    """Return ``rows`` ``(n, d)``, unit or zero, n at least 1, in panels of ``panel`` rows.

    >>> one = quantise(np.float32([[0.6, -0.8]]), 1)
    >>> one.numbers[0, :2].tolist(), one.numbers.shape
    ([95, -127], (32, 16))
    >>> (abs(0.6 - 95 * one.scales) <= one.errors).tolist(), bool(one.errors[0] < 0.002)
    ([True], True)
    """
    n, d = rows.shape
    step = max(panel, _ROWS)
    numbers = np.zeros((-(-n // step) * step, depth_of(d)), dtype=np.int8)
    starts = np.arange(0, n, panel)
    peaks = np.maximum(rows.max(axis=1), -rows.min(axis=1)).astype(np.float64)
    peaks = np.maximum.reduceat(peaks, starts)
    scales = np.where(peaks > 0.0, peaks / _LARGEST, 1.0)
    scale_of = np.repeat(scales, panel)[:n, np.newaxis]
    norms = np.empty(n)
    for start in range(0, n, at_once := max(1, _ELEMENTS // d)):
        piece = slice(start, min(n, start + at_once))
        whole = rows[piece] / scale_of[piece]
        np.rint(whole, out=whole)
        numbers[piece, :d] = whole
        whole *= scale_of[piece]
        lost = np.subtract(rows[piece], whole, out=whole)
        norms[piece] = np.sqrt(np.einsum("ij,ij->i", lost, lost))
    more, least = _ROUNDED_UP
    return Quantised(numbers, scales, np.maximum.reduceat(norms, starts) * more + least)


def margins(left: Any, right: Any) -> Any:
    """Return M ``(r, p)`` of rows and panels with errors ``left`` ``(r,)``, ``right`` ``(p,)``.

    >>> margins(np.array([0.0, 0.1]), np.array([0.1])).round(4).tolist()
    [[0.1001], [0.2102]]
    """
    of_row = left[:, None]
    return NORM_PRODUCT * (of_row + right + of_row * right)


def least_sums(similarities: Any, left: Any, right: Any, xp: Any) -> Any:
    """Return the sum that a pair of a row and a panel must reach to be as similar as asked.

    Parameters
    ----------
    similarities
        ``(r,)`` float64, infinite ones among them.
    left, right
        Scales and errors of r rows and of p panels, float64: arrays, or tensors of one device.
    xp
        The library they are of: numpy or torch.

    Returns
    -------
    array
        ``(r, p)`` whole numbers in float64 that fit 32 bits. All sums reach the smallest, and none
        the largest.

    Examples
    --------
    >>> row = np.array([0.01]), np.array([0.0])
    >>> least_sums(np.array([0.5]), row, row, np).tolist()
    [[4999.0]]
    """
    (scale, error), (panel_scale, panel_error) = left, right
    least = similarities[:, None] - margins(error, panel_error)
    sums = xp.floor(least / (scale[:, None] * panel_scale)) - 1.0
    return xp.clip(sums, -(2.0**31), 2.0**31 - 1.0)
