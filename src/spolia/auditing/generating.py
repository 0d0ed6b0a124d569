"""A synthetic set that a generator is asked for, and that a run folder keeps."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from spolia.core.errors import RunIncomplete, UsageError
from spolia.core.generator import Generator
from spolia.core.progress import Progress, silent
from spolia.sources import Source
from spolia.sources.arrays import open_npy
from spolia.sources.limits import Limits, check_entries
from spolia.sources.source import UInt8
from spolia.store.atomic import atomic_file

SAMPLES = "samples.npy"
"""What a generator was asked for, in a run folder; personal, as what it was trained on."""


class Sampled:
    """A generator's samples as a set of images, once they are drawn; a `spolia.sources` Source.

    Parameters
    ----------
    generator
        What is asked.
    samples
        For how many.
    seed
        Names their noise.
    place
        Where the generator lies, which is never deleted; ``None`` for one in memory.
    limits
        What the samples may cost.

    Raises
    ------
    UsageError
        If there are to be no samples, or more than ``limits`` allow.
    """

    ignored = 0
    identities: tuple[str, ...] | None = None
    columns: Mapping[str, tuple[str, ...]]

    def __init__(
        self,
        generator: Generator,
        samples: int,
        *,
        seed: int = 0,
        place: str | Path | None = None,
        limits: Limits = Limits(),
    ) -> None:
        if samples < 1:
            raise UsageError(f"at least 1 sample is wanted, but {samples} are asked for")
        check_entries(generator.name, samples, limits)
        self.columns = {}
        self.place = None if place is None else str(Path(place).absolute())
        self._generator, self._samples, self._seed = generator, samples, seed
        self._limits = limits
        self._drawn: Source | None = None

    @property
    def uri(self) -> str:
        """What was asked: all that decides the samples."""
        one = self._generator
        return (
            f"generator:{one.fingerprint} ({one.name}), {self._samples} samples, seed {self._seed}"
        )

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The numbers of the samples, from 0."""
        width = len(str(self._samples - 1))
        return tuple(f"{i:0{width}d}" for i in range(self._samples))

    @property
    def fingerprint(self) -> str:
        """That of the drawn images."""
        return self._there().fingerprint

    def draw(self, folder: Path, progress: Progress = silent) -> None:
        """Ask for the samples and keep them in ``folder``, or take those it holds already.

        The folder must be known to be one of the same `uri`.

        Raises
        ------
        UsageError
            If what is there are not so many images.
        """
        path = folder / SAMPLES
        if not path.exists():
            images = self._generator.sample(self._samples, seed=self._seed, progress=progress)
            with atomic_file(path) as file:
                np.save(file, images, allow_pickle=False)
        found = open_npy(str(path), identities="none", limits=self._limits, progress=silent)
        if len(found) != self._samples:
            raise UsageError(
                f"{path} must hold {self._samples} samples, but holds {len(found)}; delete it, and "
                "they are drawn again"
            )
        self._drawn = found

    def image(self, index: int) -> UInt8:
        """Return a sample as RGB, ``(h, w, 3)`` uint8."""
        return self._there().image(index)

    def content(self, index: int) -> bytes:
        """Return the pixels of a sample, and their shape."""
        return self._there().content(index)

    def __len__(self) -> int:
        return self._samples

    def _there(self) -> Source:
        if self._drawn is None:
            raise RunIncomplete(f"the samples of {self._generator.name} are not drawn yet")
        return self._drawn
