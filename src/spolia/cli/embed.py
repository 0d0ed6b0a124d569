"""``spolia embed``."""

from pathlib import Path
from typing import Annotated

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
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Embed a set once, to use it in many audits and joins.

    Writes clip-retrieval's layout: img_emb/img_emb_0000.npy and metadata/metadata_0000.parquet.

    Example: `spolia embed faces.zip --embedder face.toml --out faces.emb`
    """
    from spolia.auditing.cuts import cut_faces
    from spolia.auditing.embed import EmbedOptions, embed_source
    from spolia.auditing.stages import judged
    from spolia.embedding import open_embedder
    from spolia.sources import open_source
    from spolia.sources.limits import parse_limits
    from spolia.store.columns import write_columns
    from spolia.store.precomputed import normalise_file, open_precomputed

    with progress_on_stderr(quiet=quiet) as progress:
        if embedder == "precomputed":
            _check_no_faces(detector, landmarks, face)
            normalise_file(Path(source), out)
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
                out,
                options=EmbedOptions(max_bad=max_bad, threads=threads, cache=cache),
                progress=progress,
            )
            write_columns(out, ready.source.ids, ready.source.columns)
    opened = open_precomputed(out)
    rows = opened.embeddings
    no_face = sum(one.no_face for one in opened.unreadable)
    unreadable = len(opened.unreadable) - no_face
    if json_output:
        print_json(
            {
                "out": str(out),
                "records": len(rows),
                "dim": rows.vectors.shape[1],
                "unreadable": unreadable,
                "no_face": no_face,
                "model": opened.model.name,
                "licence": opened.model.licence,
                "fingerprint": opened.fingerprint,
            }
        )
        return
    without = f" In {no_face:,} no face was found that counts." if no_face else ""
    show(
        f"{len(rows):,} rows of {rows.vectors.shape[1]} in {out}, made by {opened.model.name} "
        f"(licence: {opened.model.licence}); {unreadable:,} images could not be read.{without}"
    )
    for one in opened.unreadable[:10]:
        show(f"  {one.id}: {one.reason}")


def _check_no_faces(*given: object) -> None:
    if any(one is not None for one in given):
        raise UsageError(
            "--detector, --landmarks and --face are for images, but --embedder precomputed is given"
        )
