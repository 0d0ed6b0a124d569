"""The join of one block of query rows with all of base, tile by tile: one thread's work."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.search.collect import Above, Best
from spolia.search.plan import Plan, Wanted
from spolia.search.result import Histogram, JoinResult, Pairs, histogram_edges, merge_pairs
from spolia.search.tiles import Flags, Tile, candidates, count_tile, settler, zero_rows


@dataclass(frozen=True)
class Task:
    """What all blocks of a join share."""

    base: Rows
    late: Flags
    """``(m,)``: base rows that cannot be among the k nearest or the top, see `late_copies`."""
    wanted: Wanted
    plan: Plan
    claim: Callable[[int], None]
    """Told how many pairs at or above were found, each time some are; raises at too many."""
    stopped: Callable[[], bool]
    """Has the join been given up, so that no result is needed?"""


def join_block(x: Float32, task: Task, floor: float) -> JoinResult:
    """Return the join of the rows ``x`` with ``task.base``.

    Parameters
    ----------
    x
        ``(r, d)``.
    floor
        ``top`` leaves out pairs whose similarity in a tile lies below.
    """
    m, columns = task.base.shape[0], task.plan.columns
    dtype = np.float64 if task.plan.wide else np.float32
    left = x.astype(dtype, copy=False)
    buffer = np.empty((len(x), min(columns, m)), dtype=dtype)
    block = _Block(x, task, floor)
    for start in range(0, m, columns):
        if task.stopped():
            break
        y = np.asarray(task.base[start : start + columns])
        tile = np.matmul(left, y.astype(dtype, copy=False).T, out=buffer[:, : len(y)])
        block.read(tile, y, start)
    return block.result()


class _Block:
    """The collectors of one block, fed with its tiles."""

    def __init__(self, x: Float32, task: Task, floor: float) -> None:
        self._task = task
        self._shape = len(x), max(1, task.base.shape[0])  # an empty base has no pairs to number
        self._zero = zero_rows(x)
        self._settle = settler(x, task.base)
        wanted = task.wanted
        self._edges = None if wanted.histogram is None else histogram_edges(wanted.histogram)
        self._counts = np.zeros(wanted.histogram or 0, dtype=np.int64)
        self._above = None if wanted.above is None else self._make_above(wanted.above)
        self._nearest = None if wanted.k is None else self._make_nearest(wanted.k)
        self._top = None if wanted.top is None else self._make_best(1, wanted.top)
        if self._top is not None:
            self._top.floors[:] = floor

    def _make_above(self, threshold: float) -> Above:
        return Above(
            threshold,
            margin=self._task.plan.margin,
            room=self._task.plan.waiting,
            settle=self._settle,
            claim=self._task.claim,
        )

    def _make_nearest(self, k: int) -> Best:
        rows, m = self._shape
        nearest = self._make_best(rows, k)
        # A zero row is as similar to everything, so its nearest are known: the first rows of base.
        zero = np.flatnonzero(self._zero)
        known = np.arange(min(k, self._task.base.shape[0]))
        pairs = (zero[:, np.newaxis] * m + known).ravel()
        nearest.add(pairs, np.zeros(len(pairs)))
        nearest.floors[zero] = np.inf
        return nearest

    def _make_best(self, groups: int, keep: int) -> Best:
        rows, m = self._shape
        size = rows * m // groups
        keep = min(keep, size)
        return Best(
            groups,
            size,
            keep,
            margin=self._task.plan.margin,
            room=4 * keep * groups + self._task.plan.waiting,
            settle=self._settle,
        )

    def read(self, tile: Tile, y: Float32, start: int) -> None:
        """Take in the tile of similarities with ``y``, base from ``start`` on; overwrites it."""
        late = self._task.late[start : start + tile.shape[1]]
        hide = np.where(late, -np.inf, 0.0).astype(tile.dtype) if late.any() else None
        zero = None if self._edges is None else zero_rows(y)
        step = max(1, self._task.plan.strip // tile.shape[1])
        for row in range(0, len(tile), step):
            strip = tile[row : row + step]
            self._count(strip, row, start, zero)
            self._find_above(strip, row, start)
            if hide is not None:
                strip += hide
            self._find_best(strip, row, start)

    def _count(self, strip: Tile, row: int, start: int, zero: Flags | None) -> None:
        if self._edges is None or zero is None:
            return
        self._counts += count_tile(
            strip,
            (self._zero[row : row + len(strip)], zero),
            self._task.plan.margin,
            self._edges,
            lambda rows, columns: self._settle(self._number(rows + row, columns + start)),
        )

    def _find_above(self, strip: Tile, row: int, start: int) -> None:
        if self._above is not None:
            floors = np.full(len(strip), self._above.floor)
            self._above.add(self._reach(strip, floors, row, start)[0])

    def _find_best(self, strip: Tile, row: int, start: int) -> None:
        rows = slice(row, row + len(strip))
        if self._nearest is not None:
            if start == 0:
                self._nearest.raise_floors(rows, strip)
            self._nearest.add(*self._reach(strip, self._nearest.floors[rows], row, start))
        if self._top is not None:
            if start == 0:
                self._top.raise_floors(slice(0, 1), strip.reshape(1, -1))
            floors = np.full(len(strip), self._top.floors[0])
            self._top.add(*self._reach(strip, floors, row, start))

    def _number(self, rows: Int64, columns: Int64) -> Int64:
        """Return pair numbers."""
        return rows * self._shape[1] + columns

    def _reach(self, strip: Tile, floors: Float64, row: int, start: int) -> tuple[Int64, Float64]:
        """Return numbers and values of the pairs of a strip that reach their row's floor."""
        rows, columns, values = candidates(strip, floors)
        return self._number(rows + row, columns + start), values

    def result(self) -> JoinResult:
        """Return the block's join."""
        indices, similarities = None, None
        if self._nearest is not None:
            indices, similarities = self._ranked(*self._nearest.finish())
        return JoinResult(
            indices=indices,
            similarities=similarities,
            pairs=None
            if self._above is None
            else merge_pairs([self._pairs(*self._above.finish())]),
            top=None if self._top is None else self._pairs(*self._top.finish()),
            histogram=None if self._edges is None else Histogram(self._counts, self._edges),
        )

    def _ranked(self, pairs: Int64, values: Float64) -> tuple[Int64, Float64]:
        """Return the k nearest of each row: all rows hold equally many."""
        rows, m = self._shape
        k = self._task.wanted.k or 0
        indices = np.full((rows, k), -1, dtype=np.int64)
        similarities = np.full((rows, k), -np.inf)
        keep = min(k, self._task.base.shape[0])
        indices[:, :keep] = (pairs % m).reshape(rows, keep)
        similarities[:, :keep] = values.reshape(rows, keep)
        return indices, similarities

    def _pairs(self, pairs: Int64, values: Float64) -> Pairs:
        rows, columns = np.divmod(pairs, self._shape[1])
        return Pairs(rows, columns, values)
