"""What an audit says: rates that never travel alone, and the summary every report is made of."""

from dataclasses import dataclass
from typing import Literal

from spolia.core.chance import Strangers
from spolia.core.counting import Counting
from spolia.core.hits import Kinds
from spolia.core.instruments import Instruments
from spolia.core.rates import Rate

SCHEMA = "spolia-report/3"
"""Version of `Summary` as JSON (``report.json``); grows when a field changes its meaning."""

Outcome = Literal["leak", "none", "inconclusive", "no verdict"]

EXIT_CODES: dict[Outcome, int] = {"none": 0, "leak": 1, "inconclusive": 4, "no verdict": 4}
"""What the command line returns for each outcome (2 is a usage error, 3 a failure)."""

LEAN_LEVEL = 0.01
"""Level of the test of the set as a whole: under it, a set without findings is inconclusive, not
clean."""

MOST_UNSEEN = 0.5
"""A set of which more than this share could be leaks unseen is inconclusive, not clean."""

Kind = Literal["copy", "identity", "unknown"]
"""What an embedder can tell: the same *photo*, or the same *person*."""


@dataclass(frozen=True)
class Compared:
    """A rate on the training side and, beside it, the same rate on the control."""

    train: Rate
    control: Rate
    unit: str
    """What ``n`` counts, e.g. ``identities``."""


@dataclass(frozen=True)
class Lean:
    """The set-level test: is the synthetic set as a whole closer to train than to control?"""

    share: Rate
    """Share of synthetic images closer to train than to control."""
    expected: float
    """That share where nothing leaked: |train| / (|train| + |control|)."""
    p: float
    """One-sided p-value; an upper bound where it is below 1e-10."""
    unseen: float
    """Upper 95 % bound on the share of leaked records, if a leak is always closer to train.

    1 where the set is closer to control than the bound's model allows: then nothing is excluded.
    """


@dataclass(frozen=True)
class NegativeControl:
    """The same decision with one half of the control playing train; it must find nothing."""

    found: int
    n: int
    """Identities in the half that plays train."""
    p: float
    """p-value of the set-level test on the halves."""
    passed: bool | None
    """Did it find nothing? ``None``: its halves are too small to find anything."""
    fdr: float
    """The rate it was asked for: 1 % at most, so that chance seldom fails it."""


@dataclass(frozen=True)
class Rule:
    """How it was estimated how many of the named are false."""

    borrowed: bool
    """Whether strangers in train and control were counted beside the control."""
    reason: str | None
    """Why they were not."""
    odds: float
    """Train identities without a leak for each score counted."""
    asked: int
    """Identities of train and control whose closest stranger was searched."""
    floor: float | None
    """Score (or similarity) above which strangers count."""
    control: int | None
    """Control scores at or above the floor."""
    background: int | None
    """Pairs of strangers above the floor."""
    trend_p: float | None
    """p-value of the test that the control falls off as strangers do, or faster."""


@dataclass(frozen=True)
class BoundPoint:
    """What can be said if everybody at a score or above it is named."""

    score: float
    named: int
    expected_false: float
    """False ones among them, on average."""
    false_at_most: int
    """95 % bound on the false ones, which holds for all points together."""


@dataclass(frozen=True)
class Level:
    """What the same rule names at another false discovery rate."""

    fdr: float
    named: int
    """Training identities."""
    control: int
    """Control identities that score as high as the lowest named; 0 where none is."""


@dataclass(frozen=True)
class Power:
    """How few leaks of one strength this audit would have seen, by planting them."""

    strength: str
    planted: int
    """Identities planted at most; more were not tried."""
    seen_80: int | None
    """Leaked identities from which on at least one is named with probability .8; ``None``: more
    than ``planted``."""
    seen_95: int | None
    named_share: float
    """Share of the planted that are named where all are planted."""


@dataclass(frozen=True)
class Symmetry:
    """The less similar half of the synthetic images, where leaks do not show: won by chance?"""

    share: Rate
    """Share of it that is closer to train than to control."""
    expected: float
    p: float
    """Two-sided."""


Scale = Literal["score", "similarity"]
"""What is compared: standard scores by an embedder of identities, plain similarities by others, and
where there is no control."""


@dataclass(frozen=True)
class Distribution:
    """Histogram of the best score (or similarity) of every synthetic image."""

    edges: tuple[float, ...]
    train: tuple[int, ...]
    control: tuple[int, ...]
    """Empty without a control."""
    top_lines: tuple[tuple[int, float], ...]
    """``(k, value of the k-th best synthetic image against train)``."""
    scale: Scale = "score"


@dataclass(frozen=True)
class SetSummary:
    """One of the three sets: what came in, what could be used."""

    role: str
    records: int
    identities: int
    identities_known: bool
    unreadable: int
    blank: int
    """Records without any structure (a zero row): similar to nothing."""
    fingerprint: str
    """Digest of the content, the same wherever the set lies."""
    no_face: int = 0
    """Images that can be read, but show no face that counts; not among ``unreadable``."""


@dataclass(frozen=True)
class ModelSummary:
    """The judge: which embedder compared the images, and under which licence it may be used."""

    name: str
    kind: Kind
    licence: str
    commercial: bool | None
    """May it be used commercially? ``None``: not known."""
    source: str
    trained_on: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True)
class Summary:
    """An audit in numbers: no image, no path, no name, so that it can be published as it is."""

    schema: str
    version: str
    outcome: Outcome
    exit_code: int
    sentence: str
    """The verdict in one sentence, with n and interval."""
    notes: tuple[str, ...]
    """Warnings and self-checks a reader must know before quoting the sentence."""
    fdr: float
    """The asked false discovery rate."""
    seed: int
    ratio: float | None
    """|control| / |train| as used by the correction: the smaller of records and identities."""
    smallest: int | None
    """The smallest number of exposed identities this audit can name at ``fdr``."""
    threshold: float | None
    """Score (or similarity, see ``distribution.scale``) from which a training identity counts as
    found; ``None`` if none was."""
    rule: Rule | None
    named_any_dependence: int | None
    """Identities that are named if nothing is known of how they depend on each other."""
    curve: tuple[BoundPoint, ...]
    """From the highest score down; empty without a control."""
    levels: tuple[Level, ...]
    """At 1, 5, 10 and 20 % and the asked rate, the strictest first; empty without a control."""
    exposed: Compared | None
    """Training identities found again, beside control identities at the same similarity.

    Where none is found, ``train.high`` bounds the share that can be exposed and not found, and
    the control's are those that the same rule finds with the roles exchanged.
    """
    flagged: Compared | None
    """Synthetic images that show one, beside those closest to a control identity; as above."""
    lean: Lean | None
    negative_control: NegativeControl | None
    symmetry: Symmetry | None
    power: tuple[Power, ...]
    """By strength, from strong to faint; empty without a control."""
    distribution: Distribution
    sets: tuple[SetSummary, ...]
    model: ModelSummary
    tested: tuple[str, ...]
    not_tested: tuple[str, ...]
    packages: tuple[tuple[str, str], ...]
    """Name and version of the packages on which a number may depend."""
    strangers: Strangers | None = None
    """What chance does inside train; ``None`` where train has a single identity."""
    kinds: Kinds | None = None
    """What kind of hit the findings are; ``None`` where nothing was found."""
    counting: Counting | None = None
    instruments: Instruments | None = None
