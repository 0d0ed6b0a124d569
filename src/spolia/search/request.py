"""A join that was checked, as it is handed to an engine."""

from dataclasses import dataclass

from spolia.core.progress import Progress
from spolia.core.types import Rows
from spolia.search.exclude import Exclude
from spolia.search.plan import Wanted


@dataclass(frozen=True, eq=False)
class Request:
    """What is joined, what is wanted of it, and within which limits."""

    query: Rows
    """``(n, d)``"""
    bases: tuple[Rows, ...]
    """``(m, d)`` each."""
    excludes: tuple[Exclude | None, ...]
    """What is left out, for each base."""
    wanted: Wanted
    memory: int
    """Bytes."""
    threads: int
    progress: Progress

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(n, m, d)``, of all bases together."""
        n, d = self.query.shape
        return n, sum(one.shape[0] for one in self.bases), d
