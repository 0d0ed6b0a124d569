"""The second stage: match the sets, judge, and put the result together."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from spolia.auditing.findings import (
    FINDINGS,
    IDENTITIES,
    MATCHES,
    findings_table,
    identities_table,
    matches_table,
    ranking_table,
)
from spolia.auditing.match import MatchOptions, Neighbours, match, nearest_of
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.result import AuditResult
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import quarantine_of
from spolia.auditing.summary import summarise
from spolia.auditing.verdict import (
    Halves,
    Verdict,
    distribution,
    judge,
    split_control,
)
from spolia.core.progress import Progress
from spolia.core.rows import SubsetRows
from spolia.core.seeds import digest_key
from spolia.core.types import Int64
from spolia.store.atomic import atomic_file
from spolia.store.shards import name_digest

_MATCH_ROWS = 65536


@dataclass(frozen=True, eq=False)
class Matched:
    """The nearest records of every set for every synthetic record."""

    to_train: Neighbours
    control: "MatchedControl | None"


@dataclass(frozen=True, eq=False)
class MatchedControl:
    """The same for the control and, numbered alike, for each of its halves."""

    halves: Halves
    to_control: Neighbours
    to_halves: tuple[Neighbours, Neighbours]


def match_all(
    folder: Path, sets: dict[str, AuditSet], plan: Plan, options: Options, progress: Progress
) -> Matched:
    """Match synthetic against train and the halves of the control; finished parts are read."""
    train, control = sets["train"], sets.get("control")
    sides = {"train": train.rows}
    halves = None
    if control is not None:
        halves = split_control(control, plan.seed)
        for name, rows in zip(("control_a", "control_b"), halves.rows, strict=True):
            sides[name] = SubsetRows(control.rows, rows)
    found = match(
        sets["synthetic"].rows,
        sides,
        folder / "matches",
        key=_match_key(sets, plan),
        options=MatchOptions(options.memory, options.threads, options.part_rows, options.engine),
        progress=progress,
    )
    if halves is None:
        return Matched(found["train"], None)
    to_halves = (
        _renumber(found["control_a"], halves.rows[0]),
        _renumber(found["control_b"], halves.rows[1]),
    )
    return Matched(found["train"], MatchedControl(halves, nearest_of(*to_halves), to_halves))


def judge_matches(sets: dict[str, AuditSet], plan: Plan, matched: Matched) -> AuditResult:
    """Put the result together: a pure function of the sets, the plan and the matches."""
    synthetic, train = sets["synthetic"], sets["train"]
    to_train, beside = matched.to_train, matched.control
    best = to_train.similarities[:, 0]
    verdict: Verdict | None = None
    ties = 0
    findings, identities = FINDINGS.empty_table(), IDENTITIES.empty_table()
    if beside is None:
        spread = distribution(best, None)
    else:
        verdict = judge(
            train,
            sets["control"],
            halves=beside.halves,
            to_train=to_train,
            to_control=beside.to_control,
            to_halves=beside.to_halves,
            fdr=plan.fdr,
        )
        best_control = beside.to_control.similarities[:, 0]
        ties = int(np.count_nonzero(best == best_control))
        spread = distribution(best, best_control)
        findings = findings_table(synthetic, train, to_train, beside.to_control, verdict)
        identities = identities_table(train, verdict)
    return AuditResult(
        plan=plan,
        summary=summarise(plan, sets, spread, verdict, ties),
        findings=findings,
        identities=identities,
        ranking=ranking_table(synthetic, train, to_train, beside.to_control if beside else None),
        quarantine=quarantine_of(sets),
    )


def _match_key(sets: dict[str, AuditSet], plan: Plan) -> str:
    made_of = [
        f"{role}:{one.summary.fingerprint}:{one.model.fingerprint}:{name_digest(one.ids)}:"
        f"{name_digest([one.identities[i] for i in one.identity])}"
        for role, one in sets.items()
    ]
    return digest_key(plan.seed, *made_of).hex()


def _renumber(neighbours: Neighbours, rows: Int64) -> Neighbours:
    """Give the rows of a half their numbers in the whole control."""
    if rows.size == 0:
        return neighbours
    indices = np.where(neighbours.indices < 0, -1, rows[neighbours.indices])
    return replace(neighbours, indices=indices)


def write_matches(folder: Path, sets: dict[str, AuditSet], matched: Matched) -> None:
    """Write ``matches.parquet``."""
    synthetic = sets["synthetic"]
    sides = [(sets["train"], matched.to_train)]
    if matched.control is not None:
        sides.append((sets["control"], matched.control.to_control))
    with (
        atomic_file(folder / "matches.parquet") as file,
        pq.ParquetWriter(file, MATCHES) as writer,
    ):
        for start in range(0, len(synthetic), _MATCH_ROWS):
            writer.write_table(matches_table(synthetic, sides, slice(start, start + _MATCH_ROWS)))
