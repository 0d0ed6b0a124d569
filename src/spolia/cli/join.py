"""``spolia join``."""

from pathlib import Path
from typing import Annotated

import typer

from spolia.cli.console import print_json, progress_on_stderr, show
from spolia.cli.options import JsonOutput, Memory, Quiet, Threads, parse_size


def join(
    query: Annotated[
        Path, typer.Argument(metavar="QUERY", help="Embeddings: a store folder or .npy.")
    ],
    base: Annotated[Path, typer.Argument(metavar="BASE", help="Embeddings to search.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables; resumable.")],
    k: Annotated[int | None, typer.Option(help="The K nearest of every query.")] = None,
    above: Annotated[
        float | None, typer.Option(help="All pairs with at least this similarity.")
    ] = None,
    top: Annotated[int | None, typer.Option(help="The TOP best pairs of all.")] = None,
    histogram: Annotated[
        int | None, typer.Option(help="Count all pairs in this many bins on [-1, 1].")
    ] = None,
    threads: Threads = None,
    memory: Memory = "2GiB",
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Compare every row with every row, exactly.

    Any combination of outputs comes from one pass, each as a table in --out: nearest.parquet,
    above.parquet, top.parquet, histogram.parquet.

    Example: `spolia join synthetic.emb train.emb --k 10 --top 1000 --out nearest`
    """
    from spolia.auditing.joining import join_to_folder
    from spolia.search.plan import Wanted

    with progress_on_stderr(quiet=quiet) as progress:
        record = join_to_folder(
            query,
            base,
            out,
            Wanted(k, above, top, histogram),
            memory=parse_size(memory),
            threads=threads,
            progress=progress,
        )
    if json_output:
        print_json(record)
        return
    for name, rows in record["rows"].items():
        show(f"{out / name}.parquet: {rows:,} rows")
