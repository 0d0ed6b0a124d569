"""Records set aside before the audit, because the user asks so."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from spolia.auditing.described import Described, check_known, check_names, check_value, describe
from spolia.auditing.plan import Plan
from spolia.auditing.sets import AuditSet
from spolia.core.counting import Excluded
from spolia.core.errors import InputChanged, UsageError
from spolia.core.rows import SubsetRows
from spolia.core.types import Int64
from spolia.sources.columns import Columns, read_columns, read_list

LISTED = "list"
"""The reason of a record that ``--exclude-list`` names."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What the user's files say, read once and checked against the plan."""

    columns: Columns | None
    listed: tuple[str, ...]
    told: Columns | None = None
    """What the sets say of their records."""
    filled: Columns | None = None
    """What networks say of the records."""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By column that a network fills, all values it knows: nobody may have one of them."""

    @property
    def all_columns(self) -> tuple[Columns, ...]:
        """The columns of the file, then those of the sets, then those that networks fill."""
        return tuple(one for one in (self.columns, self.told, self.filled) if one is not None)

    @property
    def taken(self) -> frozenset[str]:
        """The names of columns that the user's file or a network fills."""
        return frozenset((*self.values, *(self.columns.names if self.columns else ())))


def read_asked(plan: Plan) -> Asked:
    """Read the columns and the list that a plan names.

    Raises
    ------
    UsageError
        If one cannot be read.
    InputChanged
        If one is not what it was when the plan was made.
    """
    columns: Columns | None = None
    listed: tuple[str, ...] = ()
    if plan.columns is not None:
        columns = read_columns(Path(plan.columns))
        _check_same(plan.columns, columns.fingerprint, plan.columns_fingerprint)
    if plan.exclude_list is not None:
        listed, fingerprint = read_list(Path(plan.exclude_list))
        _check_same(plan.exclude_list, fingerprint, plan.exclude_list_fingerprint)
    return Asked(columns, listed)


def _check_same(path: str, now: str, before: str | None) -> None:
    if now != before:
        raise InputChanged(
            f"{path} must be what the plan was made with, but its content has changed; put it "
            "back, or audit again"
        )


def set_aside(
    sets: Mapping[str, AuditSet], asked: Asked, plan: Plan
) -> tuple[dict[str, AuditSet], tuple[Excluded, ...], tuple[Described, ...]]:
    """Take the records that a plan excludes out of every set they are in, and count them.

    A record that several reasons exclude counts for the first. Nothing else of a set changes.

    Raises
    ------
    UsageError
        If a reason fits no record, or nothing of a set is left.
    """
    described = tuple(describe(columns, sets) for columns in asked.all_columns)
    reasons = [(*_parse(text, asked), text) for text in plan.exclude]
    _check_listed(asked.listed, sets)
    listed = frozenset(asked.listed)
    kept: dict[str, AuditSet] = {}
    excluded: list[Excluded] = []
    for role, one in sets.items():
        out = np.zeros(len(one), dtype=np.bool_)
        for name, value, text in reasons:
            (of,) = (each for each in described if name in each.columns.names)
            if role not in of.roles:
                continue
            hit = np.array([there == value for there in of.values(one, name)]) & ~out
            excluded.append(Excluded(role, text, int(np.count_nonzero(hit))))
            out |= hit
        if listed:
            hit = np.array([name in listed for name in one.ids]) & ~out
            excluded.append(Excluded(role, LISTED, int(np.count_nonzero(hit))))
            out |= hit
        kept[role] = keep(one, np.flatnonzero(~out), "--exclude") if out.any() else one
    return kept, tuple(one for one in excluded if one.records), described


def _parse(text: str, asked: Asked) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"exclude must look like COLUMN=VALUE, but is {text!r}")
    if not asked.all_columns:
        raise UsageError(
            f"exclude {text!r} needs columns; give --columns FILE or --attribute CARD, "
            "or sets that bring them"
        )
    known = asked.values.get(name)
    if known is not None:
        check_known(name, value, known)
        return name, value
    having = [one for one in asked.all_columns if name in one.names]
    columns = (having or asked.all_columns)[0]
    check_names(columns, name)
    check_value(columns, name, value)
    return name, value


def _check_listed(listed: tuple[str, ...], sets: Mapping[str, AuditSet]) -> None:
    known = {name for one in sets.values() for name in (*one.ids, *one.blank)}
    known |= {bad.id for one in sets.values() for bad in one.unreadable}
    unknown = [name for name in listed if name not in known]
    if unknown:
        raise UsageError(
            f"every id of the list of exclusions must be in a set, but {len(unknown):,} are in "
            f"none (first: {unknown[0]!r}); correct them, or take them out"
        )


def keep(one: AuditSet, rows: Int64, why: str) -> AuditSet:
    """Return a set with only some of its records; ``rows`` rise.

    Raises
    ------
    UsageError
        If none is left; ``why`` says who took them out.
    """
    if rows.size == 0:
        raise UsageError(
            f"{one.role} has no record left: {why} takes out all {len(one):,}; take out fewer"
        )
    numbers, identity = np.unique(one.identity[rows], return_inverse=True)
    identities = tuple(one.identities[i] for i in numbers)
    return replace(
        one,
        rows=SubsetRows(one.rows, rows),
        ids=tuple(one.ids[i] for i in rows),
        identities=identities,
        identity=identity.astype(np.int64),
        summary=replace(one.summary, records=rows.size, identities=len(identities)),
    )
