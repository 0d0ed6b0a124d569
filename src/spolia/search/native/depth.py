"""How many coordinates to pack: all, or the leading ones of rotated rows.

The leading coordinates in the order of their variance hold most of a similarity, and
Cauchy-Schwarz bounds the rest. Fewer coordinates make the filter faster and let more pairs pass;
a sample of the rows tells where the sum of both is least.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.fft import dct

from spolia.core.types import Float32, Float64, Rows
from spolia.search.native.binding import Kernel
from spolia.search.native.packed import Centre, Packing, Rotation
from spolia.search.native.sample import Sample, spread_rows
from spolia.search.request import Request

# Nanoseconds of one thread, measured; only their ratios matter.
_BYTE = {"amx": 0.0012, "avx512": 0.0055, "neon": 0.02, "avx2": 0.021}
"""What one coordinate of one pair costs in each kernel."""
_SLOW_BYTE = 0.08
_PAIR = 0.12
"""What a pair costs besides."""
_SURVIVOR = 250.0
"""What a pair that passes the filter costs."""
_ROTATION = 0.03
"""What one multiplication of the rotation costs."""

_WORTH = 0.9
"""A rotation must promise to save a tenth of the time."""
_STEP = 64
_CENTRE_ROWS = 512
_COMMON = 0.1
"""The square of a centre's norm from which on it is taken off."""
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
    full = Packing(kernel, d, _worthy_centre(request.bases))
    if sample is None or d < 2 * _STEP:
        return full, math.inf
    plain = _cost(kernel, full.width, _survivors(sample, full.centre), pairs)
    if plain < _WORTH_A_LOOK * d**3:
        return full, math.inf
    look = _Look(sample)
    best, least = 0, _WORTH * plain
    for depth in [*range(_STEP, d, _STEP), d]:
        cost = _cost(kernel, depth, look.survivors(depth), pairs) + rows * d * depth * _ROTATION
        if cost < least:
            best, least = depth, cost
    rotation = make_rotation(look.axes, best, mix=True) if best else None
    if rotation is None or rotation.frame_error > 1e-3 or rotation.rounding > 0.05:
        return full, math.inf
    return Packing(kernel, d, look.centre, rotation), 1.1 * plain / pairs / _SURVIVOR


def _worthy_centre(bases: Sequence[Rows]) -> Centre | None:
    """Return the centre of the rows, if taking it off makes them a good deal shorter."""
    rows = spread_rows(bases, _CENTRE_ROWS)
    if len(rows) == 0:
        return None
    centre = Centre.of(rows)
    return centre if float(centre.vector @ centre.vector) > _COMMON else None


def _cost(kernel: Kernel, depth: int, survivors: float, pairs: float) -> float:
    byte = _BYTE.get(kernel.name, _SLOW_BYTE)
    return pairs * (_PAIR + byte * kernel.depth(depth) + _SURVIVOR * survivors)


class _Look:
    """The sampled rows, centred, in the order of their variance."""

    def __init__(self, sample: Sample) -> None:
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
        lost = [norm * (_PEAK / np.sqrt(12) / 127) for norm in norms]
        wholes = (self._query_norms, self._base_norms)
        tails = [
            np.sqrt(np.maximum(0.0, whole**2 - norm**2))
            for whole, norm in zip(wholes, norms, strict=True)
        ]
        upper = x @ y.T + _radius(norms, lost) + np.outer(*tails)
        return float(np.mean(upper + self._shift[:, np.newaxis] >= self._floors))


def _survivors(sample: Sample, centre: Centre | None) -> float:
    """Return the share of sampled pairs that pass when whole rows are packed."""
    x, y, shift = sample.query, sample.base, np.zeros(len(sample.query))
    if centre is not None:
        x, shift = centre.query(x)
        y = centre.base(y)
    lost = [np.abs(rows).max(axis=1) * np.sqrt(rows.shape[1] / 12) / 127 for rows in (x, y)]
    norms = [np.linalg.norm(rows, axis=1) for rows in (x, y)]
    upper = x @ y.T + _radius(norms, lost) + shift[:, np.newaxis]
    return float(np.mean(upper >= sample.floors[:, np.newaxis]))


def _radius(norms: list[Float32], lost: list[Float32]) -> Float64:
    """Return how far quantised rows leave a similarity open, ``(s, b)``."""
    return np.asarray(np.outer(norms[0], lost[1]) + np.outer(lost[0], norms[1]), np.float64)


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
