"""Where the curves of the tail chart stand, in pixels: chance beside the synthetic images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spolia.core.chance import Chance, Strangers
from spolia.report import format as written
from spolia.report.axes import Axes, Tick, x_ticks

_LEFT, _RIGHT, _TOP, _PLOT, _BOTTOM = 52.0, 10.0, 28.0, 220.0, 44.0


@dataclass(frozen=True, kw_only=True)
class TailChart(Axes):
    """Shares that reach a similarity, on a logarithmic scale."""

    counted: str
    """Path of the share of strangers, where it is counted."""
    extrapolated: str
    """Path of it beyond; empty without a fit."""
    seen: tuple[tuple[float, float], ...]
    """Points of the share of strangers where few are left to count."""
    band: str
    """Path around its 95 % interval."""
    synthetic: str
    """Path of the share of synthetic images."""
    threshold_x: float | None
    """Where the fit begins."""


def draw_tail(strangers: Strangers, images: int, *, width: float) -> TailChart | None:
    """Return the geometry of the chart on ``width`` pixels; ``None`` where there is no curve.

    Parameters
    ----------
    images
        Synthetic images in all.
    width
        In pixels, above 100.

    Examples
    --------
    >>> draw_tail(Strangers(2, 1, 4, (), (), 0, None, None, (), ()), 2, width=720) is None
    True
    """
    curve = strangers.curve
    if len(curve) < 2 or curve[-1].similarity <= curve[0].similarity:
        return None
    place = _Place.holding(curve, images, width)
    fit = strangers.fit
    known = [one for one in curve if one.basis == "counted" and one.p > 0.0]
    beyond = [one for one in curve if one.basis != "counted"]
    return TailChart(
        width=width,
        height=_TOP + _PLOT + _BOTTOM,
        left=_LEFT,
        right=width - _RIGHT,
        top=_TOP,
        bottom=_TOP + _PLOT,
        counted=place.path([(one.similarity, one.p) for one in known]),
        # Joined to the last that is counted, so that the line does not break.
        extrapolated=place.path([(one.similarity, one.p) for one in known[-1:] + beyond])
        if beyond
        else "",
        seen=tuple(
            (round(place.x(one.similarity), 1), round(place.y(one.seen / strangers.draws), 1))
            for one in beyond
            if one.seen
        ),
        band=place.path(
            [(one.similarity, one.high) for one in curve]
            + [(one.similarity, one.low) for one in reversed(curve)]
        )
        + "Z",
        synthetic=place.path(
            [(one.similarity, one.images / images) for one in curve if one.images]
        ),
        x_ticks=x_ticks(place.low, place.high, place.scale, width, left=_LEFT),
        y_ticks=place.y_ticks(),
        threshold_x=None if fit is None else round(place.x(fit.threshold), 1),
        description=_describe(strangers, images),
    )


@dataclass(frozen=True)
class _Place:
    """Similarity to the right, the logarithm of a share upward."""

    low: float
    high: float
    scale: float
    powers: int
    """The lowest share shown is 10 to the minus this."""

    @classmethod
    def holding(cls, curve: Sequence[Chance], images: int, width: float) -> "_Place":
        low, high = curve[0].similarity, curve[-1].similarity
        least = min([1.0 / images, *(one.p for one in curve if one.p > 0.0)])
        scale = (width - _RIGHT - _LEFT) / (high - low)
        return cls(low, high, scale, max(1, math.ceil(-math.log10(least) - 1e-9)))

    def x(self, similarity: float) -> float:
        return _LEFT + (similarity - self.low) * self.scale

    def y(self, share: float) -> float:
        down = -math.log10(share) if share > 0.0 else math.inf
        return _TOP + _PLOT * min(down / self.powers, 1.0)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        places = [f"{self.x(at):.1f} {self.y(share):.1f}" for at, share in points]
        return f"M{'L'.join(places)}" if places else ""

    def y_ticks(self) -> tuple[Tick, ...]:
        step = math.ceil(self.powers / 6)
        return tuple(
            Tick(round(self.y(10.0**-k), 1), written.level(10.0**-k))
            for k in range(0, self.powers + 1, step)
        )


def _describe(strangers: Strangers, images: int) -> str:
    """Say what the picture shows to those who cannot see it."""
    first, last = strangers.curve[0], strangers.curve[-1]
    said = (
        f"Share of {written.thousands(strangers.draws)} strangers and of "
        f"{written.thousands(images)} synthetic images whose best match reaches a similarity, from "
        f"{written.similarity(first.similarity)} to {written.similarity(last.similarity)}."
    )
    if strangers.fit is None:
        return said + " Nothing is extrapolated."
    return said + f" Extrapolated above {written.similarity(strangers.fit.threshold)}."
