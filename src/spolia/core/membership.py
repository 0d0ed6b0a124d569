"""Whose photos a generator was trained on, as a synthetic set betrays it."""

from dataclasses import dataclass
from typing import Literal

from spolia.core.instruments import Instruments
from spolia.core.rates import Bounded, Rate
from spolia.core.results import ModelSummary, Scale, SetSummary

IDENTITY_SCHEMA = "spolia-identity/1"
"""Version of `IdentitySummary` as JSON; grows when a field changes its meaning."""

Told = Literal["found", "not found", "cannot tell"]
"""What can be said: queries are named (or, without any, members score higher than non-members);
they are not; or there are too few non-members to name a single query."""

TOLD_CODES: dict[Told, int] = {"not found": 0, "found": 1, "cannot tell": 4}
"""What the command line returns."""


@dataclass(frozen=True)
class Worth:
    """What a hit is worth where members are rare or common."""

    prior: float
    """Share of members among all who are asked about."""
    ppv: Bounded
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
class Band:
    """The interval of the ROC at one false positive rate."""

    fpr: float
    low: float
    high: float


@dataclass(frozen=True)
class Separation:
    """How well scores tell members from non-members."""

    members: int
    """Identities."""
    non_members: int
    unit: str
    """What is scored: ``identities`` or ``photos``."""
    auc: Bounded
    """How often a member scores more than a non-member, ties half."""
    ap: Bounded
    """Average precision, with as many members as there are here."""
    hits: tuple[Hits, ...]
    refused: tuple[float, ...]
    """False positive rates under 1 / n, of which this many non-members can tell nothing."""
    curve: tuple[tuple[float, float], ...]
    """(FPR, TPR) where the ROC turns, from (0, 0) to (1, 1)."""
    band: tuple[Band, ...]
    """95 % interval of the TPR at some rates, each by itself, from 1 / n on; n non-members."""


@dataclass(frozen=True)
class Queried:
    """What is said of the people who are asked about."""

    named: Rate
    """Share of the queries that are named."""
    pool: int
    """Non-member identities, of which at least half stand beside each query."""
    smallest_p: float
    """The smallest p-value that these can give any query."""
    fewest: int | None
    """How few queries can be named together; null where none can be, however they score."""
    ranked: tuple[tuple[float, int], ...]
    """(p, queries that have it or less), ascending; of more than 200 values, 200."""


@dataclass(frozen=True)
class Portion:
    """How the photos of a set that were scored fall on its identities."""

    role: str
    photos: int
    identities: int
    single: int
    """Identities with one photo."""
    most: int
    """Photos of the identity with most."""
    in_train: int
    """Photos left out, because a training photo is their near-duplicate."""
    in_train_whole: int
    """Identities left out, because all their photos were."""


@dataclass(frozen=True)
class ScoreCounts:
    """How many identities of a set score in each bin."""

    role: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class ScoreHistogram:
    """How the identities of each set that was scored score."""

    scale: Scale
    """``score``: standard scores; ``similarity``: to the nearest sample. Means over photos."""
    edges: tuple[float, ...]
    """One more than bins."""
    sides: tuple[ScoreCounts, ...]


@dataclass(frozen=True)
class IdentitySummary:
    """Whether a synthetic set betrays whose photos its generator was trained on; no names."""

    schema: str
    version: str
    outcome: Told
    sentence: str
    notes: tuple[str, ...]
    fdr: float
    """Asked false discovery rate of the queries that are named."""
    seed: int
    duplicates: float | None
    """Similarity from which two photos count as one; null: not searched for."""
    any_judge: bool
    """Whether a judge that tells photos apart was allowed to tell persons apart."""
    sets: tuple[SetSummary, ...]
    """As they were given, less what could not be read."""
    compared: tuple[Portion, ...]
    model: ModelSummary
    identities: Separation | None
    """Members against non-members, a score an identity; null without members."""
    photos: Separation | None
    """The same with a score a photo; null where every identity has one."""
    queries: Queried | None
    """Null without queries."""
    scores: ScoreHistogram
    instruments: Instruments
    """What had a part in it beside the judge."""
    packages: tuple[tuple[str, str], ...]
    """Name and version of the packages on which a number may depend."""

    @property
    def exit_code(self) -> int:
        """What the command line returns."""
        return TOLD_CODES[self.outcome]
