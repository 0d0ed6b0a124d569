"""How whole rows are packed: in one byte a coordinate, or in two.

One byte is summed faster, but leaves a similarity open by half the spread of all similarities or
more, so that pairs which only might matter must be looked at. Where a good share of base is among
the nearest, as in small sets, these take longer than the sums, and two bytes are faster.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
    "avx2": 0.011,
    "avx2-fine": 0.0078,
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
    packings = [Packing(kernel, d, centre)]
    if kernel.fine is not None:
        fine = Packing(kernels()[kernel.fine], d, centre)
        if m * fine.depth <= _SHARE_OF_MEMORY * request.memory:
            packings.append(fine)
    if min(n, m) == 0:
        return 0.0, packings[0]
    if sample is not None:
        few = _Few.of(sample.query, sample.base, centre)
    else:
        few = _Few.of(np.asarray(request.query[spread(n, _QUERY_ROWS)]), some, centre)
    return min((_judged(one, request, sample, few) for one in packings), key=lambda pair: pair[0])


def cost_of(kernel: Kernel, width: int, survivors: float, pairs: float) -> float:
    """Return the nanoseconds of a join of which a share ``survivors`` of pairs pass the filter."""
    byte = _BYTE.get(kernel.name, _SLOW_BYTE)
    passed = _RISING * SURVIVOR[kernel.bytes] * survivors
    return pairs * (_PAIR + byte * kernel.depth(width) + passed)


@dataclass(frozen=True, eq=False)
class _Few:
    """Some rows of each side, as they are packed."""

    products: Float64
    """``(s, b)`` similarities."""
    mean: float
    spread: float
    """The mean of all similarities, and the standard deviation of those of a row, on average."""
    norms: tuple[Float32, Float32]
    largest: tuple[Float32, Float32]
    """The largest coordinate of each row."""

    @classmethod
    def of(cls, query: Float32, base: Float32, centre: Centre | None) -> "_Few":
        x, y, shift = query, base, np.zeros(len(query))
        if centre is not None:
            x, shift = centre.query(x)
            y = centre.base(y)
        # Not by the matrix library where rows are few; see `along`.
        products = x @ y.T if x.size > _FEW else np.einsum("id,jd->ij", x, y)
        products = products + shift[:, np.newaxis]
        mean, spread_of = float(products.mean()), float(products.std(axis=1).mean())
        norms = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
        largest = np.abs(x).max(axis=1), np.abs(y).max(axis=1)
        return cls(products, mean, spread_of, norms, largest)

    def lost(self, packing: Packing) -> tuple[Float32, Float32]:
        """Return how much of its norm each row loses in a packing."""
        kernel, steps = packing.kernel, math.sqrt(packing.width / 12)
        fine = kernel.bytes == 2
        x, y = self.norms if fine else self.largest
        return x * (steps / (kernel.levels if fine else 127)), y * (steps / kernel.levels)

    def reach(self, packing: Packing) -> float:
        """Return how far a packing leaves a similarity open, on average."""
        means = [float(one.mean()) for one in (*self.norms, *self.lost(packing))]
        return means[0] * means[3] + means[1] * means[2]

    def passing(self, packing: Packing, floors: Float64) -> float:
        """Return the share of pairs that may reach the floor of their row."""
        upper = self.products + radius(self.norms, self.lost(packing))
        return float(np.mean(upper >= floors[:, np.newaxis]))


def _judged(
    packing: Packing, request: Request, sample: Sample | None, few: _Few
) -> tuple[float, Packing]:
    n, m, d = request.shape
    reach = few.reach(packing)
    if packing.kernel.bytes == 1 and reach < nearly_error(d):
        return math.inf, packing  # rows so alike that a look at them tells nothing new
    if sample is not None:
        share = few.passing(packing, sample.floors)
    else:
        share = _expected(request, few, reach)
    return cost_of(packing.kernel, packing.width, share, float(n) * m), packing


def nearly_error(d: int) -> float:
    """Return how far off the kernel's similarity in float32 may be; `about_error` in exact.h."""
    return (d / 64 + 8) * 2.0**-24


def _expected(request: Request, few: _Few, reach: float) -> float:
    """Return the share of pairs that pass, if similarities are spread like a bell.

    Parameters
    ----------
    reach
        How far similarities are left open.
    """
    n, m, _ = request.shape
    mean, spread_of = few.mean, max(few.spread, 1e-9)
    wanted, bell = request.wanted, NormalDist(mean, spread_of)
    best = _wanted_share(wanted, n, m)
    floors = [] if wanted.above is None else [wanted.above]
    floors += [bell.inv_cdf(max(1.0 - best, 1e-9))] if best else []
    first = _FIRST[0] + _FIRST[1] * (wanted.k or 0)
    rising = 1.0 + math.log(max(1.0, m / first)) if best else 1.0
    return min(1.0, rising * (1.0 - bell.cdf(min(floors) - reach)))


def _wanted_share(wanted: Wanted, n: int, m: int) -> float:
    """Return the share of pairs that are among the nearest or the best, at most 1."""
    nearest, best = (wanted.k or 0) / m, (wanted.top or 0) / (float(n) * m)
    return min(1.0, max(nearest, best))


def radius(norms: Sequence[Float32], lost: Sequence[Float32]) -> Float64:
    """Return how far quantised rows leave a similarity open, ``(s, b)``."""
    return np.asarray(np.outer(norms[0], lost[1]) + np.outer(lost[0], norms[1]), np.float64)


def _worthy_centre(rows: Float32) -> Centre | None:
    """Return the centre of the rows, if taking it off makes them a good deal shorter."""
    if len(rows) == 0:
        return None
    mean = rows.mean(axis=0)
    return Centre.of(rows) if float(mean @ mean) > _COMMON else None
