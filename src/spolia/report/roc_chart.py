"""Where the ROC of members against non-members stands, in pixels, on logarithmic axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from spolia.core.membership import Separation
from spolia.report import format as written
from spolia.report.axes import Axes
from spolia.report.log_axis import LogAxis, path_through, power_under

_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 22.0, 28.0, 44.0
_PLOT = 300.0
_SAMPLES = 12
"""Points of a slanted piece, which is a line on plain axes and none on these."""
_LETTER = 6.4
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Mark:
    """A false positive rate at which the TPR is told."""

    x: float
    y: float
    low: float
    high: float
    label: str


@dataclass(frozen=True, kw_only=True)
class RocChart(Axes):
    """TPR by FPR, both on logarithmic axes."""

    curve: str
    photos: str
    """Path of the curve by photo; empty without one."""
    band: str
    diagonal: str
    marks: tuple[Mark, ...]
    refused_x: float
    """Left of it there are too few non-members to tell anything."""
    refused: str
    """What is said there; empty where there is no room."""


def draw_roc(found: Separation, photos: Separation | None, *, width: float) -> RocChart:
    """Return the geometry of the ROC on ``width`` pixels.

    Parameters
    ----------
    found
        By identity: the curve with its band.
    photos
        By photo; ``None``: not drawn.
    width
        In pixels, above 100.

    Examples
    --------
    >>> from spolia.stats.roc import Scored, separation
    >>> rng = np.random.default_rng(0)
    >>> sides = (Scored.of_identities(rng.normal(shift, 1.0, 50)) for shift in (3.0, 0.0))
    >>> chart = draw_roc(separation(*sides, rng=rng), None, width=720)
    >>> chart.refused_x > chart.left, len(chart.marks)
    (True, 0)
    """
    first = 1.0 / found.non_members
    right, bottom = width - _RIGHT, _TOP + _PLOT
    low = power_under(min(first, *found.refused, 0.1))
    x = LogAxis(low, 1.0, _LEFT, right)
    y = LogAxis(power_under(min(low, 1.0 / found.members)), 1.0, bottom, _TOP)
    said = f"{written.thousands(found.non_members)} non-members cannot tell"
    room = x.at(first) - _LEFT
    return RocChart(
        width=width,
        height=bottom + _BOTTOM,
        left=_LEFT,
        right=right,
        top=_TOP,
        bottom=bottom,
        curve=_steps(found.curve, first, x, y),
        photos="" if photos is None else _steps(photos.curve, first, x, y),
        band=_band(found, x, y),
        diagonal=path_through([(x.at(one), y.at(one)) for one in (first, 1.0)]),
        marks=tuple(
            Mark(
                x.at(one.fpr),
                y.at(one.tpr.value),
                y.at(one.tpr.low),
                y.at(one.tpr.high),
                written.level(one.fpr),
            )
            for one in found.hits
        ),
        refused_x=x.at(first),
        refused=said if room > _LETTER * len(said) + 8.0 else "",
        x_ticks=x.ticks(written.level, room=60.0),
        y_ticks=y.ticks(written.level, room=36.0),
        description=_describe(found),
    )


def _steps(points: Points, first: float, x: LogAxis, y: LogAxis) -> str:
    """Return the curve from the rate ``first`` on.

    Rates are *at most*, so it is a step between scores; where members and non-members tie it
    slants, as the area counts ties half.
    """
    places = [(first, _until(points, first))]
    for (f0, t0), (f1, t1) in pairwise(points):
        if f1 < first:
            continue
        start = max(f0, first)
        if f1 > start and t1 > t0:
            ratio = (f1 / start) ** (1.0 / _SAMPLES)
            along = [start * ratio**i for i in range(1, _SAMPLES)]
            places += [(one, t0 + (t1 - t0) * (one - f0) / (f1 - f0)) for one in along]
        places.append((f1, t1))
    return path_through([(x.at(f), y.at(t)) for f, t in places])


def _until(points: Points, rate: float) -> float:
    """Return the TPR just before a rate."""
    before, after = next(pair for pair in pairwise(points) if pair[1][0] >= rate)
    run = after[0] - before[0]
    share = (rate - before[0]) / run if run else 0.0
    return before[1] + share * (after[1] - before[1])


def _band(found: Separation, x: LogAxis, y: LogAxis) -> str:
    upper = [(x.at(one.fpr), y.at(one.high)) for one in found.band]
    lower = [(x.at(one.fpr), y.at(one.low)) for one in found.band]
    return path_through([*upper, (x.at(1.0), y.at(1.0)), *reversed(lower)]) + "Z" if upper else ""


def _describe(found: Separation) -> str:
    """Say what the picture shows to those who cannot see it."""
    told = [
        f"At a false positive rate of at most {written.level(one.fpr)}, {written.in_full(one.tpr)} "
        "of the members are hit."
        for one in found.hits
    ]
    refused = [
        f"{written.level(one)}: {written.thousands(found.non_members)} non-members are too few to "
        "tell."
        for one in found.refused
    ]
    area = f"Area under the curve {found.auc.value:.3f}; without a trace it is one half."
    return " ".join([area, *told, *refused])
