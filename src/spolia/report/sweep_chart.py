"""Where the points of a sweep stand, in pixels."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spolia.core.rates import Bounded
from spolia.core.sweep import Swept
from spolia.report.axes import Axes, Tick
from spolia.report.sweep_words import AXES, measure

_LEFT, _RIGHT, _TOP, _PLOT, _BOTTOM = 46.0, 14.0, 28.0, 240.0, 44.0
_APART = 9.0
"""Pixels between the marks of one value."""


@dataclass(frozen=True)
class Mark:
    """An area and its interval."""

    x: float
    y: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Line:
    """One kind of area, from value to value."""

    kind: str
    """``members``, ``others`` or ``person``."""
    path: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class SweepChart(Axes):
    """Areas by what is varied."""

    axis: str
    chance_y: float
    lines: tuple[Line, ...]


def draw_sweep(swept: Swept, *, width: float) -> SweepChart:
    """Return the geometry of a sweep on ``width`` pixels, above 100.

    Values stand at equal distances, in the order of the plan.
    """
    kinds = [
        (kind, some)
        for kind, some in (
            ("others", [one.others for one in swept.points]),
            ("members", [one.members for one in swept.points]),
            ("person", [one.person for one in swept.points if one.person is not None]),
        )
        if some
    ]
    lowest = min(0.5, *(one.low for _, some in kinds for one in some))
    bottom = math.floor(lowest * 10.0 + 1e-9) / 10.0
    step = (width - _LEFT - _RIGHT) / len(swept.points)
    xs = [_LEFT + step * (i + 0.5) for i in range(len(swept.points))]

    def y(area: float) -> float:
        return round(_TOP + _PLOT * (1.0 - area) / (1.0 - bottom), 1)

    return SweepChart(
        width=width,
        height=_TOP + _PLOT + _BOTTOM,
        left=_LEFT,
        right=width - _RIGHT,
        top=_TOP,
        bottom=_TOP + _PLOT,
        x_ticks=tuple(
            Tick(round(x, 1), f"{one.value:,}") for x, one in zip(xs, swept.points, strict=True)
        ),
        y_ticks=tuple(
            Tick(y(tenth / 10.0), f"{tenth / 10.0:.1f}")
            for tenth in range(round(bottom * 10.0), 11, 1 if bottom >= 0.4 else 2)
        ),
        axis=AXES[swept.vary],
        chance_y=y(0.5),
        lines=tuple(
            _line(kind, some, [round(x + _APART * (i - (len(kinds) - 1) / 2), 1) for x in xs], y)
            for i, (kind, some) in enumerate(kinds)
        ),
        description=swept.sentence,
    )


def _line(
    kind: str, some: Sequence[Bounded], xs: Sequence[float], y: Callable[[float], float]
) -> Line:
    marks = tuple(
        Mark(x, y(one.value), y(one.low), y(one.high), measure(one))
        for x, one in zip(xs, some, strict=True)
    )
    return Line(kind, "M" + "L".join(f"{one.x} {one.y}" for one in marks), marks)
