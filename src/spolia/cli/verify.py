"""``spolia verify``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from spolia.cli.console import print_json, progress_on_stderr, show
from spolia.cli.options import JsonOutput, Quiet


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    seed: Annotated[int, typer.Option(help="Which records are drawn for the full search.")] = 0,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Recheck a run against the definition of truth; exit 3 if a bit differs.

    Every finding's similarity, the nearest records of randomly drawn synthetic ones by a full scan,
    and all decisions are computed again.

    Example: `spolia verify run`
    """
    from spolia.auditing.study_plan import is_study
    from spolia.auditing.study_verify import verify_study
    from spolia.auditing.verify import verify as run_verify

    check = verify_study if is_study(run) else run_verify
    with progress_on_stderr(quiet=quiet) as progress:
        checked = check(run, seed=seed, progress=progress)
    if json_output:
        print_json({"verified": True, **asdict(checked)})
        return
    show(
        f"Verified: {checked.findings:,} findings, {checked.searched:,} full searches over "
        f"{checked.pairs:,} pairs and the decision on {checked.identities:,} identities equal the "
        f"reference; {checked.compared:,} pairs of images compared again."
    )
