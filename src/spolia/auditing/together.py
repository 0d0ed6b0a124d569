"""From the audits of one set under several judges to what they say together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spolia.auditing.result import AuditResult
from spolia.core.results import Compared
from spolia.core.study import Agreement, NamedBy, Together
from spolia.core.types import Float64, Int64
from spolia.stats.agreement import overlap
from spolia.stats.combine import any_judge, joint_scores
from spolia.stats.competition import Decision, decide
from spolia.stats.rates import exact_rate

COMBINED = pa.schema(
    [
        ("identity", pa.string()),
        ("p", pa.float64()),
        ("q", pa.float64()),
        ("q_any_judge", pa.float64()),
        ("named", pa.bool_()),
        ("named_by", pa.list_(pa.string())),
    ]
)
"""One row per train identity that won a synthetic record under some judge, best first."""

DISAGREEMENTS = pa.schema(
    [
        ("identity", pa.string()),
        ("judge", pa.string()),
        ("named", pa.bool_()),
        ("score", pa.float64()),
        ("p", pa.float64()),
        ("q", pa.float64()),
    ]
)
"""For every identity that some judges name and some do not: one row per judge.

score is null, and p and q are 1, where the identity won nothing under that judge."""


@dataclass(frozen=True, eq=False)
class Joint:
    """What several judges say together of one set, with the tables that name identities."""

    together: Together
    combined: pa.Table
    disagreements: pa.Table


@dataclass(frozen=True, eq=False)
class _Seen:
    """The train identities that won something under some judge, judge by judge."""

    identities: list[str]
    """Sorted."""
    score: Float64
    """``(n, J)``; ``-inf``: won nothing."""
    p: Float64
    q: Float64
    named: npt.NDArray[np.bool_]
    """``(n, J)`` whether the judge by itself names it at the asked rate."""


def combine_judges(results: Mapping[str, AuditResult]) -> Joint | None:
    """Put the audits of one set under several judges together.

    ``results`` holds one audit per judge, of the same sets at the same rate. ``None`` with a single
    judge, without a control, and where a judge fails its negative control: then nothing it says may
    be counted.
    """
    first = next(iter(results.values()))
    failed = not all(map(_passed, results.values()))
    if len(results) < 2 or first.summary.exposed is None or failed:
        return None
    judges, fdr = list(results), first.summary.fdr
    seen = _seen(list(results.values()))
    control = _control_scores(results)
    n_train, n_control = max(_identities(results, "train"), len(seen.identities)), len(control)
    ratio = min(one.summary.ratio or 0.0 for one in results.values())
    # Those that won nothing are counted in p, and never named.
    unseen = np.full((n_train - len(seen.identities), len(judges)), -np.inf)
    scores = joint_scores(np.concatenate([seen.score, unseen]), control)
    both = decide(*scores, ratio=ratio, fdr=fdr)
    beside = 0 if both.threshold is None else np.count_nonzero(scores[1] >= both.threshold)
    joined = any_judge(seen.q) if seen.identities else np.empty(0)
    together = Together(
        exposed=Compared(
            exact_rate(int(np.count_nonzero(both.found)), n_train),
            exact_rate(int(beside), n_control),
            first.summary.exposed.unit,
        ),
        any_judge=exact_rate(int(np.count_nonzero(joined <= fdr)), n_train),
        named_by=_named_by(judges, seen.named),
        by_all=int(np.count_nonzero(seen.named.all(axis=1))),
        by_some=int(np.count_nonzero(seen.named.any(axis=1) & ~seen.named.all(axis=1))),
        agreement=_agreement(judges, seen.named),
    )
    order = np.argsort(-scores[0][: len(seen.identities)], kind="stable")
    table = _combined_table(judges, seen, both, joined, order)
    return Joint(together, table, _disagreements_table(judges, seen, order))


def _passed(result: AuditResult) -> bool:
    return result.negative_control is None or result.negative_control.passed is not False


def _identities(results: Mapping[str, AuditResult], role: str) -> int:
    """Return the identities of a role; a judge for which some images are blank counts fewer."""
    return max(
        one.identities
        for result in results.values()
        for one in result.summary.sets
        if one.role == role
    )


def _seen(results: Sequence[AuditResult]) -> _Seen:
    sides = [one.evidence.filter(pc.field("set") == "train") for one in results]
    identities = sorted({name for side in sides for name in side["identity"].to_pylist()})
    number = {name: i for i, name in enumerate(identities)}
    shape = (len(identities), len(results))
    score, p, q = np.full(shape, -np.inf), np.ones(shape), np.ones(shape)
    named = np.zeros(shape, dtype=np.bool_)
    for j, (result, side) in enumerate(zip(results, sides, strict=True)):
        rows = np.array([number[name] for name in side["identity"].to_pylist()], dtype=np.int64)
        score[rows, j] = side["score"].to_numpy()
        p[rows, j], q[rows, j] = side["p"].to_numpy(), side["q"].to_numpy()
        named[[number[name] for name in result.identities["identity"].to_pylist()], j] = True
    return _Seen(identities, score, p, q, named)


def _control_scores(results: Mapping[str, AuditResult]) -> Float64:
    """Return ``(n, J)`` the scores of every control identity, ``-inf`` for what it does not win."""
    sides = [one.evidence.filter(pc.field("set") == "control") for one in results.values()]
    names = dict.fromkeys(name for side in sides for name in side["identity"].to_pylist())
    number = {name: i for i, name in enumerate(names)}
    n = max(_identities(results, "control"), len(number))
    scores = np.full((n, len(sides)), -np.inf)
    for j, side in enumerate(sides):
        rows = [number[name] for name in side["identity"].to_pylist()]
        scores[rows, j] = side["score"].to_numpy()
    return scores


def _named_by(judges: Sequence[str], named: npt.NDArray[np.bool_]) -> tuple[NamedBy, ...]:
    groups, counts = np.unique(named[named.any(axis=1)], axis=0, return_counts=True)
    found = [
        NamedBy(tuple(np.array(judges)[group].tolist()), int(count))
        for group, count in zip(groups, counts, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.judges), one.judges)))


def _agreement(judges: Sequence[str], named: npt.NDArray[np.bool_]) -> tuple[Agreement, ...]:
    pairs = []
    for i, j in combinations(range(len(judges)), 2):
        one = overlap(named[:, i], named[:, j])
        pairs.append(
            Agreement(judges[i], judges[j], one.both, one.only_first, one.only_second, one.jaccard)
        )
    return tuple(pairs)


def _combined_table(
    judges: Sequence[str], seen: _Seen, both: Decision, joined: Float64, rows: Int64
) -> pa.Table:
    by = [[judge for j, judge in enumerate(judges) if seen.named[i, j]] for i in rows]
    return pa.table(
        [
            [seen.identities[i] for i in rows],
            both.p[rows],
            both.q[rows],
            joined[rows],
            both.found[rows],
            by,
        ],
        schema=COMBINED,
    )


def _disagreements_table(judges: Sequence[str], seen: _Seen, order: Int64) -> pa.Table:
    some = [i for i in order.tolist() if 0 < np.count_nonzero(seen.named[i]) < len(judges)]
    cells = [(i, j) for i in some for j in range(len(judges))]
    scores = [float(seen.score[cell]) for cell in cells]
    return pa.table(
        [
            [seen.identities[i] for i, _ in cells],
            [judges[j] for _, j in cells],
            [bool(seen.named[cell]) for cell in cells],
            [one if np.isfinite(one) else None for one in scores],
            [float(seen.p[cell]) for cell in cells],
            [float(seen.q[cell]) for cell in cells],
        ],
        schema=DISAGREEMENTS,
    )
