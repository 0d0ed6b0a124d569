"""Where the bars and lines of the histogram stand, in pixels."""

import math
from dataclasses import dataclass

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.results import Distribution, Scale
from spolia.core.types import Float64, Int64
from spolia.report import format as written
from spolia.report.axes import Axes, Tick, x_ticks

_LEFT, _RIGHT, _BOTTOM, _PLOT = 46.0, 10.0, 44.0, 240.0
_ROW = 15.0
_LETTER = 6.4
"""Width of a letter of a label, rather too wide than too narrow."""
_AXES: dict[Scale, str] = {
    "score": "best score (standard deviations)",
    "similarity": "best similarity (cosine)",
}
_THINNEST_BAR = 5.0
_LOWEST_BAR = 1.5
"""A single image among 100,000 must still be seen."""


@dataclass(frozen=True)
class Bar:
    """One bin of similarities to train."""

    x: float
    y: float
    width: float
    height: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Line:
    """A vertical line and the label to its left."""

    x: float
    label: str
    label_x: float
    label_y: float
    is_threshold: bool


@dataclass(frozen=True, kw_only=True)
class Chart(Axes):
    """The histogram as drawn; the vertical scale is the square root of the count."""

    bars: tuple[Bar, ...]
    outline: str
    """The control as the path of a step line; empty without a control."""
    lines: tuple[Line, ...]
    threshold_x: float | None
    axis: str


def draw(distribution: Distribution, threshold: float | None, *, width: float) -> Chart | None:
    """Return the geometry of the histogram on ``width`` pixels; ``None`` if nothing was counted.

    The horizontal axis is cut to what is occupied; neighbouring bins are merged until a bar is at
    least 5 pixels wide. The counts of the bars always add up to those of ``distribution``.

    Parameters
    ----------
    distribution
        n + 1 rising edges for n counts.
    threshold
        The similarity from which an identity is found, drawn as a line.
    width
        In pixels, above 100.

    Raises
    ------
    UsageError
        If there is not one edge more than counts, the edges do not rise, or a count is negative.

    Examples
    --------
    >>> chart = draw(Distribution((0.0, 0.5, 1.0), (4, 1), (), ()), None, width=720)
    >>> [(bar.count, round(bar.height)) for bar in chart.bars]
    [(4, 240), (1, 120)]
    """
    edges = np.asarray(distribution.edges, dtype=np.float64)
    train = np.asarray(distribution.train, dtype=np.int64)
    control = np.asarray(distribution.control or (0,) * train.size, dtype=np.int64)
    if not edges.size:
        return None
    _check(edges, train, control)
    occupied = np.flatnonzero(train + control)
    if not occupied.size:
        return None
    first, last = int(occupied[0]), int(occupied[-1]) + 1
    most = int((width - _LEFT - _RIGHT) / _THINNEST_BAR)
    edges, train, control = _merge(
        edges[first : last + 1], train[first:last], control[first:last], most
    )
    named = [(f"top {written.thousands(k)}", at, False) for k, at in distribution.top_lines]
    if threshold is not None:
        named.append((f"found from {_value(threshold, distribution.scale)}", threshold, True))
    named = [one for one in named if math.isfinite(one[1])]
    return _place(edges, train, control, named, width=width, scale=distribution.scale)


def _value(at: float, scale: Scale) -> str:
    return written.score(at) if scale == "score" else written.similarity(at)


def _check(edges: Float64, train: Int64, control: Int64) -> None:
    if not edges.size == train.size + 1 == control.size + 1:
        raise UsageError(
            f"a histogram must have one edge more than counts, but has {edges.size} edges for "
            f"{train.size} (train) and {control.size} (control) counts"
        )
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        raise UsageError("the edges of a histogram must be finite and rise, but these do not")
    if min(train.min(initial=0), control.min(initial=0)) < 0:
        raise UsageError("the counts of a histogram must not be negative, but one is")


def _merge(edges: Float64, train: Int64, control: Int64, most: int) -> tuple[Float64, Int64, Int64]:
    """Join neighbouring bins until there are at most ``most``."""
    starts = np.arange(0, train.size, math.ceil(train.size / most))
    merged_edges = np.append(edges[starts], edges[-1])
    return merged_edges, np.add.reduceat(train, starts), np.add.reduceat(control, starts)


def _place(
    edges: Float64,
    train: Int64,
    control: Int64,
    named: list[tuple[str, float, bool]],
    *,
    width: float,
    scale: Scale,
) -> Chart:
    low, high = _span(edges, [at for _, at, _ in named])
    right = width - _RIGHT
    stretch = (right - _LEFT) / (high - low)
    lines = _lines([(label, _LEFT + (at - low) * stretch, bold) for label, at, bold in named])
    top = 8.0 + _ROW * (1 + max((round(line.label_y / _ROW) for line in lines), default=0))
    bottom = top + _PLOT
    peak = int(max(train.max(), control.max()))
    x = _LEFT + (edges - low) * stretch
    bars = tuple(
        _bar(x[i : i + 2], edges[i : i + 2], int(n), bottom, peak) for i, n in enumerate(train) if n
    )
    return Chart(
        width=width,
        height=bottom + _BOTTOM,
        left=_LEFT,
        right=right,
        top=top,
        bottom=bottom,
        bars=bars,
        outline=_outline(x, control, bottom, peak) if control.any() else "",
        x_ticks=x_ticks(low, high, stretch, width, left=_LEFT),
        y_ticks=_y_ticks(bottom, peak),
        lines=lines,
        threshold_x=next((line.x for line in lines if line.is_threshold), None),
        axis=_AXES[scale],
        description=_describe(edges, train, control, named, scale),
    )


def _span(edges: Float64, marks: list[float]) -> tuple[float, float]:
    low, high = min(float(edges[0]), *marks, math.inf), max(float(edges[-1]), *marks, -math.inf)
    margin = 0.02 * (high - low)
    return low - margin, high + margin


def _height(n: int, peak: int) -> float:
    return max(_LOWEST_BAR, _PLOT * math.sqrt(n / peak)) if n else 0.0


def _bar(x: Float64, edges: Float64, n: int, bottom: float, peak: int) -> Bar:
    height = _height(n, peak)
    return Bar(
        round(float(x[0]), 1),
        round(bottom - height, 1),
        # One pixel of air between neighbours.
        round(max(float(x[1] - x[0]) - 1.0, 1.0), 1),
        round(height, 1),
        float(edges[0]),
        float(edges[1]),
        n,
    )


def _outline(x: Float64, counts: Int64, bottom: float, peak: int) -> str:
    path = [f"M{x[0]:.1f} {bottom:.1f}"]
    for right, n in zip(x[1:], counts, strict=True):
        path.append(f"V{bottom - _height(int(n), peak):.1f}H{right:.1f}")
    return "".join(path) + f"V{bottom:.1f}"


def _lines(named: list[tuple[str, float, bool]]) -> tuple[Line, ...]:
    """Stack the labels, each left of its line, as stairs that fall to the left.

    No line then crosses the label of another; where there is room the stairs start anew.
    """
    placed: list[Line] = []
    row, free = 0, math.inf
    for label, x, bold in sorted(named, key=lambda one: -one[1]):
        row = 0 if x + 4.0 < free else row + 1
        extent = len(label) * _LETTER
        label_x = max(x - 4.0, extent)
        start = label_x - extent
        free = start if row == 0 else min(free, start)
        placed.append(Line(round(x, 1), label, round(label_x, 1), _ROW * (row + 1), bold))
    return tuple(placed)


def _y_ticks(bottom: float, peak: int) -> tuple[Tick, ...]:
    ticks = [Tick(bottom, "0")]
    room = _PLOT + 30.0
    for power in range(len(str(peak)) - 1, -1, -1):
        for n in (5 * 10**power, 2 * 10**power, 10**power):
            height = _height(n, peak)
            if n <= peak and 20.0 <= height <= room - 26.0:
                ticks.append(Tick(round(bottom - height, 1), written.thousands(n)))
                room = height
    return tuple(ticks)


def _describe(
    edges: Float64,
    train: Int64,
    control: Int64,
    named: list[tuple[str, float, bool]],
    scale: Scale,
) -> str:
    """Say what the picture shows to those who cannot see it."""
    parts = [_extent("train", edges, train, scale)]
    if control.any():
        parts.append(_extent("control", edges, control, scale))
    parts += [f"{label}: {scale} {_value(at, scale)}." for label, at, bold in named if not bold]
    parts += [f"Identities count as {label}." for label, _, bold in named if bold]
    return " ".join(parts)


def _extent(role: str, edges: Float64, counts: Int64, scale: Scale) -> str:
    occupied = np.flatnonzero(counts)
    peak = int(np.argmax(counts))
    return (
        f"Best {scale} against {role} of {written.thousands(int(counts.sum()))} synthetic images: "
        f"from {edges[occupied[0]]:.2f} to {edges[occupied[-1] + 1]:.2f}, most often between "
        f"{edges[peak]:.2f} and {edges[peak + 1]:.2f}."
    )
