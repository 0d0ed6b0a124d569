"""What would make a question about identities meaningless: refused, left out, or noted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from spolia.auditing.exclude import keep
from spolia.auditing.identity_scores import Photos, Search, closest
from spolia.auditing.options import Options
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import Images, Ready
from spolia.core.errors import UsageError
from spolia.core.membership import Portion, Score
from spolia.core.progress import Progress
from spolia.core.results import Kind
from spolia.store.precomputed import Opened

Names = Mapping[str, Sequence[str] | None]
"""By role, the identity of every record; ``None``: not known."""

ASKED = ("members", "queries")
"""Roles whose people are asked about."""

_UNEVEN = 1.25
"""Photos per identity may differ by this factor between the sides without a note."""
_FEW_SAMPLES = 100
_UNUSED = ("columns", "exclude", "exclude_list", "attributes")


@dataclass(frozen=True, eq=False)
class Guarded:
    """Sets that may be compared, and what was left out of them."""

    sets: dict[str, AuditSet]
    in_train: Mapping[str, tuple[int, int]]
    """By role: photos left out, and identities of which none was left."""


def check_call(members: object, queries: object, score: str, options: Options) -> None:
    """Refuse a call that asks for nothing, or for what is no part of this question.

    Raises
    ------
    UsageError
        If it does.
    """
    if members is None and queries is None:
        raise UsageError(
            "a question needs people to ask about; give --members (of whom it is known that they "
            "were trained on), --queries (of whom it is asked), or both"
        )
    if score not in get_args(Score):
        raise UsageError(f"score must be one of {', '.join(get_args(Score))}, but is {score!r}")
    check_unused(options, "a question about identities")


def check_unused(options: Options, what: str) -> None:
    """Refuse options that are for an audit alone.

    Raises
    ------
    UsageError
        If one is given.
    """
    for name in _UNUSED:
        if getattr(options, name):
            raise UsageError(f"{name} is for `spolia audit`, and no part of {what}; leave it out")


def names_of(opened: Mapping[str, Ready]) -> Names:
    """Return the identity of every record of each set, as far as they are known, before embedding.

    A refusal must not come after hours of it.
    """
    return {
        role: one.source.identities
        if isinstance(one, Images)
        else (one.embeddings if isinstance(one, Opened) else one).identities
        for role, one in opened.items()
    }


def check_judge(kind: Kind, names: Names, *, any_judge: bool) -> None:
    """Refuse a judge that tells photos apart where persons are asked about.

    Raises
    ------
    UsageError
        If an identity has several photos, which such a judge takes for different things.
    """
    several = [
        role
        for role, own in names.items()
        if role in (*ASKED, "nonmembers") and own is not None and len(set(own)) < len(own)
    ]
    if kind == "copy" and several and not any_judge:
        raise UsageError(
            "to tell whose photos were trained on, the judge must tell persons apart, but this one "
            f"tells photos apart, and identities of {several[0]} have several; give --embedder the "
            "card of a face network (`spolia card list`), or --any-judge where no judge of "
            "identities is known, as for X-rays"
        )


def check_samples(synthetic: AuditSet) -> None:
    """Refuse a synthetic set that cannot tell people apart.

    Raises
    ------
    UsageError
        If it has a single image.
    """
    if len(synthetic) < 2:
        raise UsageError(
            "whose photos were trained on is asked of samples, of which one can show one person at "
            "most, but the synthetic set has 1; give more"
        )


def check_names(names: Names) -> None:
    """Refuse people who are on both sides, as far as they are named.

    Raises
    ------
    UsageError
        If non-members are also members, queries, or in train.
    """
    others = names["nonmembers"]
    for role in (*ASKED, "train"):
        one = names.get(role)
        if one is None or others is None:
            continue
        both = sorted(set(one) & set(others))
        if both:
            raise UsageError(
                f"nonmembers must be people who are not in {role}, but {len(both):,} are in both "
                f"(first: {both[0]!r}); take them out of one"
            )


def leave_out_trained(
    sets: dict[str, AuditSet], threshold: float | None, search: Search, progress: Progress
) -> Guarded:
    """Take out the photos that have a near-duplicate in train: who has them needs no inference.

    Raises
    ------
    UsageError
        If a set has no photo left.
    """
    train = sets.get("train")
    if train is None or threshold is None:
        return Guarded(sets, {})
    kept, counts = dict(sets), {}
    for role in (*ASKED, "nonmembers"):
        if role not in sets:
            continue
        one = sets[role]
        near = closest(one, train, search, progress).similarity >= threshold
        if near.any():
            kept[role] = keep(one, np.flatnonzero(~near), "a near-duplicate in train")
        gone = len(one.identities) - len(kept[role].identities)
        counts[role] = int(np.count_nonzero(near)), gone
    return Guarded(kept, counts)


def check_photos(
    sets: Mapping[str, AuditSet], threshold: float | None, search: Search, progress: Progress
) -> None:
    """Refuse a photo that is on both sides.

    Raises
    ------
    UsageError
        If a non-member's photo has a near-duplicate among those of members or queries.
    """
    others = sets["nonmembers"]
    for role in ASKED:
        if threshold is None or role not in sets:
            continue
        one = sets[role]
        found = closest(one, others, search, progress)
        near = np.flatnonzero(found.similarity >= threshold)
        if near.size:
            first = int(near[0])
            raise UsageError(
                f"a photo must not be on both sides, but {near.size:,} of {role} have a "
                f"near-duplicate in nonmembers, at a similarity of {threshold} or more (first: "
                f"{one.ids[first]!r} and {others.ids[int(found.row[first])]!r}); take them out, or "
                "say with --duplicates from which similarity two photos are one"
            )


def portion(one: Photos, left_out: tuple[int, int]) -> Portion:
    """Return how the photos of a set fall on its identities."""
    counts = one.counts
    return Portion(
        role=one.of.role,
        photos=len(one.of),
        identities=counts.size,
        single=int(np.count_nonzero(counts == 1)),
        most=int(counts.max()),
        in_train=left_out[0],
        in_train_whole=left_out[1],
    )


def notes_of(
    sets: Mapping[str, AuditSet], portions: Mapping[str, Portion], threshold: float | None
) -> list[str]:
    """Return what a reader must know of the sets and the judge."""
    notes = notes_of_samples(sets["synthetic"])
    if threshold is None:
        notes.append("Photos that are on both sides were not searched for.")
    elif "train" not in sets:
        notes.append(
            "Without train it was not checked that the photos are not themselves in it; a photo "
            "that was trained on is no test of whether other photos of a person are betrayed."
        )
    return [*notes, *_not_in_train(sets), *_uneven(portions), *_of_portions(portions)]


def notes_of_samples(synthetic: AuditSet) -> list[str]:
    """Return what a reader must know of the synthetic set and of what judged it."""
    samples, judge = len(synthetic), synthetic.model
    notes = []
    if judge.kind == "copy":
        notes.append(
            f"{judge.name} tells photos apart, not persons: another photo of a member may look "
            "like a stranger's to it."
        )
    if judge.kind == "unknown":
        notes.append(
            "It is not known what made the embeddings, and whether it tells persons apart."
        )
    if samples < _FEW_SAMPLES:
        notes.append(
            f"The synthetic set has {samples:,} images, which betray little: give more, if there "
            "are."
        )
    return notes


def _not_in_train(sets: Mapping[str, AuditSet]) -> list[str]:
    if not {"train", "members"} <= set(sets):
        return []
    train, members = sets["train"], sets["members"]
    missing = len(set(members.identities) - set(train.identities))
    if not missing or not (train.summary.identities_known and members.summary.identities_known):
        return []
    return [f"{missing:,} of {len(members.identities):,} members are not in train by name."]


def _uneven(portions: Mapping[str, Portion]) -> list[str]:
    if "members" not in portions:
        return []
    each = [portions[role].photos / portions[role].identities for role in ("members", "nonmembers")]
    if max(each) <= _UNEVEN * min(each):
        return []
    return [
        f"Members have {each[0]:.1f} photos each, non-members {each[1]:.1f}: a mean of more photos "
        "varies less, which moves the curve by itself. Give both sides as many."
    ]


def _of_portions(portions: Mapping[str, Portion]) -> list[str]:
    notes = []
    for role, one in portions.items():
        if one.in_train:
            notes.append(
                f"{one.in_train:,} photos of {role} have a near-duplicate in train and were left "
                f"out, with {one.in_train_whole:,} identities that had no other."
            )
        if one.most > 10 * one.photos / one.identities:
            notes.append(
                f"One identity of {role} has {one.most:,} of its {one.photos:,} photos; by "
                "identity it counts as one, by photo as many."
            )
    return notes
