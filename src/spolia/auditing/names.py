"""One photo, or probably one person, under two identities."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spolia.auditing.clustered import Clustered
from spolia.auditing.sets import AuditSet
from spolia.core.counting import TwoNames
from spolia.core.types import Float64, Int64, Rows
from spolia.search.exact import exact_similarity
from spolia.search.result import Pairs
from spolia.stats.rates import exact_rate

MOST_LISTED = 10_000
"""Pairs of identities with one photo that are listed."""

ENOUGH = 20
"""Identities with two photos that a quartile of their similarity takes."""

SAME_PHOTO, SAME_PERSON = "same photo", "same person?"

NAMED = pa.schema(
    [
        ("why", pa.string()),
        ("identity", pa.string()),
        ("other", pa.string()),
        ("other_set", pa.string()),
        ("id", pa.string()),
        ("other_id", pa.string()),
        ("similarity", pa.float64()),
    ]
)
"""One row per pair of a train identity and another of ``other_set``, with its closest records."""


@dataclass(frozen=True)
class Named:
    """A record of one identity and one of another, as row numbers of their sets."""

    row: int
    other: int
    similarity: float


def two_names(train: AuditSet, clustered: Clustered) -> tuple[TwoNames, list[Named]]:
    """Return the identities of train that share a photo with another, and the pairs of them."""
    names = _NamesOfRows.of(train, clustered)
    pairs = _no_pairs() if clustered.pairs is None else clustered.pairs
    two = names.are_two(pairs.query, pairs.base)
    rows = np.flatnonzero(two)
    involved = np.unique(np.concatenate([pairs.query[rows], pairs.base[rows], names.several()]))
    shared = np.unique(names.identity[np.isin(names.value, involved)])
    listed: dict[tuple[int, int], Named] = {}
    for named in _each(train, names, pairs, rows):
        key = _pair(train, named)
        if key not in listed:
            listed[key] = named
        if len(listed) == MOST_LISTED:
            break
    rate = exact_rate(shared.size, len(train.identities))
    return TwoNames(rate, len(listed)), list(listed.values())


def _pair(train: AuditSet, named: Named) -> tuple[int, int]:
    one, other = int(train.identity[named.row]), int(train.identity[named.other])
    return min(one, other), max(one, other)


def _no_pairs() -> Pairs:
    none = np.empty(0, dtype=np.int64)
    return Pairs(none, none, np.empty(0))


@dataclass(frozen=True, eq=False)
class _NamesOfRows:
    """Which identities each different row has: e entries, sorted by row and identity."""

    value: Int64
    """``(e,)`` number of the row."""
    identity: Int64
    """``(e,)``."""
    record: Int64
    """``(e,)`` first record of that row and identity."""
    start: Int64
    """``(v + 1,)`` where the entries of each row begin."""

    @classmethod
    def of(cls, train: AuditSet, clustered: Clustered) -> "_NamesOfRows":
        key = clustered.value * len(train.identities) + train.identity
        keys, record = np.unique(key, return_index=True)
        value, identity = np.divmod(keys, len(train.identities))
        start = np.searchsorted(value, np.arange(clustered.first.size + 1))
        return cls(value, identity, record.astype(np.int64), start)

    def several(self) -> Int64:
        """Return the rows that have more than one identity."""
        return np.flatnonzero(np.diff(self.start) > 1)

    def are_two(self, one: Int64, other: Int64) -> npt.NDArray[np.bool_]:
        """Return of which pairs of rows the records are not all of one identity."""
        count = np.diff(self.start)
        same = self.identity[self.start[one]] == self.identity[self.start[other]]
        alone = (count[one] == 1) & (count[other] == 1)
        two: npt.NDArray[np.bool_] = ~(alone & same)
        return two

    def records(self, value: int) -> list[int]:
        """Return the first record of every identity of one row."""
        found: list[int] = self.record[self.start[value] : self.start[value + 1]].tolist()
        return found


def _each(train: AuditSet, names: _NamesOfRows, pairs: Pairs, rows: Int64) -> Iterator[Named]:
    """Yield records of two identities with one photo: equal ones first, then the most similar."""
    for value in names.several().tolist():
        records = names.records(value)
        itself = train.rows[np.array(records[:1])]
        similarity = float(exact_similarity(itself, itself)[0])
        for one, other in combinations(records, 2):
            yield Named(one, other, similarity)
    for i in rows.tolist():
        sides = (names.records(int(pairs.query[i])), names.records(int(pairs.base[i])))
        for one, other in product(*sides):
            if train.identity[one] != train.identity[other]:
                yield Named(one, other, float(pairs.similarity[i]))


def usual_similarity(train: AuditSet, clustered: Clustered) -> tuple[float, int] | None:
    """Return the lower quartile of the similarity of two photos of one identity, and of how many.

    Every identity gives one pair, so that those with many photos do not decide: its first two
    records, by id, that are not near-duplicates. ``None`` for fewer than `ENOUGH` identities.
    """
    _, first = np.unique(
        train.identity * (int(clustered.cluster.max()) + 1) + clustered.cluster, return_index=True
    )
    first = np.sort(first)
    order = first[np.argsort(train.identity[first], kind="stable")]
    of = train.identity[order]
    begins = np.flatnonzero(np.concatenate([[True], of[1:] != of[:-1]]))
    begins = begins[np.diff(np.append(begins, of.size)) > 1]
    if begins.size < ENOUGH:
        return None
    similarity = _between(train.rows, order[begins], order[begins + 1])
    return float(np.quantile(similarity, 0.25, method="lower")), begins.size


def _between(rows: Rows, one: Int64, other: Int64) -> Float64:
    return exact_similarity(rows[one], rows[other])


def candidates(
    train: AuditSet, other: AuditSet, top: Pairs, low: float, high: float
) -> list[Named]:
    """Return pairs of identities whose closest records lie from ``low`` to under ``high``.

    ``top`` holds the closest pairs of records, with the train record as base. Pairs of
    one name are left out: they are no two names.
    """
    listed: dict[tuple[int, int], Named] = {}
    for two, one, similarity in zip(
        top.query.tolist(), top.base.tolist(), top.similarity.tolist(), strict=True
    ):
        if other is train and train.identity[one] > train.identity[two]:
            # Within one set a pair has no sides: each pair of names must come up once.
            one, two = two, one
        names = train.identities[train.identity[one]], other.identities[other.identity[two]]
        if low <= similarity < high and names[0] != names[1]:
            key = int(train.identity[one]), int(other.identity[two])
            listed.setdefault(key, Named(one, two, similarity))
    return list(listed.values())


def named_table(train: AuditSet, other: AuditSet, why: str, named: list[Named]) -> pa.Table:
    """Return pairs of identities as a table, the most similar first."""
    return pa.table(
        [
            [why] * len(named),
            [train.identities[train.identity[one.row]] for one in named],
            [other.identities[other.identity[one.other]] for one in named],
            [other.role] * len(named),
            [train.ids[one.row] for one in named],
            [other.ids[one.other] for one in named],
            [one.similarity for one in named],
        ],
        schema=NAMED,
    )
