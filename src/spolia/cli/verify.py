"""``spolia verify``."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spolia.cli.console import print_json, progress_on_stderr, show
from spolia.cli.options import JsonOutput, Quiet
from spolia.core.errors import UsageError

if TYPE_CHECKING:
    from spolia.auditing.identity_verify import IdentityVerification
    from spolia.auditing.membership_verify import MembershipVerification
    from spolia.auditing.study_verify import StudyVerification
    from spolia.auditing.verify import Verification


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    seed: Annotated[int, typer.Option(help="Which records are drawn for the full search.")] = 0,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Recheck a run against the definition of truth; exit 3 if a bit differs.

    Every finding's similarity, the nearest records of randomly drawn synthetic ones by a full scan,
    and all decisions are computed again. Of `spolia identity`: the files, the nearest sample and
    score of randomly drawn people's photos, p, q, areas and rates. Of `spolia attack membership`:
    the files, the distances and scores of randomly drawn records, areas, and all methods.

    Example: `spolia verify run`
    """
    check, sentence = _check_of(run)
    with progress_on_stderr(quiet=quiet) as progress:
        checked = check(run, seed=seed, progress=progress)
    if json_output:
        print_json({"verified": True, **asdict(checked)})
    else:
        show(sentence(checked))


def _check_of(run: Path) -> tuple[Callable[..., Any], Callable[[Any], str]]:
    """Return what checks such a run, and what says that it did."""
    from spolia.auditing.identity_plan import is_question
    from spolia.auditing.identity_verify import verify_identity
    from spolia.auditing.membership_plan import is_membership
    from spolia.auditing.membership_verify import verify_membership
    from spolia.auditing.study_plan import is_study
    from spolia.auditing.study_verify import verify_study
    from spolia.auditing.sweep_result import is_sweep
    from spolia.auditing.verify import verify as verify_audit

    if is_sweep(run):
        raise UsageError(
            f"{run} is a study of models, which keeps neither models nor samples; the same plan "
            "under --overwrite must give the same sweep.json"
        )
    if is_question(run):
        return verify_identity, _of_identity
    if is_membership(run):
        return verify_membership, _of_membership
    return (verify_study if is_study(run) else verify_audit), _of_audit


def _of_audit(checked: "Verification | StudyVerification") -> str:
    return (
        f"Verified: {checked.findings:,} findings, {checked.searched:,} full searches over "
        f"{checked.pairs:,} pairs and the decision on {checked.identities:,} identities equal the "
        f"reference; {checked.compared:,} pairs of images compared again."
    )


def _of_identity(checked: "IdentityVerification") -> str:
    return (
        f"Verified: {checked.files:,} files are as they were left; {checked.photos:,} full "
        f"searches over {checked.pairs:,} pairs, the scores of {checked.identities:,} identities, "
        f"p of {checked.queries:,} queries and {checked.areas:,} curve"
        f"{'' if checked.areas == 1 else 's'} equal the reference."
    )


def _of_membership(checked: "MembershipVerification") -> str:
    return (
        f"Verified: {checked.files:,} files are as they were left; {checked.records:,} full "
        f"searches over {checked.pairs:,} pairs, {checked.areas:,} areas and the corrected p equal "
        f"the reference; {checked.methods:,} methods, computed again from the sets, say the same."
    )
