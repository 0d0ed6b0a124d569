"""How many coordinates to pack: all, or the leading ones of rotated rows.

The leading coordinates in the order of their variance hold most of a similarity, and
Cauchy-Schwarz bounds the rest. Fewer coordinates make the filter faster and let more pairs pass;
a sample of the rows tells where the sum of both is least.
"""

import math

import numpy as np
from scipy.fft import dct

from spolia.core.types import Float32, Float64
from spolia.search.native.binding import Kernel
from spolia.search.native.packed import Centre, Packing, Rotation
from spolia.search.native.precision import SURVIVOR, cost_of, radius, whole_rows
from spolia.search.native.sample import Sample
from spolia.search.request import Request

# Nanoseconds of one thread; see `spolia.search.native.precision`.
_ROTATION = 0.03
"""What one multiplication of the rotation costs."""

_WORTH = 0.9
"""A rotation must promise to save a tenth of the time."""
_STEP = 64
_EVEN = 0.6
"""The share of axes over which rows may be spread before a prefix is not worth a look."""
_WORTH_A_LOOK = 8.0
"""Nanoseconds over d**3 that a join must take before its rows are turned: their axes cost .5."""
_PEAK = 4.0
"""The largest coordinate of a mixed row, over its root mean square, about."""


def choose_packing(
    kernel: Kernel, request: Request, sample: Sample | None
) -> tuple[Packing, float]:
    """Return the packing that promises to be fastest, and when to give it up.

    Returns
    -------
    Packing, float
        The share of pairs that may pass the filter before whole rows would surely be faster.
    """
    n, m, d = request.shape
    pairs, rows = float(n) * m, n + m
    plain, full = whole_rows(kernel, request, sample)
    if sample is None or d < 2 * _STEP or plain < _WORTH_A_LOOK * d**3:
        return full, math.inf
    if _spread(sample.others) > _EVEN * d:
        return full, math.inf
    look = _Look(sample, kernel.levels)
    best, least = 0, _WORTH * plain
    for depth in [*range(_STEP, d, _STEP), d]:
        cost = cost_of(kernel, depth, look.survivors(depth), pairs) + rows * d * depth * _ROTATION
        if cost < least:
            best, least = depth, cost
    rotation = make_rotation(look.axes, best, mix=True) if best else None
    if rotation is None or rotation.frame_error > 1e-3 or rotation.rounding > 0.05:
        return full, math.inf
    return Packing(kernel, d, look.centre, rotation), 1.1 * plain / pairs / SURVIVOR[1]


def _spread(rows: Float32) -> float:
    """Return over how many axes rows are spread, as if evenly: 1 to d."""
    centred = rows - rows.mean(axis=0)
    squares = centred.T @ centred
    return float(np.trace(squares)) ** 2 / float(np.sum(squares * squares))


class _Look:
    """The sampled rows, centred, in the order of their variance."""

    def __init__(self, sample: Sample, levels: int) -> None:
        self._levels = levels
        others = sample.others  # the rows judged are none of those that the axes are fitted to
        self.centre = Centre.of(others)
        self._floors = sample.floors[:, np.newaxis]
        centred = others - self.centre.vector
        _, vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        d = len(vectors)
        self.axes = np.zeros((d + 1, d + 1))
        """Orthonormal columns, that of the added coordinate first."""
        self.axes[d, 0] = 1.0
        self.axes[:d, 1:] = vectors[:, ::-1]
        turn = make_rotation(self.axes, d + 1, mix=False)
        query, self._shift = self.centre.query(sample.query)
        self._query, self._query_norms = turn.prefix(query)
        self._base, self._base_norms = turn.prefix(self.centre.base(sample.base))

    def survivors(self, depth: int) -> float:
        """Return the share of sampled pairs that pass at some depth."""
        x, y = self._query[:, :depth], self._base[:, :depth]
        norms = [np.linalg.norm(rows, axis=1) for rows in (x, y)]
        lost = [
            norm * (_PEAK / np.sqrt(12) / level)
            for norm, level in zip(norms, (127, self._levels), strict=True)
        ]
        wholes = (self._query_norms, self._base_norms)
        tails = [
            np.sqrt(np.maximum(0.0, whole**2 - norm**2))
            for whole, norm in zip(wholes, norms, strict=True)
        ]
        upper = x @ y.T + radius(norms, lost) + np.outer(*tails)
        return float(np.mean(upper + self._shift[:, np.newaxis] >= self._floors))


def make_rotation(axes: Float64, depth: int, *, mix: bool) -> Rotation:
    """Return the rotation onto the first ``depth`` of some axes.

    Mixed, the prefix is turned within itself by a cosine transform with random signs, so that no
    coordinate is much larger than the others: all are quantised with one scale.

    Parameters
    ----------
    axes
        ``(d + 1, d + 1)`` orthonormal columns.
    """
    d = len(axes) - 1
    leading = axes[:, :depth].T
    if mix:
        signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(depth, 1))
        leading = dct(signs * leading, axis=0, norm="ortho")
    frame = np.ascontiguousarray(leading, dtype=np.float32)
    wide = frame.astype(np.float64)
    # The Frobenius norm is at least the spectral one; float64 rounds it by less than 1e-12.
    frame_error = float(np.linalg.norm(wide @ wide.T - np.eye(depth))) + 1e-12
    # Taking off the centre, and d + 1 terms: each product meets at most d + 4 roundings; see
    # `tile_margin`. The row's norm counts for each of the coordinates.
    longest = float(np.sqrt((wide * wide).sum(axis=1).max()))
    rounding = float(np.expm1((d + 4) * 2.0**-24)) * math.sqrt(depth) * longest * 1.01
    return Rotation(frame, frame_error, rounding)
