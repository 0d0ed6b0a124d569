r"""Areas of several models that were trained alike, as one figure, and how it changes.

Source: Student's t over models, which are drawn and trained independently; Newcombe, R. G. (2006),
https://doi.org/10.1002/sim.2324, method 5, for one area of so many people.

Adversary: none; it sums up what an attack did to several models. Cost: a mean.

Models differ, because other people are drawn and because training starts elsewhere. Student's
interval sees both, but of two or three models it is nearly blind, and where all areas are 1 it is a
point. Newcombe's sees neither, but knows how few people were asked. The interval is the one that
holds both.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from spolia.core.errors import UsageError
from spolia.core.rates import Bounded, Rate
from spolia.core.types import Float64
from spolia.stats.rates import exact_rate
from spolia.stats.roc import newcombe

_TAIL = 0.025


def over_models(areas: Sequence[float], members: int, non_members: int) -> Bounded:
    """Return the mean area of models, each asked about other people.

    Parameters
    ----------
    areas
        One per model, 0 to 1.
    members
        Identities asked about each model, at least 1.
    non_members
        Identities beside them, at least 1. They count once: models share them.

    Raises
    ------
    UsageError
        If there is no model, or an area is none.

    Examples
    --------
    >>> found = over_models([0.9, 0.8, 0.85], 40, 200)
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (0.85, 0.73, 0.97)
    """
    several = np.asarray(areas, dtype=np.float64)
    if several.size == 0 or not ((several >= 0.0) & (several <= 1.0)).all():
        raise UsageError(
            f"the areas of at least one model, each from 0 to 1, are needed, but got {list(areas)}"
        )
    low, high = newcombe(float(several.mean()), members * several.size, non_members)
    return _wider(several, low, high)


def share_over_models(shares: Sequence[Rate]) -> Bounded:
    """Return the mean share of models, each of other people.

    Raises
    ------
    UsageError
        If there is no model.

    Examples
    --------
    >>> found = share_over_models([exact_rate(20, 40), exact_rate(24, 40)])
    >>> round(found.value, 2), found.low < 0.44, found.high > 0.66
    (0.55, True, True)
    """
    if not shares:
        raise UsageError("the shares of at least one model are needed, but there is none")
    of_all = exact_rate(sum(one.count for one in shares), sum(one.n for one in shares))
    several = np.array([one.value for one in shares])
    return _wider(several, of_all.low, of_all.high)


def change(first: Sequence[float], last: Sequence[float]) -> Bounded | None:
    """Return by how much the areas of models change, model by model; ``None`` with one model.

    Parameters
    ----------
    first, last
        One area per model; the models of one place were drawn alike but for what is varied.

    Raises
    ------
    UsageError
        If they are not as many.

    Examples
    --------
    >>> found = change([0.9, 0.8, 0.85], [0.6, 0.55, 0.5])
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (-0.3, -0.42, -0.18)
    """
    if len(first) != len(last):
        raise UsageError(
            f"a change is measured model by model, but there are {len(first)} and {len(last)}"
        )
    if len(first) < 2:
        return None
    by_model = np.subtract(last, first)
    value, half = float(by_model.mean()), _half_width(by_model)
    return Bounded(value, max(-1.0, value - half), min(1.0, value + half))


def worth_of(asked: int, pool: int) -> float:
    """Return how many independent ones so many p-values that share their pool are worth.

    Of ``asked`` strangers a share has p at most a, beside ``pool`` others. It varies as much by who
    is in the pool as by who is asked, so that 1 / worth = 1 / asked + 1 / pool.

    >>> worth_of(100, 100)
    50.0
    """
    return 1.0 / (1.0 / asked + 1.0 / pool)


def _wider(several: Float64, low: float, high: float) -> Bounded:
    """Return the mean, and the interval that holds Student's and the one given."""
    value, half = float(several.mean()), _half_width(several)
    return Bounded(value, max(0.0, min(low, value - half)), min(1.0, max(high, value + half)))


def _half_width(several: Float64) -> float:
    """Return half of Student's interval of the mean; 0 of a single value."""
    n = several.size
    if n < 2:
        return 0.0
    return float(stdtrit(n - 1, 1.0 - _TAIL) * several.std(ddof=1) / np.sqrt(n))
