"""A small generative adversarial network of latents.

Source
    Goodfellow et al., "Generative Adversarial Networks", arXiv 1406.2661; Huang et al., "The GAN
    is dead; long live the GAN!", arXiv 2501.05441 (the loss that pairs real with made images, and
    zero-centred penalties on the gradient at both, which keep it from collapsing).
    The networks are plain ones of affine layers.
Cost
    About 30 ms of one core for a step of 64 images, of which there are 100 of 64x64.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spolia.core.progress import Progress
from spolia.core.types import Float32
from spolia.lab.arrays import Shapes, Stops, Trainee, Weights, affine, drawn, linear, one_thread
from spolia.lab.settings import Settings

_LAYERS = 3
_NOISE = 64
_RATE, _MOMENTUM, _MEMORY = 1e-3, 0.0, 0.998
_PENALTY = 25.0
_RECTIFIED = 2.0**0.5
_SMALL = 0.3


def shapes(components: int, settings: Settings) -> Shapes:
    """Return the shapes of the weights of what makes images; the judge is not kept."""
    return _layers(_NOISE, settings.width, components)


def noise_of(components: int) -> int:
    """Return how many numbers of noise a sample starts from."""
    del components
    return _NOISE


def fit(
    latents: Float32, settings: Settings, stops: Stops, rng: np.random.Generator, progress: Progress
) -> list[Weights]:
    """Return weights trained on ``latents`` ``(n, k)``, as they are at each of the rising stops."""
    components = latents.shape[1]
    sizes = [shapes(components, settings), _layers(components, settings.width, 1)]
    gains = {str(layer): _RECTIFIED for layer in range(_LAYERS)} | {str(_LAYERS): _SMALL}
    how = {"rate": _RATE, "momentum": _MOMENTUM, "memory": _MEMORY}
    with one_thread() as torch:
        maker, judge = (Trainee(torch, drawn(made, gains, rng), **how) for made in sizes)
        for step in range(1, stops[-1] + 1):
            real = torch.from_numpy(latents[rng.integers(len(latents), size=settings.batch)])
            made = through(maker.now, _noise(torch, settings, rng)).detach()
            judge.learn(_judged(torch, judge.now, real, made))
            made = through(maker.now, _noise(torch, settings, rng))
            lead = through(judge.now, real) - through(judge.now, made)
            maker.learn(torch.nn.functional.softplus(lead).mean())
            maker.keep(step in stops)
            progress("train", step, stops[-1])
        return maker.kept


def draw(weights: Weights, noise: Float32) -> Float32:
    """Return latents ``(m, k)`` that the network makes of noise ``(m, 64)``."""
    made: Float32 = through(weights, noise)
    return made


def through(weights: Mapping[str, Any], x: Any) -> Any:
    """Return what a network makes of rows ``x``."""
    for layer in range(_LAYERS):
        h = affine(weights, str(layer), x)
        x = 0.2 * h + 0.8 * h.clip(0.0)  # h above 0, h / 5 below
    return affine(weights, str(_LAYERS), x)


def _layers(inputs: int, width: int, outputs: int) -> Shapes:
    found = linear("0", inputs, width)
    for layer in range(1, _LAYERS):
        found |= linear(str(layer), width, width)
    return found | linear(str(_LAYERS), width, outputs)


def _noise(torch: Any, settings: Settings, rng: np.random.Generator) -> Any:
    return torch.from_numpy(rng.standard_normal((settings.batch, _NOISE), dtype=np.float32))


def _judged(torch: Any, weights: Mapping[str, Any], real: Any, made: Any) -> Any:
    """Return the judge's loss: how often it takes what is made for real, and how steep it is."""
    real, made = real.requires_grad_(), made.requires_grad_()
    of_real, of_made = through(weights, real), through(weights, made)
    steep = sum(
        (torch.autograd.grad(said.sum(), seen, create_graph=True)[0] ** 2).sum(1).mean()
        for said, seen in ((of_real, real), (of_made, made))
    )
    return torch.nn.functional.softplus(of_made - of_real).mean() + 0.5 * _PENALTY * steep
