"""What was counted, in which units, and what was left out."""

from dataclasses import dataclass

from spolia.core.rates import Rate


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
