"""The second stage: match the sets, judge, and put the result together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from spolia.auditing.chance import describe_strangers
from spolia.auditing.findings import (
    EVIDENCE,
    FINDINGS,
    IDENTITIES,
    MATCHES,
    evidence_table,
    findings_table,
    identities_table,
    matches_table,
    ranking_table,
)
from spolia.auditing.matching import Matched
from spolia.auditing.plan import Plan
from spolia.auditing.result import AuditResult
from spolia.auditing.sets import AuditSet
from spolia.auditing.spread import distribution
from spolia.auditing.stages import quarantine_of
from spolia.auditing.summary import summarise
from spolia.auditing.verdict import Verdict, judge
from spolia.store.atomic import atomic_file

_MATCH_ROWS = 65536


def judge_matches(
    sets: dict[str, AuditSet], plan: Plan, matched: Matched
) -> tuple[AuditResult, Verdict | None]:
    """Put the result together: a pure function of the sets, the plan and the matches.

    Beside it the verdict that it says, with every score; ``None`` without a control.
    """
    synthetic, train = sets["synthetic"], sets["train"]
    to_train, beside = matched.to_train, matched.control
    best = to_train.similarities[:, 0]
    verdict: Verdict | None = None
    ties = 0
    findings, identities = FINDINGS.empty_table(), IDENTITIES.empty_table()
    evidence = EVIDENCE.empty_table()
    if beside is None:
        spread = distribution(best, None, scale="similarity")
    else:
        verdict = judge(
            synthetic, train, sets["control"], to_train=to_train, beside=beside, fdr=plan.fdr
        )
        ties = int(np.count_nonzero(best == beside.to_control.similarities[:, 0]))
        contest = verdict.contest
        standard = train.model.kind == "identity"
        spread = distribution(
            contest.to_train, contest.to_control, scale="score" if standard else "similarity"
        )
        findings = findings_table(synthetic, train, verdict)
        identities = identities_table(train, verdict)
        evidence = evidence_table(train, sets["control"], verdict)
    strangers = describe_strangers(
        matched.met, sets, plan, to_train, beside.to_control if beside else None
    )
    result = AuditResult(
        plan=plan,
        summary=replace(summarise(plan, sets, spread, verdict, ties), strangers=strangers),
        findings=findings,
        identities=identities,
        ranking=ranking_table(synthetic, train, to_train, verdict),
        quarantine=quarantine_of(sets),
        evidence=evidence,
    )
    return result, verdict


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
