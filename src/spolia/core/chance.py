"""What strangers inside train say about chance."""

from dataclasses import dataclass
from typing import Literal

from spolia.core.rates import Rate

Basis = Literal["counted", "extrapolated", "beyond"]
"""How a probability is known: counted among strangers, extrapolated from their tail, or bounded
because it lies beyond what may be extrapolated."""


@dataclass(frozen=True)
class FalseMatch:
    """A false match rate (FMR) of the matcher between strangers of train, and its threshold."""

    level: float
    """The rate that was asked for."""
    threshold: float
    """The lowest similarity, of those on a fine grid, with at most this rate."""
    rate: Rate
    """The rate there; n counts pairs, the interval knows that pairs share identities."""
    certain: bool
    """Does it rest on at least 30 false matches?"""
    to_train: int
    """Synthetic images at least this similar to a training image."""
    to_control: int | None
    """The same to a control image; ``None`` without a control."""


@dataclass(frozen=True)
class Chance:
    """How many synthetic images reach a similarity, beside how many would if nothing leaked."""

    similarity: float
    images: int
    """Synthetic images at or above it."""
    seen: int
    """Strangers at or above it."""
    p: float
    """Probability that the best match of one stranger reaches it, with its 95 % interval."""
    low: float
    high: float
    expected: float
    """``p`` times the number of synthetic images, with its 95 % interval."""
    expected_low: float
    expected_high: float
    basis: Basis
    """How ``p`` is known; for ``beyond`` it is an upper bound."""


@dataclass(frozen=True)
class TailFit:
    """The extreme-value tail by which p is extrapolated: generalised Pareto."""

    threshold: float
    exceedances: int
    """Strangers above the threshold."""
    clusters: int
    """Groups of them that belong together, such as two that are each other's best match."""
    shape: float
    scale: float
    fit_p: float
    """Goodness of fit (Anderson-Darling); small: it does not fit."""


@dataclass(frozen=True)
class Strangers:
    """What strangers inside train say about chance. An indication; no verdict rests on it."""

    identities: int
    """Train identities of which one image each was compared with each other's."""
    pairs: int
    """Such pairs."""
    compared: int
    """Pairs of a synthetic and a training image that the audit compared."""
    matching: tuple[FalseMatch, ...]
    refused: tuple[float, ...]
    """Rates that were asked for, but lie under 3 / ``pairs``."""
    draws: int
    """Train identities whose best match among the others is known; 0 with a control."""
    above_median: Rate | None
    """Share of synthetic images above the median stranger; 1/2 if p may be used for them."""
    fit: TailFit | None
    chances: tuple[Chance, ...]
    """At the similarities of the best synthetic images."""
    curve: tuple[Chance, ...]
    """At even steps of similarity, as drawn in the report."""
