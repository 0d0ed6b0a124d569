"""``spolia join``."""

from pathlib import Path
from typing import Annotated

import typer

from spolia.cli.console import print_json, progress_on_stderr, show
from spolia.cli.options import JsonOutput, Memory, Quiet, Threads, parse_size

Engine = Annotated[
    str,
    typer.Option(
        help="What compares: auto, kernel, library or gpu. The result is the same bit for bit; "
        "`spolia doctor` says which there are."
    ),
]


def join(
    query: Annotated[
        Path, typer.Argument(metavar="QUERY", help="Embeddings: a store folder or .npy.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the tables; resumable.")],
    base: Annotated[
        Path | None,
        typer.Argument(metavar="BASE", help="Embeddings to search; default: QUERY itself."),
    ] = None,
    k: Annotated[int | None, typer.Option(help="The K nearest of every query.")] = None,
    above: Annotated[
        float | None, typer.Option(help="All pairs with at least this similarity.")
    ] = None,
    top: Annotated[int | None, typer.Option(help="The TOP best pairs of all.")] = None,
    histogram: Annotated[
        int | None,
        typer.Option(help="Count the pairs of a sample of QUERY in this many bins on [-1, 1]."),
    ] = None,
    exclude_identities: Annotated[
        bool,
        typer.Option("--exclude-identities", help="Leave out pairs of the same identity."),
    ] = False,
    threads: Threads = None,
    memory: Memory = "2GiB",
    engine: Engine = "auto",
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Compare every row with every row, exactly.

    Any combination of outputs comes from one pass, each as a table in --out: nearest.parquet,
    above.parquet, top.parquet, histogram.parquet. Without BASE the rows of QUERY are compared with
    each other, never with themselves, and above and top list each pair once.

    Example: `spolia join synthetic.emb train.emb --k 10 --top 1000 --out nearest`

    Example: `spolia join train.emb --above 0.9 --exclude-identities --engine library --out twins`
    """
    from spolia.auditing.joining import JoinOptions, join_to_folder
    from spolia.search.engines import kernel_name
    from spolia.search.plan import Wanted

    with progress_on_stderr(quiet=quiet) as progress:
        record = join_to_folder(
            query,
            base,
            out,
            Wanted(k, above, top, histogram),
            exclude_identities=exclude_identities,
            options=JoinOptions(memory=parse_size(memory), threads=threads, engine=engine),
            progress=progress,
        )
    if json_output:
        print_json(record | {"engine": kernel_name(engine)})
        return
    for name, rows in record["rows"].items():
        show(f"{out / name}.parquet: {rows:,} rows")
