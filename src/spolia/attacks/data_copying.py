r"""Data-copying test: samples lie closer to train than held-out images do, cell by cell.

Source: Meehan, C., Chaudhuri, K. & Dasgupta, S. (2020), https://arxiv.org/abs/2004.05675. In each
cell of a partition (by k-means) the distances to the nearest training image, of samples and of
held-out images, are compared by the Mann-Whitney statistic, expressed in standard deviations,
:math:`z_\pi`. Over the cells with enough of each,

.. math:: C_T = \frac{\sum_\pi P(\pi)\, z_\pi}{\sum_\pi P(\pi)}

with the share :math:`P(\pi)` of the held-out images in the cell.

Adversary: none; whoever has train and held-out images audits. Cost: the nearest training image of
each, and a sort.

In the paper a low :math:`C_T` means copying. Here **up is more**: z counts how often a sample is
closer. Ties count half and shrink the variance. If nothing was copied every :math:`z_\pi` has mean
0 and variance 1, so that :math:`C_T` has the standard deviation :math:`\sqrt{\sum w_\pi^2}` of its
weights, which is under 1 where there are several cells: `Copying.z` has 1.

The whole population at once would not see a generator that copies in one cell and is too wide in
another. Small cells say nothing and are left out, and counted.
"""

from dataclasses import dataclass

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.types import Float32, Float64, Int64, normalise

LEAST = 20
"""Samples, and held-out images, that a cell needs."""
_ROUNDS = 25


@dataclass(frozen=True)
class Copying:
    """How much closer samples are to train than held-out images are."""

    value: float
    """C_T, up is closer; 0 without a cell."""
    deviation: float
    """Its standard deviation where nothing was copied; 0 without a cell."""
    cells: int
    """Cells with enough of each."""
    outside: float
    """Share of the held-out images in no such cell."""

    @property
    def z(self) -> float:
        """C_T in its own standard deviations."""
        return self.value / self.deviation if self.cells else 0.0


def copying(
    samples: Float64,
    held_out: Float64,
    sample_cells: Int64,
    held_out_cells: Int64,
    *,
    least: int = LEAST,
) -> Copying:
    """Return C_T.

    Parameters
    ----------
    samples, held_out
        ``(m,)`` and ``(h,)`` distances to the nearest training record; h at least 1.
    sample_cells, held_out_cells
        The cell of each, numbers from 0.
    least
        How many of each a cell needs.

    Examples
    --------
    >>> one = np.zeros(30, dtype=np.int64)
    >>> found = copying(np.arange(30.0), np.arange(30.0) + 15.0, one, one)
    >>> round(found.value, 1), found.cells, found.outside
    (5.0, 1, 0.0)
    """
    cells = int(max(sample_cells.max(initial=0), held_out_cells.max(initial=0))) + 1
    m = np.bincount(sample_cells, minlength=cells)
    h = np.bincount(held_out_cells, minlength=cells)
    used = (m >= least) & (h >= least)
    outside = float(h[~used].sum() / h.sum())
    if not used.any():
        return Copying(0.0, 0.0, 0, outside)
    z = _z_by_cell(
        np.concatenate([samples, held_out]),
        np.concatenate([sample_cells, held_out_cells]),
        np.arange(samples.size + held_out.size) < samples.size,
        cells,
    )
    weights = h[used] / h[used].sum()
    deviation = float(np.sqrt((weights**2).sum()))
    return Copying(float(weights @ z[used]), deviation, int(np.count_nonzero(used)), outside)


def _z_by_cell(distance: Float64, cell: Int64, of_sample: np.ndarray, cells: int) -> Float64:
    """Return in standard deviations how often a sample is closer, ``(cells,)``; 0 if undefined."""
    order = np.lexsort((distance, cell))
    distance, cell, of_sample = distance[order], cell[order], of_sample[order]
    new = np.concatenate([[True], (np.diff(distance) != 0.0) | (np.diff(cell) != 0)])
    start = np.flatnonzero(new)
    tied = np.diff(np.concatenate([start, [distance.size]]))
    group = np.cumsum(new) - 1
    rank = (start + (tied - 1) / 2.0)[group]  # from 0, ties in the middle
    sizes = np.bincount(cell, minlength=cells)
    first = np.cumsum(sizes) - sizes
    rank = rank - first[cell]
    m = np.bincount(cell, weights=of_sample, minlength=cells)
    h = sizes - m
    ranks = np.bincount(cell, weights=rank * of_sample, minlength=cells)
    # Held-out images under a sample, so the complement: how often the sample is under.
    closer = m * h - (ranks - m * (m - 1.0) / 2.0)
    ties = np.bincount(cell[start], weights=tied**3.0 - tied, minlength=cells)
    pairs = np.maximum(sizes * (sizes - 1.0), 1.0)
    variance = m * h / 12.0 * (sizes + 1.0 - ties / pairs)
    z = np.zeros(cells)
    told = variance > 0.0
    z[told] = (closer - m * h / 2.0)[told] / np.sqrt(variance[told])
    return z


def partition(rows: Float32, cells: int, *, rng: np.random.Generator) -> Float32:
    """Return the centres of k-means on the sphere, ``(cells, d)`` unit rows or fewer.

    A record belongs to the centre to which it is most similar.

    Parameters
    ----------
    rows
        ``(n, d)`` unit rows, n at least ``cells``.
    cells
        At least 1.
    rng
        Draws the rows to begin with.

    Raises
    ------
    UsageError
        If there are more cells than rows.

    Examples
    --------
    >>> rows = np.float32([[1, 0], [0.8, 0.6], [0, 1], [-0.6, 0.8]])
    >>> partition(rows, 1, rng=np.random.default_rng(0)).shape
    (1, 2)
    """
    if not 1 <= cells <= len(rows):
        raise UsageError(f"cells must be 1 to the {len(rows)} rows there are, but are {cells}")
    centres = rows[rng.permutation(len(rows))[:cells]]
    for _ in range(_ROUNDS):
        nearest = np.argmax(rows @ centres.T, axis=1)
        total = np.zeros(centres.shape)
        np.add.at(total, nearest, rows)
        moved = normalise(total)
        there = np.any(moved != 0.0, axis=1)  # an empty cell is given up
        if there.all() and np.array_equal(moved, centres):
            break
        centres = moved[there]
    return centres
