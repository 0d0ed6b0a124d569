"""How a study trains its models."""

from collections.abc import Callable, Sequence

from spolia.auditing.sweep_plan import Training
from spolia.core.generator import Generator, Images
from spolia.core.progress import Progress
from spolia.lab.arrays import torch_of
from spolia.lab.settings import Settings
from spolia.lab.training import train_until

Train = Callable[[Images, Sequence[int], int, Progress], Sequence[Generator]]
"""Trains once on images ``(n, side, side, 3)`` under a seed, and returns the model as it is after
each of the rising numbers of steps."""


def trainer_of(training: Training) -> Train:
    """Return what trains the models that a plan asks for.

    Raises
    ------
    MissingExtra
        If torch is not installed: said before anything is embedded.
    """
    torch_of("a study of models")
    settings = Settings(family=training.family, side=training.side)

    def train(
        images: Images, steps: Sequence[int], seed: int, progress: Progress
    ) -> Sequence[Generator]:
        return train_until(images, settings, steps, seed=seed, progress=progress)

    return train
