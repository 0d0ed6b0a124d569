"""The compiled engine's door: can it do a join, and its result."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from spolia.core.progress import Progress
from spolia.core.rows import row_addresses
from spolia.core.types import Rows
from spolia.search.exclude import Exclude
from spolia.search.histogram import count_histogram
from spolia.search.library import check_memory
from spolia.search.native.binding import Kernel
from spolia.search.native.cut import make_cut
from spolia.search.native.depth import choose_packing
from spolia.search.native.packed import Packing
from spolia.search.native.run import Join, PrefixTooShort, Side
from spolia.search.native.sample import MEMORY, take_sample
from spolia.search.plan import Wanted
from spolia.search.result import JoinResult

_WORTH_A_LOOK = 1e10
"""Multiplications of a join from which on a sample of it is taken first."""

_MOST_ROWS = 1 << 32
"""Row numbers are packed in four bytes."""


def run_kernel(
    kernel: Kernel,
    query: Rows,
    bases: tuple[Rows, ...],
    excludes: tuple[Exclude | None, ...],
    wanted: Wanted,
    *,
    memory: int,
    threads: int,
    progress: Progress,
) -> tuple[JoinResult, ...] | None:
    """Return the joins of checked rows, or ``None`` where this engine cannot do them.

    It cannot where rows do not lie in memory row by row, where they are wider than an integer sum
    allows, and where ``memory`` holds no useful piece of the packed base.
    """
    for base, hidden in zip(bases, excludes, strict=True):
        check_memory(query, base, wanted, hidden, memory)
    rest = replace(wanted, histogram=None)
    counted = [
        None
        if wanted.histogram is None
        else count_histogram(query, base, wanted.histogram, hidden, memory=memory, threads=threads)
        for base, hidden in zip(bases, excludes, strict=True)
    ]
    if rest == Wanted():
        progress("join", query.shape[0], query.shape[0])
        return tuple(JoinResult(histogram=one) for one in counted)
    found = _join(kernel, query, bases, excludes, rest, memory, threads, rising(progress))
    if found is None:
        return None
    return tuple(replace(one, histogram=count) for one, count in zip(found, counted, strict=True))


def _join(
    kernel: Kernel,
    query: Rows,
    bases: tuple[Rows, ...],
    excludes: tuple[Exclude | None, ...],
    wanted: Wanted,
    memory: int,
    threads: int,
    progress: Progress,
) -> tuple[JoinResult, ...] | None:
    n, d = query.shape
    m = sum(base.shape[0] for base in bases)
    addresses = [row_addresses(rows) for rows in (query, *bases)]
    places = [one for one in addresses if one is not None]
    if len(places) < len(addresses) or d >= kernel.deepest or max(n, m) >= _MOST_ROWS:
        return None
    sides = tuple(Side(*side) for side in zip(bases, places[1:], excludes, strict=True))
    look = n * m * d > _WORTH_A_LOOK and memory >= 2 * MEMORY
    sample = take_sample(query, bases, excludes, wanted) if look else None
    packing, most = choose_packing(kernel, bases, sample, float(n) * m, n + m)
    guesses = sample.guesses if sample else (None,) * len(bases)
    cut = make_cut(n, m, packing, wanted, memory=memory, threads=threads)
    if cut is None:
        return None
    everything = (query, places[0], sides, wanted)
    try:
        with one_library_thread(packing):
            return Join(*everything, packing, cut, guesses, most).run(progress)
    except PrefixTooShort:
        return Join(*everything, Packing(kernel, d), cut, guesses, np.inf).run(progress)


def rising(progress: Progress) -> Progress:
    """Return a progress that is not told what it was told before, when work begins anew.

    >>> tell = rising(lambda *told: print(*told))
    >>> tell("join", 0, 9), tell("join", 5, 9), tell("join", 0, 9), tell("join", 6, 9)
    join 0 9
    join 5 9
    join 6 9
    (None, None, None, None)
    """
    most = -1

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal most
        if done > most:
            most = done
            progress(stage, done, total)

    return tell


def one_library_thread(packing: Packing) -> AbstractContextManager[object]:
    """Keep the matrix library, which rotates rows, from using more threads than the join does."""
    return nullcontext() if packing.rotation is None else threadpool_limits(1, user_api="blas")
