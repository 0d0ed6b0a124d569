"""All blocks of a join through the kernel, side by side, and their results made one."""

import ctypes
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from spolia.core.progress import Progress, silent
from spolia.core.rows import SubsetRows
from spolia.core.types import Float64, Int64, Rows
from spolia.search.copies import late_copies
from spolia.search.exclude import Exclude
from spolia.search.native.binding import PAIRS_FULL, STOPPED, Addresses, address, call
from spolia.search.native.cut import Cut
from spolia.search.native.packed import Base, Packing, Query, pack_query
from spolia.search.native.pieces import Work, handed_out, helped
from spolia.search.native.sample import Guess
from spolia.search.native.state import Best, State
from spolia.search.plan import Wanted
from spolia.search.result import JoinResult, Pairs, merge_pairs
from spolia.search.run import Claims

_SHORT = 1e10
"""Multiplications of a join that takes no longer than an interrupt may wait."""


@dataclass(frozen=True, eq=False)
class Side:
    """A base of the join: its rows, where they lie, and what pairs with them are left out."""

    rows: Rows
    addresses: Addresses
    exclude: Exclude | None


class PrefixTooShort(Exception):
    """So many pairs pass the filter that packing whole rows would be faster."""


class Join:
    """One query against several bases; blocks of query rows and stretches of base meet in turn.

    Parameters
    ----------
    query, addresses
        ``(n, d)`` rows, and where they lie.
    guesses
        For each base, what the nearest and the best pairs most likely reach. Where they do not,
        they are searched again without.
    most_survivors
        The share of pairs that may pass the filter before `PrefixTooShort` is raised.
    """

    def __init__(
        self,
        query: Rows,
        addresses: Addresses,
        sides: tuple[Side, ...],
        wanted: Wanted,
        packing: Packing,
        cut: Cut,
        guesses: tuple[Guess, ...],
        most_survivors: float,
    ) -> None:
        self._query, self._addresses, self._sides = query, addresses, sides
        self._wanted, self._packing, self._cut = wanted, packing, cut
        self._stop = ctypes.c_int32(0)
        self._n = query.shape[0]
        claims = Claims(cut.most_pairs, wanted.above)
        self._wholes = [
            Whole(self._n, one.rows.shape[0], wanted, claims, guess)
            for one, guess in zip(sides, guesses, strict=True)
        ]
        self._most_survivors = most_survivors
        m = sum(side.rows.shape[0] for side in sides)
        self._short = self._n * m * packing.d < _SHORT

    def run(self, progress: Progress) -> tuple[JoinResult, ...]:
        """Return the join with each base."""
        n = self._n
        loads = list(self._loads())
        total = sum(len(numbers) for load in loads for _, numbers, _ in load)
        before = 0
        packed: list[_Packed] | None = []
        progress("join", 0, n)
        for load in loads:
            here = sum(len(numbers) for _, numbers, _ in load)
            packed = self._pack(load)
            with closing(self._through(packed)) as blocks:
                for done in blocks:
                    progress("join", (before * n + here * done) // total, n)
            before += here
        if len(loads) > 1:
            packed = None  # not all, and what is searched again may need the room
        for number, whole in enumerate(self._wholes):
            self._search_again(number, whole, packed)
        progress("join", n, n)
        return self._results()

    def _through(self, packed: list["_Packed"]) -> Generator[int, None, None]:
        """Join all blocks with what is packed; yields how many query rows are done."""
        work = ((self._block, start, packed) for start in range(0, self._n, self._cut.rows))
        done = 0
        with closing(self._side_by_side(work)) as several:
            for rows in several:
                done += rows
                yield done

    def _results(self) -> tuple[JoinResult, ...]:
        return tuple(whole.result() for whole in self._wholes)

    def _search_again(self, number: int, whole: "Whole", packed: list["_Packed"] | None) -> None:
        """Find what did not reach the guess; ``packed`` are all bases, where they fit together."""
        rows = whole.below_guess()
        if len(rows):
            nearest = self._again(number, rows, Wanted(k=self._wanted.k), packed)
            whole.replace_rows(rows, nearest)
        if whole.top_below_guess():
            rows = np.arange(self._n, dtype=np.int64)
            whole.replace_top(self._again(number, rows, Wanted(top=self._wanted.top), packed))

    def _again(
        self, number: int, rows: Int64, wanted: Wanted, packed: list["_Packed"] | None
    ) -> JoinResult:
        """Return the join of some query rows with one base, without a guess."""
        side = self._sides[number]
        exclude = side.exclude
        if exclude is not None:
            exclude = replace(exclude, query_groups=exclude.query_groups[rows])
        share = max(1, -(-len(rows) // self._cut.threads))  # some for every thread
        again = Join(
            SubsetRows(self._query, rows),
            self._addresses[rows],
            (replace(side, exclude=exclude),),
            wanted,
            self._packing,
            replace(self._cut, rows=min(self._cut.rows, share)),
            (Guess(np.zeros(self._packing.d, dtype=np.float32)),),
            np.inf,
        )
        if packed is None:
            (found,) = again.run(silent)
            return found
        for _ in again._through([(0, base) for one, base in packed if one == number]):
            pass
        (found,) = again._results()
        return found

    def _loads(self) -> Iterator[list["_Stretch"]]:
        """Yield the stretches of all bases that are packed at a time."""
        load: list[_Stretch] = []
        room = self._cut.columns
        for number, side in enumerate(self._sides):
            numbers, late = self._columns(side)
            start = 0
            while start < len(numbers):
                stop = min(len(numbers), start + room)
                part = slice(start, stop)
                load.append((number, numbers[part], None if late is None else late[part]))
                room -= stop - start
                start = stop
                if room == 0:
                    yield load
                    load, room = [], self._cut.columns
        if load:
            yield load

    def _columns(self, side: Side) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8] | None]:
        """Return which rows of a base are packed, and which of them come too late."""
        m = side.rows.shape[0]
        numbers = np.arange(m, dtype=np.uint32)
        limit = max(self._wanted.k or 0, self._wanted.top or 0)
        if limit == 0:
            return numbers, None
        groups = None if side.exclude is None else side.exclude.base_groups
        late = late_copies(side.rows, limit, groups)
        if not late.any():
            return numbers, None
        if self._wanted.above is None:
            return numbers[~late], None
        return numbers, late.astype(np.uint8)

    def _pack(self, load: list["_Stretch"]) -> list["_Packed"]:
        bases = []
        for number, numbers, late in load:
            side = self._sides[number]
            base = Base(
                self._packing,
                side.rows,
                numbers,
                side.addresses[numbers],
                late,
                None if side.exclude is None else side.exclude.base_groups[numbers],
            )
            for _ in self._side_by_side((base.pack, start) for start in base.pieces):
                pass
            bases.append((number, base))
        return bases

    def _side_by_side(self, work: Iterable[Work]) -> Generator[int, None, None]:
        """Do pieces of work, a few at a time, and yield what each returns as it is done."""
        return (helped if self._short else handed_out)(work, self._cut.threads, self._stop)

    def _block(self, start: int, packed: list["_Packed"]) -> int:
        """Join a block of query rows with all that is packed; returns the number of rows."""
        rows = slice(start, min(self._n, start + self._cut.rows))
        for whole in self._wholes:
            whole.guess(rows, self._query)
        query = pack_query(
            self._packing,
            lambda: np.asarray(self._query[rows]),
            self._addresses[rows],
            rows.start,
        )
        for number, base in packed:
            self._meet(query, rows, number, base)
        survivors = sum(whole.survivors for whole in self._wholes)
        if survivors > self._most_survivors * sum(whole.pairs for whole in self._wholes):
            raise PrefixTooShort
        return rows.stop - rows.start

    def _meet(self, query: Query, rows: slice, number: int, base: Base) -> None:
        whole, exclude = self._wholes[number], self._sides[number].exclude
        state = whole.begin(rows, base.columns, self._cut)
        groups = None if exclude is None else exclude.query_groups[rows]
        query.c.groups = address(groups)
        state.c.once = exclude is not None and exclude.once
        while True:
            status = call(
                "spolia_join_block",
                self._packing.kernel.number,
                query.c,
                base.c,
                state.c,
                ctypes.byref(self._stop),
            )
            state.drain(whole.take_pairs)
            if status != PAIRS_FULL:
                break
        if status != STOPPED:
            whole.end(rows, base.columns, state)


_Packed = tuple[int, Base]
"""The number of a base, and a packed stretch of it."""

_Stretch = tuple[int, npt.NDArray[np.uint32], npt.NDArray[np.uint8] | None]
"""The number of a base, the rows of it that are packed, and which of these come too late."""


class Whole:
    """The join with one base, put together from its blocks in any order."""

    def __init__(self, n: int, m: int, wanted: Wanted, claims: Claims, guess: Guess) -> None:
        self._wanted, self._claims, self._guess = wanted, claims, guess
        self._guesses: Float64 = np.full(n, -np.inf)
        self._keep = min(wanted.k or 0, m)
        self._lock = threading.Lock()
        self._indices: Int64 = np.full((n, wanted.k or 0), -1, dtype=np.int64)
        self._similarities: Float64 = np.full((n, wanted.k or 0), -np.inf)
        self._listed = [NO_PAIRS]
        self._top = NO_PAIRS
        self.pairs = 0
        """Pairs compared so far."""
        self.survivors = 0
        """Pairs that passed the filter."""

    def begin(self, rows: slice, columns: int, cut: Cut) -> State:
        """Return what a block of rows begins with at the next stretch of base."""
        wanted, n = self._wanted, rows.stop - rows.start
        nearest, top = None, None
        if self._keep:
            nearest = Best(n, self._keep, cut.waiting)
            before = self._indices[rows], self._similarities[rows]
            nearest.load(rows.start, *before, self._guesses[rows])
        if wanted.top is not None:
            top = Best(1, min(wanted.top, n * columns), cut.top_waiting)
            top.c["floor"] = self._guess.top
            if len(self._top) == wanted.top:
                top.c["floor"] = max(self._top.similarity[-1], self._guess.top)
        return State(nearest, top, wanted.above)

    def guess(self, rows: slice, query: Rows) -> None:
        """Guess what the k-th nearest of some rows reach."""
        if self._guess.level > -np.inf:
            self._guesses[rows] = self._guess.of(np.asarray(query[rows]))

    def take_pairs(self, pairs: Pairs) -> None:
        """Take in pairs at or above."""
        self._claims.claim(len(pairs))
        self._listed.append(pairs)

    def end(self, rows: slice, columns: int, state: State) -> None:
        """Take in what a block collected from a stretch of base."""
        if state.nearest is not None:
            state.nearest.save(self._indices[rows], self._similarities[rows])
        with self._lock:
            self.pairs += (rows.stop - rows.start) * columns
            self.survivors += state.c.survivors
            if state.top is not None:
                self._top = merge_pairs([self._top, state.top.pairs()], self._wanted.top)

    def below_guess(self) -> Int64:
        """Return the rows of which not all nearest reach the guess: others may be missing.

        Every pair that could reach the guess was looked at, so the k nearest of a row are right
        if the last of them reaches it.
        """
        if self._keep == 0:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self._similarities[:, self._keep - 1] < self._guesses)

    def top_below_guess(self) -> bool:
        """Do the best pairs not all reach the guess, so that others may be missing?"""
        found, top = self._top.similarity, self._wanted.top
        if top is None or self._guess.top == -np.inf:
            return False
        return len(found) < top or bool(found[-1] < self._guess.top)

    def replace_top(self, found: JoinResult) -> None:
        """Take in the best pairs, found by a join of their own."""
        self._top = cast("Pairs", found.top)

    def replace_rows(self, rows: Int64, found: JoinResult) -> None:
        """Take in the nearest of some rows, found by a join of their own."""
        self._indices[rows] = cast("Int64", found.indices)
        self._similarities[rows] = cast("Float64", found.similarities)

    def result(self) -> JoinResult:
        """Return the join."""
        wanted = self._wanted
        return JoinResult(
            indices=None if wanted.k is None else self._indices,
            similarities=None if wanted.k is None else self._similarities,
            pairs=None if wanted.above is None else merge_pairs(self._listed),
            top=None if wanted.top is None else self._top,
        )


NO_PAIRS = Pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
