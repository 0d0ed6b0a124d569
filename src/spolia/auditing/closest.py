"""Which identity of a set a record is closest to, and how close on a scale for all records."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spolia.auditing.match import Neighbours
from spolia.auditing.sets import AuditSet
from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.stats.competition import Nearest
from spolia.stats.scores import (
    Moments,
    Own,
    moments,
    similarity_to_all,
    similarity_to_groups,
    standard_scores,
    templates,
)

_ROWS_PER_STEP = 4096
_DIGITS = 12
"""Products with a template are rounded, so that no processor's order of summation shows."""


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
    templates: Float32 | None
    """One of each identity; ``None`` compares by the nearest record alone."""


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
            Side(train, _templates_of(train) if several else None),
            Side(control, _templates_of(control) if several else None),
            moments(train.rows, control.rows) if train.model.kind == "identity" else None,
        )

    def score(
        self,
        records: Rows,
        to_train: Neighbours,
        to_control: Neighbours,
        *,
        leave_out: Own | None = None,
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
        if held_back is not None:
            leave_out = _to_itself(held_back)
        return Scored(
            self.closest(records, to_train, self.train, leave_out=leave_out, held_back=held_back),
            self.closest(records, to_control, self.control, leave_out=leave_out),
        )

    def closest(
        self,
        records: Rows,
        neighbours: Neighbours,
        side: Side,
        *,
        leave_out: Own | None = None,
        held_back: Int64 | None = None,
    ) -> Closest:
        """Return the closest identity of a side among those of each record's nearest records."""
        identity = _identity(side.set, neighbours.indices)
        score = _likeness(records, neighbours, identity, side, held_back)
        if self.pool is not None:
            own = _own_similarity(records, neighbours, identity, side.set)
            if leave_out is not None:
                own += leave_out.only(_not_among(identity, held_back, side.set))
            score = _standard_scores(records, score, self.pool, own)
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


def _templates_of(one: AuditSet) -> Float32:
    """Return a template for each identity."""
    return templates(one.rows, one.identity, len(one.identities))


def _identity(one: AuditSet, row: Int64) -> Int64:
    return one.identity[np.maximum(row, 0)]


def _likeness(
    records: Rows,
    neighbours: Neighbours,
    identity: Int64,
    side: Side,
    held_back: Int64 | None,
) -> Float64:
    """Return how like each record is to the identities of its k nearest records, ``(m, k)``.

    That is the cosine to the record, or with templates the mean of it and the similarity to the
    identity's template; ``-inf`` for an identity that a nearer record has shown.
    """
    likeness = neighbours.similarities
    if side.templates is not None:
        to_template = _to_templates(records, side.templates, identity)
        if held_back is not None:
            _without_held_back(to_template, records, identity, side.set, held_back)
        likeness = 0.5 * (likeness + np.round(to_template, _DIGITS))
    return _once(likeness, identity)


def _to_templates(records: Rows, means: Float32, identity: Int64) -> Float64:
    """Return ``(m, k)`` similarities to the templates of each record's k identities."""
    to_template = np.empty(identity.shape)
    for start in range(0, len(identity), _ROWS_PER_STEP):
        part = slice(start, start + _ROWS_PER_STEP)
        rows = records[part].astype(np.float64)
        to_template[part] = np.einsum("md,mkd->mk", rows, means[identity[part]])
    return to_template


def _without_held_back(
    to_template: Float64, records: Rows, identity: Int64, one: AuditSet, held_back: Int64
) -> None:
    """Replace the similarity to a record's own identity by that to its other records' template."""
    for i in np.flatnonzero(held_back >= 0):
        own = one.identity[held_back[i]]
        others = np.flatnonzero(one.identity == own)
        others = others[others != held_back[i]]
        template = templates(one.rows[others], np.zeros(others.size, dtype=np.int64), 1)[0]
        row = records[i : i + 1][0].astype(np.float64)
        to_template[i, identity[i] == own] = row @ template.astype(np.float64)


def _once(likeness: Float64, identity: Int64) -> Float64:
    """Return likenesses ``(m, k)``, ``-inf`` for an identity that a nearer record has shown."""
    once = likeness.copy()
    for j in range(1, likeness.shape[1]):
        shown = (identity[:, :j] == identity[:, j : j + 1]).any(axis=1)
        once[shown, j] = -np.inf
    return once


def _own_similarity(records: Rows, neighbours: Neighbours, identity: Int64, one: AuditSet) -> Own:
    """Return each record's similarities to all records of each of its k identities."""
    if len(one.identities) < len(one):
        return similarity_to_groups(records, identity, one.rows, one.identity)
    met = neighbours.indices >= 0
    similarity = np.where(met, neighbours.similarities, 0.0)
    return Own(met.astype(np.float64), similarity, similarity**2)


def _to_itself(held_back: Int64) -> Own:
    one = (held_back >= 0).astype(np.float64)
    return Own(one, one, one)


def _not_among(identity: Int64, held_back: Int64 | None, one: AuditSet) -> npt.NDArray[np.bool_]:
    """Return where the record that is held back is not one of those of the identity, ``(m, k)``."""
    if held_back is None:
        return np.ones(identity.shape, dtype=bool)
    own = np.where(held_back < 0, -1, _identity(one, held_back))
    return np.not_equal(identity, own[:, None])


def _standard_scores(records: Rows, likeness: Float64, pool: Moments, own: Own) -> Float64:
    """Return likenesses ``(m, k)`` in deviations of each record's similarity to all others."""
    scores = np.empty(likeness.shape)
    for start in range(0, len(likeness), _ROWS_PER_STEP):
        part = slice(start, start + _ROWS_PER_STEP)
        mean, deviation = similarity_to_all(records[part], pool, leave_out=own[part])
        scores[part] = standard_scores(likeness[part], mean, deviation)
    return scores
