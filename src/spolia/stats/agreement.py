r"""How far two judges name the same identities.

Jaccard, P. (1912), https://doi.org/10.1111/j.1469-8137.1912.tb05611.x: of the identities that
either names, the share that both name,

.. math:: J = \frac{|A \cap B|}{|A \cup B|},

with the Clopper-Pearson interval of that share over the identities named (`spolia.stats.rates`).
The identity is the unit, as in a bootstrap over identities, but this interval needs no random
numbers and does not shrink to a point where the count is zero. Cohen's kappa is not used: it also
counts who is named by neither, so that the size of train decides it where few are named (Feinstein,
A. R. & Cicchetti, D. V. 1990, https://doi.org/10.1016/0895-4356(90)90158-L).

Adversary: none. Cost: one pass.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spolia.core.rates import Rate
from spolia.stats.rates import exact_rate


@dataclass(frozen=True)
class Overlap:
    """Identities that two judges name, and that one names and the other does not."""

    both: int
    only_first: int
    only_second: int
    jaccard: Rate | None
    """``both`` of all that either names; ``None`` where neither names any."""


def overlap(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> Overlap:
    """Count who is named by both of two judges and by one alone.

    Parameters
    ----------
    first, second
        ``(n,)`` whether each judge names each identity.

    Examples
    --------
    >>> one = overlap(np.array([True, True, False]), np.array([True, False, False]))
    >>> one.both, one.only_first, one.only_second, one.jaccard.value
    (1, 1, 0, 0.5)
    """
    both = int(np.count_nonzero(first & second))
    either = int(np.count_nonzero(first | second))
    return Overlap(
        both,
        int(np.count_nonzero(first & ~second)),
        int(np.count_nonzero(second & ~first)),
        exact_rate(both, either) if either else None,
    )
