"""The library engine: the join through numpy's matrix library, on any machine."""

from dataclasses import replace

from spolia.core.progress import Progress
from spolia.core.types import Rows
from spolia.search.exclude import Exclude
from spolia.search.histogram import count_histogram
from spolia.search.plan import Wanted, least_memory, make_plan, require_memory
from spolia.search.result import JoinResult
from spolia.search.run import run_plan


def run_library(
    query: Rows,
    base: Rows,
    wanted: Wanted,
    exclude: Exclude | None,
    *,
    memory: int,
    threads: int,
    progress: Progress,
) -> JoinResult:
    """Return the join of checked rows; see `spolia.search.join.join`.

    The histogram is a run of its own, so that the rest keeps its float32 tiles.

    Raises
    ------
    UsageError
        If ``memory`` is too small.
    ResultTooLarge
        If there are more pairs at or above ``wanted.above`` than ``memory`` can hold.

    Examples
    --------
    >>> import numpy as np
    >>> from spolia.core.progress import silent
    >>> rows = np.eye(2, dtype=np.float32)
    >>> limits = {"memory": 1 << 30, "threads": 1, "progress": silent}
    >>> run_library(rows, rows, Wanted(k=1), Exclude.itself(2), **limits).indices.tolist()
    [[1], [0]]
    """
    n, (m, d), grouped = query.shape[0], base.shape, exclude is not None
    check_memory(query, base, wanted, exclude, memory)
    shape, rest = (n, m, d), replace(wanted, histogram=None)
    counted = None
    if wanted.histogram is not None:
        limits = {"memory": memory, "threads": threads}
        counted = count_histogram(query, base, wanted.histogram, exclude, **limits)
    if rest == Wanted():
        progress("join", n, n)
        return JoinResult(histogram=counted)
    plan = make_plan(shape, rest, memory=memory, threads=threads, grouped=grouped)
    return replace(run_plan(query, base, rest, exclude, plan, progress), histogram=counted)


def check_memory(
    query: Rows, base: Rows, wanted: Wanted, exclude: Exclude | None, memory: int
) -> None:
    """Raise `UsageError` if ``memory`` is too small for a join, whatever engine does it."""
    shape = (query.shape[0], base.shape[0], base.shape[1])
    runs = (replace(wanted, histogram=None), Wanted(histogram=wanted.histogram))
    least = max(
        least_memory(shape, run, grouped=exclude is not None) for run in runs if run != Wanted()
    )
    require_memory(shape, least, memory)
