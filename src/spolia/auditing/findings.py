"""The tables of a verdict: findings, exposed identities, the ranking, all matches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from spolia.auditing.match import Neighbours
from spolia.auditing.sets import AuditSet
from spolia.auditing.verdict import Verdict
from spolia.core.results import Kind
from spolia.core.types import Float64, Int64

FINDING_KINDS: dict[Kind, str] = {
    "copy": "near duplicate",
    "identity": "same identity",
    "unknown": "unresolved",
}
"""What a finding is called, by what the embedder can tell."""

RANKED = 100
"""Pairs in the ranking."""

FINDINGS = pa.schema(
    [
        ("query", pa.string()),
        ("reference", pa.string()),
        ("identity", pa.string()),
        ("similarity", pa.float64()),
        ("control_similarity", pa.float64()),
        ("p", pa.float64()),
        ("q", pa.float64()),
        ("kind", pa.string()),
    ]
)
"""One row per synthetic record that shows an exposed identity; p and q are the identity's."""

IDENTITIES = pa.schema(
    [
        ("identity", pa.string()),
        ("similarity", pa.float64()),
        ("p", pa.float64()),
        ("q", pa.float64()),
        ("records", pa.int64()),
    ]
)
"""One row per exposed identity; ``records`` synthetic records are nearest to it."""

MATCHES = pa.schema(
    [
        ("query", pa.string()),
        ("rank", pa.int64()),
        ("reference", pa.string()),
        ("set", pa.string()),
        ("similarity", pa.float64()),
    ]
)
"""The nearest records of both sets for every synthetic record."""


def findings_table(
    synthetic: AuditSet,
    train: AuditSet,
    to_train: Neighbours,
    to_control: Neighbours,
    verdict: Verdict,
) -> pa.Table:
    """Return one row per synthetic record that shows an exposed identity, best first."""
    if verdict.decision.threshold is None:
        return FINDINGS.empty_table()
    similarity, other = to_train.similarities[:, 0], to_control.similarities[:, 0]
    identity = train.identity[to_train.indices[:, 0]]
    shows = (
        (similarity > other)
        & (similarity >= verdict.decision.threshold)
        & verdict.decision.found[identity]
    )
    rows = _most_similar(np.flatnonzero(shows), similarity)
    found = identity[rows]
    return pa.table(
        [
            _take(synthetic.ids, rows),
            _take(train.ids, to_train.indices[rows, 0]),
            _take(train.identities, found),
            similarity[rows],
            other[rows],
            verdict.decision.p[found],
            verdict.decision.q[found],
            [FINDING_KINDS[synthetic.model.kind]] * rows.size,
        ],
        schema=FINDINGS,
    )


def identities_table(train: AuditSet, verdict: Verdict) -> pa.Table:
    """Return one row per exposed identity, the most similar first."""
    scores = verdict.contest.train_scores
    found = _most_similar(np.flatnonzero(verdict.decision.found), scores)
    return pa.table(
        [
            _take(train.identities, found),
            scores[found],
            verdict.decision.p[found],
            verdict.decision.q[found],
            verdict.contest.train_wins[found],
        ],
        schema=IDENTITIES,
    )


def ranking_table(
    synthetic: AuditSet, train: AuditSet, to_train: Neighbours, to_control: Neighbours | None
) -> pa.Table:
    """Return the closest pairs of synthetic and train, without any verdict."""
    similarity = to_train.similarities[:, 0]
    rows = _most_similar(np.arange(len(synthetic)), similarity)[:RANKED]
    beside: Sequence[float | None] = [None] * rows.size
    if to_control is not None:
        beside = to_control.similarities[rows, 0].tolist()
    nothing = pa.nulls(rows.size, pa.float64())
    return pa.table(
        [
            _take(synthetic.ids, rows),
            _take(train.ids, to_train.indices[rows, 0]),
            _take(train.identities, train.identity[to_train.indices[rows, 0]]),
            similarity[rows],
            pa.array(beside, pa.float64()),
            nothing,
            nothing,
            ["unresolved"] * rows.size,
        ],
        schema=FINDINGS,
    )


def matches_table(
    synthetic: AuditSet, sides: Sequence[tuple[AuditSet, Neighbours]], rows: slice
) -> pa.Table:
    """Return the nearest records of every set for some synthetic records."""
    tables = []
    for side, neighbours in sides:
        indices = neighbours.indices[rows]
        query, rank = np.nonzero(indices >= 0)
        tables.append(
            pa.table(
                [
                    _take(synthetic.ids[rows], query),
                    rank + 1,
                    _take(side.ids, indices[query, rank]),
                    [side.role] * query.size,
                    neighbours.similarities[rows][query, rank],
                ],
                schema=MATCHES,
            )
        )
    return pa.concat_tables(tables)


def _most_similar(rows: Int64, similarity: Float64) -> Int64:
    """Sort row numbers by similarity, down; rows are in the order of ids, which settles ties."""
    return rows[np.argsort(-similarity[rows], kind="stable")]


def _take(names: Sequence[str], rows: Int64) -> Any:
    return pa.array([names[i] for i in rows], pa.string())
