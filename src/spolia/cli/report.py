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
            "full: images shown."
        ),
    ] = "public",
    out: Annotated[
        Path | None, typer.Option(help="Default: RUN/report.html, or RUN/report-PROFILE.html.")
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Write the report of a run again, for another reader.

    Example: `spolia report run --profile internal`
    """
    from spolia.auditing.result import load_result
    from spolia.auditing.study_plan import is_study
    from spolia.auditing.study_result import load_study

    result = load_study(run) if is_study(run) else load_result(run)
    # The public page is never overwritten by one that shows images.
    name = "report.html" if profile == "public" else f"report-{profile}.html"
    path = result.report(out or run / name, profile=profile)
    if json_output:
        print_json(result.to_json())
    else:
        show(f"{path} ({profile})")
