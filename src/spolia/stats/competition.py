r"""Target-decoy competition of train against control, counted by identity.

Sources: Elias, J. E. & Gygi, S. P. (2007), https://doi.org/10.1038/nmeth1019 (target-decoy);
Barber, R. F. & Candès, E. J. (2015), https://doi.org/10.1214/15-AOS1337 (knockoff+, whose "+1"
makes the control finite-sample); Bates, S. et al. (2023), https://arxiv.org/abs/2104.08279
(conformal p-values and their use with Benjamini-Hochberg).

Adversary: none; a statement about data. Cost: two nearest-neighbour searches and a sort.

**Why the matched identity is counted.** Every synthetic record *i* has its best similarity to
train :math:`s_i` and to control :math:`c_i`; the larger wins and names one train or control
identity. Many records can name the same one: a generator draws a mode again and again, and in high
dimension a few gallery images ("hubs") are near to everything. Such records carry one coin's worth
of evidence, not many, so every identity is counted once, with

.. math:: A_g = \max \{ \max(s_i, c_i) : i \text{ names } g \} \quad (-\infty \text{ if none does}).

If nothing leaked, train and control identities are exchangeable: which of the scores :math:`A`
belong to train is a random draw, whatever the synthetic set looks like and however its records
depend on each other. Hence, with :math:`r = |control| / |train|`, the threshold

.. math::
    T = \min \Big\{ t : \widehat{FDR}(t) = \frac{1 + \#\{g \in control : A_g \ge t\}}
    {r \cdot \#\{g \in train : A_g \ge t\}} \le q \Big\}

keeps the expected share of false ones among the train identities with :math:`A_g \ge T` at or
under *q*. A record as near to control as to train counts for control.

The numerator over *r* is an estimate of how many train identities score *t* or more without a leak.
It cannot be smaller than 1/r, so a handful of leaks is never named. `spolia.stats.background`
borrows a better one for the tail; everything else here stays the same.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spolia.core.types import Float64, Int64
from spolia.stats.background import Borrowed


@dataclass(frozen=True, eq=False)
class Nearest:
    """The closest identity of one set for each of m synthetic records."""

    score: Float64
    """``(m,)`` how close, up is closer, on one scale for all records; ``-inf`` where the set is
    empty."""
    identity: Int64
    """``(m,)`` number of its identity, 0 to the set's identity count - 1."""


@dataclass(frozen=True, eq=False)
class Contest:
    """Who won each of m synthetic records, and the score of every identity."""

    to_train: Float64
    """``(m,)`` best score of each synthetic record against train."""
    to_control: Float64
    """``(m,)`` the same to control."""
    won_by_train: npt.NDArray[np.bool_]
    """``(m,)`` whether train won; a tie is lost."""
    train_scores: Float64
    """``(n_train,)`` score of each train identity; ``-inf``: wins no record."""
    control_scores: Float64
    """``(n_control,)``."""
    train_wins: Int64
    """``(n_train,)`` records each train identity won."""
    control_wins: Int64
    """``(n_control,)``."""


@dataclass(frozen=True, eq=False)
class Decision:
    """Which train identities were found, and how sure that is."""

    found: npt.NDArray[np.bool_]
    """``(n_train,)``."""
    q: Float64
    """``(n_train,)`` smallest false discovery rate at which the identity is found, at most 1."""
    p: Float64
    """``(n_train,)`` how likely an identity that did not leak scores as high, at most 1."""
    threshold: float | None
    """Score from which an identity is found; ``None`` if none is."""


def compete(train: Nearest, control: Nearest, *, n_train: int, n_control: int) -> Contest:
    """Let train and control compete for every synthetic record.

    Parameters
    ----------
    train, control
        The nearest record of each set for m synthetic records.
    n_train, n_control
        Number of identities of each set.

    Examples
    --------
    >>> train = Nearest(np.array([0.2, 0.9, 0.3]), np.array([0, 1, 1]))
    >>> control = Nearest(np.array([0.4, 0.5, 0.1]), np.array([0, 0, 0]))
    >>> contest = compete(train, control, n_train=2, n_control=1)
    >>> contest.train_scores.tolist(), contest.control_scores.tolist()
    ([-inf, 0.9], [0.4])
    """
    won = train.score > control.score
    train_scores, train_wins = _scores(train.identity[won], train.score[won], n_train)
    control_scores, control_wins = _scores(control.identity[~won], control.score[~won], n_control)
    return Contest(
        train.score,
        control.score,
        won,
        train_scores,
        control_scores,
        train_wins,
        control_wins,
    )


def _scores(identity: Int64, score: Float64, n: int) -> tuple[Float64, Int64]:
    scores = np.full(n, -np.inf)
    np.maximum.at(scores, identity, score)
    return scores, np.bincount(identity, minlength=n).astype(np.int64)


def mean_of_best(identity: Int64, score: Float64, n: int, *, top: int, least: float) -> Float64:
    """Return another score of each identity: the mean of its ``top`` best records.

    For comparison (`benchmarks.statistics`): the audit takes the best record alone, ``top=1``. It
    is as exchangeable as that, if ``least`` does not depend on who is in train.

    Parameters
    ----------
    identity, score
        ``(w,)`` the identity that each record is won by, and how close it is.
    n
        Number of identities.
    top
        Records that count, at least 1.
    least
        What counts for each record that an identity lacks, at most the lowest score.

    Returns
    -------
    Float64
        ``(n,)``; ``-inf`` for an identity that won no record.

    Examples
    --------
    >>> mean_of_best(np.array([0, 0, 2]), np.array([0.75, 0.25, 1]), 3, top=2, least=0.0).tolist()
    [0.5, -inf, 0.5]
    """
    order = np.lexsort((-score, identity))
    identity, score = identity[order], score[order]
    rank = np.arange(identity.size) - np.searchsorted(identity, identity, side="left")
    counted = rank < top
    had = np.bincount(identity[counted], minlength=n)
    sums = np.bincount(identity[counted], weights=score[counted], minlength=n)
    return np.where(had > 0, (sums + (top - had) * least) / top, -np.inf)


def decide(
    train_scores: Float64,
    control_scores: Float64,
    *,
    ratio: float,
    fdr: float,
    borrowed: Borrowed | None = None,
) -> Decision:
    """Find the train identities at a false discovery rate; see the equation at the top.

    Parameters
    ----------
    train_scores, control_scores
        Score of each identity, up is more; ``-inf`` for identities that won no record.
    ratio
        |control| / |train|, > 0. An undersized control must be corrected for: leaving it out at a
        quarter-size control quadruples the false share.
    fdr
        The false discovery rate to keep, in (0, 1).
    borrowed
        What the background says of scores above its floor.

    Examples
    --------
    Twenty exposed identities and no control above them: just enough for 5 %.

    >>> decision = decide(np.full(20, 0.9), np.full(20, 0.1), ratio=1.0, fdr=0.05)
    >>> int(decision.found.sum()), decision.threshold, float(decision.q[0])
    (20, 0.9, 0.05)
    """
    false = expected_false(control_scores, train_scores, ratio=ratio, borrowed=borrowed)
    p = np.minimum(false / train_scores.size, 1.0)
    # An identity that won no record was not seen at all: no threshold may name it.
    p[np.isneginf(train_scores)] = 1.0
    above = train_scores.size - np.searchsorted(np.sort(train_scores), train_scores, side="left")
    estimate = np.where(np.isneginf(train_scores), 1.0, false / np.maximum(above, 1))
    q = _running_minimum(estimate, train_scores)
    found = q <= fdr
    threshold = float(train_scores[found].min()) if found.any() else None
    return Decision(found, q, p, threshold)


def expected_false(
    control_scores: Float64,
    thresholds: Float64,
    *,
    ratio: float,
    borrowed: Borrowed | None = None,
) -> Float64:
    """Return how many train identities score each of ``thresholds`` or more without a leak.

    Never under what the data can tell, for the "+1" of knockoff+: 1 / ``ratio`` by the control
    alone. Above the floor of ``borrowed``, the background counts too.

    >>> expected_false(np.array([0.2, 0.6]), np.array([0.5, 0.7]), ratio=0.5).tolist()
    [4.0, 2.0]
    """
    false = np.asarray((1.0 + _at_or_above(control_scores, thresholds)) / ratio, dtype=np.float64)
    if borrowed is None:
        return false
    count = _at_or_above(control_scores, thresholds) + _at_or_above(borrowed.scores, thresholds)
    above = borrowed.odds * (1.0 + count)
    return np.asarray(np.where(thresholds > borrowed.floor, above, false), dtype=np.float64)


def _at_or_above(scores: Float64, thresholds: Float64) -> Int64:
    up = np.sort(scores)
    return (up.size - np.searchsorted(up, thresholds, side="left")).astype(np.int64)


def _running_minimum(estimate: Float64, scores: Float64) -> Float64:
    """Smallest estimate among thresholds at or under each score, at most 1."""
    order = np.argsort(scores, kind="stable")
    q = np.empty_like(estimate)
    q[order] = np.minimum.accumulate(np.minimum(estimate[order], 1.0))
    return q


def smallest_discovery(ratio: float, fdr: float, borrowed: Borrowed | None = None) -> int:
    """Return the least number of identities that `decide` can find at ``fdr``: about 1/(q r).

    >>> smallest_discovery(1.0, 0.05), smallest_discovery(0.25, 0.05)
    (20, 80)
    """
    least_false = 1.0 / ratio if borrowed is None else min(1.0 / ratio, borrowed.odds)
    least = max(1, int(np.floor(least_false / fdr)) - 1)
    while least_false / least > fdr:
        least += 1
    return least
