"""Which identity of a set a record is closest to, and how close on a scale for all records."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spolia.auditing.match import Neighbours
from spolia.auditing.sets import AuditSet
from spolia.core.types import Float64, Int64, Rows
from spolia.stats.competition import Nearest
from spolia.stats.scores import (
    Moments,
    Sums,
    moments,
    similarity_to_all,
    similarity_to_groups,
    standard_scores,
    template_lengths,
)

_SHORTEST = 1e-6
"""Rows whose sum is shorter cancel out, and have no template."""


@dataclass(frozen=True, eq=False)
class Closest:
    """The closest identity of one set for each of m records."""

    row: Int64
    """``(m,)`` its record that is most similar."""
    identity: Int64
    """``(m,)`` its number; 0 where the set is empty."""
    similarity: Float64
    """``(m,)`` cosine to that record; ``-inf`` where the set is empty."""
    score: Float64
    """``(m,)`` what identities are compared by, see `Scale`; ``-inf`` where the set is empty."""
    ranked: Float64
    """``(m, k)`` the scores of the identities of its k nearest records, descending; ``-inf`` where
    these are of fewer identities."""


@dataclass(frozen=True, eq=False)
class Scored:
    """The closest identity of train and of control for each of m records, on one scale."""

    train: Closest
    control: Closest
    to_all: Sums | None
    """The records' similarities to all of train and control, ``(m, 1)``; ``None`` where scores are
    plain similarities."""

    def nearest(self) -> tuple[Nearest, Nearest]:
        """Return what competes: train's side and control's."""
        return (
            Nearest(self.train.score, self.train.identity),
            Nearest(self.control.score, self.control.identity),
        )


@dataclass(frozen=True, eq=False)
class Side:
    """Train or control, as records are compared with it."""

    set: AuditSet
    lengths: Float64 | None
    """Those of `spolia.stats.scores.template_lengths`; ``None`` compares by the nearest record
    alone."""


@dataclass(frozen=True, eq=False)
class Scale:
    """What identities are compared by.

    For an embedder of identities: standard scores over all others of train and control, of
    similarities to photos and templates. For others the plain similarity: a copy is as close to its
    original whether or not much else is close too, and standard scores would hide that (measured in
    ``docs/methods/verdict.md``).
    """

    train: Side
    control: Side
    pool: Moments | None
    """Of all rows of train and control; ``None``: scores are similarities."""

    @classmethod
    def of(cls, train: AuditSet, control: AuditSet) -> "Scale":
        """Return the scale of an audit. Templates are of both sets or of neither."""
        several = _templated(train) and _templated(control)
        return cls(
            Side(train, _lengths_of(train) if several else None),
            Side(control, _lengths_of(control) if several else None),
            moments(train.rows, control.rows) if train.model.kind == "identity" else None,
        )

    def score(
        self,
        records: Rows,
        to_train: Neighbours,
        to_control: Neighbours,
        *,
        leave_out: Sums | None = None,
        held_back: Int64 | None = None,
    ) -> Scored:
        """Score ``records`` by their neighbours.

        Parameters
        ----------
        records
            ``(m, d)`` rows that ask.
        to_train, to_control
            Their nearest records.
        leave_out
            Their similarities to rows that are neither compared with nor others.
        held_back
            ``(m,)`` the record of train that a row was taken from, or -1: left out in the same way,
            so that it has no part in its identity's template either.
        """
        to_all = self._to_all(records, leave_out, held_back)
        return Scored(
            self.closest(records, to_train, self.train, to_all, held_back=held_back),
            self.closest(records, to_control, self.control, to_all),
            to_all,
        )

    def _to_all(
        self, records: Rows, leave_out: Sums | None, held_back: Int64 | None
    ) -> Sums | None:
        if self.pool is None:
            return None
        to_all = similarity_to_all(records, self.pool).for_each()
        if leave_out is not None:
            to_all -= leave_out.for_each()
        if held_back is not None:
            to_all -= _to_itself(records, (held_back >= 0)[:, None])
        return to_all

    def closest(
        self,
        records: Rows,
        neighbours: Neighbours,
        side: Side,
        to_all: Sums | None,
        *,
        held_back: Int64 | None = None,
    ) -> Closest:
        """Return the closest identity of a side among those of each record's nearest records.

        ``to_all`` is that of `Scored`.
        """
        identity = _identity(side.set, neighbours.indices)
        score = neighbours.similarities
        if to_all is not None:
            score = _standard(records, neighbours, identity, side, to_all, held_back)
        score = _once(score, identity)
        best = np.argmax(score, axis=1)[:, None]

        def of_best(values: Int64 | Float64) -> np.ndarray:
            return np.take_along_axis(values, best, axis=1)[:, 0]

        return Closest(
            of_best(neighbours.indices),
            of_best(identity),
            of_best(neighbours.similarities),
            of_best(score),
            np.asarray(-np.sort(-score, axis=1), dtype=np.float64),
        )


def _templated(one: AuditSet) -> bool:
    """Return whether identities have templates.

    Only an embedder of identities puts a person's photos close together, and only several photos
    make a mean.
    """
    return one.model.kind == "identity" and len(one.identities) < len(one)


def _lengths_of(one: AuditSet) -> Float64:
    return template_lengths(one.rows, one.identity, len(one.identities))


def _identity(one: AuditSet, row: Int64) -> Int64:
    return one.identity[np.maximum(row, 0)]


def _standard(
    records: Rows,
    neighbours: Neighbours,
    identity: Int64,
    side: Side,
    to_all: Sums,
    held_back: Int64 | None,
) -> Float64:
    """Return the standard scores of each record's likeness to its k identities, ``(m, k)``.

    The likeness is the cosine to the record, or with templates the mean of it and the similarity to
    the identity's template.
    """
    own = _to_own(records, neighbours, identity, side.set)
    lengths = None if side.lengths is None else side.lengths[identity]
    if held_back is not None:
        among = (held_back >= 0)[:, None] & (identity == _identity(side.set, held_back)[:, None])
        itself = _to_itself(records, among)
        own -= itself
        if lengths is not None:
            left = lengths**2 - 2.0 * among * own.first - itself.first
            lengths = np.sqrt(np.maximum(left, 0.0))
    likeness = neighbours.similarities
    if lengths is not None:
        likeness = 0.5 * (likeness + own.first / np.where(lengths > _SHORTEST, lengths, np.inf))
    return standard_scores(likeness, *(to_all - own).mean_and_deviation())


def _to_own(records: Rows, neighbours: Neighbours, identity: Int64, one: AuditSet) -> Sums:
    """Return each record's similarities to the records of each of its k identities, ``(m, k)``."""
    if len(one.identities) < len(one):
        return similarity_to_groups(records, identity, one.rows, one.identity)
    met = neighbours.indices >= 0
    similarity = np.where(met, neighbours.similarities, 0.0)
    return Sums(met.astype(np.float64), similarity, similarity**2)


def _to_itself(records: Rows, which: npt.NDArray[np.bool_]) -> Sums:
    """Return the similarity of records to themselves for ``which`` comparisons, ``(m, k)``."""
    wide = records[:].astype(np.float64)
    similarity = np.einsum("md,md->m", wide, wide)[:, None]
    return Sums(which.astype(np.float64), which * similarity, which * similarity**2)


def _once(likeness: Float64, identity: Int64) -> Float64:
    """Return likenesses ``(m, k)``, ``-inf`` for an identity that a nearer record has shown."""
    once = likeness.copy()
    for j in range(1, likeness.shape[1]):
        shown = (identity[:, :j] == identity[:, j : j + 1]).any(axis=1)
        once[shown, j] = -np.inf
    return once
