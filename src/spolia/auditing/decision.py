"""The second stage: match the sets, judge, and put the result together."""

from dataclasses import replace
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
from spolia.auditing.record import Stopwatch
from spolia.auditing.result import AuditResult
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import quarantine_of
from spolia.auditing.summary import summarise
from spolia.auditing.verdict import (
    Verdict,
    best_of_units,
    distribution,
    judge,
    split_control,
)
from spolia.core.seeds import digest_key
from spolia.core.types import Int64, SubsetRows
from spolia.store.atomic import atomic_file

_MATCH_ROWS = 65536


def match_and_judge(
    folder: Path, sets: dict[str, AuditSet], plan: Plan, options: Options, watch: Stopwatch
) -> AuditResult:
    """Match synthetic against train and control, judge, and write ``matches.parquet``."""
    synthetic, train, control = sets["synthetic"], sets["train"], sets.get("control")
    sides = {"train": train.rows}
    if control is not None:
        halves = split_control(control, plan.seed)
        for name, rows in zip(("control_a", "control_b"), halves.rows, strict=True):
            sides[name] = SubsetRows(control.rows, rows)
    found = match(
        synthetic.rows,
        sides,
        folder / "matches",
        key=_match_key(sets, plan),
        options=MatchOptions(options.memory, options.threads, options.part_rows),
        progress=watch.staged("match"),
    )
    to_train = found["train"]
    verdict: Verdict | None = None
    to_control: Neighbours | None = None
    ties = 0
    if control is not None:
        to_halves = (
            _renumber(found["control_a"], halves.rows[0]),
            _renumber(found["control_b"], halves.rows[1]),
        )
        to_control = nearest_of(*to_halves)
        ties = int(np.count_nonzero(to_train.similarities[:, 0] == to_control.similarities[:, 0]))
        verdict = judge(
            synthetic,
            train,
            control,
            halves=halves,
            to_train=to_train,
            to_control=to_control,
            to_halves=to_halves,
            fdr=plan.fdr,
        )
    _write_matches(folder, sets, to_train, to_control)
    return _result(sets, plan, to_train, to_control, verdict, ties)


def _result(
    sets: dict[str, AuditSet],
    plan: Plan,
    to_train: Neighbours,
    to_control: Neighbours | None,
    verdict: Verdict | None,
    ties: int,
) -> AuditResult:
    synthetic, train = sets["synthetic"], sets["train"]
    ranking = ranking_table(synthetic, train, to_train, to_control)
    if verdict is None or to_control is None:
        spread = distribution(best_of_units(synthetic, to_train), None)
        findings, identities = FINDINGS.empty_table(), IDENTITIES.empty_table()
    else:
        spread = distribution(verdict.contest.unit_train, verdict.contest.unit_control)
        findings = findings_table(synthetic, train, to_train, to_control, verdict)
        identities = identities_table(train, verdict)
    return AuditResult(
        plan=plan,
        summary=summarise(plan, sets, spread, verdict, ties),
        findings=findings,
        identities=identities,
        ranking=ranking,
        quarantine=quarantine_of(sets),
    )


def _match_key(sets: dict[str, AuditSet], plan: Plan) -> str:
    made_of = [
        f"{role}:{one.summary.fingerprint}:{one.model.fingerprint}" for role, one in sets.items()
    ]
    return digest_key(plan.seed, *made_of).hex()


def _renumber(neighbours: Neighbours, rows: Int64) -> Neighbours:
    """Give the rows of a half their numbers in the whole control."""
    if rows.size == 0:
        return neighbours
    indices = np.where(neighbours.indices < 0, -1, rows[neighbours.indices])
    return replace(neighbours, indices=indices)


def _write_matches(
    folder: Path,
    sets: dict[str, AuditSet],
    to_train: Neighbours,
    to_control: Neighbours | None,
) -> None:
    synthetic = sets["synthetic"]
    sides = [(sets["train"], to_train)]
    if to_control is not None:
        sides.append((sets["control"], to_control))
    with (
        atomic_file(folder / "matches.parquet") as file,
        pq.ParquetWriter(file, MATCHES) as writer,
    ):
        for start in range(0, len(synthetic), _MATCH_ROWS):
            writer.write_table(matches_table(synthetic, sides, slice(start, start + _MATCH_ROWS)))
