"""What can be asked for images."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from spolia.core.progress import Progress

Images = npt.NDArray[np.uint8]
"""``(n, height, width, 3)``, RGB."""


class Generator(Protocol):
    """A sampler of images."""

    @property
    def name(self) -> str:
        """What it is called in reports: no path, no person."""

    @property
    def fingerprint(self) -> str:
        """Digest of everything that decides its samples but the seed."""

    def sample(self, n: int, *, seed: int, progress: Progress) -> Images:
        """Return ``n`` samples; those of a smaller ``n`` under the same seed are the first ones."""
