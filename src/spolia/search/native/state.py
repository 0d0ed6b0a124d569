"""What a block of query rows collects while base passes by, in memory that the kernel fills."""

import math
from collections.abc import Callable

import numpy as np

from spolia.core.types import Float64, Int64
from spolia.search.native import binding
from spolia.search.native.binding import BEST, PAIR, WAITING, address
from spolia.search.result import Pairs

PAIR_ROOM = 1 << 14
"""Pairs at or above that are handed over together; the kernel wants at least 3 * 4096."""


def extra_room(keep: int) -> int:
    """Return for how many pairs there is room beside the best ``keep``."""
    return max(8, keep // 4)


class Best:
    """The best ``keep`` pairs of each of some groups: of each query row, or of the block."""

    def __init__(self, groups: int, keep: int, waiting: int) -> None:
        room = keep + extra_room(keep)
        self._keep = keep
        self._best = np.empty((groups, room), dtype=PAIR)
        self._waiting = np.empty((groups, waiting), dtype=WAITING)
        self.c = np.zeros(groups, dtype=BEST)
        step = np.arange(groups, dtype=np.uint64)
        self.c["best"] = self._best.ctypes.data + step * np.uint64(room * PAIR.itemsize)
        self.c["waiting"] = self._waiting.ctypes.data + step * np.uint64(waiting * WAITING.itemsize)
        self.c["keep"], self.c["extra"], self.c["room"] = keep, room - keep, waiting
        self.c["floor"] = -np.inf

    def load(self, first: int, indices: Int64, similarities: Float64, guess: Float64) -> None:
        """Go on from what earlier stretches of base gave each query row, ``(groups, k)``.

        Groups are query rows from number ``first`` on; pairs below a row's ``guess`` are not
        looked for.
        """
        keep = self._keep
        self.c["floor"] = np.maximum(similarities[:, keep - 1], guess)
        if not (indices[:, 0] >= 0).any():
            return
        self.c["held"] = np.count_nonzero(indices >= 0, axis=1)
        self._best["query"] = first + np.arange(len(indices))[:, np.newaxis]
        self._best["base"][:, :keep] = indices[:, :keep]  # -1 is never looked at
        self._best["similarity"][:, :keep] = similarities[:, :keep]

    def save(self, indices: Int64, similarities: Float64) -> None:
        """Write what each group holds, best first, and leave the rest as it is."""
        keep = self._keep
        there = np.arange(keep) < self.c["held"][:, np.newaxis]
        np.copyto(indices[:, :keep], self._best["base"][:, :keep], where=there)
        np.copyto(similarities[:, :keep], self._best["similarity"][:, :keep], where=there)

    def pairs(self) -> Pairs:
        """Return what the first group holds, best first."""
        return as_pairs(self._best[0, : int(self.c["held"][0])])


class State:
    """All that one block collects from one stretch of base."""

    def __init__(self, nearest: Best | None, top: Best | None, above: float | None) -> None:
        self.nearest, self.top = nearest, top
        self._pairs = None if above is None else np.empty(PAIR_ROOM, dtype=PAIR)
        self.c = binding.Collected(
            nearest=None if nearest is None else address(nearest.c),
            top=None if top is None else address(top.c),
            above=math.inf if above is None else above,
            pairs=address(self._pairs),
            pair_room=PAIR_ROOM,
        )

    def drain(self, take: Callable[[Pairs], None]) -> None:
        """Hand over the pairs at or above found since."""
        if self._pairs is None or self.c.pair_count == 0:
            return
        take(as_pairs(self._pairs[: self.c.pair_count]))
        self.c.pair_count = 0


def as_pairs(pairs: "np.ndarray[tuple[int], np.dtype[np.void]]") -> Pairs:
    """Return the kernel's pairs as everyone else's."""
    return Pairs(
        pairs["query"].astype(np.int64),
        pairs["base"].astype(np.int64),
        pairs["similarity"].astype(np.float64),
    )
