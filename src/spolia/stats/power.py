r"""How small a leak would have been seen: planted leaks of known strength.

Adversary: none; a statement about an audit. Cost: some hundred draws over a few hundred scores.

Leaks are planted among the embeddings and compete like any synthetic record. Of P planted leaks,
*k* are drawn at random and added to what the audit saw; the leak counts as **seen** if the decision
names at least one of them. The smallest *k* at which it is seen in 80 % (95 %) of the draws is what
this audit, with these sets and this judge, can be said to detect. Silence says nothing about fewer.
"""

from dataclasses import dataclass

import numpy as np

from spolia.core.types import Float64, Int64
from spolia.stats.background import Borrowed
from spolia.stats.competition import expected_false

DRAWS = 200
_STEPS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200)
_MOST_THRESHOLDS = 500


@dataclass(frozen=True, eq=False)
class PlantedScores:
    """What P planted leaks, each of another train identity, scored in the competition."""

    score: Float64
    """``(P,)`` the winner's."""
    won: np.ndarray[tuple[int], np.dtype[np.bool_]]
    """``(P,)`` whether it named its own train identity; otherwise control, or another, won."""


@dataclass(frozen=True)
class Seen:
    """The smallest leaks that would have been seen, in planted identities."""

    planted: int
    """P: planted leaks that were drawn from; more than these were not tried."""
    at_80: int | None
    """``None``: not even all P were seen in 80 % of the draws."""
    at_95: int | None
    named_share: float
    """Average share of the planted that are named where all P are planted."""


def smallest_seen(
    planted: PlantedScores,
    train_scores: Float64,
    control_scores: Float64,
    *,
    ratio: float,
    fdr: float,
    borrowed: Borrowed | None = None,
) -> Seen:
    """Return how many planted leaks it takes for the decision to name one.

    Parameters
    ----------
    planted
        See `PlantedScores`; at least one.
    train_scores, control_scores, ratio, fdr, borrowed
        As for `spolia.stats.competition.decide`, without the identities that the audit has named.

    Examples
    --------
    Leaks that always win, far above everything: as many as the rule must see, and no more.

    >>> far = PlantedScores(np.full(50, 9.0), np.ones(50, dtype=np.bool_))
    >>> quiet = np.zeros(100)
    >>> smallest_seen(far, quiet, quiet, ratio=1.0, fdr=0.05)
    Seen(planted=50, at_80=20, at_95=20, named_share=1.0)
    """
    grid = _thresholds(planted, train_scores)
    false = expected_false(control_scores, grid, ratio=ratio, borrowed=borrowed)
    for_each = np.full(grid.size, 1.0 / ratio)
    if borrowed is not None:
        for_each[grid > borrowed.floor] = borrowed.odds
    above = train_scores.size - np.searchsorted(np.sort(train_scores), grid, side="left")
    reaches = planted.score[:, None] >= grid[None, :]  # (P, thresholds)
    hits = (reaches & planted.won[:, None]).astype(np.float32)
    misses = (reaches & ~planted.won[:, None]).astype(np.float32)
    order = _orders(planted.score.size)

    def named_of(k: int) -> Float64:
        """How many of k planted leaks are named, in every draw."""
        chosen = (order < k).astype(np.float32)  # (draws, P)
        named = (chosen @ hits).astype(np.float64)  # (draws, thresholds)
        estimate = (false + for_each * (chosen @ misses)) / np.maximum(above + named, 1.0)
        most: Float64 = np.where(estimate <= fdr, named, 0.0).max(axis=1)
        return most

    p = planted.score.size
    at_80 = at_95 = None
    for k in [*(step for step in _STEPS if step < p), p]:
        share = float(np.mean(named_of(k) > 0))
        at_80 = k if at_80 is None and share >= 0.8 else at_80
        if share >= 0.95:
            at_95 = k
            break
    return Seen(p, at_80, at_95, float(np.mean(named_of(p))) / p)


def _thresholds(planted: PlantedScores, train_scores: Float64) -> Float64:
    """Scores at which something can be named: the planted ones, and the highest of the audit's."""
    finite = np.sort(train_scores[np.isfinite(train_scores)])[-_MOST_THRESHOLDS:]
    return np.unique(np.concatenate([planted.score[planted.won], finite, [np.inf]]))


def _orders(n: int) -> Int64:
    """Return the place of each of n planted leaks in every draw: the same every time."""
    rng = np.random.default_rng(0)
    return rng.permuted(np.tile(np.arange(n, dtype=np.int64), (DRAWS, 1)), axis=1)
