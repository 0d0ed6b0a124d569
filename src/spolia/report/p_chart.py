"""Where the p-values of queries stand, in pixels, beside those of chance and the line of naming."""

from dataclasses import dataclass

from spolia.core.membership import Queried
from spolia.report import format as written
from spolia.report.axes import Axes, Tick
from spolia.report.log_axis import LogAxis, path_through, power_under

_LEFT, _RIGHT, _TOP, _PLOT, _BOTTOM = 46.0, 22.0, 28.0, 260.0, 44.0
_FEWEST = 3
"""Queries of which there is a picture."""
_LETTER = 6.4


@dataclass(frozen=True)
class Point:
    """The queries of one p, which lie beside each other."""

    first: float
    last: float
    y: float
    named: bool


@dataclass(frozen=True, kw_only=True)
class PChart(Axes):
    """p-values by rank, smallest first, both on logarithmic axes."""

    points: tuple[Point, ...]
    chance: str
    """Path of where they lie on average, if no query is a member."""
    rule: str
    """Path of the line of Benjamini-Hochberg: all up to the last p on or under it are named."""
    floor_y: float
    """Under it no p can lie."""
    floor: str
    """What is said there; empty where there is no room."""


def draw_p(asked: Queried, fdr: float, *, width: float) -> PChart | None:
    """Return the geometry of the p-values on ``width`` pixels; ``None`` for fewer than 3 queries.

    Examples
    --------
    >>> from spolia.core.rates import Rate
    >>> named = Rate(0.1, 0.0, 0.4, 10, 1)
    >>> asked = Queried(named, 999, 0.001, 1, ((0.001, 1), (0.5, 5), (0.9, 10)))
    >>> chart = draw_p(asked, 0.05, width=720)
    >>> [one.named for one in chart.points]
    [True, False, False]
    """
    n = asked.named.n
    if n < _FEWEST:
        return None
    right, bottom = width - _RIGHT, _TOP + _PLOT
    x = LogAxis(1.0, float(n), _LEFT, right)
    # Far under the smallest p there is nothing to see.
    low = power_under(max(min(asked.smallest_p, fdr / n), asked.smallest_p / 100.0))
    y = LogAxis(low, 1.0, bottom, _TOP)
    before = (0, *(rank for _, rank in asked.ranked))
    floor_y = y.at(asked.smallest_p)
    said = (
        f"{written.thousands(asked.pool)} non-members give no p under "
        f"{written.p_value(asked.smallest_p)}"
    )
    # The line leaves the picture where it would lie under the lowest p drawn.
    start = max(1.0, low * n / fdr)
    return PChart(
        width=width,
        height=bottom + _BOTTOM,
        left=_LEFT,
        right=right,
        top=_TOP,
        bottom=bottom,
        points=tuple(
            Point(x.at(last + 1), x.at(rank), y.at(p), rank <= asked.named.count)
            for last, (p, rank) in zip(before, asked.ranked, strict=False)
        ),
        chance=path_through([(x.at(rank), y.at(rank / n)) for rank in (max(1.0, low * n), n)]),
        rule=path_through([(x.at(rank), y.at(fdr * rank / n)) for rank in (start, n)]),
        floor_y=floor_y,
        floor=said if bottom - floor_y >= 18.0 and len(said) * _LETTER < right - _LEFT else "",
        x_ticks=tuple(Tick(x.at(one), written.thousands(one)) for one in _round_counts(n)),
        y_ticks=y.ticks(_power, room=36.0),
        description=_describe(asked, fdr),
    )


def _power(p: float) -> str:
    return "1" if p == 1.0 else written.power_of_ten(p)


def _round_counts(n: int) -> list[int]:
    """Return 1, 2, 5, 10 ..., or powers of ten alone where these are many."""
    steps = (1, 2, 5) if n < 300 else (1,)
    return [m * 10**e for e in range(len(str(n))) for m in steps if m * 10**e <= n]


def _describe(asked: Queried, fdr: float) -> str:
    """Say what the picture shows to those who cannot see it."""
    smallest = asked.ranked[0][0]
    return (
        f"p-values of {written.thousands(asked.named.n)} queries, the smallest "
        f"{written.p_value(smallest)}, where {written.p_value(1.0 / asked.named.n)} is usual by "
        f"chance. {written.thousands(asked.named.count)} are named at a false discovery rate of "
        f"{written.level(fdr)}."
    )
