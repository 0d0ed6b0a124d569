r"""Several judges, one score for each identity, and the same competition.

Sources: Marandon, A., Lei, L., Mary, D. & Roquain, E. (2024),
https://doi.org/10.1214/23-AOS2338 (a score may be learned from train and control together, if it is
not told which is which, and the rate of the list still holds); Fisher, R. A. (1932), *Statistical
Methods for Research Workers*, 4th edition (the sum of log p as a measure of joint evidence).

Adversary: none; a statement about data. Cost: a sort for each judge.

Let :math:`A_j(g)` be the score of identity *g* of train or control under judge *j*, -inf if it wins
no record. Scores of different judges are not on one scale. For each judge fit a normal law to the
5 % and 25 % quantiles of the scores of train and control together: low quantiles, which leaks do
not move, for as long as most of those who win a record did not leak. With the fitted mean
:math:`\mu_j` and deviation :math:`\sigma_j`,

.. math:: C(g) = \sum_j - \log \bar\Phi\Big(\frac{A_j(g) - \mu_j}{\sigma_j}\Big)

is Fisher's joint evidence, were the laws normal and the judges independent. **Neither is assumed.**
C is only a score. It is computed without knowing who is train and who is control; if nothing
leaked, which of its values belong to train is as random a draw as it is for one judge, whatever the
judges are and however they depend on each other. So `spolia.stats.competition.decide` on C keeps
the false discovery rate for the same reason as on one judge's scores, and its p is uniform or
larger: the control shows what chance makes of the combination. A wrong law costs power and no
error.

One judge is decided as by the control alone; the tail of strangers (`spolia.stats.background`)
is not borrowed. A judge asked twice is decided as if once. A judge under which an
identity wins nothing adds 0 and so does not silence the others.

**Why no formula for p.** Fisher's own p takes judges for independent; the smallest p needs a
correction for their number. Cauchy's (Liu, Y. & Xie, J. 2020,
https://doi.org/10.1080/01621459.2018.1554485) and the harmonic mean (Wilson, D. J. 2019,
https://doi.org/10.1073/pnas.1814092116) bear dependence, in the limit of small p, which conformal p
do not reach: they end at 1 / (1 + n_control). And an identity that wins nothing under one judge has
p = 1 there, whose Cauchy score is minus infinity, so that a blind judge silences all others. Their
figures stand beside this rule's in ``docs/methods/judges.md`` (``python -m benchmarks judges``).
"""

import numpy as np
from scipy.special import log_ndtr, ndtri

from spolia.core.types import Float64
from spolia.stats.competition import Decision, decide

_QUANTILES = (0.05, 0.25)


def combine(train: Float64, control: Float64, *, ratio: float, fdr: float) -> Decision:
    """Find the train identities that several judges name together; see the equations at the top.

    Parameters
    ----------
    train, control
        ``(n_train, J)`` and ``(n_control, J)`` score of each identity under each judge, up is more;
        ``-inf``: wins no record.
    ratio, fdr
        As in `spolia.stats.competition.decide`.

    Returns
    -------
    Decision
        Of the joint scores; ``threshold`` is one of them.

    Examples
    --------
    Twenty identities that the first judge sees far above all control, and the second not at all.

    >>> rng = np.random.default_rng(0)
    >>> train = np.stack([np.full(20, 9.0), np.full(20, -np.inf)], axis=1)
    >>> together = combine(train, rng.normal(size=(100, 2)), ratio=5.0, fdr=0.05)
    >>> int(together.found.sum()), float(together.p[0]), float(together.q[0])
    (20, 0.01, 0.01)
    """
    return decide(*joint_scores(train, control), ratio=ratio, fdr=fdr)


def joint_scores(train: Float64, control: Float64) -> tuple[Float64, Float64]:
    """Return the joint score C of every train and control identity, ``(n_train,), (n_control,)``.

    With one judge C is its score. ``-inf`` where an identity wins no record under any judge.

    >>> one, other = joint_scores(np.array([[0.9]]), np.array([[0.4], [-np.inf]]))
    >>> one.tolist(), other.tolist()
    ([0.9], [0.4, -inf])
    """
    n, judges = train.shape
    pooled = np.concatenate([train, control])
    if judges == 1:
        return pooled[:n, 0], pooled[n:, 0]
    # Sorted, so that the sum does not depend on the order of the judges in its last bit.
    joint = np.sort(np.stack([_evidence(one) for one in pooled.T], axis=1), axis=1).sum(axis=1)
    joint[np.isneginf(pooled).all(axis=1)] = -np.inf
    return joint[:n], joint[n:]


def any_judge(q: Float64) -> Float64:
    """Return the q of the lists that J judges make at q / J each, put together.

    The share of false ones in the union is at most the sum of the shares in the lists, so that the
    rate is kept if each judge keeps its own, by whatever rule, and whatever the dependence.

    Parameters
    ----------
    q
        ``(n, J)`` q of each identity under each judge, 1 where it was not seen.

    Examples
    --------
    >>> any_judge(np.array([[0.01, 1.0], [0.6, 0.7]])).tolist()
    [0.02, 1.0]
    """
    return np.asarray(np.minimum(1.0, q.shape[1] * q.min(axis=1)), dtype=np.float64)


def _evidence(scores: Float64) -> Float64:
    """Return minus the log of the upper tail of the fitted law at each score; 0 at ``-inf``."""
    seen = scores[np.isfinite(scores)]
    if seen.size == 0:
        return np.zeros(scores.size)
    low, high = np.quantile(seen, _QUANTILES)
    below, above = ndtri(_QUANTILES)
    # Scores that are all alike there have no spread; any will do, as order is all that is left.
    deviation = (high - low) / (above - below) or float(np.ptp(seen)) or 1.0
    mean = high - deviation * above
    return np.asarray(-log_ndtr(-(scores - mean) / deviation), dtype=np.float64)
