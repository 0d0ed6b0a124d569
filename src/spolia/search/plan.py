"""How a join is cut up so that it stays within its memory budget."""

from dataclasses import dataclass

from spolia.core.errors import UsageError
from spolia.search.tiles import tile_margin

Tiles = tuple[tuple[int, int], ...]
"""The (rows, columns) of tiles to choose from, the largest first."""

TILES: Tiles = ((1024, 2048), (512, 1024), (256, 512), (128, 256))
# The small ones waste most of a core: rather take fewer threads.
_SMALL_TILES: Tiles = ((32, 64), (8, 64), (1, 64))
_STRIP = 1 << 16
_WAITING = 1 << 12

# Working memory in bytes, counted from the arrays alive together at the worst moment of a step.
_STRIP_PAIR = 160
_WAITING_PAIR = 96
_OUTPUT_PAIR = 96
_BASE_ROW = 64
_GROUPED_ROW = 64
_BIN = 32
_SETTLING = 2 << 20
_COORDINATE = 64


@dataclass(frozen=True)
class Wanted:
    """The outputs asked of a join; ``None`` where not asked."""

    k: int | None = None
    above: float | None = None
    top: int | None = None
    histogram: int | None = None


@dataclass(frozen=True)
class Plan:
    """The pieces of a join; its result does not depend on them, provided that ``margin`` holds."""

    threads: int
    rows: int
    """Query rows per block; a block is one thread's piece of work."""
    columns: int
    """Base rows per tile."""
    strip: int
    """Pairs of a tile looked at together."""
    waiting: int
    """Candidates that wait to be settled beside those that must be kept."""
    most_pairs: int
    """How many pairs at or above a similarity fit the budget."""
    wide: bool
    """Are tiles float64?"""
    margin: float
    """How far the similarity in a tile may lie from the true one."""


def make_plan(
    shape: tuple[int, int, int],
    wanted: Wanted,
    *,
    memory: int,
    threads: int,
    grouped: bool = False,
    tiles: Tiles = TILES,
) -> Plan:
    """Return the largest useful pieces that fit ``memory`` bytes.

    Takes fewer threads than asked where they would not fit side by side, and keeps half of the
    budget for the pairs above a similarity where these are wanted.

    Parameters
    ----------
    shape
        ``(n, m, d)``: query rows, base rows, width.
    grouped
        Are pairs excluded by their groups?
    tiles
        The tiles to choose from, beside the smallest ones.

    Raises
    ------
    UsageError
        If not even the smallest pieces fit on one thread.

    Examples
    --------
    >>> plan = make_plan((50_000, 50_000, 512), Wanted(k=10), memory=512 << 20, threads=2)
    >>> plan.threads, plan.rows, plan.columns
    (2, 1000, 2048)
    """
    n, _, d = shape
    require_memory(shape, least_memory(shape, wanted, grouped=grouped), memory)
    shared = _shared_bytes(shape, wanted, grouped=grouped)
    budget = (memory if wanted.above is None else memory // 2) - shared
    threads, rows, columns = _fit(shape, wanted, budget, threads, tiles)
    used = threads * _thread_bytes(rows, columns, shape, wanted)
    # Blocks of one size, and as many for each thread, so that all are busy to the end.
    blocks = -(-n // (rows * threads)) * threads
    wide = wanted.histogram is not None
    return Plan(
        threads=threads,
        rows=max(1, -(-n // max(1, blocks))),
        columns=columns,
        strip=_STRIP,
        waiting=_WAITING,
        most_pairs=(memory - used - shared) // _OUTPUT_PAIR,
        wide=wide,
        margin=tile_margin(d, wide=wide),
    )


def least_memory(shape: tuple[int, int, int], wanted: Wanted, *, grouped: bool) -> int:
    """Return the bytes that the smallest pieces on one thread take; see `make_plan`."""
    used = _thread_bytes(*_SMALL_TILES[-1], shape, wanted)
    both = used + _shared_bytes(shape, wanted, grouped=grouped)
    return both * (1 if wanted.above is None else 2)


def require_memory(shape: tuple[int, int, int], least: int, memory: int) -> None:
    """Raise `UsageError` if ``memory`` is less than ``least`` bytes."""
    n, m, d = shape
    if memory < least:
        raise UsageError(
            f"memory must be at least {least:,} bytes to join {n:,} with {m:,} rows of width "
            f"{d:,}, but is {memory:,}; raise memory, or ask for a smaller k, top or histogram"
        )


def _fit(
    shape: tuple[int, int, int], wanted: Wanted, budget: int, threads: int, tiles: Tiles
) -> tuple[int, int, int]:
    """Return threads, rows and columns that fit; the least there are do."""
    return next(
        (count, rows, columns)
        for count in range(threads, 0, -1)
        for rows, columns in (tiles if count > 1 else tiles + _SMALL_TILES)
        if count * _thread_bytes(rows, columns, shape, wanted) <= budget
    )


def _thread_bytes(rows: int, columns: int, shape: tuple[int, int, int], wanted: Wanted) -> int:
    """Return the working memory of one thread."""
    n, m, d = shape
    item = 8 if wanted.histogram else 4
    inputs = (rows + columns) * d * (4 if item == 4 else 12)
    kept = rows * min(wanted.k or 0, m) + min(wanted.top or 0, n * m)
    waiting = (4 * kept + _WAITING) * _WAITING_PAIR
    strip = min(rows * columns, _STRIP) * _STRIP_PAIR
    bins = (wanted.histogram or 0) * _BIN
    return inputs + rows * columns * item + strip + waiting + bins + _SETTLING + d * _COORDINATE


def _shared_bytes(shape: tuple[int, int, int], wanted: Wanted, *, grouped: bool) -> int:
    """Return the working memory of all threads together."""
    n, m, _ = shape
    row = _BASE_ROW + (_GROUPED_ROW if grouped else 0)
    copies = m * row if wanted.k or wanted.top else 0
    top = 2 * min(wanted.top or 0, n * m) * _OUTPUT_PAIR
    return copies + top + (wanted.histogram or 0) * _BIN
