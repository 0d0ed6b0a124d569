"""The histogram of a report: the best score, or similarity, of every synthetic record."""

from collections.abc import Sequence

import numpy as np

from spolia.core.results import Distribution, Scale
from spolia.core.types import Float64

_BIN_WIDTHS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
_WIDEST = {"score": 0.5, "similarity": 0.1}
_MOST_BINS = 60
_TOP_LINES = (1, 10, 100, 1000, 10000)


def distribution(to_train: Float64, to_control: Float64 | None, *, scale: Scale) -> Distribution:
    """Count the best value of every synthetic record in some 60 bins of a round width.

    >>> d = distribution(np.array([0.11, 0.52]), np.array([0.12, 0.13]), scale="similarity")
    >>> d.edges[0], d.edges[-1], sum(d.train), sum(d.control)
    (0.11, 0.52, 2, 2)
    """
    seen = to_train if to_control is None else np.concatenate([to_train, to_control])
    seen = seen[np.isfinite(seen)]
    low, high = float(seen.min()), float(seen.max())
    width = _width(high - low, _WIDEST[scale])
    first = int(np.floor(low / width))
    # The last bin holds its upper edge; rows are unit but for rounding, so 1 stays the last edge.
    last = max(first + 1, int(np.ceil((high - 1e-6) / width)))
    edges = [round(i * width, 6) for i in range(first, last + 1)]
    best = np.sort(to_train)[::-1]
    return Distribution(
        edges=tuple(edges),
        train=_counts(to_train, edges),
        control=() if to_control is None else _counts(to_control, edges),
        top_lines=tuple((k, float(best[k - 1])) for k in _TOP_LINES if k <= best.size),
        scale=scale,
    )


def _width(extent: float, widest: float) -> float:
    """Return the finest round width of which some 60 bins hold ``extent``, at most ``widest``."""
    fits = [one for one in _BIN_WIDTHS if extent / one < _MOST_BINS - 1 and one <= widest]
    # Beyond the widest: doubled until it does.
    return min(fits) if fits else widest * float(2 ** np.ceil(np.log2(extent / widest / 58)))


def _counts(values: Float64, edges: Sequence[float]) -> tuple[int, ...]:
    # The outer edges are rounded; clipping keeps every value in a bin.
    inside = np.clip(values[np.isfinite(values)], edges[0], edges[-1])
    return tuple(np.histogram(inside, np.array(edges))[0].tolist())
