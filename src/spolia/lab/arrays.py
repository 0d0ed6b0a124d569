"""What the small networks share: weights by name, and the steps that train them.

A network's forward pass is written once, with operators that arrays of numpy and tensors of torch
both have. Training runs it with torch, which knows gradients; sampling with numpy alone, so that
who asks a finished model for images needs no torch.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from spolia.core.errors import MissingExtra
from spolia.core.types import Float32

Shapes = dict[str, tuple[int, ...]]
Weights = Mapping[str, Float32]
Stops = tuple[int, ...]
"""Steps after which weights are kept, rising."""

_SECOND_MOMENT = 0.99


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    """Return the shapes of one affine layer."""
    return {f"{name}.weight": (inputs, outputs), f"{name}.bias": (outputs,)}


def affine(weights: Mapping[str, Any], name: str, x: Any) -> Any:
    """Return one affine layer of rows ``x``."""
    return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]


def drawn(shapes: Shapes, gains: Mapping[str, float], rng: np.random.Generator) -> Weights:
    """Return weights N(0, gain² / inputs), with gain 1 where none is said, and biases of 0."""
    found: dict[str, Float32] = {}
    for name, shape in shapes.items():
        if len(shape) == 1:
            found[name] = np.zeros(shape, dtype=np.float32)
            continue
        scale = gains.get(name.removesuffix(".weight"), 1.0) / np.sqrt(shape[0])
        found[name] = rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)
    return found


def torch_of(what: str) -> Any:
    """Return torch.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtra(
            f"{what} needs torch, which is not installed; run: pip install 'spolia[lab]'"
        ) from error
    return torch


@contextmanager
def one_thread() -> Iterator[Any]:
    """Give torch with one thread: the order of its sums, and so the last bits, depend on it."""
    torch = torch_of("training a generator")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield torch
    finally:
        torch.set_num_threads(before)


class Trainee:
    """Weights that torch trains by Adam, and their running mean, which is what is kept.

    The learning rate is constant: a schedule that knew when it ends would give other weights on
    the way. Source: Kingma and Ba, "Adam", arXiv 1412.6980.
    """

    def __init__(
        self, torch: Any, weights: Weights, *, rate: float, momentum: float, memory: float
    ) -> None:
        self.now = {
            name: torch.from_numpy(one.copy()).requires_grad_() for name, one in weights.items()
        }
        self._mean = {name: one.detach().clone() for name, one in self.now.items()}
        self.kept: list[Weights] = []
        self._torch, self._memory, self._step = torch, memory, 0
        self._adam = torch.optim.Adam(
            list(self.now.values()), fused=True, lr=rate, betas=(momentum, _SECOND_MOMENT)
        )

    def learn(self, loss: Any) -> None:
        """Take one step against the gradient of ``loss``, by these weights alone."""
        own = list(self.now.values())
        for one, gradient in zip(own, self._torch.autograd.grad(loss, own), strict=True):
            one.grad = gradient
        self._adam.step()
        # The first steps say nothing that is worth remembering.
        share = 1.0 - min(self._memory, (1 + self._step) / (10 + self._step))
        self._step += 1
        with self._torch.no_grad():
            self._torch._foreach_lerp_(list(self._mean.values()), own, share)

    def keep(self, wanted: bool) -> None:
        """Add the running mean to what is kept, if that is wanted."""
        if wanted:
            self.kept.append({name: one.numpy().copy() for name, one in self._mean.items()})
