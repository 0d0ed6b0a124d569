"""What is kept of the pairs that pass by: the best of each group, or all above a similarity.

A collector is told pairs with approximate similarities, in any order and any pieces, and settles
the few that matter. A pair is one number, row * m + column, within its block of query rows.
"""

from collections.abc import Callable

import numpy as np

from spolia.core.types import Float64, Int64
from spolia.search.tiles import Settle, Tile

_PIECE = 4
"""How many pairs a piece weighs beside those it holds: two small arrays are mostly overhead."""


class Best:
    """The best ``keep`` pairs of each group: similarity down, then pair number up.

    Parameters
    ----------
    groups, size
        Group g holds the pair numbers from g * size up to (g + 1) * size.
    keep
        How many pairs each group keeps.
    margin
        How far an approximate similarity may lie from the true one.
    room
        How many pairs may wait before they are thinned out; at least 4 * keep * groups, so that
        thinning always frees most of it.
    """

    def __init__(
        self, groups: int, size: int, keep: int, *, margin: float, room: int, settle: Settle
    ) -> None:
        self.floors: Float64 = np.full(groups, -np.inf)
        """Per group: a pair whose approximate similarity lies below cannot be among the best."""
        self._size, self._keep, self._margin = size, keep, margin
        self._room, self._settle = room, settle
        self._pairs: list[Int64] = []
        self._values: list[Float64] = []
        self._waiting = 0

    def add(self, pairs: Int64, values: Float64) -> None:
        """Take in pairs with their approximate similarities, each pair at most once."""
        if len(pairs) == 0:
            return
        self._pairs.append(pairs)
        self._values.append(values)
        self._waiting += len(pairs) + _PIECE
        if self._waiting > self._room:
            self._thin(settled=False)
            if self._waiting > self._room // 2:
                self._thin(settled=True)

    def raise_floors(self, groups: slice, values: Tile) -> None:
        """Learn from ``values`` ``(groups, c)``, tile values of c pairs of each of some groups.

        The maxima of disjoint parts are quickly found, and their keep-th largest is not above the
        keep-th largest of all, nor far below it where the parts are many.
        """
        part = min(16, values.shape[1] // (4 * self._keep))
        if part == 0:
            return
        parts = values.shape[1] // part
        maxima = values[:, : part * parts].reshape(-1, part, parts).max(axis=1)
        least = np.sort(maxima, axis=1)[:, -self._keep].astype(np.float64)
        self.floors[groups] = np.maximum(self.floors[groups], least - 2 * self._margin)

    def finish(self) -> tuple[Int64, Float64]:
        """Return pairs and true similarities, sorted by group, similarity down, pair up."""
        self._thin(settled=False)
        return self._thin(settled=True)

    def _thin(self, *, settled: bool) -> tuple[Int64, Float64]:
        """Drop the pairs that cannot be among the best, and raise the floors.

        If ``keep`` pairs of a group have approximate similarities of a or more, the last of its
        best has a true similarity of a - margin or more, and an approximate one of
        a - 2 margin or more. If a is true already, one margin is enough. Values settled earlier
        pass as approximate ones.
        """
        pairs = np.concatenate([*self._pairs, np.empty(0, np.int64)])
        values = np.concatenate([*self._values, np.empty(0)])
        if settled:
            values = self._settle(pairs)
        group = pairs // self._size
        order = np.lexsort((pairs, -values, group))
        pairs, values, group = pairs[order], values[order], group[order]
        rank = np.arange(len(group)) - np.searchsorted(group, group)
        last = rank == self._keep - 1
        floors = np.full(len(self.floors), -np.inf)
        floors[group[last]] = values[last] - self._margin * (1 if settled else 2)
        stay = rank < self._keep if settled else values >= floors[group]
        self.floors = np.maximum(self.floors, floors)
        pairs, values = pairs[stay], values[stay]
        self._pairs, self._values, self._waiting = [pairs], [values], len(pairs)
        return pairs, values


class Above:
    """All pairs whose true similarity is ``threshold`` or more.

    Parameters
    ----------
    margin
        How far an approximate similarity may lie from the true one.
    room
        How many pairs may wait before they are settled.
    claim
        Told the number of pairs found each time some are; may raise.
    """

    def __init__(
        self,
        threshold: float,
        *,
        margin: float,
        room: int,
        settle: Settle,
        claim: Callable[[int], None],
    ) -> None:
        self.floor = threshold - margin
        """A pair whose approximate similarity lies below does not reach the threshold."""
        self._threshold, self._room, self._settle, self._claim = threshold, room, settle, claim
        self._waiting: list[Int64] = []
        self._count = 0
        self._pairs: list[Int64] = []
        self._similarities: list[Float64] = []

    def add(self, pairs: Int64) -> None:
        """Take in pairs that may reach the threshold, each at most once."""
        if len(pairs) == 0:
            return
        self._waiting.append(pairs)
        self._count += len(pairs) + _PIECE
        if self._count > self._room:
            self._settle_waiting()

    def finish(self) -> tuple[Int64, Float64]:
        """Return pairs and true similarities, in the order in which they came."""
        self._settle_waiting()
        return np.concatenate(self._pairs), np.concatenate(self._similarities)

    def _settle_waiting(self) -> None:
        pairs = np.concatenate([*self._waiting, np.empty(0, np.int64)])
        similarities = self._settle(pairs)
        found = similarities >= self._threshold
        self._claim(int(np.count_nonzero(found)))
        self._pairs.append(pairs[found])
        self._similarities.append(similarities[found])
        self._waiting, self._count = [], 0
