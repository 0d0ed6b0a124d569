"""The join of one block of query rows with all of base, tile by tile: one thread's work."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.search.collect import Above, Best
from spolia.search.exclude import Exclude
from spolia.search.plan import Plan, Wanted
from spolia.search.result import Histogram, JoinResult, Pairs, histogram_edges, merge_pairs
from spolia.search.tiles import Flags, Tile, candidates, count_tile, settler, zero_rows


@dataclass(frozen=True)
class Task:
    """What all blocks of a join share."""

    base: Rows
    late: Flags
    """``(m,)``: base rows that cannot be among the k nearest or the top, see `late_copies`."""
    exclude: Exclude | None
    wanted: Wanted
    plan: Plan
    claim: Callable[[int], None]
    """Told how many pairs at or above were found, each time some are; raises at too many."""
    stopped: Callable[[], bool]
    """Has the join been given up, so that no result is needed?"""


def join_block(x: Float32, first: int, task: Task, floor: float) -> JoinResult:
    """Return the join of the rows ``x`` with ``task.base``.

    Parameters
    ----------
    x
        ``(r, d)``.
    first
        The row number of ``x[0]`` in query.
    floor
        ``top`` leaves out pairs whose similarity in a tile lies below.
    """
    m, columns = task.base.shape[0], task.plan.columns
    dtype = np.float64 if task.plan.wide else np.float32
    left = x.astype(dtype, copy=False)
    buffer = np.empty((len(x), min(columns, m)), dtype=dtype)
    block = Block(x, first, task, floor)
    for start in range(0, m, columns):
        if task.stopped():
            break
        y = np.asarray(task.base[start : start + columns])
        tile = np.matmul(left, y.astype(dtype, copy=False).T, out=buffer[:, : len(y)])
        block.read(tile, y, start)
    return block.result()


class Block:
    """The collectors of one block, fed with its tiles, or with those pairs that `floors` leaves.

    Parameters are those of `join_block`.
    """

    def __init__(self, x: Float32, first: int, task: Task, floor: float) -> None:
        self._task = task
        self._first = first
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
        known = [row * m + self._first_columns(row, k) for row in zero.tolist()]
        pairs = np.concatenate([*known, np.empty(0, np.int64)])
        nearest.add(pairs, np.zeros(len(pairs)))
        nearest.floors[zero] = np.inf
        return nearest

    def _first_columns(self, row: int, count: int) -> Int64:
        """Return the first base rows that a row of the block meets, at most ``count``."""
        exclude = self._task.exclude
        if exclude is None:
            return np.arange(min(count, self._task.base.shape[0]), dtype=np.int64)
        return exclude.first_allowed(self._first + row, count)

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
            hidden = self._hidden(strip, row, start)
            self._count(strip, row, start, zero, hidden)
            if hidden is not None:
                np.copyto(strip, -np.inf, where=hidden)
            self._find_above(strip, row, start)
            if hide is not None:
                strip += hide
            self._find_nearest(strip, row, start)
            self._find_top(strip, row, start)

    def floors(self, rows: slice) -> Float64:
        """Return what a tile value must reach to matter to an output, for some rows ``(r,)``."""
        floors = np.full(self._shape[0], np.inf)[rows]
        if self._above is not None:
            np.minimum(floors, self._above.floor, out=floors)
        if self._nearest is not None:
            np.minimum(floors, self._nearest.floors[rows], out=floors)
        if self._top is not None:
            np.minimum(floors, self._top.floors[0], out=floors)
        return floors

    def know_nearest(self, rows: slice, least: Float64) -> None:
        """Learn that k pairs of each of some rows have true similarities of ``least`` ``(r,)``."""
        if self._nearest is not None:
            floors = self._nearest.floors[rows]
            np.maximum(floors, least - self._task.plan.margin, out=floors)

    def know_top(self, least: float) -> None:
        """Learn that ``top`` pairs have true similarities of ``least`` or more."""
        if self._top is not None:
            floors = self._top.floors
            np.maximum(floors, least - self._task.plan.margin, out=floors)

    def take(self, rows: Int64, columns: Int64, values: Float64) -> None:
        """Take in pairs of block and base rows with their tile values; each pair at most once.

        All that reach `floors` must come; others may.
        """
        exclude, late = self._task.exclude, self._task.late
        if exclude is not None:
            apart = exclude.query_groups[self._first + rows] != exclude.base_groups[columns]
            rows, columns, values = rows[apart], columns[apart], values[apart]
        pairs = self._number(rows, columns)
        if self._above is not None:
            reached = values >= self._above.floor
            self._above.add(self._listed_once(pairs[reached], values[reached])[0])
        if self._nearest is not None:
            reached = (values >= self._nearest.floors[rows]) & ~late[columns]
            self._nearest.add(pairs[reached], values[reached])
        if self._top is not None:
            reached = (values >= self._top.floors[0]) & ~late[columns]
            self._top.add(*self._listed_once(pairs[reached], values[reached]))

    def _hidden(self, strip: Tile, row: int, start: int) -> Flags | None:
        """Return which pairs of a strip are excluded; ``None`` if none is."""
        if self._task.exclude is None:
            return None
        rows = slice(self._first + row, self._first + row + len(strip))
        hidden = self._task.exclude.hidden(rows, slice(start, start + strip.shape[1]))
        return hidden if hidden.any() else None

    def _listed_once(self, pairs: Int64, values: Float64) -> tuple[Int64, Float64]:
        """Return the pairs without those that are listed the other way round."""
        exclude = self._task.exclude
        if exclude is None:
            return pairs, values
        rows, columns = np.divmod(pairs, self._shape[1])
        stay = ~exclude.repeated(rows + self._first, columns)
        return pairs[stay], values[stay]

    def _hide_repeated(self, strip: Tile, row: int, start: int) -> None:
        """Mask the pairs of a strip that are listed the other way round."""
        exclude = self._task.exclude
        if exclude is not None and exclude.once:
            rows = np.arange(len(strip))[:, np.newaxis] + (self._first + row)
            columns = np.arange(strip.shape[1]) + start
            np.copyto(strip, -np.inf, where=exclude.repeated(rows, columns))

    def _count(
        self, strip: Tile, row: int, start: int, zero: Flags | None, hidden: Flags | None
    ) -> None:
        if self._edges is None or zero is None:
            return
        self._counts += count_tile(
            strip,
            (self._zero[row : row + len(strip)], zero),
            self._task.plan.margin,
            self._edges,
            lambda rows, columns: self._settle(self._number(rows + row, columns + start)),
            hidden,
        )

    def _find_above(self, strip: Tile, row: int, start: int) -> None:
        if self._above is not None:
            floors = np.full(len(strip), self._above.floor)
            self._above.add(self._listed_once(*self._reach(strip, floors, row, start))[0])

    def _find_nearest(self, strip: Tile, row: int, start: int) -> None:
        if self._nearest is not None:
            rows = slice(row, row + len(strip))
            if start == 0:
                self._nearest.raise_floors(rows, strip)
            self._nearest.add(*self._reach(strip, self._nearest.floors[rows], row, start))

    def _find_top(self, strip: Tile, row: int, start: int) -> None:
        if self._top is not None:
            self._hide_repeated(strip, row, start)
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
            histogram=None
            if self._edges is None
            else Histogram(self._counts, self._edges, self._shape[0]),
        )

    def _ranked(self, pairs: Int64, values: Float64) -> tuple[Int64, Float64]:
        """Return the k nearest of each row, of which a row may have fewer."""
        count, m = self._shape
        k = self._task.wanted.k or 0
        indices = np.full((count, k), -1, dtype=np.int64)
        similarities = np.full((count, k), -np.inf)
        rows, columns = np.divmod(pairs, m)
        rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
        indices[rows, rank] = columns
        similarities[rows, rank] = values
        return indices, similarities

    def _pairs(self, pairs: Int64, values: Float64) -> Pairs:
        rows, columns = np.divmod(pairs, self._shape[1])
        return Pairs(rows, columns, values)
