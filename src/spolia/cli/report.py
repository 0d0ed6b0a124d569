"""``spolia report``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from spolia.cli.console import print_json, show
from spolia.cli.options import JsonOutput


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    profile: Annotated[
        Literal["public", "internal", "full"],
        typer.Option(
            help="public: no image, no path, no name. internal: images behind a click, and ids. "
            "full: images shown. Of `spolia identity`: names in the last two, no images."
        ),
    ] = "public",
    form: Annotated[
        Literal["html", "summary", "md", "junit", "sarif"],
        typer.Option(
            "--format",
            help="html: the page. summary: one page for the public. md: Markdown. junit: the "
            "questions as test cases. sarif: the findings, for code scanning. Of `spolia "
            "identity`: html, md and junit.",
        ),
    ] = "html",
    out: Annotated[
        Path | None,
        typer.Option(help="Default: in RUN, named by format and profile, e.g. report.html."),
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Write the report of a run again, for another reader.

    Example: `spolia report run --profile internal`, `spolia report run --format junit`
    """
    from spolia.auditing.identity_plan import is_question
    from spolia.auditing.identity_result import IdentityResult, load_identity
    from spolia.auditing.result import AuditResult, load_result
    from spolia.auditing.study_plan import audits_of, is_study
    from spolia.auditing.study_result import StudyResult, load_study
    from spolia.auditing.sweep_result import SweepResult, is_sweep, load_sweep
    from spolia.report.formats import file_name
    from spolia.review.tally import write_review

    result: AuditResult | StudyResult | IdentityResult | SweepResult
    if is_question(run):
        result = load_identity(run)
    elif is_sweep(run):
        result = load_sweep(run)
    else:
        for folder in audits_of(run):
            # A review that was killed has answers, and no numbers of them yet.
            write_review(folder)
        result = load_study(run) if is_study(run) else load_result(run)
    path = result.report(out or run / file_name(form, profile), profile=profile, form=form)
    if json_output:
        print_json(result.to_json())
    else:
        show(f"{path} ({profile})")
