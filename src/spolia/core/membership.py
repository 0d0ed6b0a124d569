"""How well scores tell members from non-members."""

from dataclasses import dataclass

from spolia.core.rates import Rate


@dataclass(frozen=True)
class Measure:
    """A number that is no count, with its interval."""

    value: float
    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True)
class Worth:
    """What a hit is worth where members are rare or common."""

    prior: float
    """Share of members among all who are asked about."""
    ppv: Measure
    """Share of members among the hits, at least: false positives are as frequent as allowed."""


@dataclass(frozen=True)
class Hits:
    """Members found where at most a given share of the non-members is."""

    fpr: float
    """Largest share of non-members that may be hit."""
    threshold: float
    """Hits score more than this."""
    tpr: Rate
    """Share of members hit."""
    false: Rate
    """Share of non-members hit."""
    worth: tuple[Worth, ...]


@dataclass(frozen=True)
class Separation:
    """How well scores tell members from non-members."""

    members: int
    """Identities."""
    non_members: int
    unit: str
    """What is scored: ``identities`` or ``photos``."""
    auc: Measure
    """How often a member scores more than a non-member, ties half."""
    ap: Measure
    """Average precision, with as many members as there are here."""
    hits: tuple[Hits, ...]
    refused: tuple[float, ...]
    """False positive rates under 1 / n, of which this many non-members can tell nothing."""
    curve: tuple[tuple[float, float], ...]
    """(FPR, TPR) where the ROC turns, from (0, 0) to (1, 1)."""
