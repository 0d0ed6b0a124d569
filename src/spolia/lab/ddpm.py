r"""A small diffusion model of latents, that memorises what it sees often.

Source
    Ho et al., "Denoising Diffusion Probabilistic Models", arXiv 2006.11239 (the noise levels, the
    loss); Salimans and Ho, arXiv 2202.00512 (what is predicted: the velocity v); Song et al.,
    "Denoising Diffusion Implicit Models", arXiv 2010.02502, equation 12 with sigma = 0 (the
    sampler). The network is a residual one of affine layers.
Cost
    About 15 ms of one core for a step of 64 images, of which there are 100 of 64x64.

With :math:`x = \sqrt{\bar\alpha}\, x_0 + \sqrt{1 - \bar\alpha}\, \epsilon` the network
predicts :math:`v = \sqrt{\bar\alpha}\, \epsilon - \sqrt{1 - \bar\alpha}\, x_0`.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from spolia.core.progress import Progress
from spolia.core.types import Float32
from spolia.lab.arrays import Shapes, Stops, Trainee, Weights, affine, drawn, linear, one_thread
from spolia.lab.oracle import LEVELS, noise_levels
from spolia.lab.settings import Settings

_BLOCKS = 3
_CLOCK = 32
"""Numbers in which a noise level is told to the network."""
_VISITED = 50
_RATE, _MOMENTUM, _MEMORY = 1e-3, 0.9, 0.999
_SMALL = 0.1
"""Gain of the layers that end a block: at first each changes little."""


def shapes(components: int, settings: Settings) -> Shapes:
    """Return the shapes of the weights."""
    width = settings.width
    found = linear("in", components, width)
    for block in range(_BLOCKS):
        found |= linear(f"{block}.first", width, width)
        found |= {f"{block}.clock.weight": (_CLOCK, width)}
        found |= linear(f"{block}.last", width, width)
    return found | linear("out", width, components)


def noise_of(components: int) -> int:
    """Return how many numbers of noise a sample starts from."""
    return components


def fit(
    latents: Float32, settings: Settings, stops: Stops, rng: np.random.Generator, progress: Progress
) -> list[Weights]:
    """Return weights trained on ``latents`` ``(n, k)``, as they are at each of the rising stops."""
    components = latents.shape[1]
    made = shapes(components, settings)
    gains = dict.fromkeys(["out", *(f"{block}.last" for block in range(_BLOCKS))], _SMALL)
    signals, noises, clock = _levels()
    with one_thread() as torch:
        one = Trainee(
            torch, drawn(made, gains, rng), rate=_RATE, momentum=_MOMENTUM, memory=_MEMORY
        )
        for step in range(1, stops[-1] + 1):
            row = rng.integers(len(latents), size=settings.batch)
            level = rng.integers(LEVELS, size=settings.batch)
            clean, signal, noise = latents[row], signals[level], noises[level]
            drawn_noise = rng.standard_normal(clean.shape, dtype=np.float32)
            noisy = torch.from_numpy(signal * clean + noise * drawn_noise)
            wanted = torch.from_numpy(signal * drawn_noise - noise * clean)
            error = velocity(one.now, noisy, torch.from_numpy(clock[level])) - wanted
            one.learn((error * error).mean())
            one.keep(step in stops)
            progress("train", step, stops[-1])
        return one.kept


def draw(weights: Weights, noise: Float32) -> Float32:
    """Return latents ``(m, k)`` that the network makes of noise ``(m, k)``."""
    signals, noises, clock = _levels()
    visited = np.rint(np.linspace(LEVELS - 1, 0, _VISITED)).astype(np.int64).tolist()
    x = noise
    for now, after in pairwise([*visited, None]):
        signal, spread = signals[now], noises[now]
        v: Float32 = velocity(weights, x, np.repeat(clock[now : now + 1], len(x), axis=0))
        clean, left = signal * x - spread * v, spread * x + signal * v
        x = clean if after is None else signals[after] * clean + noises[after] * left
    return x


def velocity(weights: Mapping[str, Any], x: Any, clock: Any) -> Any:
    """Return the predicted v of noisy latents ``(m, k)``; ``clock`` ``(m, 32)`` tells levels."""
    h = affine(weights, "in", x)
    for block in range(_BLOCKS):
        inner = (
            affine(weights, f"{block}.first", _even(h)) + clock @ weights[f"{block}.clock.weight"]
        )
        h = h + affine(weights, f"{block}.last", _bent(inner))
    return affine(weights, "out", _even(h))


def _even(h: Any) -> Any:
    """Scale each row to a root mean square of 1."""
    return h / ((h * h).mean(axis=1, keepdims=True) + 1e-6) ** 0.5


def _bent(h: Any) -> Any:
    """Bend: x at large x, 0 at very negative ones, smooth between; like x · sigmoid(x)."""
    return h * (0.5 + 0.5 * h / (1.0 + abs(h)))


def _levels() -> tuple[Float32, Float32, Float32]:
    """Return sqrt(abar) and sqrt(1 - abar), ``(1000, 1)``, and the clock ``(1000, 32)``."""
    alpha_bars = noise_levels(LEVELS)[:-1][::-1, np.newaxis]
    pace = np.geomspace(1.0, LEVELS, _CLOCK // 2) / LEVELS * np.pi / 2
    angle = np.arange(LEVELS)[:, np.newaxis] * pace  # (1000, 16)
    clock = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    signals, noises = np.sqrt(alpha_bars), np.sqrt(1.0 - alpha_bars)
    return signals.astype(np.float32), noises.astype(np.float32), clock.astype(np.float32)
