"""The three sets of an audit, ready to be compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.results import ModelSummary, SetSummary
from spolia.core.rows import SubsetRows
from spolia.core.types import Embeddings, Int64, Rows, row_norms
from spolia.store.shards import Unreadable

_ROWS_PER_STEP = 8192


@dataclass(frozen=True, eq=False)
class AuditSet:
    """One set: its comparable records in the order of their ids.

    The order makes results independent of how the source lists its records. Blank records (zero
    rows) have no similarity to anything, so they are counted and left out.
    """

    role: str
    rows: Rows
    ids: Sequence[str]
    identities: tuple[str, ...]
    """The distinct identities, sorted."""
    identity: Int64
    """``(n,)`` number of each record's identity."""
    summary: SetSummary
    model: ModelSummary
    unreadable: tuple[Unreadable, ...] = field(default=())
    blank: tuple[str, ...] = field(default=())
    """Ids of the records that are left out because they are blank."""
    distinct: int | None = None
    """Records, near-duplicates counted once; ``None`` where they were not searched for."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def noun(self) -> str:
        """What is counted in it: ``identities`` where they are known, else ``images``."""
        return "identities" if self.summary.identities_known else "images"

    @property
    def images(self) -> int:
        """How many different images it has: near-duplicates count once, if they are known."""
        return len(self) if self.distinct is None else self.distinct


def prepare(
    role: str,
    embeddings: Embeddings,
    model: ModelSummary,
    *,
    fingerprint: str,
    unreadable: tuple[Unreadable, ...] = (),
) -> AuditSet:
    """Order the comparable records of ``embeddings`` by id and number their identities.

    Raises
    ------
    UsageError
        If no record is left to compare.

    Examples
    --------
    >>> e = Embeddings(np.eye(3, dtype=np.float32), ["c", "a", "b"], ["z", "z", "y"])
    >>> one = prepare("train", e, None, fingerprint="")
    >>> one.ids, one.identities, one.identity.tolist()
    (('a', 'b', 'c'), ('y', 'z'), [1, 0, 1])
    """
    blank = is_blank(embeddings.vectors)
    order = _by_id(embeddings.ids)
    order = order[~blank[order]]
    no_face = sum(one.no_face for one in unreadable)
    if order.size == 0:
        faces = f"; {no_face} without a face" if no_face else ""
        raise UsageError(
            f"{role} has no image to compare: {len(embeddings)} records, all blank; "
            f"{len(unreadable) - no_face} unreadable{faces}"
        )
    in_place = order.size == len(embeddings) and bool(np.all(np.diff(order) == 1))
    ids = embeddings.ids if in_place else tuple(embeddings.ids[i] for i in order)
    names = embeddings.identity_of
    identities, identity = np.unique(np.array([names[i] for i in order]), return_inverse=True)
    return AuditSet(
        role=role,
        rows=embeddings.vectors if in_place else SubsetRows(embeddings.vectors, order),
        ids=ids,
        identities=tuple(identities.tolist()),
        identity=identity.astype(np.int64),
        summary=SetSummary(
            role=role,
            records=order.size,
            identities=len(identities),
            identities_known=embeddings.identities is not None,
            unreadable=len(unreadable) - no_face,
            blank=int(np.count_nonzero(blank)),
            fingerprint=fingerprint,
            no_face=no_face,
        ),
        model=model,
        unreadable=unreadable,
        blank=tuple(embeddings.ids[i] for i in np.flatnonzero(blank)),
    )


def is_blank(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which rows ``(n,)`` are zero: images without any structure."""
    n = rows.shape[0]
    blank = np.zeros(n, dtype=np.bool_)
    for start in range(0, n, _ROWS_PER_STEP):
        stop = start + _ROWS_PER_STEP
        blank[start:stop] = row_norms(rows[start:stop]) == 0.0
    return blank


def _by_id(ids: Sequence[str]) -> Int64:
    if all(a < b for a, b in pairwise(ids)):
        return np.arange(len(ids), dtype=np.int64)
    return np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
