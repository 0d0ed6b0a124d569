"""Where the lines of the curve of false ones stand, in pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spolia.core.results import BoundPoint
from spolia.report import format as written
from spolia.report.axes import Axes, Tick

_LEFT, _RIGHT, _TOP, _PLOT, _BOTTOM = 46.0, 14.0, 26.0, 180.0, 44.0


@dataclass(frozen=True, kw_only=True)
class CurveChart(Axes):
    """The share of false ones among the named, by how many are named (on a log scale)."""

    at_most: str
    """Path of the 95 % bound."""
    expected: str
    """Path of the average."""
    named_x: float | None
    """Where the decision stands; ``None`` if it named nobody."""


def draw(points: Sequence[BoundPoint], named: int, *, width: float) -> CurveChart | None:
    """Return the geometry of the curve on ``width`` pixels; ``None`` without two points.

    Parameters
    ----------
    points
        From the highest score down.
    named
        Identities that the decision named.
    width
        In pixels, above 100.

    Examples
    --------
    >>> points = [BoundPoint(9.0, 1, 0.2, 1), BoundPoint(8.0, 10, 0.5, 2)]
    >>> draw(points, 10, width=720).at_most
    'M46.0 26.0L706.0 170.0'
    """
    if len(points) < 2:
        return None
    right, bottom = width - _RIGHT, _TOP + _PLOT
    low, high = math.log(points[0].named), math.log(points[-1].named)
    if high <= low:
        return None

    def x(n: float) -> float:
        return round(_LEFT + (right - _LEFT) * (math.log(n) - low) / (high - low), 1)

    def path(shares: Sequence[float]) -> str:
        places = [
            f"{x(point.named)} {round(bottom - _PLOT * min(share, 1.0), 1)}"
            for point, share in zip(points, shares, strict=True)
        ]
        return "M" + "L".join(places)

    return CurveChart(
        width=width,
        height=bottom + _BOTTOM,
        left=_LEFT,
        right=right,
        top=_TOP,
        bottom=bottom,
        at_most=path([point.false_at_most / point.named for point in points]),
        expected=path([point.expected_false / point.named for point in points]),
        x_ticks=tuple(Tick(x(n), written.thousands(n)) for n in _round_counts(points)),
        y_ticks=tuple(
            Tick(round(bottom - _PLOT * share, 1), written.level(share))
            for share in (0.0, 0.25, 0.5, 0.75, 1.0)
        ),
        named_x=x(named) if points[0].named <= named <= points[-1].named else None,
        description=_describe(points, named),
    )


def _round_counts(points: Sequence[BoundPoint]) -> list[int]:
    """Return 1, 2, 5, 10, ... as far as they lie on the axis, few enough to be read."""
    first, last = points[0].named, points[-1].named
    steps = (1, 2, 5) if last < 100 * first else (1,)
    counts = [m * 10**e for e in range(len(str(last))) for m in steps]
    return [n for n in counts if first <= n <= last]


def _describe(points: Sequence[BoundPoint], named: int) -> str:
    """Say what the picture shows to those who cannot see it."""
    shown = [points[0], *(one for one in points if one.named == named), points[-1]]
    parts = [
        f"If the {written.thousands(one.named)} highest are named, {one.expected_false:.1f} are "
        f"false on average and at most {written.thousands(one.false_at_most)} (95 % bound)."
        for one in dict.fromkeys(shown)
    ]
    return " ".join(parts)
