"""Similarities without error: the dot products of paired rows, correctly rounded to float64."""

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float32, Float64
from spolia.search.reference import similarity_reference

_ELEMENTS = 1 << 14
"""Coordinates worked on together: 128 KiB of float64, so that the steps stay in the cache."""


def pairs_at_once(d: int) -> int:
    """Return how many pairs of ``d``-wide rows `exact_similarity` takes in one piece."""
    return max(1, _ELEMENTS // d)


def exact_similarity(query_rows: Float32, base_rows: Float32) -> Float64:
    r"""Return the dot products of paired rows, each rounded once to float64.

    .. math:: s_i = \mathrm{RN}\left(\sum_j x_{ij} y_{ij}\right)

    Bit for bit what `math.fsum` over the exact products gives, and never -0.0.

    Parameters
    ----------
    query_rows, base_rows
        ``(c, d)`` finite float32 each; row i of one is paired with row i of the other. Any norm.

    Returns
    -------
    Float64
        ``(c,)``.

    Examples
    --------
    >>> x = np.float32([[1.0, 2.0**-60, -1.0], [0.6, 0.8, 0.0]])
    >>> exact_similarity(x, np.ones((2, 3), dtype=np.float32)).tolist()
    [8.673617379884035e-19, 1.4000000357627869]
    """
    count, d = query_rows.shape
    step = pairs_at_once(d)
    result = np.empty(count)
    for start in range(0, count, step):
        x, y = query_rows[start : start + step], base_rows[start : start + step]
        piece, sure = _rounded(x, y)
        for i in np.flatnonzero(~sure):
            piece[i] = similarity_reference(x[i], y[i])
        result[start : start + step] = piece
    return result


def _rounded(x: Float32, y: Float32) -> tuple[Float64, npt.NDArray[np.bool_]]:
    """Return the rounded dot products ``(c,)`` and which of them are proved to be right.

    Proof, with u = 2^-53 and p the d products of a pair, exact in float64:

    1. Cauchy-Schwarz: sum|p| <= sqrt(d sum p^2), so sigma = 2^e is at least 2 sum|p|, with a
       factor 2 to spare for the roundings of that root.
    2. high = (sigma + p) - sigma is p rounded to a multiple of u sigma, without further error
       (Sterbenz), and low = p - high is exact with |low| <= u sigma (Dekker).
    3. sum|high| <= sum|p| + d u sigma <= sigma, so every partial sum of the highs, in any order,
       is a multiple of u sigma of at most 1/u units: a float64. Their sum s has no error.
    4. The sum e of the lows, in any order, errs by less than d u sum|low| (1 + tiny); delta is
       twice that, by Cauchy-Schwarz again. The true sum lies within delta of s + e.
    5. (hi, lo) is s + e without error (Knuth's TwoSum), with |lo| <= |e|, s being a float64 too.
       So u (|lo| + 2 delta) < delta, and the rounded lo - 2 delta and lo + 2 delta still enclose
       every possible remainder. Rounding is monotone: where hi + both round to hi, so does the
       true sum. Powers of two, with their narrower gap below, need no extra care.

    Nothing underflows: products are multiples of 2^-298, their squares of 2^-596.
    """
    p = np.multiply(x, y, dtype=np.float64)  # (c, d)
    d = p.shape[1]
    ones = np.ones(d)
    _, exponent = np.frexp(_norm1_bound(p))
    sigma = np.ldexp(1.0, exponent + 2)[:, np.newaxis]  # (c, 1)
    high = p + sigma
    high -= sigma
    p -= high  # the lows
    s, e = high @ ones, p @ ones
    delta = 2.0 * d * 2.0**-53 * _norm1_bound(p)
    hi = s + e
    part = hi - s
    lo = (s - (hi - part)) + (e - part)
    sure = (hi + (lo - 2.0 * delta) == hi) & (hi + (lo + 2.0 * delta) == hi)
    return hi + 0.0, sure


def _norm1_bound(p: Float64) -> Float64:
    """Return sqrt(d sum p^2) >= sum|p| for each row."""
    bound: Float64 = np.sqrt(p.shape[1] * np.einsum("ij,ij->i", p, p))
    return bound
