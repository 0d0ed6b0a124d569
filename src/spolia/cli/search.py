"""``spolia search``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spolia.cli.console import print_json, progress_on_stderr, say, show
from spolia.cli.join import Engine
from spolia.cli.named import show_named
from spolia.cli.options import (
    Cache,
    Detector,
    Device,
    Face,
    Format,
    Identities,
    JsonOutput,
    LandmarksFile,
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
    from spolia.auditing.search import SearchResult
    from spolia.core.searching import Answer, Near

_SHOWN = 10
_STYLES = {"found": "bold red", "not found": "bold green"}
_NOUNS = {"synthetic": "samples", "train": "training images"}


def search(
    within: Annotated[
        str,
        typer.Option(
            "--in",
            metavar="WHERE",
            help="A run of audit or identity, a store of `spolia embed`, or a synthetic set.",
        ),
    ],
    photos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PHOTO]...", help="Photos of ONE person: files, or a folder of nothing else."
        ),
    ] = None,
    people: Annotated[
        str | None,
        typer.Option(
            "--list",
            metavar="SET",
            help="Many people instead: a set with a folder for each, or other labels; or a store.",
        ),
    ] = None,
    nonmembers: Annotated[
        str | None,
        typer.Option(
            help="Photos of people of the same population it was NOT trained on; default: the "
            "run's own."
        ),
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option(help="What embedded WHERE, as in an audit; default: what the run says."),
    ] = None,
    any_judge: Annotated[
        bool,
        typer.Option(
            "--any-judge",
            help="Allow several photos of a person where the embedder tells photos apart.",
        ),
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="Nearest records to name for each person.")] = 5,
    level: Annotated[
        float,
        typer.Option(
            help="Stands out at a p-value of at most this; with --list, at this false discovery "
            "rate."
        ),
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="Draws the photos that are compared.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the answer, with tables; resumable. Private.")
    ] = None,
    identities: Identities = "auto",
    format: Format = None,  # noqa: A002  (the option's name)
    max_bad: MaxBad = 0.01,
    duplicates: Annotated[
        str,
        typer.Option(
            metavar="TAU",
            help="Similarity from which two records count as one photo; auto: by what the "
            "embedder can tell; off: not searched for.",
        ),
    ] = "auto",
    detector: Detector = None,
    landmarks: LandmarksFile = None,
    face: Face = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start anew where --out holds another search.")
    ] = False,
    cache: Cache = None,
    limit: Limit = None,
    threads: Threads = None,
    memory: Memory = "512MiB",
    engine: Engine = "auto",
    device: Device = "auto",
    trust: Trust = None,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> int:
    """Am I in there? Search a synthetic set for one person, or for a list of people.

    Compares with people it was not trained on, and names the nearest samples and training images.
    Returns 1 if the person (of a list: somebody) stands out in the samples, 0 if not, 4 if that
    cannot be told.

    Example: `spolia search me.jpg me-too.jpg --in run`
    """
    from spolia.auditing.options import Options
    from spolia.auditing.search import search_for
    from spolia.sources.limits import parse_limits

    options = Options(
        identities=identities,
        format=format,
        max_bad=max_bad,
        duplicates=parse_duplicates(duplicates),
        detector=detector,
        landmarks=landmarks,
        face=face,
        overwrite=overwrite,
        cache=cache,
        limits=parse_limits(tuple(limit or ())),
        threads=threads,
        memory=parse_size(memory),
        engine=engine,
        device=device,
        trust=tuple(trust or ()),
    )
    with progress_on_stderr(quiet=quiet) as progress:
        result = search_for(
            photos or None,
            people=people,
            within=within,
            nonmembers=nonmembers,
            embedder=embedder,
            any_judge=any_judge,
            top=top,
            level=level,
            seed=seed,
            out=out,
            options=options,
            progress=progress,
        )
    if json_output:
        print_json(result.to_json())
    else:
        _show(result, out)
    return result.summary.exit_code


def _show(result: "SearchResult", out: Path | None) -> None:
    summary = result.summary
    show(summary.sentence, style=_STYLES.get(summary.outcome, "bold yellow"))
    for answer in summary.answers:
        if answer.set != "synthetic" and answer.asked is not None:
            show(f"  {answer.sentence}")
        _show_nearest(answer)
    for note in summary.notes:
        show(f"  Note: {note}")
    for role, name, reason in result.quarantine[:_SHOWN]:
        show(f"  Left out of {role}: {name}: {reason}")
    if summary.people is not None:
        show_named(result.named, "people.parquet")
    if out is None:
        say("  Nothing was kept: --out DIR writes the answer and its tables.")
    else:
        say(f"  Written: {out / 'search.json'} and tables beside it, all of them private")


def _show_nearest(answer: "Answer") -> None:
    from spolia.report.format import similarity

    if answer.nearest:
        show(f"  Nearest {_NOUNS[answer.set]}:")
    for near in answer.nearest:
        show(f"    {_near(near)}")
    if answer.usual is not None:
        usual = answer.usual
        show(
            f"    Beside it, no p-value: of {usual.records:,} of these records, {usual.as_near:,} "
            f"have another as near as that (median {similarity(usual.median)})."
        )


def _near(near: "Near") -> str:
    from spolia.report.format import similarity

    whose = "" if near.identity is None else f" ({near.identity})"
    copy = "   the same photo, or nearly" if near.copy else ""
    return f"{near.id}{whose}   {similarity(near.similarity)}   to {near.photo}{copy}"
