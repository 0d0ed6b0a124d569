"""How the similarities of a join are distributed, counted on a sample of the query rows."""

from typing import cast

from spolia.core.progress import silent
from spolia.core.rows import SubsetRows
from spolia.core.types import Rows
from spolia.search.exclude import Exclude
from spolia.search.plan import Wanted, make_plan
from spolia.search.result import Histogram, sampled_rows
from spolia.search.run import run_plan


def count_histogram(
    query: Rows, base: Rows, bins: int, exclude: Exclude | None, *, memory: int, threads: int
) -> Histogram:
    """Return the exact counts over ``bins`` bins of the pairs of `sampled_rows` of ``query``.

    Any engine may call it: it is a run of its own, in float64 tiles, of checked rows.

    Raises
    ------
    UsageError
        If not even the smallest pieces fit ``memory``.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.eye(3, dtype=np.float32)
    >>> count = count_histogram(rows, rows, 2, Exclude.itself(3), memory=1 << 30, threads=1)
    >>> count.counts.tolist(), count.rows
    ([0, 6], 3)
    """
    sample = sampled_rows(query.shape[0])
    wanted = Wanted(histogram=bins)
    shape = (len(sample), base.shape[0], base.shape[1])
    plan = make_plan(shape, wanted, memory=memory, threads=threads)
    part = None if exclude is None else exclude.subset(sample)
    result = run_plan(SubsetRows(query, sample), base, wanted, part, plan, silent)
    return cast("Histogram", result.histogram)
