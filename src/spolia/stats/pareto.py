r"""The generalised Pareto distribution: its tail, and maximum likelihood for many weights at once.

Grimshaw, S. D. (1993), https://doi.org/10.1080/00401706.1993.10485040: with
:math:`\theta = \xi / \beta` the best shape is :math:`\xi(\theta) = \overline{\log(1 + \theta y)}`,
which leaves a likelihood in one parameter,

.. math:: \ell(\theta) = -n \left( \log \frac{\xi(\theta)}{\theta} + \xi(\theta) + 1 \right).

It has no largest value for :math:`\xi < -1`, and maximum likelihood is regular for
:math:`\xi > -1/2` (Smith, R. L. 1985, https://doi.org/10.1093/biomet/72.1.67): no shape under -1/2
is considered.

Cost: some 120 values of the likelihood for each set of weights.
"""

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UsageError
from spolia.core.types import Float64

LOWEST_SHAPE = -0.5
"""No shape under this is considered."""

_COARSE = np.concatenate([np.expm1(np.linspace(-9.0, 0.0, 28)), np.geomspace(0.05, 1e4, 28)])
"""First values of theta times the largest excess, all over -1; 0 is the exponential."""
_POINTS = 9
_ZOOMS = 7
"""Each narrows the bracket to a quarter: 4^7 times in all."""
_AT_ONCE = 1 << 21
"""Logarithms taken together; bounds the memory."""


def pareto_tail(excess: npt.ArrayLike, shape: npt.ArrayLike, scale: npt.ArrayLike) -> Float64:
    r"""Return :math:`(1 + \xi y / \beta)_+^{-1/\xi}`, the probability of more than an excess y.

    >>> [round(float(pareto_tail(1.0, shape, 1.0)), 4) for shape in (-0.5, 0.0, 0.5)]
    [0.25, 0.3679, 0.4444]
    >>> float(pareto_tail(3.0, -0.5, 1.0))
    0.0
    """
    y = np.asarray(excess, dtype=np.float64) / np.asarray(scale, dtype=np.float64)
    xi, y = np.broadcast_arrays(np.asarray(shape, dtype=np.float64), y)
    flat = np.abs(xi) < 1e-9
    inside = 1.0 + xi * y
    with np.errstate(divide="ignore"):
        power = -np.log(np.maximum(inside, 0.0)) / np.where(flat, 1.0, xi)
    return np.asarray(np.exp(np.where(flat, -y, power)), dtype=np.float64)


def fit_pareto(excesses: Float64, weights: Float64) -> tuple[Float64, Float64]:
    """Return the most likely shape and scale under each of several weightings.

    Parameters
    ----------
    excesses
        ``(n,)``, over the threshold, so above 0.
    weights
        ``(b, n)``, at least 0: how often each excess counts. One row of ones fits them as they are.

    Returns
    -------
    shape, scale
        ``(b,)`` each; a shape is at least -1/2.

    Raises
    ------
    UsageError
        If there are none, or one is not above 0 and finite, or a weighting has no weight at all.

    Examples
    --------
    >>> y = -np.log1p(-(np.arange(1000) + 0.5) / 1000)  # exponential, scale 1
    >>> shape, scale = fit_pareto(y, np.ones((1, 1000)))
    >>> round(float(shape[0]), 2), round(float(scale[0]), 2)
    (-0.0, 1.0)
    """
    y = np.asarray(excesses, dtype=np.float64)
    if y.size == 0 or not (np.isfinite(y).all() and (y > 0.0).all()):
        raise UsageError(
            "excesses must be at least one finite number above 0; give similarities less the "
            "threshold, of those above it"
        )
    if (weights.sum(axis=1) <= 0.0).any():
        raise UsageError("every weighting must have some weight, but one is all zero")
    step = max(1, _AT_ONCE // (y.size * _COARSE.size))
    parts = [_fit(y, weights[start : start + step]) for start in range(0, len(weights), step)]
    shape, scale = (np.concatenate(side) for side in zip(*parts, strict=True))
    return shape, scale


def _fit(y: Float64, weights: Float64) -> tuple[Float64, Float64]:
    """Zoom in on the best theta of each weighting."""
    top = float(y.max())
    share = weights / weights.sum(axis=1, keepdims=True)
    grid = _COARSE[np.newaxis]  # the same for all weightings, so that its logarithms are
    for _ in range(_ZOOMS):
        at = np.argmax(_profile(y / top, share, grid)[0], axis=1)
        grid = np.broadcast_to(grid, (len(share), grid.shape[1]))
        low = np.take_along_axis(grid, np.maximum(at - 1, 0)[:, np.newaxis], axis=1)
        high = np.take_along_axis(
            grid, np.minimum(at + 1, grid.shape[1] - 1)[:, np.newaxis], axis=1
        )
        grid = low + (high - low) * np.linspace(0.0, 1.0, _POINTS)
    likelihood, shape, scale = _profile(y / top, share, grid)
    at = np.argmax(likelihood, axis=1)[:, np.newaxis]
    best = (np.take_along_axis(one, at, axis=1)[:, 0] for one in (shape, scale * top))
    return next(best), next(best)


def _profile(y: Float64, share: Float64, theta: Float64) -> tuple[Float64, Float64, Float64]:
    """Return log likelihood per excess, shape and scale at each theta, ``(b, points)`` each."""
    zero = np.abs(theta) < 1e-7
    safe = np.where(zero, 1.0, theta)
    # Not a matrix product of the library: its last bits would depend on the threads.
    logs = np.log1p(safe[:, :, np.newaxis] * y)  # (b, points, n)
    shape = np.where(zero, 0.0, np.einsum("bpn,bn->bp", logs, share))
    mean = np.einsum("n,bn->b", y, share)[:, np.newaxis]
    scale = np.where(zero, mean, shape / safe)
    likelihood = -(np.log(scale) + shape + 1.0)
    return np.where(shape >= LOWEST_SHAPE, likelihood, -np.inf), shape, scale
