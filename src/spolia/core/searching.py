"""Whether somebody stands out in a synthetic set, and what is nearest to their photos."""

from dataclasses import dataclass

from spolia.core.membership import TOLD_CODES, Queried, Told
from spolia.core.results import ModelSummary, SetSummary

SEARCH_SCHEMA = "spolia-search/1"
"""Version of `SearchSummary` as JSON; grows when a field changes its meaning."""


@dataclass(frozen=True)
class Near:
    """A record of the searched set that is near to a photo."""

    id: str
    identity: str | None
    """Null where identities are not known."""
    similarity: float
    photo: str
    """Id of the photo that it is nearest to."""
    copy: bool
    """Whether the two count as one photo."""


@dataclass(frozen=True)
class Person:
    """One person beside non-members."""

    p: float
    """How likely a non-member scores as high."""
    score: float
    """Mean over the photos of the similarity to the nearest record."""
    compared: int
    """Photos that p is from."""
    beside: int
    """Non-members with as many photos, who were compared."""


@dataclass(frozen=True)
class Usual:
    """How near the records of the searched set are to each other: no p-value follows from it."""

    records: int
    """Of the set, evenly spaced, each compared with all others of other identities."""
    median: float
    """Similarity to the nearest of them."""
    as_near: int
    """Records whose nearest is as near as the nearest of all is to a photo."""


@dataclass(frozen=True)
class Answer:
    """What is said of those who are asked about in one set."""

    set: str
    """``synthetic`` or ``train``."""
    outcome: Told
    sentence: str
    asked: Queried | None
    """Null where there are no non-members to compare with, or the judge tells no persons."""
    person: Person | None
    """Where one person is asked about, and ``asked`` is not null."""
    copies: int
    """Photos that have a near-duplicate in the set."""
    nearest: tuple[Near, ...]
    """Where one person is asked about: the nearest records, nearest first."""
    usual: Usual | None
    """Where one person is asked about and there are no non-members."""


@dataclass(frozen=True)
class LeftOut:
    """What plays no part in a p-value."""

    twice: int
    """Photos that are near-duplicates of another of the same person."""
    asked: int
    """Non-members left out, because a photo of theirs is one that is asked with."""
    in_train: int
    """Non-members left out, because they are in train, by a near-duplicate or by name."""


@dataclass(frozen=True)
class SearchSummary:
    """Who stands out in a synthetic set. It is about people and names records: private."""

    schema: str
    version: str
    outcome: Told
    """Of the synthetic set."""
    sentence: str
    notes: tuple[str, ...]
    level: float
    """A person stands out at a p-value of at most this; of several, at this false discovery
    rate."""
    seed: int
    duplicates: float | None
    """Similarity from which two photos count as one; null: not searched for."""
    any_judge: bool
    people: int | None
    """Who is asked about, less those of whom no photo can be used; null: one person."""
    photos: int
    """Photos that are asked with."""
    left_out: LeftOut
    sets: tuple[SetSummary, ...]
    """As they were given, less what could not be read; the photos are ``queries``."""
    model: ModelSummary | None
    """Null where no photo can be used."""
    answers: tuple[Answer, ...]
    """For the synthetic set and, where it is at hand, for train; empty where no photo can be
    used."""

    @property
    def exit_code(self) -> int:
        """What the command line returns."""
        return TOLD_CODES[self.outcome]
