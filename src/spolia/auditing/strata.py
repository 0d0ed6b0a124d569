"""Exposure by number of photos and by the values of columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spolia.auditing.described import Described
from spolia.auditing.sets import AuditSet
from spolia.core.counting import Column, Stratum
from spolia.core.rates import Rate
from spolia.core.types import Int64
from spolia.stats.lean import kish
from spolia.stats.rates import exact_rate
from spolia.stats.strata import (
    PHOTO_BINS,
    SMALLEST_SHOWN,
    photo_bin,
    rates_by_stratum,
    suppressed,
)

Flags = npt.NDArray[np.bool_]

MOST_VALUES = 30
"""A column with more values tells people apart and not groups; its values are not published."""

NOTHING, SEVERAL, RARE = "(empty)", "(several values)", "(rare values)"
"""What stands for no value, for records of one identity that disagree, and for small groups."""

IMAGES = "(training images)"
"""What the full table calls the number of training images of an identity."""

STRATA = pa.schema(
    [
        ("column", pa.string()),
        ("value", pa.string()),
        ("set", pa.string()),
        ("identities", pa.int64()),
        ("exposed", pa.int64()),
    ]
)
"""All strata of all columns with their full counts, small ones too: not for publication."""


@dataclass(frozen=True, eq=False)
class Tally:
    """Which identities of both sets were found, and which train records are shown again."""

    train: Flags
    """``(n_train,)``."""
    control: Flags
    """``(n_control,)`` at the same similarity."""
    shown: Int64
    """``(s,)`` row numbers in train, each once, ascending."""


def by_photos(
    train: AuditSet, control: AuditSet, tally: Tally
) -> tuple[tuple[Stratum, ...], pa.Table]:
    """Return the exposure by the number of training images of an identity, and in full.

    Bins without a train identity are left out of what may be published, and small counts are hidden
    as in a column.
    """
    bins = [photo_bin(np.bincount(one.identity)) for one in (train, control)]
    there = np.unique(bins[0]).tolist()
    found, beside, shown = (
        [rates[i] for i in there]
        for rates in (
            rates_by_stratum(bins[0], tally.train, len(PHOTO_BINS)),
            rates_by_stratum(bins[1], tally.control, len(PHOTO_BINS)),
            _shown_by(bins[0][train.identity], len(PHOTO_BINS), train, tally),
        )
    )
    sizes = np.bincount(bins[0], minlength=len(PHOTO_BINS))
    strata = zip(there, _hidden(found), _hidden(beside), _hidden(shown), strict=True)
    of_train, of_control = (tuple(PHOTO_BINS[i] for i in one.tolist()) for one in bins)
    full = _full(IMAGES, of_train, of_control, tally)
    return tuple(Stratum(PHOTO_BINS[i], int(sizes[i]), *rates) for i, *rates in strata), full


def by_column(
    name: str, described: Described, sets: Mapping[str, AuditSet], tally: Tally
) -> tuple[Column, pa.Table]:
    """Return the exposure by the values of one column as it may be published, and in full.

    Small groups are put together, small counts are hidden, and where one would follow from the
    others and their sum, a second one with it.
    """
    train = _values(sets["train"], described, name)
    control = _values(sets["control"], described, name)
    sizes = _sizes(train)
    full = _full(name, train.of_identity, control.of_identity, tally)
    if len(sizes) > MOST_VALUES:
        return Column(name, len(sizes), ()), full
    groups, number = _groups(sizes, control.of_identity)
    found = rates_by_stratum(_coded(train.of_identity, number), tally.train, len(groups))
    beside = rates_by_stratum(_coded(control.of_identity, number), tally.control, len(groups))
    shown = _shown_by(_coded(train.of_record, number), len(groups), sets["train"], tally)
    strata = zip(groups, found, _hidden(found), _hidden(beside), _hidden(shown), strict=True)
    return (
        Column(
            name,
            len(sizes),
            tuple(
                Stratum(group, 0 if rate is None else rate.n, exposed, other, share)
                for group, rate, exposed, other, share in strata
            ),
        ),
        full,
    )


@dataclass(frozen=True, eq=False)
class _Values:
    """The values of one column in one set; nothing where the file does not describe it."""

    of_record: tuple[str, ...]
    of_identity: tuple[str, ...]
    identity: Int64


def _values(one: AuditSet, described: Described, name: str) -> _Values:
    if one.role not in described.roles:
        nothing = (NOTHING,) * len(one), (NOTHING,) * len(one.identities)
        return _Values(*nothing, one.identity)
    of_record = tuple(value or NOTHING for value in described.values(one, name))
    of_identity: list[str] = [""] * len(one.identities)
    for number, value in zip(one.identity.tolist(), of_record, strict=True):
        there = of_identity[number]
        of_identity[number] = value if there in ("", value) else SEVERAL
    return _Values(of_record, tuple(of_identity), one.identity)


def _sizes(train: _Values) -> Counter[str]:
    """Count the identities that have a record of each value, and those that have several."""
    pairs = set(zip(train.identity.tolist(), train.of_record, strict=True))
    sizes = Counter(value for _, value in pairs)
    several = train.of_identity.count(SEVERAL)
    return sizes + Counter({SEVERAL: several})


def _groups(sizes: Counter[str], others: tuple[str, ...]) -> tuple[list[str], dict[str, int]]:
    """Return the groups that are shown and the number of every value's; small ones are one."""
    rising = sorted(set(sizes) | set(others), key=lambda value: (sizes[value], value))
    rare, together = set[str](), 0
    for value in rising:
        if sizes[value] >= SMALLEST_SHOWN and (not rare or together >= SMALLEST_SHOWN):
            break
        rare.add(value)
        together += sizes[value]
    groups = sorted(set(rising) - rare) + [RARE] * bool(rare)
    return groups, {value: groups.index(RARE if value in rare else value) for value in rising}


def _coded(values: tuple[str, ...], number: dict[str, int]) -> Int64:
    return np.array([number[value] for value in values], dtype=np.int64)


def _hidden(rates: Sequence[Rate | None]) -> tuple[Rate | None, ...]:
    """Return rates without those that must not be published."""
    hide = suppressed(np.array([0 if rate is None else rate.count for rate in rates]))
    return tuple(None if out else rate for out, rate in zip(hide, rates, strict=True))


def _shown_by(
    of_record: Int64, groups: int, train: AuditSet, tally: Tally
) -> tuple[Rate | None, ...]:
    """Return the share of the shown training images in every group.

    Images of one identity are one cluster: the interval has as many trials as they are worth.
    """
    n = tally.shown.size
    if n == 0:
        return (None,) * groups
    sizes = np.bincount(train.identity[tally.shown])
    worth = kish(sizes[sizes > 0])
    counts = np.bincount(of_record[tally.shown], minlength=groups)
    return tuple(exact_rate(count, n, effective_n=worth) for count in counts.tolist())


def _full(name: str, train: tuple[str, ...], control: tuple[str, ...], tally: Tally) -> pa.Table:
    tables = []
    for role, values, found in (("train", train, tally.train), ("control", control, tally.control)):
        there, code = np.unique(np.array(values), return_inverse=True)
        tables.append(
            pa.table(
                [
                    [name] * there.size,
                    there.tolist(),
                    [role] * there.size,
                    np.bincount(code, minlength=there.size),
                    np.bincount(code[found], minlength=there.size),
                ],
                schema=STRATA,
            )
        )
    return pa.concat_tables(tables)
