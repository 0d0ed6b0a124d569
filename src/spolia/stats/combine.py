r"""Several judges, one p-value for each train identity.

Sources: Wilson, D. J. (2019), https://doi.org/10.1073/pnas.1814092116 (harmonic mean p: the small
values decide, and those near 1 do no harm); Vovk, V., Gammerman, A. & Shafer, G. (2005),
https://doi.org/10.1007/b106715 (full conformal: the point that is tested is ranked among the others
as one of them); Benjamini, Y. & Hochberg, Y. (1995),
https://doi.org/10.1111/j.2517-6161.1995.tb02031.x (the list).

Adversary: none; a statement about data. Cost: a sort for each judge, and for each train identity
the few control identities whose comparison its own presence can turn.

Let :math:`A_j(x)` be the score of identity *x* under judge *j*. To test a train identity *g*, put
it among the n control identities and rank these n + 1 anew under every judge, 1 the highest, ties
at the lower rank. With

.. math::
    H_g(x) = \sum_j \frac{1}{rank_j(x)}, \qquad
    p(g) = \frac{\#\{x \in control \cup \{g\} : H_g(x) \ge H_g(g)\}}{n + 1}.

J / H is the harmonic mean of the ranks. If *g* did not leak, it is exchangeable with the control as
a whole, that is with all its scores at once, and :math:`H_g` treats the n + 1 alike. So *p* is
uniform or larger **however the judges depend on each other**: the control shows what chance makes
of the combination, and nothing is corrected for the number of judges or their dependence. Judges
that always agree cost nothing: p is that of one. Judges that never agree cost up to a factor of
their number.

**Why not Cauchy** (Liu, Y. & Xie, J. 2020, https://doi.org/10.1080/01621459.2018.1554485). An
identity that wins nothing under one judge has p = 1 there, whose Cauchy score is minus infinity: a
judge that sees nothing would silence one that does. Its level is asymptotic in the tail, and with
conformal p the tail ends at 1 / (n + 1). **Why not Fisher**: it takes judges for independent.

**The list.** As in `spolia.stats.competition`, with the control count of the combined evidence,

.. math::
    q(g) = \min_{p \ge p(g)} \frac{(n + 1)\, p}{r \cdot \#\{h \in train : p(h) \le p\}},

at most 1, which is Benjamini-Hochberg but for a factor of (n + 1) / n; for one judge it is the
competition's own rule, whose rate is proven. For several, p is exact and the rate of the list is
measured (``python -m benchmarks judges``), not proven. `any_judge` is a rule that is proven
whatever the dependence: each judge's list at q / J, put together.
"""

from dataclasses import dataclass

import numpy as np

from spolia.core.types import Float64, Int64


@dataclass(frozen=True, eq=False)
class Combined:
    """What several judges say together of each of n train identities."""

    p: Float64
    """``(n,)`` in (0, 1]; uniform or larger for an identity that did not leak."""
    q: Float64
    """``(n,)`` smallest false discovery rate at which it is named, at most 1."""
    control_at: Int64
    """``(n,)`` control identities with at least its evidence."""


def combine(train: Float64, control: Float64, *, ratio: float) -> Combined:
    """Combine the scores of several judges; see the equations at the top.

    Parameters
    ----------
    train
        ``(n_train, J)`` score of each identity under each judge, up is more; ``-inf``: wins
        nothing. Identities that win nothing under every judge are left out.
    control
        ``(n_control, J)``, of every control identity.
    ratio
        |control| / |train|, > 0, as in `spolia.stats.competition.decide`.

    Examples
    --------
    Twenty identities that the first judge sees above all control, and the second not at all.

    >>> rng = np.random.default_rng(0)
    >>> train = np.stack([np.full(20, 9.0), np.full(20, -np.inf)], axis=1)
    >>> both = combine(train, rng.normal(size=(99, 2)), ratio=1.0)
    >>> float(both.p[0]), int(both.control_at[0]), float(both.q[0])
    (0.02, 1, 0.1)
    """
    n = len(control)
    up = np.sort(control, axis=0)
    ranks = _at_or_above(up, control)  # (n_control, J), itself included
    evidence = _evidence(1 + _at_or_above(up, train))  # (n_train,)
    most, least = _evidence(ranks), _evidence(ranks + 1)
    control_at = n - np.searchsorted(np.sort(least), evidence, side="left")
    by_most = np.argsort(-most, kind="stable")
    falling = -most[by_most]
    # 1/k - 1/(k+1) < 1/k²: above half, or between these two, its rank among n + 1 must be known.
    first = int(np.searchsorted(falling, -0.5, side="right"))
    last = np.searchsorted(falling, -evidence, side="right")
    begin = np.searchsorted(falling, -_highest_turned(evidence), side="left")
    for i in range(len(train)):
        window = by_most[max(first, int(begin[i])) : max(first, int(last[i]))]
        doubtful = np.concatenate([by_most[:first], window])
        doubtful = doubtful[least[doubtful] < evidence[i]]
        beside = _evidence(ranks[doubtful] + (train[i] >= control[doubtful]))
        control_at[i] += np.count_nonzero(beside >= evidence[i])
    p = np.asarray((1.0 + control_at) / (1.0 + n), dtype=np.float64)
    return Combined(p, _q(control_at, ratio), control_at)


def any_judge(q: Float64) -> Float64:
    """Return the q of the lists that J judges make at q / J each, put together.

    The share of false ones in the union is at most the sum of the shares in the lists, so that the
    rate is kept if each judge keeps its own, whatever the dependence between them.

    Parameters
    ----------
    q
        ``(n, J)`` q of each identity under each judge, 1 where it was not seen.

    Examples
    --------
    >>> any_judge(np.array([[0.01, 1.0], [0.6, 0.7]])).tolist()
    [0.02, 1.0]
    """
    joined: Float64 = np.minimum(1.0, q.shape[1] * q.min(axis=1))
    return joined


def _at_or_above(up: Float64, scores: Float64) -> Int64:
    """Count, judge by judge, the control scores at or above each score; ``up`` is sorted."""
    counts = [
        len(up) - np.searchsorted(up[:, j], scores[:, j], side="left") for j in range(up.shape[1])
    ]
    return np.stack(counts, axis=1).astype(np.int64)


def _evidence(ranks: Int64) -> Float64:
    # Sorted, so that the sum does not depend on the order of the judges in its last bit.
    evidence: Float64 = np.sort(1.0 / ranks, axis=1).sum(axis=1)
    return evidence


def _highest_turned(evidence: Float64) -> Float64:
    """Return the m above which m - m², for m up to half, is more than ``evidence``."""
    inside = np.maximum(1.0 - 4.0 * evidence, 0.0)
    return 0.5 * (1.0 - np.sqrt(inside)) * (1.0 + 1e-9) + 1e-12


def _q(control_at: Int64, ratio: float) -> Float64:
    order = np.argsort(control_at, kind="stable")
    rising = control_at[order]
    named = np.searchsorted(rising, rising, side="right")
    estimate = np.minimum((1.0 + rising) / (ratio * named), 1.0)
    q = np.empty(len(order))
    q[order] = np.minimum.accumulate(estimate[::-1])[::-1]
    return q
