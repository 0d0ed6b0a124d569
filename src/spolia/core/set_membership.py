"""What set-only membership and copy metrics say of a synthetic set, one beside the other."""

from dataclasses import dataclass
from typing import Literal

from spolia.core.membership import Separation
from spolia.core.rates import Bounded, Rate
from spolia.core.results import ModelSummary, SetSummary

MEMBERSHIP_SCHEMA = "spolia-membership/1"
"""Version of `SetMembership` as JSON; grows when a field changes its meaning."""

Seen = Literal["sees a leak", "sees none", "blind here"]
"""What a method says: blind where it would not have seen planted copies either."""

Leaning = Literal["leak", "none", "inconclusive"]
"""What all methods say: inconclusive where all are blind, or too few identities are there."""

MEMBERSHIP_CODES: dict[Leaning, int] = {"none": 0, "leak": 1, "inconclusive": 4}
"""What the command line returns."""


@dataclass(frozen=True)
class SeenFrom:
    """From which planted leak on a method sees it."""

    strength: str
    """What was planted: ``exact copy``, or a faint one."""
    share: float | None
    """Smallest planted share of the synthetic set from which all are seen; null: none is."""


@dataclass(frozen=True)
class Method:
    """One method: what it measures, and the same on what was held out."""

    name: str
    paper: str
    measure: str
    """What ``value`` is: ``AUC``, ``share of samples``, ``C_T``, ..."""
    value: Bounded
    """With train, up is more of a leak; 95 % interval."""
    control: Bounded
    """The same with what was held out in the place of train."""
    excess: Bounded
    """How much more it is with train."""
    spread: float
    """Standard deviation of the excess when train and held-out identities change places."""
    p: float
    """How often chance gives as much, by such exchange."""
    p_adjusted: float
    """Corrected for all methods (Holm)."""
    verdict: Seen
    reason: str | None
    """Why it is blind, as far as that was measured."""
    planted: tuple[SeenFrom, ...]
    """Empty where nothing was planted."""
    separation: Separation | None
    """Of a score of records: train against held-out; null for a metric of the whole set."""


@dataclass(frozen=True)
class Concord:
    """How far two methods agree."""

    first: str
    second: str
    correlation: Bounded | None
    """Spearman's, over the train records; null for metrics of synthetic records."""
    top: Rate | None
    """Of the records that either puts on top (or flags), the share that both do; null if none."""


@dataclass(frozen=True)
class Used:
    """What was left of a set to be compared."""

    role: str
    """``train``, ``held-out`` or ``reference``."""
    given: int
    """Records of the set it was taken from."""
    near_duplicates: int
    """Records that left, because another of their cluster stands for them."""
    shared: int
    """Records that left, because they, or their identity, are in train too."""
    surplus: int
    """Records that left, because an identity enters with as many as most on both sides have."""
    records: int
    identities: int


@dataclass(frozen=True)
class SetMembership:
    """What set-only methods say of a synthetic set; no names."""

    schema: str
    version: str
    outcome: Leaning
    sentence: str
    notes: tuple[str, ...]
    level: float
    """Largest chance that any method sees a leak where there is none."""
    seed: int
    exchanges: int
    """How often identities changed places."""
    duplicates: float | None
    """Similarity from which two records count as one; null: not searched for."""
    reference: str
    """Where the reference comes from: ``given``, or ``half of control``."""
    sets: tuple[SetSummary, ...]
    """As they were given, less what could not be read."""
    used: tuple[Used, ...]
    compared: int
    """Identities of train, and as many held-out ones, between which whole sets are compared."""
    synthetic: int
    """Synthetic records compared."""
    model: ModelSummary
    methods: tuple[Method, ...]
    """Empty where too few identities are there."""
    concord: tuple[Concord, ...]
    packages: tuple[tuple[str, str], ...]
    """Name and version of the packages on which a number may depend."""

    @property
    def exit_code(self) -> int:
        """What the command line returns."""
        return MEMBERSHIP_CODES[self.outcome]
