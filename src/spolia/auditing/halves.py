"""The control in two halves: what the negative control is made on."""

from dataclasses import dataclass

import numpy as np

from spolia.auditing.sets import AuditSet
from spolia.core.seeds import digest_key
from spolia.core.types import Int64


@dataclass(frozen=True, eq=False)
class Halves:
    """The control split by identity into two parts of the same population."""

    rows: tuple[Int64, Int64]
    """Row numbers of each half within the control, ascending."""
    first: int
    """Identities in the first half, which plays train."""
    second: int
    """Identities in the second half."""


def split_control(control: AuditSet, seed: int) -> Halves:
    """Split the control's identities in two equal parts, by a draw that names decide.

    The draw depends on the seed and the identities' names, not on their order.
    """
    keys = [digest_key(seed, "control half", name) for name in control.identities]
    by_key = sorted(range(len(keys)), key=keys.__getitem__)
    middle = len(by_key) // 2
    in_first = np.zeros(len(keys), dtype=np.bool_)
    in_first[by_key[:middle]] = True
    of_row = in_first[control.identity]
    return Halves((np.flatnonzero(of_row), np.flatnonzero(~of_row)), middle, len(by_key) - middle)
