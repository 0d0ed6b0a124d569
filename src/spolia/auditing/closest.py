"""Which identity of a set a record is closest to, and how close on a scale for all records."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from spolia.auditing.match import Neighbours
from spolia.auditing.sets import AuditSet
from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.stats.competition import Nearest
from spolia.stats.scores import (
    Moments,
    moments,
    similarity_to_all,
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
    likeness: Float64
    """``(m,)`` what identities are compared by: that cosine, or with templates the mean of it and
    the similarity to the identity's template."""
    ranked: Float64
    """``(m, k)`` that of the identities of its k nearest records, descending; ``-inf`` where these
    are of fewer identities."""


def templated(one: AuditSet) -> bool:
    """Return whether identities have templates.

    Only an embedder of identities puts a person's photos close together, and only several photos
    make a mean.
    """
    return one.model.kind == "identity" and len(one.identities) < len(one)


def templates_of(one: AuditSet) -> Float32:
    """Return a template for each identity."""
    return templates(one.rows, one.identity, len(one.identities))


def closest(
    records: Rows,
    neighbours: Neighbours,
    one: AuditSet,
    means: Float32 | None,
    *,
    held_back: Int64 | None = None,
) -> Closest:
    """Return the closest identity among those of each record's nearest records.

    Parameters
    ----------
    records
        ``(m, d)`` rows that ask.
    neighbours
        Their nearest records in ``one``.
    means
        Templates of its identities; ``None`` compares by the nearest record alone.
    held_back
        ``(m,)`` the record of ``one`` that a row was taken from and must not be compared with, so
        that it has no part in its identity's template; -1 for none.
    """
    identity = _identity(one, neighbours.indices)
    if means is None:
        row, similarity = neighbours.indices[:, 0], neighbours.similarities[:, 0]
        ranked = _descending(_once(neighbours.similarities, identity))
        return Closest(row, identity[:, 0], similarity, similarity, ranked)
    to_template = _to_templates(records, means, identity)
    if held_back is not None:
        _without_held_back(to_template, records, identity, one, held_back)
    likeness = _once(0.5 * (neighbours.similarities + np.round(to_template, _DIGITS)), identity)
    best = np.argmax(likeness, axis=1)[:, None]

    def of_best(values: Int64 | Float64) -> np.ndarray:
        return np.take_along_axis(values, best, axis=1)[:, 0]

    row = of_best(neighbours.indices)
    return Closest(
        row,
        _identity(one, row),
        of_best(neighbours.similarities),
        of_best(likeness),
        _descending(likeness),
    )


def _identity(one: AuditSet, row: Int64) -> Int64:
    return one.identity[np.maximum(row, 0)]


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


def _descending(likeness: Float64) -> Float64:
    return np.asarray(-np.sort(-likeness, axis=1), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Standard:
    """What a record's similarities are measured by."""

    mean: Float64 | None
    """``(m,)`` mean of the record's similarities to all of train and control; ``None``: plain
    similarities."""
    deviation: Float64 | None
    """``(m,)`` their standard deviation."""

    def score(self, likeness: Float64) -> Float64:
        """Return the scores of likenesses, ``(m,)``."""
        if self.mean is None or self.deviation is None:
            return likeness
        return standard_scores(likeness, self.mean, self.deviation)


@dataclass(frozen=True, eq=False)
class Scored:
    """The closest identity of train and of control for each of m records, on one scale."""

    train: Closest
    control: Closest
    train_score: Float64
    """``(m,)``; ``-inf`` where train is empty."""
    control_score: Float64
    control_ranked: Float64
    """``(m, k)`` the scores of the closest identities of control, see `Closest.ranked`."""
    standard: Standard

    def nearest(self) -> tuple[Nearest, Nearest]:
        """Return what competes: train's side and control's."""
        return (
            Nearest(self.train_score, self.train.identity),
            Nearest(self.control_score, self.control.identity),
        )


@dataclass(frozen=True, eq=False)
class Scale:
    """What identities are compared by.

    For an embedder of identities: standard scores over all of train and control, of similarities to
    photos and templates. For others the plain similarity: a copy is as close to its original
    whether or not much else is close too, and standard scores would hide that (measured in
    ``docs/methods/verdict.md``).
    """

    train: AuditSet
    control: AuditSet
    pool: Moments | None
    """``None``: scores are similarities."""
    train_templates: Float32 | None
    control_templates: Float32 | None

    @classmethod
    def of(cls, train: AuditSet, control: AuditSet) -> "Scale":
        """Return the scale of an audit. Templates are of both sets or of neither."""
        several = templated(train) and templated(control)
        return cls(
            train,
            control,
            moments(train.rows, control.rows) if train.model.kind == "identity" else None,
            templates_of(train) if several else None,
            templates_of(control) if several else None,
        )

    def score(
        self,
        records: Rows,
        to_train: Neighbours,
        to_control: Neighbours,
        *,
        leave_out: tuple[Float64, Float64, Int64] | None = None,
        held_back: Int64 | None = None,
    ) -> Scored:
        """Score ``records`` by their neighbours.

        ``leave_out`` is that of `spolia.stats.scores.similarity_to_all`; ``held_back`` that of
        `closest`, in train.
        """
        standard = self._standard(records, leave_out)
        train = closest(records, to_train, self.train, self.train_templates, held_back=held_back)
        control = closest(records, to_control, self.control, self.control_templates)
        return Scored(
            train,
            control,
            standard.score(train.likeness),
            standard.score(control.likeness),
            np.stack([standard.score(one) for one in control.ranked.T], axis=1),
            standard,
        )

    def _standard(
        self, records: Rows, leave_out: tuple[Float64, Float64, Int64] | None
    ) -> Standard:
        if self.pool is None:
            return Standard(None, None)
        m = records.shape[0]
        mean, deviation = np.empty(m), np.empty(m)
        for start in range(0, m, _ROWS_PER_STEP):
            part = slice(start, min(start + _ROWS_PER_STEP, m))
            left = None if leave_out is None else tuple(one[part] for one in leave_out)
            mean[part], deviation[part] = similarity_to_all(
                records[part], self.pool, leave_out=cast("tuple[Float64, Float64, Int64]", left)
            )
        return Standard(mean, deviation)
