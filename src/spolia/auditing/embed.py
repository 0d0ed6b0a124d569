"""Embed a source shard by shard, with what cannot be read set aside."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spolia.core.errors import TooManyUnreadable, UnreadableImage
from spolia.core.progress import Progress, silent
from spolia.core.types import Float32
from spolia.embedding import Embedder
from spolia.sources import Source
from spolia.store.shards import (
    Manifest,
    Shard,
    Unreadable,
    begin_store,
    is_complete,
    name_digest,
    read_unreadable,
    write_shard,
)

SHARD_RECORDS = 1024
_TELL_EVERY = 64


@dataclass(frozen=True)
class EmbedOptions:
    """How a source is embedded; none of it changes a row."""

    max_bad: float = 0.01
    """Largest share of unreadable images, 0 to 1."""
    threads: int | None = None
    """Records decoded and embedded at once; default one per core."""
    shard_records: int = SHARD_RECORDS
    """Records of the source a shard covers, and the most a killed run has to redo."""


def embed_source(
    source: Source,
    embedder: Embedder,
    folder: Path,
    *,
    options: EmbedOptions = EmbedOptions(),
    stage: str = "embed",
    progress: Progress = silent,
) -> None:
    """Write the embeddings of ``source`` as a store in ``folder``.

    Complete shards of the same images and embedder are kept, so that a killed run goes on where it
    was. Images that cannot be decoded are recorded with the reason and left out.

    Raises
    ------
    PlanMismatch
        If ``folder`` holds embeddings of other images or of another embedder.
    TooManyUnreadable
        If more than ``options.max_bad`` of the images cannot be decoded; says which came first.
    """
    n = len(source)
    begin_store(
        folder,
        Manifest(
            source=source.fingerprint,
            embedder=embedder.fingerprint,
            dim=embedder.dim,
            records=n,
            shard_records=options.shard_records,
            identities=name_digest(source.identities) if source.identities else None,
            model=embedder.summary,
        ),
    )
    unreadable: list[Unreadable] = []
    progress(stage, 0, n)
    with ThreadPoolExecutor(options.threads or os.cpu_count() or 1) as pool:
        for number, start in enumerate(range(0, n, options.shard_records)):
            stop = min(start + options.shard_records, n)
            if is_complete(folder, number):
                unreadable += read_unreadable(folder, number)
            else:
                shard = _embed_shard(
                    source,
                    embedder,
                    range(start, stop),
                    pool,
                    lambda done: progress(stage, done, n),
                )
                write_shard(folder, number, shard)
                unreadable += shard.unreadable
            _check_readable(unreadable, n, options.max_bad, source.uri)
            progress(stage, stop, n)


def _embed_shard(
    source: Source,
    embedder: Embedder,
    records: range,
    pool: ThreadPoolExecutor,
    tell: Callable[[int], None],
) -> Shard:
    def one(index: int) -> Float32 | str:
        try:
            return embedder.embed(source.image(index))
        except UnreadableImage as error:
            return str(error)

    # One image per call: no row can depend on its batch (see spolia.embedding).
    rows: Iterator[Float32 | str] = pool.map(one, records)
    vectors: list[Float32] = []
    kept: list[int] = []
    unreadable: list[Unreadable] = []
    for index, row in zip(records, rows, strict=True):
        if isinstance(row, str):
            unreadable.append(Unreadable(source.ids[index], row))
        else:
            kept.append(index)
            vectors.append(row)
        if (index + 1) % _TELL_EVERY == 0:
            tell(index + 1)
    return Shard(
        np.stack(vectors) if vectors else np.empty((0, embedder.dim), dtype=np.float32),
        [source.ids[i] for i in kept],
        None if source.identities is None else [source.identities[i] for i in kept],
        unreadable,
    )


def _check_readable(unreadable: list[Unreadable], n: int, max_bad: float, uri: str) -> None:
    if len(unreadable) <= max_bad * n:
        return
    first = unreadable[0]
    raise TooManyUnreadable(
        f"{len(unreadable)} of {n} images in {uri} cannot be read, more than {max_bad:.2%} "
        f"(first: {first.id}: {first.reason}); repair the set, or raise --max-bad knowingly (and "
        "with --overwrite, if there is a run)",
        [(one.id, one.reason) for one in unreadable],
    )
