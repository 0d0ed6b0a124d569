"""How two releases of a synthetic set compare."""

from dataclasses import dataclass
from typing import Literal

from spolia.core.rates import Bounded, Rate
from spolia.core.results import Outcome

DIFF_SCHEMA = "spolia-diff/1"
"""Version of `Diff` as JSON; grows when a field changes its meaning."""

Word = Literal["better", "worse", "cannot tell"]
"""What can be said of B against A."""

Question = Literal["exposed", "flagged", "closer to train"]
"""Which training identities are found again; which synthetic images show one; and whether the
synthetic set as a whole is closer to train than to control."""


@dataclass(frozen=True)
class Side:
    """One release's answer to a question."""

    train: Rate
    control: Rate | None
    """The same on the control; ``None`` where ``expected`` stands beside it."""
    expected: float | None
    """What it would be where nothing leaked."""


@dataclass(frozen=True)
class Change:
    """One question, answered by both releases."""

    question: Question
    unit: str
    """What ``n`` counts."""
    a: Side
    b: Side
    difference: Bounded
    """B's share less A's, -1 to 1; below 0 is better."""
    p: float | None
    """Exact two-sided p-value of no change; ``None`` where the two count different things."""
    word: Word


@dataclass(frozen=True)
class Exposed:
    """Training identities by what they are in A and in B; the same people are in both."""

    newly: int
    """Found in B and not in A."""
    no_longer: int
    """Found in A and not in B."""
    both: int
    neither: int


@dataclass(frozen=True)
class Names:
    """Who they are: personal."""

    newly: tuple[str, ...]
    no_longer: tuple[str, ...]
    both: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """One of the two runs."""

    outcome: Outcome
    images: int
    """Synthetic images that were compared."""
    fingerprint: str
    """Of the synthetic set."""
    version: str
    """Of spolia."""


@dataclass(frozen=True)
class Diff:
    """Two audits of the same train and control by the same judge, held against each other.

    Holds no image, no path, and, but for ``names``, no name.
    """

    schema: str
    version: str
    word: Word
    """That of the exposed identities."""
    sentence: str
    notes: tuple[str, ...]
    a: Release
    b: Release
    changes: tuple[Change, ...]
    exposed: Exposed
    names: Names | None
    """``None`` unless asked for."""
