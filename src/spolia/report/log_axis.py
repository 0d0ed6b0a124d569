"""A logarithmic axis, in pixels."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from spolia.report.axes import Tick


@dataclass(frozen=True)
class LogAxis:
    """Values from ``low`` to ``high``, both over 0, between two places; beyond them at the ends.

    >>> axis = LogAxis(0.01, 1.0, 100.0, 300.0)
    >>> [axis.at(value) for value in (0.0, 0.01, 0.1, 1.0, 2.0)]
    [100.0, 100.0, 200.0, 300.0, 300.0]
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value stands."""
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return round(self.start + (self.end - self.start) * min(share, 1.0), 1)

    def ticks(self, label: Callable[[float], str], *, room: float) -> tuple[Tick, ...]:
        """Return marks at powers of ten, of which each needs ``room`` pixels.

        >>> [one.label for one in LogAxis(0.001, 1.0, 0.0, 300.0).ticks(str, room=60.0)]
        ['0.001', '0.01', '0.1', '1.0']
        """
        first, last = round(math.log10(self.low)), round(math.log10(self.high))
        length = abs(self.end - self.start)
        step = max(1, math.ceil((last - first) * room / length))
        powers = (10.0**power for power in range(first, last + 1, step))
        return tuple(Tick(self.at(power), label(power)) for power in powers)


def power_under(value: float) -> float:
    """Return the largest power of ten that is no larger than ``value``.

    >>> power_under(0.02), power_under(0.01), power_under(1.0)
    (0.01, 0.01, 1.0)
    """
    return float(10.0 ** math.floor(math.log10(value) + 1e-9))


def path_through(places: list[tuple[float, float]], *, step: float = 0.5) -> str:
    """Return places as the path of a line, without those that move it by less than ``step``.

    >>> path_through([(0.0, 0.0), (0.1, 0.0), (5.0, 0.0)])
    'M0.0 0.0L5.0 0.0'
    """
    kept = places[:1]
    for x, y in places[1:]:
        if abs(x - kept[-1][0]) >= step or abs(y - kept[-1][1]) >= step:
            kept.append((x, y))
    if places and kept[-1] != places[-1]:
        kept.append(places[-1])
    return "M" + "L".join(f"{x} {y}" for x, y in kept) if kept else ""
