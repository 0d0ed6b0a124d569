"""A rate never travels alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """A proportion with its interval.

    ``value`` = ``count`` / ``n``; ``low`` and ``high`` bound it at ``confidence`` (two-sided).
    """

    value: float
    low: float
    high: float
    n: int
    count: int
    confidence: float = 0.95


@dataclass(frozen=True)
class Bounded:
    """A number that is no count, with its interval."""

    value: float
    low: float
    high: float
    confidence: float = 0.95
