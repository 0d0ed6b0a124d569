"""Who of a labelled set is trained on, who is not, and with which photos they are asked about."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spolia.auditing.alike import Kept
from spolia.auditing.clustered import cluster
from spolia.auditing.sets import AuditSet, prepare
from spolia.auditing.split import photos_of
from spolia.auditing.sweep_plan import Sweep, SweepPlan
from spolia.core.errors import UsageError
from spolia.core.seeds import stream
from spolia.core.sweep import Setting
from spolia.core.types import Embeddings, Int64
from spolia.stats.splits import people_of


@dataclass(frozen=True, eq=False)
class People:
    """The people of a set and their different photos."""

    records: AuditSet
    photos: tuple[Int64, ...]
    """Of each person the records, near-duplicates once."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """The people of one model, in the order in which they are taken."""

    records: AuditSet
    members: tuple[Int64, ...]
    """Of each the records, those to ask with first."""
    others: tuple[Int64, ...]
    asked: int

    def trained(self, setting: Setting) -> Int64:
        """Return the records that are trained on; the first member is the one who is repeated."""
        own = [
            one[self.asked : self.asked + setting.photos]
            for one in self.members[: setting.identities]
        ]
        return np.concatenate([*[own[0]] * (setting.repeated - 1), *own])

    def beside(self, setting: Setting) -> Int64:
        """Return as many records of people who are not trained on, or as many as there are."""
        return np.concatenate(
            [
                one[self.asked : self.asked + setting.photos]
                for one in self.others[: setting.identities]
            ]
        )

    def set_of(self, role: str, people: Sequence[Int64]) -> AuditSet:
        """Return some people with the photos to ask with, named by their numbers."""
        rows = np.concatenate([one[: self.asked] for one in people])
        names = [f"{number:08d}" for number in range(len(people)) for _ in range(self.asked)]
        given = Embeddings(
            self.records.rows[rows], [self.records.ids[i] for i in rows.tolist()], names
        )
        return prepare(role, given, self.records.model, fingerprint="")


def people_in(records: AuditSet, threshold: float, kept: Kept) -> People:
    """Return the people of a set; identities that share a photo are one person.

    Raises
    ------
    UsageError
        If nearly all photos are alike.
    """
    photo = photos_of(cluster(records, threshold, kept))
    person = people_of(records.identity, photo)
    first = np.unique(photo, return_index=True)[1]
    first = first[np.argsort(person[first], kind="stable")]
    ends = np.searchsorted(person[first], np.arange(1, int(person.max()) + 1))
    return People(records, tuple(np.split(first, ends)))


def draw(people: People, sweep: Sweep, plan: SweepPlan, number: int) -> Drawn:
    """Draw the people of a model; those of one number are the same for all values.

    Raises
    ------
    UsageError
        If too few have as many photos.
    """
    most, rng = sweep.most, stream(plan.seed, "people", str(number))
    wanted = plan.asked + most.photos
    enough = [own for own in people.photos if own.size >= wanted]
    if len(enough) < plan.non_members + most.identities:
        raise UsageError(
            f"to vary {sweep.vary} it takes {plan.non_members + most.identities:,} people with "
            f"{wanted} different photos each ({most.identities:,} to train on, "
            f"{plan.non_members:,} besides), but of {len(people.photos):,} only {len(enough):,} "
            "have so many; take fewer identities, photos or non_members"
        )
    order = [rng.permutation(enough[i]) for i in rng.permutation(len(enough))]
    return Drawn(
        people.records,
        members=tuple(order[plan.non_members : plan.non_members + most.identities]),
        others=tuple(order[: plan.non_members]),
        asked=plan.asked,
    )
