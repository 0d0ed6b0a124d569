"""How an audit is run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How an audit is run. Only ``identities``, ``format`` and ``max_bad`` concern the result."""

    identities: str = "auto"
    """Where identities come from: ``auto``, ``none``, ``folder`` or ``regex:PATTERN``."""
    format: str | None = None
    """Format of the sets; default by suffix."""
    max_bad: float = 0.01
    """Largest share of unreadable images in a set, 0 to 1."""
    overwrite: bool = False
    """Start anew where the run folder holds another audit."""
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
