r"""Nearest-neighbour distance ratio: one sample stands out as close.

Source: Zhao, Z., Kunar, A., Birke, R. & Chen, L. Y. (2021), https://arxiv.org/abs/2102.08369, who
use the ratio of Lowe, D. (2004), https://doi.org/10.1023/B:VISI.0000029664.99615.94, as a measure
of privacy.

Adversary: has samples. Cost: two nearest samples for each record.

.. math:: s(x) = 1 - \frac{d_1(x)}{d_2(x)}

with the distances to the nearest and the second nearest sample. A record that was copied twice has
a ratio of 1 again, and is not seen.
"""

import numpy as np

from spolia.core.types import Float64


def scores(first: Float64, second: Float64) -> Float64:
    """Return 1 - d1 / d2 of each record, ``(n,)`` in 0 to 1; 0 where both distances are 0.

    Parameters
    ----------
    first, second
        ``(n,)`` distance to the nearest and to the second nearest sample.

    Examples
    --------
    >>> scores(np.array([0.1, 0.0, 0.0]), np.array([0.4, 0.4, 0.0])).tolist()
    [0.75, 1.0, 0.0]
    """
    apart = second > 0.0
    ratio = np.divide(first, second, out=np.ones_like(first), where=apart)
    scored: Float64 = 1.0 - ratio
    return scored
