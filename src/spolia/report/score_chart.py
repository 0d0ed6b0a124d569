"""Where the histogram of the scores of identities stands, in pixels."""

import math
from dataclasses import dataclass

from spolia.core.membership import ScoreHistogram
from spolia.core.results import Scale
from spolia.report import format as written
from spolia.report.axes import Axes, Tick, x_ticks

_LEFT, _RIGHT, _TOP, _PLOT, _BOTTOM = 46.0, 18.0, 28.0, 220.0, 44.0
_AXES: dict[Scale, str] = {
    "score": "score of an identity (standard deviations)",
    "similarity": "similarity of an identity to its nearest samples (cosine)",
}
_LOWEST = 2.0
"""A single identity among 10,000 must still be seen."""


@dataclass(frozen=True)
class Side:
    """One set: the path of its step line, and what is drawn of it."""

    role: str
    path: str
    style: str
    """``filled``, ``outline`` or ``asked``, a class of the style sheet."""


@dataclass(frozen=True, kw_only=True)
class ScoreChart(Axes):
    """Shares of the identities of each set; the vertical scale is the square root."""

    sides: tuple[Side, ...]
    axis: str


def draw_scores(scores: ScoreHistogram, *, width: float) -> ScoreChart:
    """Return the geometry of the histogram on ``width`` pixels.

    Sets of unequal sizes are compared, so that shares are drawn and not counts.

    Examples
    --------
    >>> from spolia.core.membership import ScoreCounts
    >>> sides = ScoreCounts("members", (1, 3)), ScoreCounts("nonmembers", (4, 4))
    >>> chart = draw_scores(ScoreHistogram("score", (0.0, 1.0, 2.0), sides), width=720)
    >>> [(one.role, one.style) for one in chart.sides]
    [('members', 'filled'), ('nonmembers', 'outline')]
    """
    right, bottom = width - _RIGHT, _TOP + _PLOT
    low, high = scores.edges[0], scores.edges[-1]
    scale = (right - _LEFT) / (high - low)
    xs = [round(_LEFT + (edge - low) * scale, 1) for edge in scores.edges]
    shares = {one.role: [n / sum(one.counts) for n in one.counts] for one in scores.sides}
    peak = max(map(max, shares.values()))
    filled = "members" if "members" in shares else "queries"
    styles = {"nonmembers": "outline", filled: "filled"}
    return ScoreChart(
        width=width,
        height=bottom + _BOTTOM,
        left=_LEFT,
        right=right,
        top=_TOP,
        bottom=bottom,
        sides=tuple(
            Side(role, _outline(xs, one, bottom, peak), styles.get(role, "asked"))
            for role, one in shares.items()
        ),
        axis=_AXES[scores.scale],
        x_ticks=x_ticks(low, high, scale, right - _LEFT, left=_LEFT),
        y_ticks=_y_ticks(bottom, peak),
        description=" ".join(_extent(scores, role, one) for role, one in shares.items()),
    )


def _outline(xs: list[float], shares: list[float], bottom: float, peak: float) -> str:
    path = [f"M{xs[0]} {bottom}"]
    for right, share in zip(xs[1:], shares, strict=True):
        height = max(_LOWEST, _PLOT * math.sqrt(share / peak)) if share else 0.0
        path.append(f"V{round(bottom - height, 1)}H{right}")
    return "".join(path) + f"V{bottom}"


def _y_ticks(bottom: float, peak: float) -> tuple[Tick, ...]:
    ticks, room = [Tick(bottom, "0")], math.inf
    for share in (m * 10.0**-e for e in range(5) for m in (5, 2, 1)):
        height = _PLOT * math.sqrt(share / peak)
        if share <= min(peak, 1.0) and 20.0 <= height <= room - 26.0:
            ticks.append(Tick(round(bottom - height, 1), written.level(round(share, 6))))
            room = height
    return tuple(ticks)


def _extent(scores: ScoreHistogram, role: str, shares: list[float]) -> str:
    """Say what the picture shows to those who cannot see it."""
    occupied = [i for i, share in enumerate(shares) if share]
    most = shares.index(max(shares))
    return (
        f"{role.capitalize()} score from {scores.edges[occupied[0]]:.2f} to "
        f"{scores.edges[occupied[-1] + 1]:.2f}, most often between {scores.edges[most]:.2f} and "
        f"{scores.edges[most + 1]:.2f}."
    )
