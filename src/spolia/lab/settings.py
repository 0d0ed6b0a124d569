"""What a small generator is trained with."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from spolia.core.errors import UsageError
from spolia.core.words import did_you_mean

FAMILIES = ("ddpm", "gan")

_RANGES = {
    "side": (4, 256),
    "steps": (1, 10_000_000),
    "latents": (1, 4096),
    "width": (8, 4096),
    "batch": (2, 4096),
}


@dataclass(frozen=True)
class Settings:
    """What decides a training, but its images and its seed.

    Raises
    ------
    UsageError
        If the family is unknown, or a number is out of its range.

    Examples
    --------
    >>> Settings(steps=0)
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: steps must be a whole number from 1 to 10,000,000, but is 0
    """

    family: str = "ddpm"
    """``ddpm``, a diffusion model, or ``gan``, a generative adversarial network."""
    side: int = 64
    """Height and width of the images in pixels, 4 to 256."""
    steps: int = 3000
    """Batches to train on. More steps under the same seed pass through the state of fewer."""
    latents: int = 512
    """Most principal components in which images are made; no more than there are images less one,
    so that what is left out is little up to as many images."""
    width: int = 384
    """Units of each layer, 8 to 4,096."""
    batch: int = 64
    """Images of a step, 2 to 4,096, drawn with replacement."""

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise UsageError(
                f"family must be one of {', '.join(FAMILIES)}, but is {self.family!r}"
                + did_you_mean(str(self.family), FAMILIES, "choose one")
            )
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            # A bool is an int to Python, and to nobody else.
            if type(value) is not int or not low <= value <= high:
                raise UsageError(
                    f"{name} must be a whole number from {low:,} to {high:,}, but is {value!r}"
                )


def settings_of(said: Mapping[str, Any]) -> Settings:
    """Return the settings that a file says.

    Raises
    ------
    UsageError
        If one is missing, unknown or wrong.

    Examples
    --------
    >>> settings_of({"stepps": 3})
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: settings are family, side, steps, latents, width, batch, but
    these are given: stepps
    """
    names = [field.name for field in fields(Settings)]
    if set(said) != set(names):
        raise UsageError(
            f"settings are {', '.join(names)}, but these are given: {', '.join(map(str, said))}"
        )
    return Settings(**said)
