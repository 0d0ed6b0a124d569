"""Small generators of images with known training images: train, sample, save, open.

::

    images ──> principal components ──> latents ──> ddpm or gan ──> latents ──> images

What a model was trained on can be told from it: its file holds the people of its images. Such
files are for tests of an audit and are not to be published.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.generator import Images
from spolia.core.progress import Progress, silent
from spolia.core.seeds import stream
from spolia.core.types import Float32
from spolia.lab import ddpm, gan
from spolia.lab.arrays import Shapes, Stops, Weights
from spolia.lab.latent import Latent, fit_latent
from spolia.lab.model_file import digest_of, read_model, write_model
from spolia.lab.settings import Settings, settings_of

FORMAT = "spolia-lab/1"
"""Grows when a file means other samples."""

# Samples are made in whole blocks, see spolia.lab.oracle.
_BLOCK = 128
_CHANNELS = 3
_LATENT = ("mean", "axes", "scale")


class _Family(NamedTuple):
    shapes: Callable[[int, Settings], Shapes]
    noise_of: Callable[[int], int]
    fit: Callable[[Float32, Settings, Stops, np.random.Generator, Progress], list[Weights]]
    draw: Callable[[Weights, Float32], Float32]


_FAMILIES = {
    "ddpm": _Family(ddpm.shapes, ddpm.noise_of, ddpm.fit, ddpm.draw),
    "gan": _Family(gan.shapes, gan.noise_of, gan.fit, gan.draw),
}


@dataclass(frozen=True, eq=False)
class Trained:
    """A generator that was trained here; a `spolia.core.generator.Generator`."""

    settings: Settings
    seed: int
    """Under which it was trained."""
    images: int
    """On how many images."""
    latent: Latent
    weights: Weights

    @property
    def name(self) -> str:
        """Family, size and steps."""
        one = self.settings
        return f"{one.family} {one.side}x{one.side}, {one.steps:,} steps"

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the settings and the weights."""
        return digest_of({"format": FORMAT, "settings": asdict(self.settings)}, self._arrays())

    def sample(self, n: int, *, seed: int, progress: Progress = silent) -> Images:
        """Return ``n`` images ``(n, side, side, 3)``; a smaller ``n`` gives the first of them.

        Needs no torch. Another processor or number of threads may give other last bits, and now
        and then another image.

        Raises
        ------
        UsageError
            If ``n`` is under 1, or the weights give no numbers: they were not trained here.
        """
        if n < 1:
            raise UsageError(f"at least 1 sample is wanted, but {n} are asked for")
        side, family = self.settings.side, _FAMILIES[self.settings.family]
        found = np.empty((n, side, side, _CHANNELS), dtype=np.uint8)
        for first in range(0, n, _BLOCK):
            noise = _noise(seed, first, family.noise_of(len(self.latent.axes)))
            with np.errstate(all="ignore"):  # what is no number is refused below
                latents = family.draw(self.weights, noise)
                made = self.latent.decode(_numbers(latents, self.name))
            stop = min(first + _BLOCK, n)
            found[first:stop] = made[: stop - first]
            progress("sample", stop, n)
        return found

    def save(self, path: str | Path) -> None:
        """Write the model to one file, whole or not at all, for its owner only."""
        header = {
            "format": FORMAT,
            "settings": asdict(self.settings),
            "seed": self.seed,
            "images": self.images,
            "components": len(self.latent.axes),
        }
        write_model(Path(path), header, self._arrays())

    def _arrays(self) -> dict[str, Float32]:
        parts = {f"latent.{name}": getattr(self.latent, name) for name in _LATENT}
        return parts | {f"weights.{name}": one for name, one in self.weights.items()}


def train(images: Images, settings: Settings, *, seed: int, progress: Progress = silent) -> Trained:
    """Train a generator.

    The same images, settings and seed give the same weights on one machine. It takes one thread,
    and torch.

    Parameters
    ----------
    images
        ``(n, side, side, 3)`` uint8, n at least 2.
    settings
        The rest of what decides it.
    seed
        Of the first weights and of what each step sees.
    progress
        Told of the stages ``components`` and ``train``; of the latter after each step.

    Raises
    ------
    UsageError
        If the images are not such, or all the same.
    MissingExtra
        If torch is not installed.
    """
    return train_until(images, settings, (settings.steps,), seed=seed, progress=progress)[0]


def train_until(
    images: Images,
    settings: Settings,
    stops: Sequence[int],
    *,
    seed: int,
    progress: Progress = silent,
) -> tuple[Trained, ...]:
    """Train once, and return the generator as it is after each number of steps in ``stops``.

    Each is the one that `train` gives with so many steps. ``settings.steps`` is not used; the rest
    as in `train`.

    Raises
    ------
    UsageError
        If ``stops`` do not rise, or as in `train`.
    MissingExtra
        If torch is not installed.
    """
    ways = [replace(settings, steps=stop) for stop in stops]
    if not ways or any(after <= before for before, after in pairwise(stops)):
        raise UsageError(f"stops must be numbers of steps that rise, but are {list(stops)}")
    _check(images, settings)
    progress("components", 0, 1)
    latent = fit_latent(images, settings.latents)
    progress("components", 1, 1)
    rng = stream(seed, "lab", settings.family)
    fit = _FAMILIES[settings.family].fit
    found = fit(latent.encode(images), settings, tuple(stops), rng, progress)
    for weights in found:
        if not all(np.isfinite(one).all() for one in weights.values()):
            raise UsageError(f"training under seed {seed} diverged; choose another seed")
    return tuple(
        Trained(way, seed, len(images), latent, weights)
        for way, weights in zip(ways, found, strict=True)
    )


def open_model(path: str | Path) -> Trained:
    """Open a model that `Trained.save` wrote.

    Raises
    ------
    UsageError
        If the file is none, is damaged, or is of another version.
    """
    header, arrays = read_model(Path(path), _expected)
    settings, components = _checked(header)
    latent = Latent(*(arrays[f"latent.{name}"] for name in _LATENT))
    weights = {name: arrays[f"weights.{name}"] for name in shapes_of(settings, components)}
    return Trained(settings, header["seed"], header["images"], latent, weights)


def shapes_of(settings: Settings, components: int) -> Shapes:
    """Return the shape of each weight of a model."""
    return _FAMILIES[settings.family].shapes(components, settings)


def _expected(header: Mapping[str, Any]) -> Shapes:
    """Return the arrays that a file with this header holds."""
    settings, components = _checked(header)
    pixels = settings.side * settings.side * _CHANNELS
    made = shapes_of(settings, components)
    parts: Shapes = {
        "latent.mean": (pixels,),
        "latent.axes": (components, pixels),
        "latent.scale": (components,),
    }
    return parts | {f"weights.{name}": shape for name, shape in made.items()}


def _checked(header: Mapping[str, Any]) -> tuple[Settings, int]:
    if header.get("format") != FORMAT:
        raise UsageError(f"its format must be {FORMAT}, but is {header.get('format')!r}")
    said = header.get("settings")
    if not isinstance(said, dict):
        raise UsageError("it says no settings")
    settings = settings_of(said)
    for name in ("seed", "images", "components"):
        if type(header.get(name)) is not int:
            raise UsageError(f"its {name} must be a whole number, but is {header.get(name)!r}")
    components: int = header["components"]
    if not 1 <= components <= settings.latents:
        raise UsageError(f"it must have 1 to {settings.latents} components, but has {components}")
    return settings, components


def _numbers(latents: Float32, name: str) -> Float32:
    if not np.isfinite(latents).all():
        raise UsageError(f"{name} gives values that are no numbers; train it again")
    return latents


def _noise(seed: int, first: int, width: int) -> Float32:
    """Return the noise that samples ``first``, ``first + 1``, ... start from."""
    streams = (stream(seed, "sample", str(i)) for i in range(first, first + _BLOCK))
    return np.stack([rng.standard_normal(width, dtype=np.float32) for rng in streams])


def _check(images: Images, settings: Settings) -> None:
    wanted = (settings.side, settings.side, _CHANNELS)
    if images.dtype != np.uint8 or images.shape[1:] != wanted or len(images) < 2:
        raise UsageError(
            f"at least 2 uint8 images of shape {wanted} are wanted, but they are {images.dtype} of "
            f"shape {images.shape}; resize them, or set side"
        )
