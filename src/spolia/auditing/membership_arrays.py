"""The arrays of distances from which all set-only methods are computed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spolia.attacks.data_copying import partition
from spolia.auditing.membership_near import Flags, Near, near
from spolia.auditing.membership_sets import Sides, chosen_identities
from spolia.auditing.options import Options
from spolia.core.progress import Progress
from spolia.core.seeds import stream
from spolia.core.types import Float32, Int64, Rows

_MOST_CELLS = 10
_A_CELL = 50
"""Held-out identities for each cell of a partition."""
_FITTED = 10_000
"""Records to which a partition is fitted at most."""
COPIES = 0.01
"""Share of the synthetic records that are as close to the reference as a copy must be to train."""


@dataclass(frozen=True, eq=False)
class Fixed:
    """What does not depend on the synthetic set.

    *Records* are those of train, then the held-out ones. Whole sets are compared between *equal*
    parts of the two: as many identities of each.
    """

    rows: Float32
    """``(n, d)``, in memory."""
    member: Flags
    """``(n,)`` whether a record is of train."""
    identity: Int64
    """``(n,)`` numbers from 0."""
    reference: Rows
    to_reference: Near
    """``(n, k)``."""
    equal: Int64
    """``(u,)`` the records of the equal parts."""
    within: Near
    """``(u, k)``: of the equal parts among themselves, other identities only."""
    centres: Float32
    cells: Int64
    """``(u,)`` the cell of the partition of each."""

    @cached_property
    def equal_member(self) -> Flags:
        """``(u,)``."""
        return self.member[self.equal]

    @cached_property
    def equal_identity(self) -> Int64:
        """``(u,)`` numbers from 0."""
        _, number = np.unique(self.identity[self.equal], return_inverse=True)
        return number.astype(np.int64)

    @property
    def compared(self) -> int:
        """Identities of train in the equal part, and as many held-out ones."""
        return int(np.unique(self.identity[self.equal[self.equal_member]]).size)


@dataclass(frozen=True, eq=False)
class Arrays:
    """All distances that the methods take."""

    fixed: Fixed
    samples: int
    to_samples: Near
    """``(n, k)``: of every record to its nearest samples."""
    from_samples: Near
    """``(m, k)``: of every sample to its nearest records of the equal parts."""
    cells: Int64
    """``(m,)`` the cell of each sample."""
    radius: float
    """Largest distance of a copy."""


def fixed_of(sides: Sides, seed: int, options: Options, progress: Progress) -> Fixed:
    """Return what does not depend on the synthetic set; two identities of each side at least."""
    train, held_out = sides.train, sides.held_out
    rows = np.concatenate([one.rows[0 : len(one)] for one in (train, held_out)])
    member = np.arange(len(rows)) < len(train)
    identity = np.concatenate([train.identity, held_out.identity + len(train.identities)])
    most = min(len(one.identities) for one in (train, held_out))
    equal = np.concatenate(
        [chosen_identities(train, most, seed), chosen_identities(held_out, most, seed) + len(train)]
    )
    there: Float32 = rows[equal]
    rng = stream(seed, "partition")
    fitted = there[rng.permutation(len(there))[:_FITTED]]
    cells = min(_MOST_CELLS, max(1, most // _A_CELL))
    centres = partition(fitted, cells, rng=rng)
    return Fixed(
        rows=rows,
        member=member,
        identity=identity,
        reference=sides.reference.rows,
        to_reference=near(rows, sides.reference.rows, options, progress),
        equal=equal,
        within=near(there, there, options, progress, apart=identity[equal]),
        centres=centres,
        cells=near(there, centres, options, progress, k=1).index[:, 0],
    )


def arrays_of(fixed: Fixed, synthetic: Rows, options: Options, progress: Progress) -> Arrays:
    """Return the distances of a synthetic set, of two records at least."""
    to_reference = near(synthetic, fixed.reference, options, progress, k=1).first
    return Arrays(
        fixed=fixed,
        samples=synthetic.shape[0],
        to_samples=near(fixed.rows, synthetic, options, progress),
        from_samples=near(synthetic, fixed.rows[fixed.equal], options, progress),
        cells=near(synthetic, fixed.centres, options, progress, k=1).index[:, 0],
        radius=float(np.quantile(to_reference, COPIES, method="lower")),
    )
