"""Which photos and which non-members play a part in a p-value."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from spolia.auditing.alike import Kept
from spolia.auditing.clustered import cluster
from spolia.auditing.exclude import keep
from spolia.auditing.identity_scores import Photos, nearest, samples_of, score_from
from spolia.auditing.options import Options
from spolia.auditing.record import Stopwatch
from spolia.auditing.sets import AuditSet
from spolia.core.types import Int64

Flags = npt.NDArray[np.bool_]


def once(asked: AuditSet, threshold: float | None, options: Options, watch: Stopwatch) -> AuditSet:
    """Return the photos without those that are near-duplicates of another of the same person.

    Five copies of one photo vary as one photo does, and must not stand beside means over five.
    """
    if threshold is None or len(asked) == len(asked.identities):
        return asked
    with TemporaryDirectory(prefix="spolia-") as folder:
        kept = Kept(Path(folder), options, watch.staged("photos given twice"))
        clusters = cluster(asked, threshold, kept).cluster
    _, first = np.unique(np.stack([asked.identity, clusters]), axis=1, return_index=True)
    return asked if first.size == len(asked) else keep(asked, np.sort(first), "near-duplicates")


@dataclass(frozen=True, eq=False)
class Pool:
    """The non-members that people are compared with."""

    scored: dict[str, Photos]
    """By the role of the searched set, how close their photos are to it; empty: nobody is left."""
    given: int
    """Non-members that were given."""
    asked: int
    """Left out, because a photo of theirs is one that is asked with."""
    in_train: int
    """Left out, because they are in train."""


def fit_pool(
    nonmembers: AuditSet,
    asked: AuditSet,
    searched: dict[str, AuditSet],
    threshold: float | None,
    options: Options,
    watch: Stopwatch,
) -> Pool:
    """Leave out who is no non-member of this question, and score the others.

    Whoever has a photo in train, or under the same name there, was trained on. Whoever has a photo
    that is asked with is the one who is asked about, or shown beside them. Nobody is left out for
    what is in the synthetic set: that is the question.
    """
    n = len(nonmembers.identities)
    in_train, in_asked = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    scored = {
        role: score_from(
            nonmembers,
            nearest(nonmembers.rows, base.rows, options, watch.staged(f"non-members, {role}")),
            samples_of(base),
        )
        for role, base in searched.items()
    }
    if "train" in searched:
        in_train |= _same_names(nonmembers, searched["train"])
    if threshold is not None:
        if "train" in scored:
            near = scored["train"].closest.similarity >= threshold
            in_train[nonmembers.identity[near]] = True
        also = nearest(nonmembers.rows, asked.rows, options, watch.staged("non-members, photos"))
        in_asked[nonmembers.identity[also.similarity >= threshold]] = True
    left = np.flatnonzero(~(in_train | in_asked)[nonmembers.identity])
    return Pool(
        scored={role: _only(one, left) for role, one in scored.items()} if left.size else {},
        given=n,
        asked=int(np.count_nonzero(in_asked & ~in_train)),
        in_train=int(np.count_nonzero(in_train)),
    )


def _only(one: Photos, rows: Int64) -> Photos:
    return one if rows.size == len(one.of) else one.only(rows, "who is asked about, or in train,")


def _same_names(nonmembers: AuditSet, train: AuditSet) -> Flags:
    """Return which identities are in train by name; none where names are those of files."""
    if not (nonmembers.summary.identities_known and train.summary.identities_known):
        return np.zeros(len(nonmembers.identities), dtype=np.bool_)
    names = frozenset(train.identities)
    return np.array([name in names for name in nonmembers.identities])
