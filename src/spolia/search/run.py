"""All blocks of a join, side by side, and their results made one."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import numpy as np
from threadpoolctl import threadpool_limits

from spolia.core.errors import ResultTooLarge
from spolia.core.progress import Progress
from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.search.block import Task, join_block
from spolia.search.copies import late_copies
from spolia.search.exclude import Exclude
from spolia.search.plan import Plan, Wanted
from spolia.search.result import Histogram, JoinResult, Pairs, histogram_edges, merge_pairs, shift

BlockJoin = Callable[[Float32, int, float], JoinResult]
"""From rows, the number of the first of them and a floor to their join; see `join_block`."""


def by_library(task: Task) -> BlockJoin:
    """Return the join of blocks through numpy's matrix library."""

    def block(x: Float32, first: int, floor: float) -> JoinResult:
        return join_block(x, first, task, floor)

    return block


def run_plan(
    query: Rows,
    base: Rows,
    wanted: Wanted,
    exclude: Exclude | None,
    plan: Plan,
    progress: Progress,
    *,
    prepare: Callable[[Task], BlockJoin] = by_library,
) -> JoinResult:
    """Return the join of checked rows, cut up as planned; see `spolia.search.join.join`.

    A histogram counts all rows of ``query`` here. ``prepare`` is called once.
    """
    n, m = query.shape[0], base.shape[0]
    copies = max(wanted.k or 0, wanted.top or 0) or m
    stopped = threading.Event()
    task = Task(
        base=base,
        late=late_copies(base, copies, None if exclude is None else exclude.base_groups),
        exclude=exclude,
        wanted=wanted,
        plan=plan,
        claim=Claims(plan.most_pairs, wanted.above).claim,
        stopped=stopped.is_set,
    )
    whole = _Whole(n, wanted, plan.margin)
    join_rows = prepare(task)

    def block(start: int) -> JoinResult:
        return join_rows(np.asarray(query[start : start + plan.rows]), start, whole.floor)

    running: dict[Future[JoinResult], int] = {}

    def collect(most: int) -> None:
        """Take in finished blocks until at most ``most`` are running."""
        while len(running) > most:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                start = running.pop(future)
                whole.take(start, min(plan.rows, n - start), future.result())
                progress("join", whole.done, n)

    progress("join", 0, n)
    # One thread of the matrix library for each of ours: more would only wait for each other.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(plan.threads) as pool:
        try:
            for start in range(0, n, plan.rows):
                collect(plan.threads - 1)
                running[pool.submit(block, start)] = start
            collect(0)
        finally:
            stopped.set()
    return whole.result()


class Claims:
    """Counts the pairs at or above that all threads have found."""

    def __init__(self, most: int, above: float | None) -> None:
        self._most, self._above = most, above
        self._found = 0
        self._lock = threading.Lock()

    def claim(self, count: int) -> None:
        """Count ``count`` more; raise `ResultTooLarge` where they do not fit."""
        with self._lock:
            self._found += count
            if self._found > self._most:
                raise ResultTooLarge(
                    f"the pairs at or above {self._above} must fit the memory budget, but it "
                    f"holds {self._most:,} and there are more; raise above or memory"
                )


class _Whole:
    """The join of the whole query, put together from its blocks in any order."""

    def __init__(self, n: int, wanted: Wanted, margin: float) -> None:
        self._wanted, self._margin = wanted, margin
        self._indices: Int64 = np.empty((n, wanted.k or 0), dtype=np.int64)
        self._similarities: Float64 = np.empty((n, wanted.k or 0))
        self._pairs = [_NO_PAIRS]
        self._top = _NO_PAIRS
        self._counts = np.zeros(wanted.histogram or 0, dtype=np.int64)
        self.done = 0
        """Query rows taken in."""
        self.floor = -np.inf
        """A pair whose similarity in a tile lies below cannot be in ``top``."""

    def take(self, start: int, rows: int, part: JoinResult) -> None:
        """Take in the join of the ``rows`` query rows from ``start`` on."""
        self.done += rows
        if part.indices is not None and part.similarities is not None:
            self._indices[start : start + rows] = part.indices
            self._similarities[start : start + rows] = part.similarities
        if part.pairs is not None:
            self._pairs.append(shift(part.pairs, start))
        if part.top is not None:
            self._top = merge_pairs([self._top, shift(part.top, start)], self._wanted.top)
            if len(self._top) == self._wanted.top:
                self.floor = self._top.similarity[-1] - self._margin
        if part.histogram is not None:
            self._counts += part.histogram.counts

    def result(self) -> JoinResult:
        wanted = self._wanted
        return JoinResult(
            indices=None if wanted.k is None else self._indices,
            similarities=None if wanted.k is None else self._similarities,
            pairs=None if wanted.above is None else merge_pairs(self._pairs),
            top=None if wanted.top is None else self._top,
            histogram=None
            if wanted.histogram is None
            else Histogram(self._counts, histogram_edges(wanted.histogram), self.done),
        )


_NO_PAIRS = Pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
