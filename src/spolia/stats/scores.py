r"""Standard scores: how much closer a record is to somebody than to everybody.

Sources: Auckenthaler, R., Carey, M. & Lloyd-Thomas, H. (2000),
https://doi.org/10.1006/dspr.1999.0360 (T-norm: a query's scores are standardised by its scores
against a cohort); Karam, Z. N. et al. (2011), and Matějka, P. et al. (2017),
https://doi.org/10.21437/Interspeech.2017-803 (adaptive S-norm).

Adversary: none; a statement about data. Cost: the second moments of the rows, n d² products.

Some images are close to everything (hubs), others to nothing. The same cosine of .5 is chance for
one and a leak for another. So the similarity *s* of a record *x* to somebody is expressed in
standard deviations over its similarities to the rows *y* of **all others** in train and control,

.. math:: z = \frac{s - \mu_x}{\sigma_x}, \qquad \mu_x = x \cdot \bar{y}, \quad
          \sigma_x^2 = x^\top \overline{y y^\top} x - \mu_x^2 ,

for which the moments of all rows are enough, less the similarities to that somebody's own. Were
these among the rest, whoever has a large share of all rows would widen the spread of each image of
theirs, and be missed. Train and control enter alike, so scores say nothing of who was trained on,
and whatever is exchangeable stays so.

*Adaptive S-norm* uses the K nearest of a cohort in place of all others, and standardises the other
side as well. On real faces it named fewer leaks (``docs/methods/verdict.md``), so it serves as a
comparison only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from spolia.core.rows import SubsetRows
from spolia.core.types import Float64, Int64, Rows

_ROWS_PER_STEP = 4096
_SMALLEST_DEVIATION = 1e-6
"""Where all rows are equally close, scores are similarities in this unit."""
_DIGITS = 9
"""Scores are rounded, so that no processor's order of summation shows in them."""


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of n rows."""

    n: int
    mean: Float64
    """``(d,)``."""
    second: Float64
    """``(d, d)`` mean of y yᵀ."""


def moments(*sides: Rows) -> Moments:
    """Return the moments of all rows of ``sides``, read once.

    >>> found = moments(np.array([[1, 0]], dtype=np.float32), np.array([[0, 1]], dtype=np.float32))
    >>> found.n, found.mean.tolist(), found.second.tolist()
    (2, [0.5, 0.5], [[0.5, 0.0], [0.0, 0.5]])
    """
    d = sides[0].shape[1]
    n, total, products = 0, np.zeros(d), np.zeros((d, d))
    for rows in sides:
        for start in range(0, rows.shape[0], _ROWS_PER_STEP):
            piece = rows[start : start + _ROWS_PER_STEP].astype(np.float64)
            n += len(piece)
            total += piece.sum(axis=0)
            products += piece.T @ piece
    return Moments(n, total / n, products / n)


@dataclass(frozen=True, eq=False)
class Sums:
    """What is added up of the similarities of m records to some rows."""

    count: Float64
    """``(m,)``, or ``(m, k)`` for each of k comparisons of a record: how many."""
    first: Float64
    """Their sums."""
    second: Float64
    """The sums of their squares."""

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.count + other.count, self.first + other.first, self.second + other.second)

    def __sub__(self, other: "Sums") -> "Sums":
        return Sums(self.count - other.count, self.first - other.first, self.second - other.second)

    def for_each(self) -> "Sums":
        """Return those of m records, ``(m, 1)``, as they are for each comparison."""
        return Sums(self.count[:, None], self.first[:, None], self.second[:, None])

    def mean_and_deviation(self) -> tuple[Float64, Float64]:
        """Return the mean of the similarities and their standard deviation, at least 1e-6."""
        count = np.maximum(self.count, 1.0)
        mean = self.first / count
        variance = self.second / count - mean**2
        return mean, np.sqrt(np.maximum(variance, _SMALLEST_DEVIATION**2))


def similarity_to_groups(records: Rows, groups: Int64, rows: Rows, group_of: Int64) -> Sums:
    """Return for each record its similarities to the rows of a group, or of each of k groups.

    Parameters
    ----------
    records
        ``(m, d)`` unit rows.
    groups
        ``(m,)`` or ``(m, k)`` numbers of groups. One without rows gives zeros.
    rows
        ``(n, d)`` unit rows.
    group_of
        ``(n,)`` the group of each.

    Examples
    --------
    >>> rows = np.array([[1, 0], [0, 1]], dtype=np.float32)
    >>> found = similarity_to_groups(rows[:1], np.array([[7, 8]]), rows, np.array([7, 7]))
    >>> found.count.tolist(), found.first.tolist(), found.second.tolist()
    ([[2.0, 0.0]], [[1.0, 0.0]], [[1.0, 0.0]])
    """
    flat, width = groups.ravel(), 1 if groups.ndim == 1 else groups.shape[1]
    asked = np.unique(flat)
    count, first, second = (np.zeros(flat.size) for _ in range(3))
    for asking, members in zip(_members(flat, asked), _members(group_of, asked), strict=True):
        if not members.size:
            continue
        count[asking] = members.size
        sums_of = _sums_to(SubsetRows(rows, members))
        for start in range(0, asking.size, _ROWS_PER_STEP):
            some = asking[start : start + _ROWS_PER_STEP]
            first[some], second[some] = sums_of(records[some // width].astype(np.float64))
    return Sums(*(one.reshape(groups.shape) for one in (count, first, second)))


def _members(group_of: Int64, groups: Int64) -> Iterator[Int64]:
    """Yield for each of ``groups`` the places where it stands in ``group_of``, ascending."""
    order = np.argsort(group_of, kind="stable")
    ordered = group_of[order]
    starts = np.searchsorted(ordered, groups, side="left")
    stops = np.searchsorted(ordered, groups, side="right")
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        yield order[start:stop]


def _sums_to(rows: SubsetRows) -> Callable[[Float64], tuple[Float64, Float64]]:
    """Return what gives for records the sums of their similarities to ``rows``, and of squares."""
    n, d = rows.shape
    if n > d:  # by their moments, so that however many there are, a record costs d² products
        return partial(_sums, pool=moments(rows))
    turned = rows[:].astype(np.float64).T

    def one_by_one(wide: Float64) -> tuple[Float64, Float64]:
        similarity = wide @ turned
        return similarity.sum(axis=1), (similarity**2).sum(axis=1)

    return one_by_one


def _sums(wide: Float64, pool: Moments) -> tuple[Float64, Float64]:
    first = wide @ pool.mean
    second = np.einsum("ij,ij->i", wide @ pool.second, wide)
    return pool.n * first, pool.n * second


def similarity_to_all(records: Rows, pool: Moments) -> Sums:
    """Return for each record its similarities to all rows of ``pool``.

    ``records`` are ``(m, d)`` unit rows.

    Examples
    --------
    >>> rows = np.array([[1, 0], [0, 1]], dtype=np.float32)
    >>> to_all = similarity_to_all(rows[:1], moments(rows))
    >>> [one.tolist() for one in to_all.mean_and_deviation()]
    [[0.5], [0.5]]
    """
    m = records.shape[0]
    first, second = np.empty(m), np.empty(m)
    for start in range(0, m, _ROWS_PER_STEP):
        part = slice(start, start + _ROWS_PER_STEP)
        first[part], second[part] = _sums(records[part].astype(np.float64), pool)
    return Sums(np.full(m, float(pool.n)), first, second)


def standard_scores(similarity: Float64, mean: Float64, deviation: Float64) -> Float64:
    """Return similarities in standard deviations above each record's mean, rounded to 1e-9.

    >>> standard_scores(np.array([0.7, -np.inf]), np.array([0.1, 0.1]), np.array([0.2, 0.2]))
    array([  3., -inf])
    """
    return np.round((similarity - mean) / deviation, _DIGITS)


def template_lengths(rows: Rows, identity: Int64, n: int) -> Float64:
    """Return for each identity the length of the sum of its rows.

    The direction of that sum, or of the mean, is its template: what its photos share. A template is
    nearer to a new photo of a person than most single photos are, and further from strangers (Jain,
    A. K. et al. (2004), https://doi.org/10.1109/TCSVT.2003.818349, on templates). The similarity to
    it is the sum of the similarities to the rows, over this length.

    Parameters
    ----------
    rows
        ``(m, d)`` unit rows.
    identity
        ``(m,)`` number of each row's identity, 0 to n - 1.

    Returns
    -------
    Float64
        ``(n,)``; zero for an identity without rows, or whose rows cancel out.

    Examples
    --------
    >>> rows = np.array([[1, 0], [0, 1], [0, 1]], dtype=np.float32)
    >>> template_lengths(rows, np.array([0, 0, 1]), 2).round(3).tolist()
    [1.414, 1.0]
    """
    lengths = np.zeros(n)
    for i, members in enumerate(_members(identity, np.arange(n))):
        total = np.zeros(rows.shape[1])
        for start in range(0, members.size, _ROWS_PER_STEP):
            piece = rows[members[start : start + _ROWS_PER_STEP]]
            total += piece.sum(axis=0, dtype=np.float64)
        lengths[i] = np.linalg.norm(total)
    return lengths


def adaptive_s_norm(
    similarity: Float64, to_cohort: Float64, from_cohort: Float64, *, nearest: int
) -> Float64:
    r"""Return S-normed scores, for comparison: see the top.

    .. math:: \tfrac12 \left(\frac{s - \mu_x}{\sigma_x} + \frac{s - \mu_y}{\sigma_y}\right)

    Parameters
    ----------
    similarity
        ``(m, n)`` of m records and n references.
    to_cohort
        ``(m, a)`` similarities of the records to their cohort.
    from_cohort
        ``(n, b)`` similarities of the references to theirs.
    nearest
        The K nearest of a cohort that are used.

    Examples
    --------
    >>> cohort = np.array([[0.0, 0.2]])
    >>> adaptive_s_norm(np.array([[0.3]]), cohort, cohort, nearest=2).round(6).tolist()
    [[2.0]]
    """
    mean_x, deviation_x = _of_nearest(to_cohort, nearest)
    mean_y, deviation_y = _of_nearest(from_cohort, nearest)
    by_record = (similarity - mean_x[:, None]) / deviation_x[:, None]
    by_reference = (similarity - mean_y[None, :]) / deviation_y[None, :]
    return 0.5 * (by_record + by_reference)


def _of_nearest(to_cohort: Float64, nearest: int) -> tuple[Float64, Float64]:
    kept = np.sort(to_cohort, axis=1)[:, -nearest:]
    return kept.mean(axis=1), np.maximum(kept.std(axis=1), _SMALLEST_DEVIATION)
