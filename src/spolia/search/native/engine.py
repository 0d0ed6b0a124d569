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
from spolia.search.native.sample import take_sample
from spolia.search.plan import Wanted
from spolia.search.result import JoinResult

_WORTH_A_LOOK = 1e10
"""Multiplications of a join from which on a sample of it is taken first."""


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
    n, d = query.shape
    places = row_addresses(query)
    if places is None or d >= kernel.deepest:
        return None
    sides = []
    for base, hidden in zip(bases, excludes, strict=True):
        addresses = row_addresses(base)
        if addresses is None:
            return None
        sides.append(Side(base, addresses, hidden))
    m = sum(base.shape[0] for base in bases)
    sample = take_sample(query, bases, excludes, rest) if n * m * d > _WORTH_A_LOOK else None
    packing, most = choose_packing(kernel, bases, sample, float(n) * m, n + m)
    guesses = sample.guesses if sample else (None,) * len(bases)
    cut = make_cut(n, m, packing, rest, memory=memory, threads=threads)
    if cut is None:
        return None
    everything = (query, places, tuple(sides), rest)
    try:
        with one_library_thread(packing):
            found = Join(*everything, packing, cut, guesses, most).run(progress)
    except PrefixTooShort:
        found = Join(*everything, Packing(kernel, d), cut, guesses, np.inf).run(progress)
    return tuple(replace(one, histogram=count) for one, count in zip(found, counted, strict=True))


def one_library_thread(packing: Packing) -> AbstractContextManager[object]:
    """Keep the matrix library, which rotates rows, from using more threads than the join does."""
    return nullcontext() if packing.rotation is None else threadpool_limits(1, user_api="blas")
