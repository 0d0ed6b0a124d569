"""How whole rows are packed: in one byte a coordinate, or in two.

One byte is summed faster, but leaves a similarity open by half the spread of all similarities or
more, so that pairs which only might matter must be looked at. Where a good share of base is among
the nearest, as in small sets, these take longer than the sums, and two bytes are faster.
"""

import math
from statistics import NormalDist

import numpy as np

from spolia.core.types import Float32, Float64
from spolia.search.native.binding import Kernel, kernels
from spolia.search.native.packed import Centre, Packing
from spolia.search.native.sample import Sample, spread, spread_rows
from spolia.search.plan import Wanted
from spolia.search.request import Request

# Nanoseconds of one thread, measured; only their ratios matter.
_BYTE = {
    "amx": 0.0012,
    "avx512": 0.0055,
    "avx512-fine": 0.0055,
    "neon": 0.02,
    "avx2": 0.0105,
    "avx2-fine": 0.0085,
}
"""What one byte of one pair costs in each kernel."""
_SLOW_BYTE = 0.04
_PAIR = 0.12
"""What a pair costs besides."""
SURVIVOR = {1: 150.0, 2: 20.0}
"""What a pair that passes the filter costs, by the bytes of a coordinate."""

_RISING = 2.0
"""So many times as many pass while floors rise, about."""
_FIRST = 512, 16
"""Base rows that first floors are learnt from, and so many more for each of the nearest."""

_QUERY_ROWS, _BASE_ROWS = 8, 64
"""Rows looked at where there is no sample."""
_FEW = 1 << 15
"""Coordinates of few query rows."""
_COMMON = 0.1
"""The square of a centre's norm from which on it is taken off."""
_SHARE_OF_MEMORY = 0.25
"""What a base of two bytes a coordinate may take of the memory."""


def whole_rows(kernel: Kernel, request: Request, sample: Sample | None) -> tuple[float, Packing]:
    """Return the packing of whole rows that promises to be fastest.

    Returns
    -------
    float, Packing
        The nanoseconds that the join would take one thread, and the packing.
    """
    n, m, d = request.shape
    some = spread_rows(request.bases, _BASE_ROWS)
    centre = _worthy_centre(some)
    found = [_judged(Packing(kernel, d, centre), request, sample, some)]
    if kernel.fine is not None and n and m:
        fine = Packing(kernels()[kernel.fine], d, centre)
        if m * fine.depth <= _SHARE_OF_MEMORY * request.memory:
            found.append(_judged(fine, request, sample, some))
    return min(found, key=lambda pair: pair[0])


def cost_of(kernel: Kernel, width: int, survivors: float, pairs: float) -> float:
    """Return the nanoseconds of a join of which a share ``survivors`` of pairs pass the filter."""
    byte = _BYTE.get(kernel.name, _SLOW_BYTE)
    passed = _RISING * SURVIVOR[kernel.bytes] * survivors
    return pairs * (_PAIR + byte * kernel.depth(width) + passed)


def _judged(
    packing: Packing, request: Request, sample: Sample | None, some: Float32
) -> tuple[float, Packing]:
    n, m, d = request.shape
    share, reach = 0.0, math.inf
    if sample is not None:
        upper, reach = _bounds(packing, sample.query, sample.base)
        share = float(np.mean(upper >= sample.floors[:, np.newaxis]))
    elif n and m:
        share, reach = _expected(packing, request, some)
    if packing.kernel.bytes == 1 and reach < nearly_error(d):
        return math.inf, packing  # rows so alike that a look at them tells nothing new
    return cost_of(packing.kernel, packing.width, share, float(n) * m), packing


def nearly_error(d: int) -> float:
    """Return how far off the kernel's similarity in float32 may be; `about_error` in exact.h."""
    return (d / 64 + 8) * 2.0**-24


def _expected(packing: Packing, request: Request, some: Float32) -> tuple[float, float]:
    """Return the share of pairs that pass, if similarities are spread like a bell.

    And how far rows of numbers leave a similarity open, on average.
    """
    n, m, _ = request.shape
    upper, reach = _bounds(packing, np.asarray(request.query[spread(n, _QUERY_ROWS)]), some)
    mean, spread_of = float(upper.mean() - reach), max(float(upper.std(axis=1).mean()), 1e-9)
    wanted, bell = request.wanted, NormalDist(mean, spread_of)
    best = _wanted_share(wanted, n, m)
    floors = [] if wanted.above is None else [wanted.above]
    floors += [bell.inv_cdf(max(1.0 - best, 1e-9))] if best else []
    first = _FIRST[0] + _FIRST[1] * (wanted.k or 0)
    rising = 1.0 + math.log(max(1.0, m / first)) if best else 1.0
    return min(1.0, rising * (1.0 - bell.cdf(min(floors) - reach))), reach


def _wanted_share(wanted: Wanted, n: int, m: int) -> float:
    """Return the share of pairs that are among the nearest or the best, at most 1."""
    nearest, best = (wanted.k or 0) / m, (wanted.top or 0) / (float(n) * m)
    return min(1.0, max(nearest, best))


def _bounds(packing: Packing, query: Float32, base: Float32) -> tuple[Float64, float]:
    """Return the upper bounds of some pairs, ``(s, b)``, and their mean distance from the truth."""
    x, y, shift = query, base, np.zeros(len(query))
    if packing.centre is not None:
        x, shift = packing.centre.query(x)
        y = packing.centre.base(y)
    kernel = packing.kernel
    levels = kernel.levels if kernel.bytes == 2 else 127, kernel.levels
    norms = [np.linalg.norm(rows, axis=1) for rows in (x, y)]
    sizes = norms if kernel.bytes == 2 else [np.abs(rows).max(axis=1) for rows in (x, y)]
    lost = [
        size * (math.sqrt(packing.width / 12) / level)
        for size, level in zip(sizes, levels, strict=True)
    ]
    off = radius(norms, lost)
    # Not by the matrix library where rows are few; see `along`.
    products = x @ y.T if x.size > _FEW else np.einsum("id,jd->ij", x, y)
    return products + off + shift[:, np.newaxis], float(off.mean())


def radius(norms: list[Float32], lost: list[Float32]) -> Float64:
    """Return how far quantised rows leave a similarity open, ``(s, b)``."""
    return np.asarray(np.outer(norms[0], lost[1]) + np.outer(lost[0], norms[1]), np.float64)


def _worthy_centre(rows: Float32) -> Centre | None:
    """Return the centre of the rows, if taking it off makes them a good deal shorter."""
    if len(rows) == 0:
        return None
    mean = rows.mean(axis=0)
    return Centre.of(rows) if float(mean @ mean) > _COMMON else None
