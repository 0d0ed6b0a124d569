"""The exact join: the k nearest, all above, the top and a histogram, in one pass."""

import math
import operator
import os
from typing import SupportsIndex, cast, overload

from spolia.core.errors import InvalidRows, UsageError
from spolia.core.progress import Progress, silent
from spolia.core.types import Rows, check_rows
from spolia.search.engines import check_engine, run_engine
from spolia.search.exclude import (
    Exclude,
    ExcludeOption,
    Groups,
    exclude_between,
    exclude_within,
)
from spolia.search.plan import Wanted
from spolia.search.request import Request
from spolia.search.result import JoinResult
from spolia.search.tiles import NORM_PRODUCT
from spolia.search.watch import Watch

Several = tuple[Rows, ...] | list[Rows]


@overload
def join(
    query: Rows,
    base: Rows | None = None,
    *,
    k: int | None = None,
    above: float | None = None,
    top: int | None = None,
    histogram: int | None = None,
    exclude: ExcludeOption | None = None,
    memory: int = 2 << 30,
    threads: int | None = None,
    engine: str = "auto",
    progress: Progress = silent,
) -> JoinResult: ...


@overload
def join(
    query: Rows,
    base: Several,
    *,
    k: int | None = None,
    above: float | None = None,
    top: int | None = None,
    histogram: int | None = None,
    exclude: ExcludeOption | None = None,
    memory: int = 2 << 30,
    threads: int | None = None,
    engine: str = "auto",
    progress: Progress = silent,
) -> tuple[JoinResult, ...]: ...


def join(
    query: Rows,
    base: Rows | Several | None = None,
    *,
    k: int | None = None,
    above: float | None = None,
    top: int | None = None,
    histogram: int | None = None,
    exclude: ExcludeOption | None = None,
    memory: int = 2 << 30,
    threads: int | None = None,
    engine: str = "auto",
    progress: Progress = silent,
) -> JoinResult | tuple[JoinResult, ...]:
    r"""Compare every row of ``query`` with every row of ``base``, exactly, in bounded memory.

    The similarity of two rows is their dot product, rounded once to float64:

    .. math:: s(x, y) = \mathrm{RN}\left(\sum_{j=1}^{d} x_j y_j\right), \qquad
              \mathrm{RN}(0) = +0

    that is, the cosine of unit rows; the similarity to an all-zero row is 0. Pairs are ranked by
    similarity down, ties by query row up, then by base row up.

    Without ``base``, the rows of ``query`` are compared with each other, and never with
    themselves: ``pairs`` and ``top`` then list each pair once, its lower row number as query.

    The result is a function of the rows and of ``k``, ``above``, ``top``, ``histogram`` and
    ``exclude`` alone. No other option, no machine, and no way of storing the rows changes a bit
    of it: all equal `spolia.search.reference.join_reference`.

    Parameters
    ----------
    query, base
        ``(n, d)`` and ``(m, d)`` float32, each row finite and of norm 1 (within 1e-4) or exactly
        0. Arrays, memory-maps or the rows of a store. Either may be empty. A tuple or list of
        several bases is searched as if by one join each, with the work on ``query`` done once.
    k
        Ask for the k nearest rows of base for each row of query; at least 1, may exceed m.
    above
        Ask for all pairs with a similarity of ``above`` or more; -1 to 1.
    top
        Ask for the best pairs of all, at most this many; at least 1, may exceed n * m.
    histogram
        Ask how the pairs are distributed over this many equal bins on [-1, 1]; at least 1. The
        pairs of at most 512 evenly spaced query rows are counted, see
        `spolia.search.result.Histogram`.
    exclude
        Groups of rows, as integers or strings, for example identities: two rows of one group are
        not compared, as if the pair did not exist. One group for each row of ``query`` in a join
        without ``base``, otherwise a pair ``(groups of query, groups of base)``, and
        ``(groups of query, [groups of each base])`` with several bases.
    memory
        Bytes that the join may use at any time beside its input and its output. Half of it is
        kept for the pairs at or above ``above``, at 96 bytes a pair. The least that works, named
        by the error where it is not given, is a few MiB, 64 bytes for each row of base (for ``k``
        and ``top``; 128 where pairs are excluded), 600 for each pair of ``top`` and 64 for each
        bin. Buffers that the matrix library keeps for itself, some 30 MiB a thread, are not
        counted.
    threads
        How many threads at most; default all the processor cores this process may use. Where
        ``memory`` is small, fewer are used.
    engine
        What computes it, see `spolia.search.engines.ENGINES`; ``auto`` takes the fastest there is.
    progress
        Told ``("join", rows of query done, n)``, in the thread that called.

    Returns
    -------
    JoinResult, or a tuple of one for each of several bases
        ``indices`` ``(n, k)`` int64 and ``similarities`` ``(n, k)`` float64, nearest first,
        filled up with -1 and -inf where a row has fewer than k to compare with; ``pairs`` and
        ``top``, each with ``query``, ``base`` and ``similarity``, best first; ``histogram`` with
        ``counts`` ``(bins,)``, ``edges`` ``(bins + 1,)`` and the number of ``rows`` counted. What
        was not asked for is ``None``.

    Raises
    ------
    InvalidRows
        If a side is not float32, not finite, not of unit rows, or the widths differ.
    UsageError
        If no output is asked for, an option is out of range, ``exclude`` does not fit the rows,
        ``engine`` is not there, or ``memory`` is too small.
    ResultTooLarge
        If there are more pairs at or above ``above`` than ``memory`` can hold.
    InputChanged
        If a file behind ``query`` or ``base`` changed meanwhile.

    Examples
    --------
    >>> import numpy as np
    >>> base = np.float32([[1, 0], [0.6, 0.8], [0, 1]])
    >>> query = np.float32([[0, 1], [1, 0]])
    >>> result = join(query, base, k=2, above=0.7, top=1, histogram=4)
    >>> result.indices.tolist()
    [[2, 1], [0, 1]]
    >>> result.similarities.round(3).tolist()
    [[1.0, 0.8], [1.0, 0.6]]
    >>> list(zip(result.pairs.query.tolist(), result.pairs.base.tolist()))
    [(0, 2), (1, 0), (0, 1)]
    >>> result.top.similarity.tolist()
    [1.0]
    >>> result.histogram.counts.tolist()
    [0, 0, 2, 4]
    >>> join(base, k=1, exclude=["ann", "ann", "bob"]).indices.tolist()
    [[2], [2], [1]]
    """
    wanted = Wanted(
        k=_at_least_one("k", k),
        above=_threshold(above),
        top=_at_least_one("top", top),
        histogram=_at_least_one("histogram", histogram),
    )
    if wanted == Wanted():
        raise UsageError("join must be asked for an output; give k, above, top or histogram")
    cores = _at_least_one("threads", threads) or _cores()
    check_engine(engine)
    watch = Watch(query, *_given(base))
    check_rows(query, "query")
    bases = _checked_bases(query, base)
    excludes = _excludes(query, base, exclude)
    request = Request(query, bases, excludes, wanted, memory, cores, progress)
    found = run_engine(engine, request)
    watch.check()
    return found if isinstance(base, tuple | list) else found[0]


def _given(base: Rows | Several | None) -> tuple[Rows, ...]:
    """Return the bases, before any is looked at; none where query meets itself."""
    if base is None:
        return ()
    return tuple(base) if isinstance(base, tuple | list) else (base,)


def _checked_bases(query: Rows, base: Rows | Several | None) -> tuple[Rows, ...]:
    if base is None:
        return (query,)
    if not isinstance(base, tuple | list):
        _check_base(query, base, "base")
        return (base,)
    if not base:
        raise UsageError("base must hold at least one set of rows, but is an empty list")
    for number, one in enumerate(base):
        _check_base(query, one, f"base[{number}]")
    return tuple(base)


def _check_base(query: Rows, base: Rows, name: str) -> None:
    check_rows(base, name)
    d, width = query.shape[1], base.shape[1]
    if d != width:
        raise InvalidRows(
            f"query and {name} must have the same width, but have {d} and {width} columns; embed "
            "both with the same embedder"
        )


def _excludes(
    query: Rows, base: Rows | Several | None, exclude: ExcludeOption | None
) -> tuple[Exclude | None, ...]:
    n = query.shape[0]
    if base is None:
        return (exclude_within(cast("Groups | None", exclude), n),)
    if isinstance(base, tuple | list):
        return exclude_between(exclude, n, [one.shape[0] for one in base], several=True)
    return exclude_between(exclude, n, [base.shape[0]], several=False)


def _at_least_one(name: str, value: SupportsIndex | None) -> int | None:
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        raise UsageError(f"{name} must be a whole number, but is {value!r}") from None
    if number < 1:
        raise UsageError(f"{name} must be at least 1, but is {number}")
    return number


def _threshold(above: float | None) -> float | None:
    if above is None:
        return None
    if not math.isfinite(above) or abs(above) > NORM_PRODUCT:
        raise UsageError(
            f"above must be a similarity, between -1 and 1, but is {above}; up is closer"
        )
    return float(above)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1
