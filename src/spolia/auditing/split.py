"""A labelled set split into what to train on and whom to ask about, as lists of ids."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spolia.auditing.alike import Kept
from spolia.auditing.clustered import Clustered, cluster
from spolia.auditing.duplicates import threshold_of
from spolia.auditing.embed import EmbedOptions, embed_source
from spolia.auditing.options import Options
from spolia.auditing.result import write_quarantine
from spolia.auditing.sets import AuditSet, prepare
from spolia.auditing.stages import judged, quarantine_of
from spolia.core.errors import UsageError
from spolia.core.progress import Progress, silent
from spolia.core.seeds import stream
from spolia.core.types import Int64
from spolia.core.version import VERSION
from spolia.embedding import Embedder
from spolia.report.summary_json import write_record
from spolia.sources import Source
from spolia.stats.splits import Split, split_people
from spolia.store.atomic import make_private, write_text
from spolia.store.precomputed import open_precomputed

SCHEMA = "spolia-split/1"
FILE = "split.json"
PARTS = ("train", "members", "nonmembers", "unused")


@dataclass(frozen=True)
class Part:
    """One list of the split."""

    name: str
    records: int
    people: int


@dataclass(frozen=True)
class SplitSummary:
    """A split in numbers; no id."""

    schema: str
    version: str
    source: str
    """Fingerprint of the set."""
    embedder: str
    """Name of what found the near-duplicates."""
    threshold: float
    """Similarity from which two records are one photo."""
    seed: int
    share: float
    """Of the people with enough photos, those to be members."""
    held_back: int
    identities: int
    people: int
    """Identities that share a photo are one person."""
    photos: int
    """Records, near-duplicates counted once."""
    unreadable: int
    """Records that could not be read; on no list."""
    blank: int
    """Records without any structure; on no list."""
    parts: tuple[Part, ...]


def split(
    source: Source,
    embedder: Embedder,
    out: Path,
    *,
    share: float = 0.5,
    held_back: int = 1,
    seed: int = 0,
    options: Options = Options(),
    progress: Progress = silent,
) -> SplitSummary:
    """Write ``train.txt``, ``members.txt``, ``nonmembers.txt`` and ``unused.txt`` into a folder.

    Each holds ids, one a line, and is used as ``SET@out/train.txt``. The same set, embedder and
    seed give the same split. Embeddings are kept until it is written, so that a killed run goes on.

    Raises
    ------
    UsageError
        If identities are unknown, a side would have nobody, nearly everything is alike, an id
        cannot stand in a list, or the folder holds a split already.
    """
    _check(source, out)
    threshold = threshold_of(options.duplicates, embedder.kind)
    if threshold is None:
        raise UsageError(
            "a split must know near-duplicates, or the same photo is on both sides; leave out "
            "--duplicates off"
        )
    ready = judged(source, embedder)
    store, parts = out / "embeddings", out / "duplicates"
    told = EmbedOptions(options.max_bad, options.threads, options.shard_records)
    embed_source(ready.source, ready.embedder, store, options=told, progress=progress)
    opened = open_precomputed(store)
    one = prepare(
        "set",
        opened.embeddings,
        opened.model,
        fingerprint=opened.fingerprint,
        unreadable=opened.unreadable,
    )
    clustered = cluster(one, threshold, Kept(parts, options, progress))
    photo = photos_of(clustered)
    rng = stream(seed, "split", one.summary.fingerprint)
    found = split_people(one.identity, photo, share=share, held_back=held_back, rng=rng)
    summary = SplitSummary(
        schema=SCHEMA,
        version=VERSION,
        source=one.summary.fingerprint,
        embedder=one.model.name,
        threshold=threshold,
        seed=seed,
        share=share,
        held_back=held_back,
        identities=len(one.identities),
        people=int(found.person.max()) + 1,
        photos=int(photo.max()) + 1,
        unreadable=one.summary.unreadable,
        blank=one.summary.blank,
        parts=tuple(_part(name, rows, found) for name, rows in _named(found)),
    )
    _write(out, one, found, summary)
    for folder in (store, parts):
        shutil.rmtree(folder)
    return summary


def _check(source: Source, out: Path) -> None:
    if source.identities is None:
        raise UsageError(
            f"a split needs to know who is on which image, but {source.uri} does not say; set "
            "--identities, e.g. folder or regex:PATTERN"
        )
    if (out / FILE).exists():
        raise UsageError(f"{out} holds a split already; choose another --out, or delete it")
    broken = [name for name in source.ids if not name.strip() or len(name.splitlines()) != 1]
    if broken:
        raise UsageError(
            f"ids are listed one a line, but {broken[0]!r} cannot be ({len(broken)} such ids); "
            "rename these images"
        )


def photos_of(clustered: Clustered) -> Int64:
    """Return each record's photo: whatever a chain of near-duplicates connects.

    Raises
    ------
    UsageError
        If nearly all are alike.
    """
    if clustered.pairs is None:
        raise UsageError(
            "nearly all images of the set are alike to this embedder, so that none can be held "
            "back; choose another --embedder, or a higher --duplicates"
        )
    n, pairs = clustered.first.size, clustered.pairs
    links = coo_array((np.ones(len(pairs)), (pairs.query, pairs.base)), shape=(n, n))
    found: Int64 = connected_components(links, directed=False)[1].astype(np.int64)
    return found[clustered.value]


def _named(found: Split) -> list[tuple[str, Int64]]:
    rows = (found.train, found.members, found.non_members, found.unused)
    return list(zip(PARTS, rows, strict=True))


def _part(name: str, rows: Int64, found: Split) -> Part:
    return Part(name, rows.size, int(np.unique(found.person[rows]).size))


def _write(out: Path, one: AuditSet, found: Split, summary: SplitSummary) -> None:
    make_private(out)
    for name, rows in _named(found):
        write_text(out / f"{name}.txt", "".join(f"{one.ids[i]}\n" for i in rows.tolist()))
    write_quarantine(out, quarantine_of({"set": one}))
    write_text(out / FILE, write_record(summary))
