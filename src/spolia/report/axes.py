"""The frame that all charts stand in, in pixels, and round marks along it."""

import math
from dataclasses import dataclass

WIDTHS = (("wide", 720.0), ("narrow", 350.0))
"""Charts are drawn twice: letters that are scaled down to a phone cannot be read."""


@dataclass(frozen=True)
class Tick:
    """A mark of an axis."""

    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Where the plot stands in its picture, its marks, and what it shows in words."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    description: str
    """For those who cannot see it."""


def x_ticks(
    low: float, high: float, scale: float, width: float, *, left: float
) -> tuple[Tick, ...]:
    """Return round marks from ``low`` to ``high``, ``scale`` pixels to a unit from ``left`` on.

    >>> [tick.label for tick in x_ticks(-0.3, 0.7, 300.0, 300.0, left=0.0)]
    ['−0.2', '0.0', '0.2', '0.4', '0.6']
    """
    step = _nice((high - low) / max(2.0, width / 60.0))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step), math.floor(high / step)
    return tuple(
        Tick(
            round(left + (i * step - low) * scale, 1),
            # "+ 0.0" turns a negative zero into zero.
            f"{i * step + 0.0:.{digits}f}".replace("-", "−"),
        )
        for i in range(first, last + 1)
    )


def _nice(step: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is at least ``step``."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * one for one in (1, 2, 5, 10) if power * one >= step * (1 - 1e-9))
