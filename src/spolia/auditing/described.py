"""What a columns file says of the records of the sets."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from spolia.auditing.sets import AuditSet
from spolia.core.errors import UsageError
from spolia.sources.columns import Columns

_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Described:
    """Columns, and the roles whose records they describe, each of them wholly."""

    columns: Columns
    roles: tuple[str, ...]

    def values(self, one: AuditSet, name: str) -> tuple[str, ...]:
        """Return the value of one column for every record of a set that is described."""
        at = self.columns.names.index(name)
        rows = self.columns.rows
        role = one.role if any(key[0] is not None for key in rows) else None
        return tuple(rows[role, key][at] for key in _keys(self.columns, one))


def columns_from(name: str, table: pa.Table) -> Columns:
    """Return as columns the table that a run keeps: set, id, and what is known of the record."""
    names = tuple(table.column_names[2:])
    roles, ids, *values = (one.to_pylist() for one in table.columns)
    rows = dict(zip(zip(roles, ids, strict=True), zip(*values, strict=True), strict=True))
    return Columns(name, "id", names, rows, "")


def describe(columns: Columns, sets: Mapping[str, AuditSet]) -> Described:
    """Find out which sets ``columns`` describe: those of which they name a record.

    Raises
    ------
    UsageError
        If they name what no set has, leave out a record of a set they describe, do not say which
        of two sets with equal ids they mean, or describe people where nobody is known.
    """
    if columns.key == "identity":
        sets = {role: one for role, one in sets.items() if one.summary.identities_known}
        if not sets:
            raise UsageError(
                f"{columns.path} is about identities, but no set knows any; give it a column id, "
                "or say with --identities who is on which image"
            )
    known = {role: _known(columns, one) for role, one in sets.items()}
    named: dict[str, set[str]] = {role: set() for role in sets}
    for role, key in columns.rows:
        homes = [one for one in (sets if role is None else [role]) if key in known.get(one, ())]
        _check_home(columns, role, key, homes, sets)
        for one in homes:
            named[one].add(key)
    roles = tuple(role for role in sets if named[role])
    for role in roles:
        _check_complete(columns, sets[role], named[role])
    return Described(columns, roles)


def _keys(columns: Columns, one: AuditSet) -> list[str]:
    if columns.key == "id":
        return list(one.ids)
    return [one.identities[i] for i in one.identity]


def _known(columns: Columns, one: AuditSet) -> frozenset[str]:
    """Return what may be named: also the records that could not be read or compared."""
    if columns.key == "id":
        return frozenset([*one.ids, *one.blank, *(bad.id for bad in one.unreadable)])
    return frozenset(one.identities)


def _check_home(
    columns: Columns, role: str | None, key: str, homes: list[str], sets: Mapping[str, AuditSet]
) -> None:
    if role is not None and role not in sets:
        raise UsageError(
            f"the column set of {columns.path} must be one of {', '.join(sets)}, but is {role!r}"
        )
    # All images of a person may be unreadable or blank; then nothing here knows the name.
    lost = columns.key == "identity" and any(one.unreadable or one.blank for one in sets.values())
    if not homes and not lost:
        where = f"set {role} has" if role else "a set has"
        raise UsageError(
            f"{columns.path} must name an {columns.key} that {where}, but names {key!r}; correct "
            "it, or take the row out"
        )
    if len(homes) > 1 and columns.key == "id":
        raise UsageError(
            f"{columns.path} names the id {key!r}, which is in {' and in '.join(homes)}; add a "
            "column set that says which is meant"
        )


def _check_complete(columns: Columns, one: AuditSet, named: set[str]) -> None:
    missing = [key for key in dict.fromkeys(_keys(columns, one)) if key not in named]
    if missing:
        raise UsageError(
            f"{columns.path} must have a row for every {columns.key} of {one.role}, but lacks "
            f"{len(missing):,} (first: {missing[0]!r}); add them, with an empty value where "
            "nothing is known"
        )


def check_names(columns: Columns, name: str) -> None:
    """Refuse the name of a column that is not there, and name the nearest."""
    if name in columns.names:
        return
    near = difflib.get_close_matches(name, columns.names, n=1)
    raise UsageError(
        f"{columns.path} has no column {name!r}"
        + (f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(columns.names)}")
    )


def check_value(columns: Columns, name: str, value: str) -> None:
    """Refuse a value that no row has: a misspelt one would exclude nobody, in silence."""
    at = columns.names.index(name)
    there = sorted({row[at] for row in columns.rows.values()})
    if value not in there:
        more = ", ..." if len(there) > _SHOWN else ""
        raise UsageError(
            f"no row of {columns.path} has {name} {value!r}; values are "
            f"{', '.join(map(repr, there[:_SHOWN]))}{more}"
        )


def check_known(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that a network cannot give; one that it gives of no record is none such."""
    if value not in known:
        raise UsageError(
            f"{name} is one of {', '.join(map(repr, known))}, as its card says, but exclude names "
            f"{value!r}"
        )
