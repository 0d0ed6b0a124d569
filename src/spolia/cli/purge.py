"""``spolia purge``."""

from pathlib import Path
from typing import Annotated

import typer

from spolia.cli.console import print_json, show
from spolia.cli.options import JsonOutput


def purge(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run or study, a store, or a cache.")
    ],
    write: Annotated[
        bool, typer.Option("--write", help="Delete; without it, say what would be deleted.")
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Delete embeddings, and reports that show images; verdict and public report stay.

    Embeddings of faces are biometric data. Without them a run cannot be verified any more.

    Example: `spolia purge run --write`
    """
    from spolia.auditing.purge import find_personal
    from spolia.auditing.purge import purge as delete

    personal = find_personal(folder)
    if write:
        delete(personal)
    if json_output:
        print_json(
            {
                "deleted": write,
                "personal": [{"path": str(one.path), "bytes": one.size} for one in personal],
            }
        )
        return
    for one in personal:
        show(f"{'deleted' if write else 'would delete'}  {one.path}  ({one.size:,} bytes)")
    if not personal:
        show(f"{folder} holds no embeddings and no report with images.")
    elif not write:
        show("Nothing was deleted: add --write to do so.")
