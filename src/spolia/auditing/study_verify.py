"""Check a finished study: every audit of it, and what the judges say together."""

from dataclasses import dataclass
from pathlib import Path

from spolia.auditing.study_result import StudyResult, load_study, put_together
from spolia.auditing.verify import Verification, verify
from spolia.core.errors import VerificationFailed
from spolia.core.progress import Progress, silent


@dataclass(frozen=True)
class StudyVerification:
    """What was checked, all of it found equal."""

    audits: int
    findings: int
    searched: int
    pairs: int
    identities: int
    compared: int
    """Sums of the audits', see `spolia.auditing.verify.Verification`."""


def verify_study(folder: Path, *, seed: int = 0, progress: Progress = silent) -> StudyVerification:
    """Verify every audit of a study, and make what they say together anew.

    Raises
    ------
    VerificationFailed
        If anything differs; names the audit and the first difference.
    RunIncomplete
        If the study is not finished or its embeddings are gone.
    """
    result = load_study(folder)
    done: list[Verification] = []
    for one in result.plan.sets:
        for judge in result.plan.judges:
            cell = result.plan.folder_of(folder, one, judge)
            if result.cells[one.name, judge.name].plan != result.plan.cell(one, judge):
                raise VerificationFailed(f"{cell} holds another audit than the study planned")
            try:
                done.append(verify(cell, seed=seed, progress=progress))
            except VerificationFailed as error:
                raise VerificationFailed(f"{cell}: {error}") from None
    _check_together(result, put_together(result.plan, result.cells))
    return StudyVerification(
        len(done),
        sum(one.findings for one in done),
        sum(one.searched for one in done),
        sum(one.pairs for one in done),
        sum(one.identities for one in done),
        sum(one.compared for one in done),
    )


def _check_together(said: StudyResult, truth: StudyResult) -> None:
    for name in ("combined", "disagreements"):
        for one in said.plan.sets:
            if not getattr(said, name)[one.name].equals(getattr(truth, name)[one.name]):
                raise VerificationFailed(
                    f"{one.folder}/{name}.parquet does not follow from the audits of the study"
                )
    # Another version may word its sentences differently; the tables and audits are checked above.
    if said.summary.version == truth.summary.version and said.summary != truth.summary:
        raise VerificationFailed(
            "report.json of the study does not follow from its audits; run the study again"
        )
