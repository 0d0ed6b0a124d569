"""Rates by stratum, and which small counts a published table must not show.

Sources: Clopper, C. J. & Pearson, E. S. (1934), https://doi.org/10.1093/biomet/26.4.404 (the
interval); Hundepool, A. et al. (2012), *Statistical Disclosure Control*, Wiley,
https://doi.org/10.1002/9781118348239 (a hidden cell must not follow from a total: secondary
suppression).

Adversary: a reader of the published table who knows somebody in a small group. Cost: one pass.
"""

import numpy as np
import numpy.typing as npt

from spolia.core.rates import Rate
from spolia.core.types import Int64
from spolia.stats.rates import exact_rate

Flags = npt.NDArray[np.bool_]

SMALLEST_SHOWN = 5
"""Counts under this are not published: k-anonymity's usual k."""

PHOTO_BINS = ("1", "2", "3 to 4", "5 to 9", "10 or more")
"""By how many training images of an identity its exposure is shown."""

_FIRST_OF_BIN = np.array([1, 2, 3, 5, 10])


def photo_bin(photos: Int64) -> Int64:
    """Return the number of the bin in `PHOTO_BINS` of every count of photos, each at least 1.

    >>> photo_bin(np.array([1, 2, 4, 5, 200])).tolist()
    [0, 1, 2, 3, 4]
    """
    return np.searchsorted(_FIRST_OF_BIN, photos, side="right") - 1


def rates_by_stratum(stratum: Int64, found: Flags, strata: int) -> tuple[Rate | None, ...]:
    """Return the rate of ``found`` in every stratum; ``None`` where it has nobody.

    The counts and the n of the strata sum up to those of the whole.

    Parameters
    ----------
    stratum
        ``(n,)`` the stratum of each identity, 0 to ``strata`` - 1.
    found
        ``(n,)`` whether it was found.
    strata
        How many strata there are.

    Examples
    --------
    >>> rates = rates_by_stratum(np.array([0, 0, 1]), np.array([True, False, True]), 3)
    >>> [rate and (rate.count, rate.n) for rate in rates]
    [(1, 2), (1, 1), None]
    """
    n = np.bincount(stratum, minlength=strata)
    count = np.bincount(stratum[found], minlength=strata)
    return tuple(
        exact_rate(k, of) if of else None for k, of in zip(count.tolist(), n.tolist(), strict=True)
    )


def suppressed(counts: Int64, *, smallest: int = SMALLEST_SHOWN) -> Flags:
    """Return which counts of one table must be hidden, if their sum is known.

    Those under ``smallest``; and if that is a single one, which the others and the sum would tell,
    the least of the others as well.

    Parameters
    ----------
    counts
        ``(n,)`` the counts of a table whose sum is published.
    smallest
        The least count that may be shown.

    Examples
    --------
    >>> suppressed(np.array([3, 40, 9, 12])).tolist()
    [True, False, True, False]
    >>> suppressed(np.array([3, 2, 9])).tolist()
    [True, True, False]
    """
    hidden = counts < smallest
    if np.count_nonzero(hidden) == 1 and counts.size > 1:
        others = np.where(hidden, np.iinfo(np.int64).max, counts)
        hidden = hidden.copy()
        hidden[np.argmin(others)] = True
    return hidden
