"""``spolia study``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spolia.cli.console import print_json, progress_on_stderr, say, show
from spolia.cli.join import Engine
from spolia.cli.options import (
    Device,
    Format,
    Identities,
    JsonOutput,
    Limit,
    MaxBad,
    Memory,
    Quiet,
    Threads,
    Trust,
    parse_duplicates,
    parse_size,
)

if TYPE_CHECKING:
    from spolia.core.sweep import Swept


def study(
    plan: Annotated[Path, typer.Argument(metavar="PLAN.toml", help="What is varied, and on whom.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study; resumable model by model.")
    ] = None,
    identities: Identities = "auto",
    format: Format = None,  # noqa: A002  (the option's name)
    max_bad: MaxBad = 0.01,
    duplicates: Annotated[
        str,
        typer.Option(metavar="TAU", help="Similarity from which two records are one photo."),
    ] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start anew where --out holds another study.")
    ] = False,
    limit: Limit = None,
    threads: Threads = None,
    memory: Memory = "512MiB",
    engine: Engine = "auto",
    device: Device = "auto",
    trust: Trust = None,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Train models on purpose, and see how what they give away changes.

    A plan varies the number of people, photos of each, one person's repetitions, steps or samples.
    Every model is asked whose photos it was trained on, in other photos, beside people it was not
    trained on. Needs torch: pip install 'spolia[lab]'.

    Example: `spolia study plan.toml --out study`
    """
    from spolia.auditing.options import Options
    from spolia.auditing.sweep import sweep
    from spolia.auditing.sweep_plan import read_sweep_plan
    from spolia.auditing.sweep_training import trainer_of
    from spolia.sources.limits import parse_limits

    options = Options(
        identities=identities,
        format=format,
        max_bad=max_bad,
        duplicates=parse_duplicates(duplicates),
        overwrite=overwrite,
        limits=parse_limits(tuple(limit or ())),
        threads=threads,
        memory=parse_size(memory),
        engine=engine,
        device=device,
        trust=tuple(trust or ()),
    )
    asked = read_sweep_plan(plan)
    with progress_on_stderr(quiet=quiet) as progress:
        result = sweep(
            asked, train=trainer_of(asked.training), out=out, options=options, progress=progress
        )
    if out is not None:
        result.report(out / "report.html")
    if json_output:
        print_json(result.to_json())
        return
    for one in result.summary.sweeps:
        _show(one)
    for note in result.summary.notes:
        show(f"  Note: {note}")
    if out is None:
        say("  Nothing was kept: --out STUDY writes the report and sweep.json, and can be resumed.")
    else:
        say(f"  Written: {out / 'report.html'}, {out / 'sweep.json'} (no names)")


def _show(one: "Swept") -> None:
    from spolia.report.sweep_words import AXES, TITLES, measure

    show(f"{TITLES[one.vary]}: {one.sentence}")
    rows = [(AXES[one.vary], "repeated person", "members", "control")]
    rows += [
        (
            f"{point.value:,}",
            "–" if point.person is None else measure(point.person),
            measure(point.members),
            measure(point.others),
        )
        for point in one.points
    ]
    shown = [i for i in range(4) if i != 1 or one.points[0].person is not None]
    widths = [max(len(row[i]) for row in rows) for i in shown]
    for row in rows:
        line = "  ".join(row[i].ljust(width) for i, width in zip(shown, widths, strict=True))
        show(f"  {line.rstrip()}")
