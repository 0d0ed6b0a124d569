"""How a join is cut up for the kernel so that it stays within its memory budget."""

from dataclasses import dataclass

from spolia.search.native.binding import PAIR, WAITING
from spolia.search.native.packed import COLUMN_BYTES, Packing
from spolia.search.native.state import PAIR_ROOM, extra_room
from spolia.search.plan import Wanted

_BLOCK_ROWS = (256, 128, 64, 32, 16)
_OUTPUT_PAIR = 96
_ROW = 160  # sizes, corrections, floors and addresses of a query row
_BASE_ROW = 64  # addresses, copies and numbers of a base row
_THREAD = 1 << 20  # the kernel's own lists, and what Python needs for a block
_FIRST_PAIRS = 64 * 512, 64 * 16  # sums for the first floors, and so many more for each nearest


@dataclass(frozen=True)
class Cut:
    """The pieces of a join; its result does not depend on them."""

    threads: int
    rows: int
    """Query rows per block; a block is one thread's piece of work."""
    waiting: int
    """Pairs of a query row that wait to be settled."""
    top_waiting: int
    """Pairs that wait to be settled for ``top``."""
    columns: int
    """Packed base rows held at a time."""
    most_pairs: int
    """How many pairs at or above a similarity fit the budget."""


def make_cut(
    n: int, m: int, packing: Packing, wanted: Wanted, *, memory: int, threads: int
) -> Cut | None:
    """Return the largest useful pieces that fit ``memory`` bytes, or ``None`` if none do.

    Parameters
    ----------
    n, m
        Rows of query, and of all bases together.
    """
    budget = memory if wanted.above is None else memory // 2
    budget -= m * _BASE_ROW
    keep, best = min(wanted.k or 0, m), min(wanted.top or 0, n * m)
    waiting = 2 * keep + 64
    top_waiting = 4 * best + 4096
    shared = 3 * best * _OUTPUT_PAIR
    for count in range(threads, 0, -1):
        for rows in _BLOCK_ROWS:
            state = (keep + extra_room(keep)) * PAIR.itemsize + waiting * WAITING.itemsize
            row = packing.kernel.depth(packing.d + 1) + _ROW + (state if keep else 0)
            if packing.rotation is not None:
                row += 4 * (packing.width + packing.d)
            used = _THREAD + rows * row
            if keep:
                used += _FIRST_PAIRS[0] + _FIRST_PAIRS[1] * keep
            if best:
                used += (best + extra_room(best)) * PAIR.itemsize + top_waiting * WAITING.itemsize
            if wanted.above is not None:
                used += PAIR_ROOM * PAIR.itemsize * 3
            left = budget - shared - count * used
            # Whole rows, because a prefix may turn out to be too short.
            columns = left // (packing.kernel.depth(packing.d + 1) + COLUMN_BYTES)
            if columns >= min(m, 1 << 16):
                blocks = max(1, -(-n // (rows * count)) * count)
                return Cut(
                    threads=count,
                    rows=max(1, -(-n // blocks)),
                    waiting=waiting,
                    top_waiting=top_waiting,
                    columns=columns,
                    most_pairs=(memory - (budget - left)) // _OUTPUT_PAIR,
                )
    return None
