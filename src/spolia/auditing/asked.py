"""Who of those asked about stands out from non-members."""

from dataclasses import dataclass

import numpy as np

from spolia.auditing.identity_scores import Photos
from spolia.core.membership import Queried
from spolia.core.types import Float64, Int64
from spolia.stats.conformal import benjamini_hochberg, ranked
from spolia.stats.pool import fewest_named, pooled_p
from spolia.stats.rates import exact_rate

_RANKED = 200
"""Points of a plot of p-values, at most."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What is said of each of m people, and of all of them."""

    p: Float64
    """``(m,)``."""
    q: Float64
    """``(m,)``."""
    photos: Int64
    """``(m,)`` by how many each was compared."""
    pool: Int64
    """``(m,)`` non-members each was compared with."""
    said: Queried


def stand_out(queries: Photos, nonmembers: Photos, *, seed: int, fdr: float) -> Asked:
    """Compare people with non-members by as many photos; see `spolia.stats.pool`."""
    pool = nonmembers.drawn(seed)
    found = pooled_p(queries.drawn(seed), pool)
    q = benjamini_hochberg(found.p)
    said = Queried(
        named=exact_rate(int(np.count_nonzero(q <= fdr)), q.size),
        pool=len(pool),
        smallest_p=float(found.floors.min()),
        fewest=fewest_named(found.floors, fdr),
        ranked=ranked(found.p, most=_RANKED),
    )
    return Asked(found.p, q, found.photos, found.pool, said)
