r"""How far reviewers agree beyond what chance would give.

Sources: Cohen, J. (1960), https://doi.org/10.1177/001316446002000104 (kappa, two reviewers);
Krippendorff, K. (2011), *Computing Krippendorff's Alpha-Reliability*,
https://repository.upenn.edu/asc_papers/43 (alpha, any number of reviewers, answers may be missing);
Hayes, A. F. & Krippendorff, K. (2007), https://doi.org/10.1080/19312450709336664.

Adversary: none; a statement about data. Cost: one pass.

Let :math:`p_o` be the share of pairs with the same answer of both, and :math:`p_e` that share if
each gave the same answers as often, at random. Then

.. math:: \kappa = \frac{p_o - p_e}{1 - p_e}, \qquad p_e = \sum_c p_{1c}\, p_{2c} .

For alpha, each pair of images u that :math:`m_u \ge 2` reviewers answered gives all its ordered
pairs of answers, with the weight :math:`1 / (m_u - 1)`. Of the n weighted answers, :math:`n_c` are
c, and :math:`o_{cc}` stand beside an equal one:

.. math:: \alpha = 1 - \frac{D_o}{D_e}, \qquad D_o = 1 - \sum_c \frac{o_{cc}}{n}, \qquad
    D_e = 1 - \sum_c \frac{n_c (n_c - 1)}{n (n - 1)} .

Both are 1 for full agreement and 0 for chance. Where everybody always gives the one same answer,
chance cannot be told from agreement, and neither is defined.
"""

import numpy as np

from spolia.core.types import Int64

MISSING = -1
"""In the place of an answer that was not given."""


def cohen_kappa(first: Int64, second: Int64) -> float | None:
    """Return Cohen's kappa of two reviewers; ``None`` where it is not defined.

    Parameters
    ----------
    first, second
        ``(n,)`` the numbers, from 0, of what each said of n pairs that both answered.

    Examples
    --------
    >>> cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]))
    0.5
    >>> cohen_kappa(np.array([0, 0]), np.array([0, 0])) is None
    True
    """
    if first.size == 0:
        return None
    answers = int(max(first.max(), second.max())) + 1
    table = np.zeros((answers, answers))
    np.add.at(table, (first, second), 1.0 / first.size)
    seen = float(np.trace(table))
    chance = float(table.sum(axis=1) @ table.sum(axis=0))
    # Only if both always gave the one same answer is chance 1; rounding may miss it.
    return None if np.count_nonzero(table) == 1 and seen > 0.0 else (seen - chance) / (1.0 - chance)


def krippendorff_alpha(answers: Int64) -> float | None:
    """Return Krippendorff's alpha for nominal answers; ``None`` where it is not defined.

    Parameters
    ----------
    answers
        ``(reviewers, pairs)`` numbers of the answers from 0, `MISSING` where none was given.

    Examples
    --------
    >>> round(krippendorff_alpha(np.array([[0, 0, 1, 1, -1], [0, 0, 1, 0, 1]])), 3)
    0.533
    """
    counts = _counts(answers)  # (pairs, answers)
    of_pair = counts.sum(axis=1)
    counts, of_pair = counts[of_pair >= 2], of_pair[of_pair >= 2]
    n_c = counts.sum(axis=0)
    n = int(n_c.sum())
    if np.count_nonzero(n_c) < 2:
        return None
    equal = (counts * (counts - 1)).sum(axis=1) / (of_pair - 1)
    seen = 1.0 - float(equal.sum()) / n
    chance = 1.0 - float((n_c * (n_c - 1)).sum()) / (n * (n - 1))
    return 1.0 - seen / chance


def _counts(answers: Int64) -> Int64:
    """Return how often each answer was given to each pair, ``(pairs, answers)``."""
    kinds = np.arange(int(answers.max(initial=MISSING)) + 1)
    counts: Int64 = np.count_nonzero(answers[:, :, None] == kinds, axis=0)
    return counts
