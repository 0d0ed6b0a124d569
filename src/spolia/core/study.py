"""What a study says: several synthetic sets, several judges, one audit for each pair of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from spolia.core.rates import Rate
from spolia.core.results import (
    Compared,
    Lean,
    ModelSummary,
    NegativeControl,
    Outcome,
    SetSummary,
)

STUDY_SCHEMA = "spolia-study/1"
"""Version of `StudySummary` as JSON (``report.json`` of a study)."""

WORST_FIRST: tuple[Outcome, ...] = ("leak", "inconclusive", "no verdict", "none")
"""The outcome of several audits is the first of these that one of them has."""


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome of several audits; at least one.

    >>> worst(["none", "leak", "inconclusive"]), worst(["none", "inconclusive"])
    ('leak', 'inconclusive')
    """
    return min(outcomes, key=WORST_FIRST.index)


@dataclass(frozen=True)
class Cell:
    """One audit of a study: one synthetic set under one judge, at the asked rate."""

    judge: str
    outcome: Outcome
    exit_code: int
    sentence: str
    exposed: Compared | None
    flagged: Compared | None
    lean: Lean | None
    negative_control: NegativeControl | None
    sets: tuple[SetSummary, ...]


@dataclass(frozen=True)
class Agreement:
    """How far two judges name the same training identities of one set."""

    first: str
    second: str
    both: int
    only_first: int
    only_second: int
    jaccard: Rate | None
    """``both`` of those that either names; ``None`` where neither names any."""


@dataclass(frozen=True)
class NamedBy:
    """How many training identities exactly these judges name, each by itself."""

    judges: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Together:
    """What several judges say together of one set."""

    exposed: Compared
    """Training identities named by the joint score at the asked rate, beside the control identities
    with as high a score."""
    any_judge: Rate
    """Training identities that some judge names at the asked rate divided by the number of judges:
    a rate that holds whatever the dependence between the judges."""
    named_by: tuple[NamedBy, ...]
    """By which judges, each at the asked rate; the most judges first."""
    by_all: int
    by_some: int
    """Named by at least one judge and not by all."""
    agreement: tuple[Agreement, ...]
    """Every two judges."""


@dataclass(frozen=True)
class StudiedSet:
    """One synthetic set of a study under all its judges."""

    name: str
    outcome: Outcome
    exit_code: int
    sentence: str
    cells: tuple[Cell, ...]
    together: Together | None
    """``None`` with a single judge, or without a control."""


@dataclass(frozen=True)
class Judge:
    """An embedder of a study under the name the study gives it."""

    name: str
    model: ModelSummary


@dataclass(frozen=True)
class StudySummary:
    """A study in numbers: no image, no path, no id; of names, those of its sets and judges."""

    schema: str
    version: str
    outcome: Outcome
    exit_code: int
    sentence: str
    notes: tuple[str, ...]
    fdr: float
    seed: int
    judges: tuple[Judge, ...]
    sets: tuple[StudiedSet, ...]
