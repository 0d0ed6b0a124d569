"""What an audit says: rates that never travel alone, and the summary every report is made of."""

from dataclasses import dataclass
from typing import Literal

SCHEMA = "spolia-report/2"
"""Version of `Summary` as JSON (``report.json``); grows when a field changes its meaning."""

Outcome = Literal["leak", "none", "inconclusive", "no verdict"]

EXIT_CODES: dict[Outcome, int] = {"none": 0, "leak": 1, "inconclusive": 4, "no verdict": 4}
"""What the command line returns for each outcome (2 is a usage error, 3 a failure)."""

Kind = Literal["copy", "identity", "unknown"]
"""What an embedder can tell: the same *photo*, or the same *person*."""

Basis = Literal["counted", "extrapolated", "beyond"]
"""How a probability is known: counted among strangers, extrapolated from their tail, or bounded
because it lies beyond what may be extrapolated."""

Hit = Literal["photo copy", "near duplicate", "same identity", "unresolved"]
"""What a finding is, the plainest leak first."""


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
    """p-value of the test that control and strangers fall off alike."""


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


@dataclass(frozen=True)
class Bars:
    """What a pair of images must pass to stand out from control pairs."""

    descriptor: float
    """Cosine of copy descriptors: more than this."""
    correlation: float
    """Normalised cross-correlation: more than this."""
    worst_tile: float
    """Normalised l2 of the worst tile: less than this."""


@dataclass(frozen=True)
class KindCount:
    """How many findings are of one kind."""

    kind: Hit
    findings: int
    identities: Rate
    """Exposed identities whose plainest finding is of this kind, among all exposed."""


@dataclass(frozen=True)
class Kinds:
    """What kind of hit the findings are, and what the same rules say of the control."""

    counts: tuple[KindCount, ...]
    """One for each `Hit`, in its order."""
    findings: int
    """Findings in all."""
    compared: int
    """Findings whose images were compared; the kind of the others rests on embeddings alone."""
    bars: Bars | None
    """What makes a copy here; ``None``: too few control pairs, or no images."""
    control_pairs: Rate | None
    """Control pairs that the rule would call a copy or near duplicate; ``None``: none compared."""
    look_alikes: Rate | None
    """Synthetic images nearest to control whose identity the rule would call the same; ``None``
    where the embedder does not tell identities."""


@dataclass(frozen=True)
class SetDuplicates:
    """Near-duplicates within one set: clusters in which every pair reaches the threshold."""

    role: str
    clusters: int
    """Clusters of two or more records."""
    records: int
    """Records in them."""
    largest: int
    """Records of the largest; 1 where there is none."""
    distinct: int
    """Records of the set, each cluster counted once."""


@dataclass(frozen=True)
class TwoNames:
    """Photos of train that are filed under two identities."""

    identities: Rate
    """Identities that share a photo, or nearly, with another."""
    pairs: int
    """Pairs of identities that do; at most 10,000 are counted."""


@dataclass(frozen=True)
class Candidates:
    """Pairs of identities that may be one person under two names; for a reviewer, no finding."""

    threshold: float
    """The lower quartile of the similarity of two photos under one name."""
    judged_by: int
    """Identities with two photos or more, which gave one pair each."""
    within: int
    """Pairs of train identities at or above it, among the 1,000 closest pairs of photos."""
    across: int | None
    """Pairs of a train and a control identity; ``None`` where there is no control."""


@dataclass(frozen=True)
class SharedControl:
    """The part of the control that was seen in training, as its near-duplicates in train show."""

    images: Rate
    """Control records with a near-duplicate in train."""
    identities: Rate
    """Control identities with such a record; all of their records are left out."""
    left_out: int
    """Control records left out with them."""


@dataclass(frozen=True)
class Duplicates:
    """What the search for near-duplicates found."""

    threshold: float
    sets: tuple[SetDuplicates, ...]
    shared: SharedControl | None
    """``None`` without a control."""
    two_names: TwoNames | None
    """``None`` where the identities of train are unknown."""
    candidates: Candidates | None
    """``None`` where the embedder knows no persons, or too few have two photos."""
    too_many: tuple[str, ...]
    """Searches given up because nearly everything is alike: ``train``, ``control``, ``across``."""


@dataclass(frozen=True)
class Excluded:
    """Records that were set aside before the audit, as asked."""

    role: str
    reason: str
    """``COLUMN=VALUE``, or ``list``."""
    records: int


@dataclass(frozen=True)
class Stratum:
    """One group of identities: how many, how many exposed, and what share of the exposed it has."""

    value: str
    identities: int
    """Training identities in it."""
    exposed: Rate | None
    """``None``: hidden because it is small, or because a small one would follow from it."""
    control: Rate | None
    """The same of control identities at the same similarity; ``None`` also where it has none."""
    share: Rate | None
    """Its share of the training images that are shown again; ``None``: hidden, or none is shown."""


@dataclass(frozen=True)
class Column:
    """Exposure by the values of one column."""

    name: str
    values: int
    """Distinct values in train."""
    strata: tuple[Stratum, ...]
    """Empty where there are too many values to be groups, or nothing was named."""


@dataclass(frozen=True)
class Measure:
    """One measure of quality, and how often each set is unusual in it."""

    name: str
    low: float
    high: float
    """The central 99.8 % of train and control."""
    outside: tuple[Rate, ...]
    """In the order of ``Quality.roles``: of train outside what is usual for control, of control
    outside what is usual for train (each of itself, where it is alone), of synthetic of both."""


@dataclass(frozen=True)
class Quality:
    """Are the sets comparable? Measured on a sample of each; nothing is left out for it."""

    roles: tuple[str, ...]
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Counting:
    """What was counted, what was not, and in which units."""

    excluded: tuple[Excluded, ...]
    duplicates: Duplicates | None
    """``None``: not searched for."""
    photos: tuple[Stratum, ...]
    """Exposure by the number of training images of an identity; empty where nothing was named."""
    columns: tuple[Column, ...]
    quality: Quality | None
    """``None``: not measured, for want of images."""


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
    strangers: Strangers | None = None
    """What chance does inside train; ``None`` where train has a single identity."""
    kinds: Kinds | None = None
    """What kind of hit the findings are; ``None`` where nothing was found."""
    counting: Counting | None = None
