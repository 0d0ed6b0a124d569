"""Near-duplicate clusters of one set."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spolia.auditing.alike import Kept, equal_rows, pairs_within
from spolia.auditing.sets import AuditSet
from spolia.core.counting import SetDuplicates
from spolia.core.rows import SubsetRows
from spolia.core.types import Int64
from spolia.search.result import Pairs
from spolia.stats.clusters import complete_linkage

RECORDS = pa.schema(
    [("set", pa.string()), ("cluster", pa.int64()), ("id", pa.string()), ("identity", pa.string())]
)
"""One row per record of a cluster of two or more; clusters count from 0 in each set."""


@dataclass(frozen=True, eq=False)
class Clustered:
    """The near-duplicates within one set.

    Equal rows are taken together first: a thousand of them would make half a million pairs, and
    have the same similarities to everything.
    """

    value: Int64
    """``(n,)`` number of each record's row among the different rows."""
    first: Int64
    """``(v,)`` the first record of each different row."""
    pairs: Pairs | None
    """Pairs of different rows at or above the threshold, by number; ``None``: too many."""
    cluster: Int64
    """``(n,)`` number of each record's cluster; of equal rows where there are too many pairs."""

    def near(self, record: int) -> npt.NDArray[np.bool_]:
        """Return which records are near-duplicates of one, itself among them, ``(n,)``."""
        value = self.value[record]
        near = np.zeros(self.first.size, dtype=np.bool_)
        near[value] = True
        if self.pairs is not None:
            near[self.pairs.base[self.pairs.query == value]] = True
            near[self.pairs.query[self.pairs.base == value]] = True
        return near[self.value]


def cluster(one: AuditSet, threshold: float, kept: Kept) -> Clustered:
    """Find the clusters in which every pair is at or above ``threshold``."""
    value = equal_rows(one.rows)
    _, first = np.unique(value, return_index=True)
    pairs = pairs_within(SubsetRows(one.rows, first), threshold, kept)
    label = np.arange(first.size)
    if pairs is not None:
        label = complete_linkage(first.size, pairs.query, pairs.base, pairs.similarity)
    return Clustered(value, first, pairs, label[value])


def merged(one: AuditSet, clustered: Clustered) -> AuditSet:
    """Return the set with its near-duplicates counted once; without identities they are one."""
    found, first = np.unique(clustered.cluster, return_index=True)
    if one.summary.identities_known:
        return replace(one, distinct=found.size)
    return replace(
        one,
        identities=tuple(one.ids[i] for i in first),
        identity=clustered.cluster,
        summary=replace(one.summary, identities=found.size),
        distinct=found.size,
    )


def counted(role: str, clustered: Clustered) -> SetDuplicates:
    """Return how many clusters there are and how many records are in them."""
    sizes = np.bincount(clustered.cluster)
    several = sizes[sizes > 1]
    return SetDuplicates(
        role=role,
        clusters=several.size,
        records=int(several.sum()),
        largest=int(sizes.max()),
        distinct=sizes.size,
    )


def records_table(one: AuditSet, clustered: Clustered) -> pa.Table:
    """Return the records that are in a cluster with others."""
    sizes = np.bincount(clustered.cluster)
    rows = np.flatnonzero(sizes[clustered.cluster] > 1)
    _, number = np.unique(clustered.cluster[rows], return_inverse=True)
    order = np.argsort(number, kind="stable")
    rows = rows[order]
    return pa.table(
        [
            [one.role] * rows.size,
            number[order],
            [one.ids[i] for i in rows.tolist()],
            [one.identities[one.identity[i]] for i in rows],
        ],
        schema=RECORDS,
    )
