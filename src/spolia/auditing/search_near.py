"""The nearest records of a set for each identity of another, and how near its own are."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spolia.auditing.identity_scores import Closest
from spolia.auditing.options import Options
from spolia.auditing.sets import AuditSet
from spolia.core.progress import Progress
from spolia.core.rows import SubsetRows
from spolia.core.searching import Near, Usual
from spolia.core.types import Float64, Int64
from spolia.search.join import join

NEAREST = pa.schema(
    [
        ("set", pa.string()),
        ("asked", pa.string()),
        ("rank", pa.int64()),
        ("id", pa.string()),
        ("identity", pa.string()),
        ("similarity", pa.float64()),
        ("photo", pa.string()),
        ("copy", pa.bool_()),
    ]
)
"""One row per identity asked about and record that is near to a photo of it."""

_MOST_RECORDS = 512
"""Records of a set of which it is counted how near their nearest is."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest records of a set, identity by identity, the nearest first."""

    identity: Int64
    """``(e,)`` number of the identity that is asked about; rising."""
    rank: Int64
    """``(e,)`` from 1."""
    row: Int64
    """``(e,)`` of the searched set."""
    similarity: Float64
    """``(e,)``."""
    photo: Int64
    """``(e,)`` row of the photo that it is nearest to."""
    closest: Closest
    """Of every photo."""

    def table(self, asked: AuditSet, base: AuditSet, threshold: float | None) -> pa.Table:
        """Return the records by name; ``threshold`` is that of one photo."""
        rows = self.row.tolist()
        known = base.summary.identities_known
        whose = base.identity[self.row].tolist()
        return pa.table(
            [
                [base.role] * len(rows),
                [asked.identities[i] for i in self.identity.tolist()],
                self.rank,
                [base.ids[i] for i in rows],
                [base.identities[i] if known else None for i in whose],
                self.similarity,
                [asked.ids[i] for i in self.photo.tolist()],
                _near(self.similarity, threshold),
            ],
            schema=NEAREST,
        )

    def copies(self, threshold: float | None) -> npt.NDArray[np.bool_]:
        """Return of every photo ``(n,)`` whether a record counts as the same photo."""
        return _near(self.closest.similarity, threshold)


def _near(similarity: Float64, threshold: float | None) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = similarity >= (np.inf if threshold is None else threshold)
    return near


def find_nearest(
    asked: AuditSet, base: AuditSet, top: int, options: Options, progress: Progress
) -> Nearest:
    """Return the ``top`` nearest records of ``base`` for every identity of ``asked``.

    A record that is near to several photos of an identity counts once, by the nearest of them.
    """
    found = join(
        asked.rows,
        base.rows,
        k=min(top, len(base)),
        memory=options.memory,
        threads=options.threads,
        engine=options.engine,
        progress=progress,
    )
    row = cast("Int64", found.indices)
    similarity = cast("Float64", found.similarities)
    photo = np.repeat(np.arange(len(asked)), row.shape[1])
    flat, near = row.ravel(), similarity.ravel()
    order = np.lexsort((photo, flat, -near, asked.identity[photo]))
    whose = asked.identity[photo[order]]
    _, first = np.unique(whose * len(base) + flat[order], return_index=True)
    kept = order[np.sort(first)]
    identity = asked.identity[photo[kept]]
    rank = 1 + np.arange(kept.size) - np.searchsorted(identity, identity, side="left")
    within = rank <= top
    kept = kept[within]
    return Nearest(
        identity[within],
        rank[within],
        flat[kept],
        near[kept],
        photo[kept],
        Closest(row[:, 0], similarity[:, 0]),
    )


def near_records(table: pa.Table) -> tuple[Near, ...]:
    """Return the rows of a table of one identity."""
    return tuple(
        Near(row["id"], row["identity"], row["similarity"], row["photo"], row["copy"])
        for row in table.to_pylist()
    )


def usual_nearness(
    base: AuditSet, best: float, options: Options, progress: Progress
) -> Usual | None:
    """Return how near the nearest of others is to records of a set; ``None`` without others."""
    step = -(-len(base) // _MOST_RECORDS)
    some = np.arange(0, len(base), step)
    found = join(
        SubsetRows(base.rows, some),
        base.rows,
        k=1,
        exclude=(base.identity[some], base.identity),
        memory=options.memory,
        threads=options.threads,
        engine=options.engine,
        progress=progress,
    )
    nearest = cast("Float64", found.similarities)[:, 0]
    nearest = nearest[np.isfinite(nearest)]
    if nearest.size == 0:
        return None
    return Usual(
        records=nearest.size,
        median=float(np.median(nearest)),
        as_near=int(np.count_nonzero(nearest >= best)),
    )
