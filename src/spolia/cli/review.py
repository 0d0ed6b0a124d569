"""``spolia review``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from spolia.cli.console import print_json, progress_on_stderr, say, show
from spolia.cli.options import JsonOutput, Quiet

if TYPE_CHECKING:
    from spolia.core.progress import Progress
    from spolia.review.opening import Table, Wanted
    from spolia.review.server import Where

REVIEWER = "reviewer"


def review(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder, with images.")],
    mode: Annotated[
        Literal["estimate", "triage"],
        typer.Option(
            help="estimate: a random sample, from which rates follow. triage: the most telling "
            "pairs first, and no rate."
        ),
    ] = "estimate",
    reviewer: Annotated[
        str, typer.Option(help="Who reviews; a second name sees the same pairs in another order.")
    ] = REVIEWER,
    pairs: Annotated[int | None, typer.Option(help="Pairs to draw; default: 100.")] = None,
    known: Annotated[
        int | None,
        typer.Option(help="Pairs of known truth to mix in, of either kind; default: 20."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Decides what is drawn; default: 0.")] = None,
    host: Annotated[
        str, typer.Option(help="An address of this machine, for others to reach the page.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: a free one.")] = 0,
    images: Annotated[
        bool, typer.Option("--images", help="With --host: show pictures to other machines too.")
    ] = False,
    browser: Annotated[bool, typer.Option("--open", help="Open a browser there.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(metavar="FILE.parquet", help="Write all decisions as a table; show no page."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Draw new pairs; earlier answers count no more.")
    ] = False,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Look at pairs of images, blind, on a page that only this machine sees.

    Answers go to RUN/decisions.jsonl one by one. Ctrl-C ends the review, and the same command goes
    on where it was left. What the answers say is written to RUN/review.json, and `spolia report`
    shows it.

    Example: `spolia review run --reviewer ann`
    """
    from spolia.review.opening import Wanted
    from spolia.review.server import Where

    if export is not None:
        _export(run, export, json_output=json_output)
        return
    wanted = Wanted(mode, pairs, known, seed, overwrite)
    where = Where(host, port, images)
    with progress_on_stderr(quiet=quiet) as progress:
        table = prepare(run, wanted, reviewer, progress)
    record = hold(run, table, where, browser=browser)
    if json_output:
        print_json(record)
    else:
        show_held(record)


def prepare(run: Path, wanted: "Wanted", reviewer: str, progress: "Progress") -> "Table":
    """Draw or find the deck and open the images, once it is sure that there can be a page."""
    from spolia.review.opening import lay_table
    from spolia.review.server import check_extra

    check_extra()
    return lay_table(run, wanted, reviewer, progress)


def hold(run: Path, table: "Table", where: "Where", *, browser: bool) -> dict[str, Any]:
    """Show the page until it is interrupted, tally, and return what came of it."""
    from spolia.auditing.reviewed import FILE
    from spolia.review.server import serve
    from spolia.review.tally import write_review

    serve(
        lambda gate: table.make_app(gate, images=where.pictures),
        where,
        tell=say,
        browser=browser,
    )
    answered = write_review(run) is not None
    deck, queue = table.sitting.deck, table.sitting.queue()
    return {
        "mode": deck.mode,
        "question": deck.question,
        "reviewer": table.sitting.reviewer,
        "pairs": queue.total,
        "answered": len(queue.said),
        "decisions": str(table.sitting.log),
        "review": str(run / FILE) if answered else None,
    }


def show_held(record: dict[str, Any]) -> None:
    """Say what came of a review."""
    answered = f"{record['answered']} of {record['pairs']} pairs answered"
    show(f"{answered} by {record['reviewer']}")
    if record["review"] is not None:
        show(f"  In numbers: {record['review']}")


def _export(run: Path, path: Path, *, json_output: bool) -> None:
    from spolia.review.export import export

    written = export(run, path)
    if json_output:
        print_json({"export": str(written)})
    else:
        show(f"{written} holds ids and answers: personal")
