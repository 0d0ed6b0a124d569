r"""Conformal p-values, and the two step-up rules for a list of p-values.

Sources: Vovk, V., Gammerman, A. & Shafer, G. (2005), *Algorithmic Learning in a Random World*;
Bates, S. et al. (2023), https://arxiv.org/abs/2104.08279 (outliers); Benjamini, Y. & Hochberg, Y.
(1995), https://doi.org/10.1111/j.2517-6161.1995.tb02031.x; Benjamini, Y. & Yekutieli, D. (2001),
https://doi.org/10.1214/aos/1013699998 (any dependence).

Adversary: none; a statement about data. Cost: a sort.

**A single case.** Let :math:`s` be a record's best score against train and :math:`c_1 \dots c_m`
the best scores of the *m* synthetic records against the control. Without a leak, and with galleries
of one size, *s* is one of m + 1 exchangeable numbers, so

.. math:: p_0 = \frac{1 + \#\{l : c_l \ge s\}}{1 + m}

is uniform or larger. If train is 1/r > 1 times as large as the control, its best score is the best
of 1/r such draws, and

.. math:: p = 1 - (1 - p_0)^{1/r}

is uniform where records are alike, as standard scores (`spolia.stats.scores`) make them, and larger
otherwise: :math:`x^{1/r}` is convex, so that the average over records of unlike laws is no less
than the power of their average. If the control is r > 1 times as large as train, that would err the
other way. Then a record's score against a random r-th part of the control takes the place of
:math:`c_l`, averaged over the parts: the j-th closest identity is the closest one of a part with
probability :math:`(1 - 1/r)^{j-1} / r`. What is left after the identities that are known counts for
the last of them, which errs upward.
"""

import numpy as np

from spolia.core.types import Float64


def single_case_p(scores: Float64, null: Float64, *, ratio: float) -> Float64:
    """Return for each score how likely a record without a leak scores as high.

    Parameters
    ----------
    scores
        ``(n,)`` best scores against train.
    null
        ``(m, k)`` scores of records against their k closest identities of the control, descending,
        ``-inf`` where fewer are known; nothing can have leaked there.
    ratio
        |control| / |train|, > 0.

    Returns
    -------
    Float64
        ``(n,)`` in (0, 1], never under what *m* can tell: about 1 / (r (m + 1)).

    Examples
    --------
    >>> null = np.array([[0.1], [0.3], [0.5]])
    >>> single_case_p(np.array([0.9, 0.2]), null, ratio=1.0).round(6)
    array([0.25, 0.75])
    """
    m, k = null.shape
    part = min(1.0, 1.0 / ratio)
    weights = part * (1.0 - part) ** np.arange(k)
    weights[-1] = (1.0 - part) ** (k - 1)
    known = np.isfinite(null)
    last = null.min(axis=1, where=known, initial=np.inf)
    filled = np.where(known, null, last[:, None])
    order = np.argsort(filled, axis=None)
    above = np.append(np.cumsum(np.tile(weights, m)[order][::-1])[::-1], 0.0)
    at_or_above = above[np.searchsorted(filled.ravel()[order], scores, side="left")]
    p = np.minimum((1.0 + at_or_above) / (1.0 + m), 1.0)
    with np.errstate(divide="ignore"):  # p = 1, whose logarithm is -inf, stays 1
        corrected: Float64 = -np.expm1(np.log1p(-p) * max(1.0, 1.0 / ratio))
    return corrected


def benjamini_hochberg(p: Float64) -> Float64:
    r"""Return the smallest false discovery rate at which each case is named.

    .. math:: q_i = \min_{j : p_j \ge p_i} \frac{n\, p_j}{\#\{l : p_l \le p_j\}}

    Valid for independent cases, and for conformal p-values that share their null.

    Parameters
    ----------
    p
        ``(n,)`` in [0, 1].

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.02, 0.9])).round(3).tolist()
    [0.03, 0.03, 0.9]
    """
    order = np.argsort(p, kind="stable")[::-1]
    at_or_below = np.searchsorted(np.sort(p), p[order], side="right")
    q = np.empty(p.size)
    q[order] = np.minimum.accumulate(np.minimum(p.size * p[order] / at_or_below, 1.0))
    return q


def benjamini_yekutieli(p: Float64) -> Float64:
    """Return the same, valid under any dependence: larger by the sum of 1/i up to n.

    >>> benjamini_yekutieli(np.array([0.01, 0.02, 0.9])).round(3).tolist()
    [0.055, 0.055, 1.0]
    """
    if p.size == 0:
        return p.astype(np.float64)
    return np.minimum(benjamini_hochberg(p) * float(np.sum(1.0 / np.arange(1, p.size + 1))), 1.0)


def ranked(p: Float64, *, most: int) -> tuple[tuple[float, int], ...]:
    """Return each p-value with how many are at or below it, ascending: for a plot.

    Of more than ``most`` different ones, ``most`` at most are returned, evenly spaced in the
    logarithm of their rank, so that all of the smallest are among them, and the largest.

    >>> ranked(np.array([0.3, 0.1, 0.3]), most=10)
    ((0.1, 1), (0.3, 3))
    """
    values, counts = np.unique(p, return_counts=True)
    below = np.cumsum(counts)
    if values.size > most:
        kept = np.unique(np.round(np.geomspace(1, values.size, most)).astype(np.int64)) - 1
        values, below = values[kept], below[kept]
    return tuple(zip(values.tolist(), below.tolist(), strict=True))
