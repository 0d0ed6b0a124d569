"""The tables of a verdict: findings, exposed identities, the ranking, all matches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from spolia.auditing.match import Neighbours
from spolia.auditing.sets import AuditSet
from spolia.auditing.verdict import Verdict
from spolia.core.types import Float64, Int64
from spolia.stats.conformal import single_case_p

RANKED = 100
"""Pairs in the ranking."""

FINDINGS = pa.schema(
    [
        ("query", pa.string()),
        ("reference", pa.string()),
        ("identity", pa.string()),
        ("similarity", pa.float64()),
        ("control_similarity", pa.float64()),
        ("score", pa.float64()),
        ("p", pa.float64()),
        ("q", pa.float64()),
        ("kind", pa.string()),
    ]
)
"""One row per synthetic record that shows an exposed identity; p and q are the identity's."""

IDENTITIES = pa.schema(
    [
        ("identity", pa.string()),
        ("score", pa.float64()),
        ("p", pa.float64()),
        ("q", pa.float64()),
        ("records", pa.int64()),
    ]
)
"""One row per exposed identity; ``records`` synthetic records are nearest to it."""

EVIDENCE = pa.schema(
    [
        ("set", pa.string()),
        ("identity", pa.string()),
        ("score", pa.float64()),
        ("p", pa.float64()),
        ("q", pa.float64()),
    ]
)
"""One row per train and control identity that won a synthetic record; p and q are null in control.

What the judges of a study are combined from."""

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


def findings_table(synthetic: AuditSet, train: AuditSet, verdict: Verdict) -> pa.Table:
    """Return one row per synthetic record that shows an exposed identity, best first.

    The kind is for `spolia.auditing.kinds` to tell.
    """
    if verdict.decision.threshold is None:
        return FINDINGS.empty_table()
    scored, contest = verdict.scored, verdict.contest
    identity = scored.train.identity
    shows = (
        contest.won_by_train
        & (scored.train.score >= verdict.decision.threshold)
        & verdict.decision.found[identity]
    )
    rows = _highest(np.flatnonzero(shows), scored.train.score)
    found = identity[rows]
    return pa.table(
        [
            _take(synthetic.ids, rows),
            _take(train.ids, scored.train.row[rows]),
            _take(train.identities, found),
            scored.train.similarity[rows],
            scored.control.similarity[rows],
            scored.train.score[rows],
            verdict.decision.p[found],
            verdict.decision.q[found],
            ["unresolved"] * rows.size,
        ],
        schema=FINDINGS,
    )


def identities_table(train: AuditSet, verdict: Verdict) -> pa.Table:
    """Return one row per exposed identity, the highest score first."""
    scores = verdict.contest.train_scores
    found = _highest(np.flatnonzero(verdict.decision.found), scores)
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


def evidence_table(train: AuditSet, control: AuditSet, verdict: Verdict) -> pa.Table:
    """Return the score of every identity that won a synthetic record, in the order of names."""
    contest, decision = verdict.contest, verdict.decision
    won, lost = np.flatnonzero(contest.train_wins), np.flatnonzero(contest.control_wins)
    nothing = pa.nulls(lost.size, pa.float64())
    sides = (
        (train, won, contest.train_scores, decision.p[won], decision.q[won]),
        (control, lost, contest.control_scores, nothing, nothing),
    )
    return pa.concat_tables(
        pa.table(
            [[one.role] * rows.size, _take(one.identities, rows), scores[rows], p, q],
            schema=EVIDENCE,
        )
        for one, rows, scores, p, q in sides
    )


def ranking_table(
    synthetic: AuditSet, train: AuditSet, to_train: Neighbours, verdict: Verdict | None
) -> pa.Table:
    """Return the closest pairs of synthetic and train, whether or not they were named.

    With a control they are ranked by score, and p is that of a single case: how likely a record
    without a leak is as close to train. It takes no account of how many records there are.
    """
    nothing: Any
    if verdict is None:
        similarity, row = to_train.similarities[:, 0], to_train.indices[:, 0]
        rows = _highest(np.arange(len(synthetic)), similarity)[:RANKED]
        nothing = pa.nulls(rows.size, pa.float64())
        beside = score = p = nothing
    else:
        scored = verdict.scored
        similarity, row = scored.train.similarity, scored.train.row
        rows = _highest(np.arange(len(synthetic)), scored.train.score)[:RANKED]
        nothing = pa.nulls(rows.size, pa.float64())
        beside, score = scored.control.similarity[rows], scored.train.score[rows]
        p = single_case_p(score, scored.control.ranked, ratio=verdict.ratio)
    return pa.table(
        [
            _take(synthetic.ids, rows),
            _take(train.ids, row[rows]),
            _take(train.identities, train.identity[row[rows]]),
            similarity[rows],
            beside,
            score,
            p,
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


def _highest(rows: Int64, value: Float64) -> Int64:
    """Sort row numbers by value, down; rows are in the order of ids, which settles ties."""
    return rows[np.argsort(-value[rows], kind="stable")]


def _take(names: Sequence[str], rows: Int64) -> Any:
    return pa.array([names[i] for i in rows], pa.string())
