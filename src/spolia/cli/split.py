"""``spolia split``."""

from pathlib import Path
from typing import Annotated

import typer

from spolia.cli.console import print_json, progress_on_stderr, show
from spolia.cli.options import (
    Format,
    Identities,
    JsonOutput,
    Limit,
    MaxBad,
    Quiet,
    Threads,
    Trust,
    parse_duplicates,
)


def split(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A set of labelled images.")],
    out: Annotated[Path, typer.Option(help="Folder for the lists.")],
    share: Annotated[
        float, typer.Option(help="Share of the people with enough photos that become members.")
    ] = 0.5,
    held_back: Annotated[
        int, typer.Option(help="Photos of each person that are not trained on, to ask about.")
    ] = 1,
    embedder: Annotated[
        str, typer.Option(help="What finds near-duplicates: dct, gist, phash, or a card.")
    ] = "dct",
    duplicates: Annotated[
        str,
        typer.Option(metavar="TAU", help="Similarity from which two records are one photo."),
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Decides who is a member.")] = 0,
    identities: Identities = "auto",
    format: Format = None,  # noqa: A002  (the option's name)
    max_bad: MaxBad = 0.01,
    limit: Limit = None,
    threads: Threads = None,
    trust: Trust = None,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Split labelled images into what to train on and whom to ask about.

    Members lend photos to train and keep others back; non-members have none in train.
    Near-duplicates never stand on both sides, and people who share a photo are one. Writes lists of
    ids, used as SOURCE@OUT/train.txt.

    Example: `spolia split faces.zip --out split`
    """
    from spolia.auditing.options import Options
    from spolia.auditing.split import split as run_split
    from spolia.embedding import open_embedder
    from spolia.report.summary_json import write_record
    from spolia.sources import open_source
    from spolia.sources.limits import parse_limits

    options = Options(max_bad=max_bad, duplicates=parse_duplicates(duplicates), threads=threads)
    with progress_on_stderr(quiet=quiet) as progress:
        images = open_source(
            source,
            format=format,
            identities=identities,
            limits=parse_limits(tuple(limit or ())),
            progress=progress,
        )
        found = run_split(
            images,
            open_embedder(embedder, trust=trust or ()),
            out,
            share=share,
            held_back=held_back,
            seed=seed,
            options=options,
            progress=progress,
        )
    if json_output:
        print_json(write_record(found))
        return
    for part in found.parts:
        show(f"{out / part.name}.txt: {part.records:,} images of {part.people:,} people")
    if found.people < found.identities:
        show(
            f"{found.identities:,} identities are {found.people:,} people: some share a photo, or "
            "nearly, and count as one."
        )
    if found.unreadable or found.blank:
        show(
            f"{found.unreadable:,} images could not be read and {found.blank:,} are blank: they "
            "are on no list."
        )
