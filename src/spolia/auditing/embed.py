"""Embed a source shard by shard, with what cannot be read set aside.

::

    source ──> decoded apart, some ahead ──┬─> embedded in the same thread ──┬─> shard
                                           └─> in batches, on a GPU ─────────┘
    and past all of that, where a cache of rows has the image already
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from spolia.auditing.cuts import CutSource
from spolia.core.errors import TooManyUnreadable, UnreadableImage
from spolia.core.progress import Progress, silent
from spolia.core.types import Float32, Float64
from spolia.embedding import Embedder, Pixels
from spolia.embedding.about import digest_of
from spolia.embedding.protocol import Batched, needs_points
from spolia.sources import Source
from spolia.sources.decode import decoder_version
from spolia.sources.source import images_of
from spolia.store.cache import RowCache, content_key
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
_AHEAD = 2
"""Groups of records begun for each thread before the first of them is taken."""
_GROUP = 8
"""Records that a thread takes at once, so that they are decoded ahead, and threads meet seldom."""
_GROUPS = 16
"""Groups for each thread, at least, so that none is long alone at the end."""

_T = TypeVar("_T")
_S = TypeVar("_S")


@dataclass(frozen=True)
class EmbedOptions:
    """How a source is embedded; none of it changes a row."""

    max_bad: float = 0.01
    """Largest share of unreadable images, 0 to 1."""
    threads: int | None = None
    """Records decoded and embedded at once; default one per core, and one."""
    shard_records: int = SHARD_RECORDS
    """Records of the source a shard covers, and the most a killed run has to redo."""
    cache: Path | None = None
    """Folder in which rows are kept from run to run; default: nowhere."""


@dataclass(frozen=True, eq=False)
class _Record:
    """A record on its way: an image, then a row, or the reason why it has none."""

    index: int
    key: bytes | None = None
    """For the cache, where there is one and it lacks the row."""
    image: Pixels | None = None
    points: Float64 | None = None
    """Where eyes, nose and mouth are in a face that was cut."""
    row: Float32 | None = None
    failure: UnreadableImage | None = None

    @property
    def open(self) -> bool:
        """Whether it has still to be embedded."""
        return self.row is None and self.failure is None


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
        Images without a face are no such.
    """
    n = len(source)
    begin_store(
        folder,
        Manifest(
            source=source.fingerprint,
            embedder=maker(embedder),
            dim=embedder.dim,
            records=n,
            shard_records=options.shard_records,
            identities=name_digest(source.identities) if source.identities else None,
            model=embedder.summary,
        ),
    )
    unreadable: list[Unreadable] = []
    progress(stage, 0, n)
    with ExitStack() as stack:
        cache = (
            None
            if options.cache is None
            else stack.enter_context(RowCache(options.cache, maker(embedder), embedder.dim))
        )
        threads = options.threads or _usual_threads()
        pool = stack.enter_context(ThreadPoolExecutor(threads))
        way = _Way(source, embedder, pool, threads, cache)
        parts = [
            range(n)[i : i + options.shard_records] for i in range(0, n, options.shard_records)
        ]
        # Asked once: another process may write shards meanwhile, and the stream goes on as begun.
        missing = {i: part for i, part in enumerate(parts) if not is_complete(folder, i)}
        # One stream through all shards: the threads go on while one is written.
        stream = stack.enter_context(closing(way.embedded(list(chain(*missing.values())))))
        for number, part in enumerate(parts):
            if number not in missing:
                unreadable += read_unreadable(folder, number)
            else:
                embedded = islice(stream, len(part))
                shard = way.shard(embedded, lambda done: progress(stage, done, n))
                write_shard(folder, number, shard)
                unreadable += shard.unreadable
            check_readable(unreadable, n, options.max_bad, source.uri)
            progress(stage, part.stop, n)


def _usual_threads() -> int:
    """Return one thread per core, and one to be awake while another waits for its decoder."""
    return (os.cpu_count() or 1) + 1


def maker(embedder: Embedder) -> str:
    """Return the digest of everything but the image that decides a row."""
    return digest_of([embedder.fingerprint, decoder_version()])


@dataclass(frozen=True, eq=False)
class _Way:
    """From records to rows."""

    source: Source
    embedder: Embedder
    pool: ThreadPoolExecutor
    threads: int
    cache: RowCache | None

    def shard(self, records: Iterator[_Record], tell: Callable[[int], None]) -> Shard:
        """Put embedded records together, and keep their rows in the cache."""
        embedded: list[_Record] = []
        for record in records:
            embedded.append(record)
            if (record.index + 1) % _TELL_EVERY == 0:
                tell(record.index + 1)
        kept = [(one, one.row) for one in embedded if one.row is not None]
        if self.cache is not None:
            self.cache.put((one.key, row) for one, row in kept if one.key is not None)
        ids, identities = self.source.ids, self.source.identities
        return Shard(
            np.stack([row for _, row in kept])
            if kept
            else np.empty((0, self.embedder.dim), dtype=np.float32),
            [ids[one.index] for one, _ in kept],
            None if identities is None else [identities[one.index] for one, _ in kept],
            [
                Unreadable(ids[one.index], str(one.failure), one.failure.kind)
                for one in embedded
                if one.failure is not None
            ],
        )

    def embedded(self, records: Sequence[int]) -> Generator[_Record, None, None]:
        """Embed some records, in order."""
        embedder, ahead = self.embedder, _AHEAD * self.threads
        groups = _in_groups(records, self.threads)
        if isinstance(embedder, Batched) and embedder.batch > 1:
            # The threads go on decoding while this one waits for the batch.
            ahead += 2 * embedder.batch // max(map(len, groups), default=1)
            looked = chain.from_iterable(_in_order(self.pool, self._look, groups, ahead=ahead))
            while batch := list(islice(looked, embedder.batch)):
                yield from _in_a_batch(embedder, batch)
        else:
            # One image per call: no row can depend on its batch (see spolia.embedding).
            for group in _in_order(self.pool, self._alone, groups, ahead=ahead):
                yield from group

    def _look(self, group: Sequence[int]) -> list[_Record]:
        return list(self._looked(group))

    def _looked(self, group: Sequence[int]) -> Iterator[_Record]:
        """Yield records with their image, one after the other: the caller may drop each."""
        records = [self._kept(index) for index in group]
        seen = self._seen([one for one in records if one.open])
        for one in records:
            yield next(seen) if one.open else one

    def _seen(self, records: Sequence[_Record]) -> Iterator[_Record]:
        if isinstance(self.source, CutSource):
            yield from (_cut(self.source, one) for one in records)
            return
        images = images_of(self.source, [one.index for one in records])
        for one, image in zip(records, images, strict=True):
            if isinstance(image, UnreadableImage):
                yield replace(one, failure=image)
            else:
                yield replace(one, image=image)

    def _kept(self, index: int) -> _Record:
        """Return a record with its row, where that is kept; else what to keep it under."""
        if self.cache is None:
            return _Record(index)
        try:
            key = content_key(self.source.content(index))
        except UnreadableImage as error:
            return _Record(index, failure=error)
        row = self.cache.get(key)
        return _Record(index, key) if row is None else _Record(index, row=row)

    def _alone(self, group: Sequence[int]) -> list[_Record]:
        embedder = self.embedder
        if needs_points(embedder) or not isinstance(embedder, Batched):
            return [self._with_row(record) for record in self._looked(group)]
        records: list[_Record] = []
        rows = iter(embedder.embed_batch(_passing(self._looked(group), records)))
        return [_with(one, next(rows)) if one.open else one for one in records]

    def _with_row(self, record: _Record) -> _Record:
        if record.image is None:
            return record
        try:
            if record.points is not None and needs_points(self.embedder):
                row = self.embedder.embed_with_points(record.image, record.points)
            else:
                row = self.embedder.embed(record.image)
            return _with(record, row)
        except UnreadableImage as error:
            return _with(record, error)


def _cut(source: CutSource, record: _Record) -> _Record:
    try:
        cut = source.cut(record.index)
    except UnreadableImage as error:
        return replace(record, failure=error)
    return replace(record, image=cut.pixels, points=cut.points)


def _with(record: _Record, found: Float32 | UnreadableImage) -> _Record:
    if isinstance(found, UnreadableImage):
        return replace(record, image=None, failure=found)
    return replace(record, image=None, row=found)


def _in_groups(records: Sequence[int], threads: int) -> list[Sequence[int]]:
    """Cut records into groups, of which each thread gets several even where records are few."""
    size = min(max(1, len(records) // (_GROUPS * threads)), _GROUP)
    return [records[start : start + size] for start in range(0, len(records), size)]


def _passing(records: Iterable[_Record], noted: list[_Record]) -> Iterator[Pixels]:
    """Yield the images of records, and note these without."""
    for record in records:
        noted.append(replace(record, image=None))
        if record.image is not None:
            yield record.image


def _in_a_batch(embedder: Batched, group: Sequence[_Record]) -> list[_Record]:
    images = [one.image for one in group if one.image is not None]
    rows = iter(embedder.embed_batch(images) if images else [])
    return [one if one.image is None else _with(one, next(rows)) for one in group]


def _in_order(
    pool: ThreadPoolExecutor, function: Callable[[_S], _T], items: Iterable[_S], *, ahead: int
) -> Iterator[_T]:
    """Yield what ``function`` returns for each item, with at most ``ahead`` of them begun.

    Without a bound all the pictures of a shard could lie decoded in memory at once.
    """
    begun: deque[Future[_T]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) >= ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for one in begun:
            one.cancel()


def check_readable(unreadable: list[Unreadable], n: int, max_bad: float, uri: str) -> None:
    """Raise if more than ``max_bad`` of ``n`` images could not be read.

    Raises
    ------
    TooManyUnreadable
        Says which came first. Images without a face are no such.
    """
    bad = [one for one in unreadable if not one.no_face]
    if len(bad) <= max_bad * n:
        return
    first = bad[0]
    raise TooManyUnreadable(
        f"{len(bad)} of {n} images in {uri} cannot be read, more than {max_bad:.2%} "
        f"(first: {first.id}: {first.reason}); repair the set, or raise --max-bad knowingly (and "
        "with --overwrite, if there is a run)",
        [(one.id, one.reason) for one in unreadable],
    )
