"""Train, what was held out, and a reference: near-duplicates once, and treated alike."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spolia.auditing.clustered import Clustered
from spolia.auditing.duplicates import find_duplicates
from spolia.auditing.exclude import keep
from spolia.auditing.identity_scores import nearest
from spolia.auditing.options import Options
from spolia.auditing.sets import AuditSet
from spolia.core.errors import UsageError
from spolia.core.progress import Progress
from spolia.core.seeds import stream
from spolia.core.set_membership import Used
from spolia.core.types import Int64

LEAST = 20
"""Identities of each that are needed to say anything."""


@dataclass(frozen=True, eq=False)
class Sides:
    """The sets that are compared with the synthetic one."""

    train: AuditSet
    held_out: AuditSet
    reference: AuditSet
    used: tuple[Used, ...]

    @property
    def too_few(self) -> bool:
        """Whether nothing can be said."""
        sets = (self.train, self.held_out, self.reference)
        return min(len(one.identities) for one in sets) < LEAST


@dataclass(frozen=True, eq=False)
class _Left:
    """What is left of a set, and how much left it."""

    one: AuditSet
    given: int
    near_duplicates: int = 0
    shared: int = 0


def sides_of(
    folder: Path,
    sets: dict[str, AuditSet],
    threshold: float | None,
    seed: int,
    options: Options,
    progress: Progress,
) -> Sides:
    """Return train, held-out and reference, without what would blind or mislead the methods.

    Of each cluster of near-duplicates one record stays. What is in train too leaves the others,
    and what is held out leaves the reference. Without a reference, half of the control's
    identities, drawn by the seed, are it. An identity enters with at most as many records as half
    of the identities on both sides have.

    Raises
    ------
    UsageError
        If nothing of a set is left.
    """
    judged = {role: one for role, one in sets.items() if role != "synthetic"}
    found = find_duplicates(folder, sets, threshold, options, progress)
    left = {
        role: _first_of_clusters(one, found.sets[role], found.clusters.get(role))
        for role, one in judged.items()
    }
    train = left["train"].one
    control = _without_names(left["control"], [train])
    if "reference" in left:
        others = [train, control.one]
        reference = _without_names(left["reference"], others)
        reference = _without_near(reference, others, threshold, options, progress)
        held_out = control
    else:
        reference, held_out = _halves(control, seed)
    most = min(_usual(train), _usual(held_out.one))
    parts = {"train": left["train"], "held-out": held_out, "reference": reference}
    capped = {role: _capped(part.one, most, seed) for role, part in parts.items()}
    used = tuple(
        Used(
            role=role,
            given=part.given,
            near_duplicates=part.near_duplicates,
            shared=part.shared,
            surplus=len(part.one) - len(capped[role]),
            records=len(capped[role]),
            identities=len(capped[role].identities),
        )
        for role, part in parts.items()
    )
    return Sides(capped["train"], capped["held-out"], capped["reference"], used)


def _first_of_clusters(given: AuditSet, merged: AuditSet, clustered: Clustered | None) -> _Left:
    """Return the first record of every cluster, of those that were not seen in train."""
    if clustered is None:
        return _Left(merged, len(given))
    stay = set(merged.ids)
    rows = np.array([i for i, name in enumerate(given.ids) if name in stay], dtype=np.int64)
    _, first = np.unique(clustered.cluster[rows], return_index=True)
    chosen = np.sort(first)
    one = keep(merged, chosen, "near-duplicates")
    return _Left(one, len(given), len(merged) - len(one), len(given) - len(merged))


def _without_names(part: _Left, others: Sequence[AuditSet]) -> _Left:
    """Take out identities that others have by name."""
    one = part.one
    known = [other for other in others if other.summary.identities_known]
    if not one.summary.identities_known or not known:
        return part
    names = {name for other in known for name in other.identities}
    taken = np.array([name in names for name in one.identities])[one.identity]
    return _without(part, taken, "identities that are in another set")


def _without_near(
    part: _Left,
    others: Sequence[AuditSet],
    threshold: float | None,
    options: Options,
    progress: Progress,
) -> _Left:
    """Take out records that have a near-duplicate among others."""
    if threshold is None:
        return part
    taken = np.zeros(len(part.one), dtype=np.bool_)
    for other in others:
        taken |= nearest(part.one.rows, other.rows, options, progress).similarity >= threshold
    return _without(part, taken, "near-duplicates in another set")


def _without(part: _Left, taken: np.ndarray, why: str) -> _Left:
    if not taken.any():
        return part
    one = keep(part.one, np.flatnonzero(~taken), why)
    return _Left(one, part.given, part.near_duplicates, part.shared + int(taken.sum()))


def _halves(control: _Left, seed: int) -> tuple[_Left, _Left]:
    """Return reference and held-out: half of the control's identities each."""
    n = len(control.one.identities)
    if n < 2:
        raise UsageError(
            "control must have two identities or more, of which half are the reference, but has "
            f"{n}; give more, or --reference"
        )
    of_reference = np.zeros(n, dtype=np.bool_)
    of_reference[stream(seed, "reference").permutation(n)[: n // 2]] = True
    chosen = of_reference[control.one.identity]
    reference, held_out = (
        replace(control, one=keep(control.one, np.flatnonzero(rows), "the split of control"))
        for rows in (chosen, ~chosen)
    )
    return reference, held_out


def _usual(one: AuditSet) -> int:
    """Return the largest number of records that at least half of the identities have."""
    counts = np.sort(np.bincount(one.identity))[::-1]
    return int(counts[(counts.size - 1) // 2])


def _capped(one: AuditSet, most: int, seed: int) -> AuditSet:
    """Return a set in which no identity has more than ``most`` records, drawn by the seed."""
    if int(np.bincount(one.identity).max()) <= most:
        return one
    order = stream(seed, "records", one.role).permutation(len(one))
    order = order[np.argsort(one.identity[order], kind="stable")]
    counts = np.bincount(one.identity)
    place = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
    return keep(one, np.sort(order[place < most]), "the most of an identity")


def chosen_identities(one: AuditSet, most: int, seed: int) -> Int64:
    """Return the records of at most so many identities, drawn by the seed, ``(n,)`` rising."""
    drawn = stream(seed, "equal", one.role).permutation(len(one.identities))[:most]
    flags = np.zeros(len(one.identities), dtype=np.bool_)
    flags[drawn] = True
    return np.flatnonzero(flags[one.identity])
