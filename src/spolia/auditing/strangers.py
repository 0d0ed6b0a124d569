"""What identities of train and control look like to each other: the background of a decision."""

from dataclasses import dataclass

import numpy as np

from spolia.auditing.sets import AuditSet
from spolia.core.seeds import stream
from spolia.core.types import Float32, Int64, Rows
from spolia.stats.scores import Sums, similarity_to_groups

MOST = 10_000
"""Identities that ask at most; further ones would say little more, at a cost like the match's."""


@dataclass(frozen=True, eq=False)
class Asking:
    """One record of each of some identities of train and control."""

    train: Int64
    """Row numbers in train, ascending."""
    control: Int64
    """Row numbers in control, ascending."""
    records: Float32
    """The rows, train's first."""
    groups: tuple[Int64, Int64, Int64]
    """Who is who by name, for the asking, for train and for control: equal numbers are one."""


def choose(train: AuditSet, control: AuditSet) -> Asking:
    """Draw which identities ask, and with which record: a function of the two sets alone."""
    rng = stream(0, "strangers")
    rows = [_one_each(one, rng) for one in (train, control)]
    keys = rng.random(rows[0].size + rows[1].size)
    if keys.size > MOST:
        kept = keys <= np.partition(keys, MOST - 1)[MOST - 1]
        rows = [rows[0][kept[: rows[0].size]], rows[1][kept[rows[0].size :]]]
    records = np.concatenate([train.rows[rows[0]], control.rows[rows[1]]])
    groups = _groups(train, control)
    asking = np.concatenate([groups[0][rows[0]], groups[1][rows[1]]])
    return Asking(rows[0], rows[1], records, (asking, *groups))


def _one_each(one: AuditSet, rng: np.random.Generator) -> Int64:
    """Return one random record of each identity, ascending."""
    order = rng.permutation(len(one))
    _, first = np.unique(one.identity[order], return_index=True)
    return np.sort(order[first])


def _groups(train: AuditSet, control: AuditSet) -> tuple[Int64, Int64]:
    """Give every record of both sets the number of its identity's name."""
    known: dict[str, int] = {}
    train_groups, control_groups = (
        np.array([known.setdefault(name, len(known)) for name in one.identities], dtype=np.int64)
        for one in (train, control)
    )
    return train_groups[train.identity], control_groups[control.identity]


def own_similarity(asking: Asking, train: Rows, control: Rows) -> Sums:
    """Return the similarities of each asking record to its own identity's rows in both sets."""
    groups, *sides = asking.groups
    to_train, to_control = (
        similarity_to_groups(asking.records, groups, rows, side)
        for rows, side in zip((train, control), sides, strict=True)
    )
    return to_train + to_control
