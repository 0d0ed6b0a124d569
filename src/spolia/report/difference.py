"""How a difference of two shares is written."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from spolia.core.rates import Bounded
from spolia.report.format import level

_MOST_DIGITS = -3
"""Exponent of the finest percentage point that is written."""


def difference_in_full(one: Bounded) -> str:
    r"""Return a difference in percentage points with its interval, rounded outward.

    >>> difference_in_full(Bounded(0.04213, 0.0304, 0.0562))
    '+4.2 percentage points, 95\xa0% interval +3.0 to +5.7'
    >>> difference_in_full(Bounded(-0.0004, -0.0009, 0.0))
    '−0.040 percentage points, 95\xa0% interval −0.090 to 0'
    """
    largest = max(abs(Decimal(repr(end))) for end in (one.value, one.low, one.high)) * 100
    finest = min(-1, largest.adjusted() - 1) if largest else -1
    quantum = Decimal(1).scaleb(max(finest, _MOST_DIGITS))
    value = _points(one.value, quantum, ROUND_HALF_EVEN)
    low = _points(one.low, quantum, ROUND_FLOOR)
    high = _points(one.high, quantum, ROUND_CEILING)
    return f"{value} percentage points, {level(one.confidence)} interval {low} to {high}"


def _points(share: float, quantum: Decimal, rounding: str) -> str:
    points = (Decimal(repr(share)) * 100).quantize(quantum, rounding=rounding)
    return f"{points:+f}".replace("-", "−") if points else "0"
