"""``spolia embed``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spolia.cli.console import print_json, progress_on_stderr, show
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
    Quiet,
    Threads,
    Trust,
)
from spolia.core.errors import UsageError

if TYPE_CHECKING:
    from spolia.auditing.exchange import Exchanged
    from spolia.store.precomputed import Opened


def embed(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A set of images; or .npy rows to normalise.")
    ],
    embedder: Annotated[
        str,
        typer.Option(
            help="dct, gist, phash, dlib, a model card (.toml), or precomputed (normalise rows)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the store; resumable.")],
    identities: Identities = "auto",
    format: Format = None,  # noqa: A002  (the option's name)
    max_bad: MaxBad = 0.01,
    detector: Detector = None,
    landmarks: LandmarksFile = None,
    face: Face = None,
    cache: Cache = None,
    limit: Limit = None,
    threads: Threads = None,
    device: Device = "auto",
    trust: Trust = None,
    for_exchange: Annotated[
        bool,
        typer.Option(
            "--for-exchange",
            help="For others to search in: rows under codes, and nothing else of the images. "
            "OUT.names.csv, beside the folder, says whose codes they are: keep it.",
        ),
    ] = False,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Embed a set once, to use it in many audits and joins.

    Writes clip-retrieval's layout: img_emb/img_emb_0000.npy and metadata/metadata_0000.parquet.

    Example: `spolia embed faces.zip --embedder face.toml --out faces.emb`
    """
    from spolia.auditing.cuts import cut_faces
    from spolia.auditing.embed import EmbedOptions, embed_source
    from spolia.auditing.exchange import write_exchange
    from spolia.auditing.stages import judged
    from spolia.embedding import open_embedder
    from spolia.sources import open_source
    from spolia.sources.limits import parse_limits
    from spolia.store.columns import write_columns
    from spolia.store.precomputed import normalise_file, open_precomputed
    from spolia.store.shards import is_store

    with progress_on_stderr(quiet=quiet) as progress, _place(out, for_exchange) as store:
        if embedder == "precomputed":
            _check_no_faces(detector, landmarks, face)
            if for_exchange and is_store(Path(source)):
                store = Path(source)
            else:
                normalise_file(Path(source), store)
        else:
            images = open_source(
                source,
                format=format,
                identities=identities,
                limits=parse_limits(tuple(limit or ())),
                progress=progress,
            )
            faces = cut_faces(images, detector, landmarks, face, progress)
            ready = judged(faces, open_embedder(embedder, trust=trust or (), device=device))
            embed_source(
                ready.source,
                ready.embedder,
                store,
                options=EmbedOptions(max_bad=max_bad, threads=threads, cache=cache),
                progress=progress,
            )
            write_columns(store, ready.source.ids, ready.source.columns)
        opened = open_precomputed(store)
        exchanged = write_exchange(opened, out) if for_exchange else None
        record = _record(out, opened, exchanged)
    if json_output:
        print_json(record)
    else:
        _show(record, opened)


@contextmanager
def _place(out: Path, for_exchange: bool) -> Iterator[Path]:
    """Give the folder to embed into: one that passes where only an exchange is to be left."""
    from tempfile import TemporaryDirectory

    from spolia.auditing.exchange import check_free

    if not for_exchange:
        yield out
        return
    check_free(out.absolute())
    with TemporaryDirectory(prefix="spolia-") as passing:
        yield Path(passing) / "store"


def _record(out: Path, opened: "Opened", exchanged: "Exchanged | None") -> dict[str, Any]:
    rows = opened.embeddings
    no_face = sum(one.no_face for one in opened.unreadable)
    record = {
        "out": str(out),
        "records": len(rows),
        "dim": rows.vectors.shape[1],
        "unreadable": len(opened.unreadable) - no_face,
        "no_face": no_face,
        "model": opened.model.name,
        "licence": opened.model.licence,
        "fingerprint": opened.fingerprint,
    }
    if exchanged is None:
        return record
    made_by = {"names": str(exchanged.names), "identities": exchanged.identities}
    return record | made_by | {"fingerprint": opened.model.fingerprint}


def _show(record: dict[str, Any], opened: "Opened") -> None:
    no_face = record["no_face"]
    without = f" In {no_face:,} no face was found that counts." if no_face else ""
    show(
        f"{record['records']:,} rows of {record['dim']} in {record['out']}, made by "
        f"{record['model']} (licence: {record['licence']}); {record['unreadable']:,} images could "
        f"not be read.{without}"
    )
    for one in opened.unreadable[:10]:
        show(f"  {one.id}: {one.reason}")
    if "names" in record:
        show(f"  To hand on: {record['out']}. Whose codes they are: {record['names']}, for you.")


def _check_no_faces(*given: object) -> None:
    if any(one is not None for one in given):
        raise UsageError(
            "--detector, --landmarks and --face are for images, but --embedder precomputed is given"
        )
