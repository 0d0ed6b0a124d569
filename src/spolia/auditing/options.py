"""How an audit is run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spolia.sources.limits import Limits


@dataclass(frozen=True)
class Options:
    """What is audited, and how it is run.

    What follows ``attributes`` changes no result, but that tighter ``limits`` set images aside.
    """

    identities: str = "auto"
    """Where identities come from: ``auto``, ``none``, ``folder`` or ``regex:PATTERN``."""
    format: str | None = None
    """Format of the sets; default by suffix."""
    max_bad: float = 0.01
    """Largest share of unreadable images in a set, 0 to 1."""
    duplicates: float | Literal["auto", "off"] = "auto"
    """Similarity from which two records count as one photo; ``auto``: by the embedder's kind, see
    `spolia.auditing.duplicates.DEFAULTS`; ``off``: near-duplicates are not searched for."""
    columns: str | Path | None = None
    """CSV or parquet with a column ``id`` or ``identity``, and what is known of them."""
    exclude: tuple[str, ...] = ()
    """``COLUMN=VALUE`` of ``columns``: records that are set aside, and counted."""
    exclude_list: str | Path | None = None
    """Ids of records that are set aside, one a line."""
    detector: str | Path | None = None
    """Card of a detector: the judge sees the faces it finds, aligned, in the place of images."""
    landmarks: str | Path | None = None
    """The same, with the points of faces in a CSV or parquet file."""
    face: str | None = None
    """Which faces of an image count: ``largest`` (default), ``central``, ``all`` or ``one``."""
    attributes: tuple[str | Path, ...] = ()
    """Cards of networks that fill a column, which ``exclude`` and the strata then use."""
    overwrite: bool = False
    """Start anew where the run folder holds another audit."""
    cache: str | Path | None = None
    """Folder in which rows are kept from run to run; default: nowhere."""
    limits: Limits = Limits()
    """What one image, and one container of images, may cost."""
    threads: int | None = None
    """Default: one per core."""
    memory: int = 512 << 20
    """Bytes the search may use beside the embeddings."""
    shard_records: int = 1024
    """Records a killed run embeds again at most."""
    part_rows: int = 65536
    """Synthetic records a killed run matches again at most."""
    engine: str = "auto"
    """What computes the match: ``auto``, ``kernel``, ``library`` or ``gpu``."""
    device: str = "auto"
    """What runs the embedder's network: ``auto``, ``cpu`` or ``gpu``; part of its fingerprint."""
    trust: tuple[str, ...] = ()
    """What may run although it is a program, see `spolia.embedding.open_embedder`."""
