"""A diffusion model in closed form whose memorisation is known exactly.

Source
    Finite set: the denoiser that minimises the training loss replicates its training images; Gu
    et al., "On Memorization in Diffusion Models", arXiv 2310.02664. Gaussian: Wang and Vastola,
    "The Unreasonable Effectiveness of Gaussian Score Approximation for Diffusion Models and its
    Applications", arXiv 2412.09726. Noise schedule: Ho et al., "Denoising Diffusion Probabilistic
    Models", arXiv 2006.11239, section 4. Sampler: Song et al., "Denoising Diffusion Implicit
    Models", arXiv 2010.02502, equation 12 with sigma = 0.
Adversary
    None: this is what the attacks are tried on. Nothing is trained, so nothing is left to chance
    but the samples' own noise.
Cost
    O(n d) per sample and step: 1,000 samples of 50 steps against 898 images of 64 pixels take
    half a second on one core.

Everywhere x = sqrt(abar) x0 + sqrt(1 - abar) eps is a noisy image: x0 the clean one, scaled to
[-1, 1], eps ~ N(0, I) the noise, abar in [0, 1) the noise level; 0 is nothing but noise.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.seeds import stream
from spolia.core.types import Float64, Int64

LEVELS = 1000
"""Noise levels of the schedule; a sampler visits at most as many."""

# Samples are made in whole blocks and the surplus is cut off: the last bits of a matrix product
# depend on its shape, so a shape that depended on the count would let sample i depend on it too.
_BLOCK = 128

_LEAST_COPYING = 0.5


@dataclass(frozen=True, eq=False)
class Oracle:
    """The denoiser of a training set, between perfect generaliser and perfect memoriser.

    Parameters
    ----------
    train
        Training images ``(n, d)``, float64 in [-1, 1], n >= 1.
    memorisation
        Weight of the finite-set denoiser, 0 to 1: 0 knows the mean and the covariance of
        ``train`` and nothing else, 1 ends up at images of ``train`` and nowhere else.

    Raises
    ------
    UsageError
        If ``train`` or ``memorisation`` are not so.

    Examples
    --------
    >>> train = np.array([[-0.5], [0.5]])
    >>> noisy = np.array([[0.3]])
    >>> Oracle(train, 0.0).denoise(noisy, 0.5).round(4).tolist()
    [[0.0849]]
    >>> Oracle(train, 1.0).denoise(noisy, 0.5).round(4).tolist()
    [[0.1045]]
    """

    train: Float64
    memorisation: float

    def __post_init__(self) -> None:
        if self.train.dtype != np.float64 or self.train.ndim != 2 or 0 in self.train.shape:
            raise UsageError(
                "train must be float64 rows (n, d) with n, d >= 1, but is "
                f"{self.train.dtype} of shape {self.train.shape}; convert images with "
                "spolia.lab.digits.to_rows"
            )
        if not (np.abs(self.train) <= 1.0).all():
            raise UsageError(
                "train must lie in [-1, 1], but a value is beyond it or NaN; convert images with "
                "spolia.lab.digits.to_rows"
            )
        if not 0.0 <= self.memorisation <= 1.0:
            raise UsageError(f"memorisation must be 0 to 1, but is {self.memorisation}")

    def denoise(self, x: Float64, alpha_bar: float) -> Float64:
        """Return the expected clean images E[x0 | x] of noisy images.

        ``memorisation * D_set(x) + (1 - memorisation) * D_gauss(x)``, see `finite_denoise` and
        `gaussian_denoise`.

        Parameters
        ----------
        x
            Noisy images ``(m, d)``, float64.
        alpha_bar
            Their noise level abar, 0 (nothing but noise) to under 1.

        Raises
        ------
        UsageError
            If ``x`` has another width than ``train`` or ``alpha_bar`` is outside [0, 1).
        """
        if x.ndim != 2 or x.shape[1] != self.train.shape[1]:
            raise UsageError(
                f"x must have shape (m, {self.train.shape[1]}) like the rows of train, but has "
                f"{x.shape}"
            )
        if not 0.0 <= alpha_bar < 1.0:
            raise UsageError(
                f"alpha_bar must be at least 0 and under 1, but is {alpha_bar}; "
                "an image without noise needs no denoiser"
            )
        weight = self.memorisation
        clean = np.zeros(x.shape)
        if weight > 0.0:
            clean += weight * finite_denoise(x, self.train, alpha_bar)
        if weight < 1.0:
            clean += (1.0 - weight) * gaussian_denoise(x, self._gaussian, alpha_bar)
        return clean

    @cached_property
    def _gaussian(self) -> "Gaussian":
        return fit_gaussian(self.train)


@dataclass(frozen=True, eq=False)
class Gaussian:
    """N(mean, axes diag(variances) axes^T) in d dimensions."""

    mean: Float64
    """``(d,)``."""
    variances: Float64
    """``(d,)``, along the axes, >= 0."""
    axes: Float64
    """``(d, d)``, orthonormal columns."""


def fit_gaussian(train: Float64) -> Gaussian:
    """Return the Gaussian with the mean and the covariance (over n) of the rows ``(n, d)``.

    >>> fit_gaussian(np.array([[-0.5], [0.5]])).variances.tolist()
    [0.25]
    """
    mean: Float64 = train.mean(axis=0)
    centred = train - mean
    variances, axes = np.linalg.eigh(centred.T @ centred / len(train))
    # Pixels that never vary have variance 0, which the solver returns as +-1e-17.
    return Gaussian(mean, np.maximum(variances, 0.0), axes)


def gaussian_denoise(x: Float64, gaussian: Gaussian, alpha_bar: float) -> Float64:
    """Return E[x0 | x] for x0 ~ N(mu, S), ``(m, d)``.

    ``mu + sqrt(abar) S (abar S + (1 - abar) I)^-1 (x - sqrt(abar) mu)``: the conditional mean of
    two jointly normal vectors.
    """
    signal = np.sqrt(alpha_bar)
    variances = gaussian.variances
    gain = signal * variances / (alpha_bar * variances + (1.0 - alpha_bar))  # (d,)
    centred = (x - signal * gaussian.mean) @ gaussian.axes  # (m, d)
    denoised: Float64 = gaussian.mean + (centred * gain) @ gaussian.axes.T
    return denoised


def finite_denoise(x: Float64, train: Float64, alpha_bar: float) -> Float64:
    """Return E[x0 | x] for x0 uniform over the rows x_i of ``train``, ``(m, d)``.

    ``sum_i w_i x_i`` with ``w = softmax_i(-|x - sqrt(abar) x_i|^2 / (2 (1 - abar)))``: Bayes' rule
    with the normal density of x around each sqrt(abar) x_i.
    """
    # |x|^2 is the same for every i and drops out of the softmax.
    squares = np.einsum("ij,ij->i", train, train)  # (n,)
    logits = np.sqrt(alpha_bar) * (x @ train.T) - 0.5 * alpha_bar * squares  # (m, n)
    logits /= 1.0 - alpha_bar
    # The largest becomes 0: no overflow, and the sum is at least 1.
    logits -= logits.max(axis=1, keepdims=True)
    weights = np.exp(logits)
    weights /= weights.sum(axis=1, keepdims=True)
    denoised: Float64 = weights @ train
    return denoised


def noise_levels(steps: int) -> Float64:
    """Return abar at ``steps`` levels from the noisiest to the clearest, then 1: ``(steps + 1,)``.

    The levels are spread evenly over the 1,000 of Ho et al.: abar_t = prod_{s <= t} (1 - beta_s),
    beta rising linearly from 0.0001 to 0.02.

    Raises
    ------
    UsageError
        If ``steps`` is not 2 to 1,000.

    Examples
    --------
    >>> noise_levels(3).round(5).tolist()
    [4e-05, 0.0778, 0.9999, 1.0]
    """
    if not 2 <= steps <= LEVELS:
        raise UsageError(f"steps must be 2 to {LEVELS}, but is {steps}")
    alpha_bars = np.cumprod(1.0 - np.linspace(1e-4, 0.02, LEVELS))
    visited = np.rint(np.linspace(LEVELS - 1, 0, steps)).astype(np.int64)
    return np.append(alpha_bars[visited], 1.0)


def sample(oracle: Oracle, *, count: int, seed: int, steps: int = 50) -> Float64:
    """Return ``count`` samples of the oracle ``(count, d)``, float64, not clipped to [-1, 1].

    DDIM without fresh noise: from x ~ N(0, I) at the noisiest level, each step goes from abar to
    the next abar' by ``x' = sqrt(abar') x0 + sqrt(1 - abar') eps``, where x0 is the denoised x and
    ``eps = (x - sqrt(abar) x0) / sqrt(1 - abar)`` the noise that it leaves. Sample i starts from
    its own random stream and is the same, to the last bit, whatever the count; another processor or
    number of threads may move the last bits of all.

    Few steps make samples a little too tame: with ``memorisation=0`` on the digits, 50 steps keep
    92 % of the training set's variance and 1,000 steps 99.5 %.

    Raises
    ------
    UsageError
        If ``count`` is under 1 or ``steps`` is not 2 to 1,000.

    Examples
    --------
    >>> oracle = Oracle(np.array([[-0.5, 0.5], [0.75, 0.0]]), memorisation=1.0)
    >>> sample(oracle, count=3, seed=0).round(3).tolist()
    [[0.75, 0.0], [-0.5, 0.5], [0.75, 0.0]]
    """
    if count < 1:
        raise UsageError(f"count must be at least 1, but is {count}")
    levels = noise_levels(steps)
    blocks = [
        _walk(oracle, _starts(seed, first, oracle.train.shape[1]), levels)
        for first in range(0, count, _BLOCK)
    ]
    return np.concatenate(blocks)[:count]


def _starts(seed: int, first: int, d: int) -> Float64:
    """Return the noise that samples ``first``, ``first + 1``, ... start from, ``(_BLOCK, d)``."""
    streams = (stream(seed, "sample", str(i)) for i in range(first, first + _BLOCK))
    return np.stack([rng.standard_normal(d) for rng in streams])


def _walk(oracle: Oracle, x: Float64, levels: Float64) -> Float64:
    """Follow the oracle from noise ``x`` ``(m, d)`` through ``levels``, which end at 1."""
    for now, after in pairwise(levels):
        clean = oracle.denoise(x, float(now))
        noise = (x - np.sqrt(now) * clean) / np.sqrt(1.0 - now)
        x = np.sqrt(after) * clean + np.sqrt(1.0 - after) * noise
    return x


@dataclass(frozen=True, eq=False)
class Leaky:
    """Samples of which it is known whether, and what, they copy."""

    samples: Float64
    """``(count, d)``."""
    copied: Int64
    """``(count,)``: the row of ``train`` that the sample is a copy of, -1 if of none."""


def sample_leaky(oracle: Oracle, *, share: float, count: int, seed: int, steps: int = 50) -> Leaky:
    """Return samples of a generator that copies now and then.

    Each sample follows ``oracle`` with probability ``share``, and otherwise its generaliser
    (``memorisation=0``) from the same noise; a larger share only adds copies. The blend of the two
    is no such dial: it draws *every* sample about as far towards its nearest training image.

    Parameters
    ----------
    oracle
        What copies; ``memorisation`` at least .5, where on the digits every sample lies within a
        root mean square of .05 of a training image (.024 in the median), pixels counted from 0
        to 1. At 1 a copy is exact.
    share
        Probability that a sample is a copy, 0 to 1.
    count
        Number of samples.
    seed
        Names the noise of the samples and the choice of copies.
    steps
        Noise levels that each sample visits, 2 to 1,000.

    Raises
    ------
    UsageError
        If ``share`` is outside [0, 1], if the oracle memorises too little for its samples to be
        called copies, or as for `sample`.

    Examples
    --------
    >>> oracle = Oracle(np.array([[-0.5, 0.5], [0.75, 0.0]]), memorisation=1.0)
    >>> sample_leaky(oracle, share=0.5, count=6, seed=0).copied.tolist()
    [1, 0, 1, -1, -1, 1]
    """
    if not 0.0 <= share <= 1.0:
        raise UsageError(f"share must be 0 to 1, but is {share}")
    if oracle.memorisation < _LEAST_COPYING:
        raise UsageError(
            f"the oracle's memorisation must be at least {_LEAST_COPYING} for its samples to be "
            f"copies, but is {oracle.memorisation}; lower the share instead"
        )
    copies = sample(oracle, count=count, seed=seed, steps=steps)
    novel = sample(replace(oracle, memorisation=0.0), count=count, seed=seed, steps=steps)
    leaks = np.array([stream(seed, "leak", str(i)).random() < share for i in range(count)])
    return Leaky(
        samples=np.where(leaks[:, None], copies, novel),
        copied=np.where(leaks, _nearest(copies, oracle.train), -1),
    )


def _nearest(x: Float64, train: Float64) -> Int64:
    """Return the row of ``train`` nearest to each row of ``x``, ties to the first."""
    squares = np.einsum("ij,ij->i", train, train)
    nearest: Int64 = np.argmin(squares - 2.0 * (x @ train.T), axis=1)
    return nearest
