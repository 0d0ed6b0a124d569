"""What every draw with a planted truth is: prepared sets, and which records of train leaked."""

from dataclasses import dataclass

import numpy as np

from spolia.auditing.sets import AuditSet
from spolia.core.types import Float32, Int64


@dataclass(frozen=True, eq=False)
class Sets:
    """One draw."""

    sides: dict[str, AuditSet]
    leaked: Int64
    """Rows of train whose identities leaked."""
    clean: Int64
    """Rows of the synthetic set that are not leaks."""


def thresholds(rows: Float32, whose: Int64, fmrs: tuple[float, ...]) -> dict[float, float]:
    """Return the similarities that a share of all pairs of images of two identities reach.

    ``rows`` are unit rows ``(n, d)``, ``whose`` the number of each one's identity.
    """
    upper = np.triu(whose[:, None] != whose[None, :])
    similarity = np.sort((rows @ rows.T)[upper])
    return {fmr: float(similarity[-max(1, round(fmr * similarity.size))]) for fmr in fmrs}
