"""What people said when they looked at pairs, and what follows from it."""

from dataclasses import dataclass
from typing import Literal

from spolia.core.rates import Rate

REVIEW_SCHEMA = "spolia-review/1"
"""Version of `Reviewed` as JSON (``review.json``)."""

Answer = Literal["same", "different", "unsure", "not comparable"]
"""What a reviewer says of a pair."""

ANSWERS: tuple[Answer, ...] = ("same", "different", "unsure", "not comparable")

Question = Literal["person", "photo"]
"""What is asked: do the two show the same person, or is one a copy of the other photo?"""

Mode = Literal["estimate", "triage"]
"""``estimate``: a random sample with known probabilities. ``triage``: the most telling first, from
which no rate may be computed."""


@dataclass(frozen=True)
class Answers:
    """How often each answer was given."""

    same: int
    different: int
    unsure: int
    not_comparable: int


@dataclass(frozen=True)
class Reviewer:
    """One reviewer, or all together; names stay inside the run folder."""

    name: str
    """``reviewer 1``, ``reviewer 2``, ..., or ``together``."""
    answers: Answers
    """Of the pairs of the sample, without those whose truth is known."""
    known_same: Rate | None
    """Share of the pairs known to be the same that were called so; ``None``: none answered."""
    known_different: Rate | None
    """Share of the pairs that cannot be the same that were called different."""


@dataclass(frozen=True)
class Stratum:
    """One part of the pairs from which the sample was drawn."""

    findings: bool
    """Whether its pairs are findings of the audit."""
    low: float
    """Its lowest similarity."""
    high: float
    population: int
    drawn: int
    answered: int
    """By all together; without those that are not comparable."""
    same: int
    unsure: int


@dataclass(frozen=True)
class Estimate:
    """A share of the pairs that show the same, from the sample."""

    population: int
    """Pairs it speaks of."""
    answered: int
    seen: Rate
    """As the reviewers answered, weighted by how the sample was drawn; ``n`` and ``count`` are
    those of the answered pairs."""
    corrected: Rate | None
    """Corrected for how the reviewers answered pairs whose truth is known; ``None`` where too few
    of them were answered, or answered no better than by chance."""


@dataclass(frozen=True)
class Agreed:
    """How far two reviewers say the same of the pairs both have seen."""

    first: str
    second: str
    agreed: Rate
    """Share of these pairs with the same answer."""
    kappa: float | None
    """Cohen's kappa; ``None`` where it is not defined."""


@dataclass(frozen=True)
class Reviewed:
    """A human review in numbers: no image, no name, so that it can be published as it is."""

    schema: str
    version: str
    question: Question
    reviewers: tuple[Reviewer, ...]
    """Each, and where there are several, all together."""
    strata: tuple[Stratum, ...]
    precision: Estimate | None
    """Share of the findings that show the same; ``None`` where none was answered."""
    leak_rate: Estimate | None
    """Share of the synthetic images whose training image shows the same."""
    agreement: tuple[Agreed, ...]
    alpha: float | None
    """Krippendorff's alpha for nominal answers; ``None`` with one reviewer or one answer."""
    disagreements: int
    """Pairs on which the reviewers differ and nobody has decided."""
    drawn: int
    """Pairs of the sample, without those whose truth is known."""
    answered: int
    triaged: Answers
    """Answers of the triage: no sample, and part of no rate."""
    notes: tuple[str, ...]
    """What to know before quoting a number."""
