"""The compiled engine's door: can it do a join, and its result."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from spolia.core.progress import Progress
from spolia.core.rows import row_addresses
from spolia.search.histogram import count_histogram
from spolia.search.library import check_memory
from spolia.search.native.binding import Kernel
from spolia.search.native.cut import make_cut
from spolia.search.native.depth import choose_packing
from spolia.search.native.packed import Packing
from spolia.search.native.run import Join, PrefixTooShort, Side
from spolia.search.native.sample import MEMORY, Guess, take_sample
from spolia.search.plan import Wanted
from spolia.search.request import Request
from spolia.search.result import JoinResult

_WORTH_A_LOOK = 8e10
"""Multiplications of a join from which on a sample of it is taken first; in shorter ones that
costs more than it saves."""

_MOST_ROWS = 1 << 32
"""Row numbers are packed in four bytes."""


def run_kernel(kernel: Kernel, request: Request) -> tuple[JoinResult, ...] | None:
    """Return the joins, or ``None`` where this engine cannot do them.

    It cannot where rows do not lie in memory row by row, where they are wider than an integer sum
    allows, and where the memory holds no useful piece of the packed base.
    """
    n, bins = request.query.shape[0], request.wanted.histogram
    sides = list(zip(request.bases, request.excludes, strict=True))
    for base, hidden in sides:
        check_memory(request.query, base, request.wanted, hidden, request.memory)
    limits = {"memory": request.memory, "threads": request.threads}
    counted = [
        None if bins is None else count_histogram(request.query, base, bins, hidden, **limits)
        for base, hidden in sides
    ]
    rest = replace(request.wanted, histogram=None)
    if rest == Wanted():
        request.progress("join", n, n)
        return tuple(JoinResult(histogram=one) for one in counted)
    found = _join(kernel, replace(request, wanted=rest, progress=rising(request.progress)))
    if found is None:
        return None
    return tuple(replace(one, histogram=count) for one, count in zip(found, counted, strict=True))


def _join(kernel: Kernel, request: Request) -> tuple[JoinResult, ...] | None:
    n, m, d = request.shape
    addresses = [row_addresses(rows) for rows in (request.query, *request.bases)]
    places = [one for one in addresses if one is not None]
    if len(places) < len(addresses) or d >= kernel.deepest or max(n, m) >= _MOST_ROWS:
        return None
    look = n * m * d > _WORTH_A_LOOK and request.memory >= 2 * MEMORY
    sample = take_sample(request) if look else None
    packing, most = choose_packing(kernel, request, sample)
    none = Guess(np.zeros(d, dtype=np.float32))
    guesses = sample.guesses if sample else (none,) * len(request.bases)
    cut = make_cut(n, m, packing, request.wanted, memory=request.memory, threads=request.threads)
    if cut is None:
        return None
    sides = tuple(
        Side(*side) for side in zip(request.bases, places[1:], request.excludes, strict=True)
    )
    everything = (request.query, places[0], sides, request.wanted)
    try:
        with one_library_thread(packing):
            return Join(*everything, packing, cut, guesses, most).run(request.progress)
    except PrefixTooShort:
        return Join(*everything, Packing(kernel, d), cut, guesses, np.inf).run(request.progress)


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
