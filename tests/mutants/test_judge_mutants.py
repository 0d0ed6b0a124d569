"""Known wrong ways to put judges together; each must break the law that the right one passes."""

import numpy as np
import pytest
from scipy.stats import chi2

from spolia.stats.competition import decide
from tests.spec import judge_laws as laws


def each(train, control):
    """The conformal p of each judge, (1 + control at or above) / (1 + n)."""
    above = (control[None, :, :] >= train[:, None, :]).sum(axis=1)
    return (1 + above) / (1 + len(control))


def fisher_as_if_independent(train, control):
    p = each(train, control)
    return chi2.sf(-2.0 * np.log(p).sum(axis=1), 2 * p.shape[1])


def plain_product(train, control):
    return each(train, control).prod(axis=1)


def smallest_without_correction(train, control):
    return each(train, control).min(axis=1)


def harmonic_mean_without_correction(train, control):
    return 1.0 / (1.0 / each(train, control)).mean(axis=1)


def cauchy_of_each(train, control):
    return 0.5 - np.arctan(np.tan((0.5 - each(train, control)) * np.pi).mean(axis=1)) / np.pi


def mean_p(train, control):
    return 2.0 * each(train, control).mean(axis=1)


def bonferroni(train, control):
    p = each(train, control)
    return np.minimum(1.0, p.shape[1] * p.min(axis=1))


def scale_from_the_control_alone(train, control):
    """The joint score is told who is control: its best become the best of a law made for them."""
    best = [
        (np.searchsorted(np.sort(c), t, "right") / len(c), np.argsort(np.argsort(c)) / len(c))
        for t, c in zip(train.T, control.T, strict=True)
    ]
    scores = [np.max([one[side] for one in best], axis=0) for side in (0, 1)]
    return decide(*scores, ratio=len(control) / len(train), fdr=0.05).p


def q_of(p_of):
    def q(train, control):
        p = p_of(train, control)
        named = (p[None, :] <= p[:, None]).sum(axis=1)
        estimate = np.minimum(1.0, len(control) * p / named)
        return np.array([estimate[p >= one].min() for one in p])

    q.__name__ = f"list_of_{p_of.__name__}"
    return q


def smallest_q(q):
    return q.min(axis=1)


CALIBRATED = laws.law_p_is_uniform_or_larger_however_judges_depend
SEES = laws.law_a_judge_that_sees_nothing_does_not_silence_one_that_does
TWICE = laws.law_a_judge_asked_twice_changes_nothing


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (CALIBRATED, fisher_as_if_independent),
        (CALIBRATED, plain_product),
        (CALIBRATED, smallest_without_correction),
        (CALIBRATED, harmonic_mean_without_correction),
        (CALIBRATED, scale_from_the_control_alone),
        (laws.law_the_false_share_is_kept, q_of(fisher_as_if_independent)),
        (laws.law_the_false_share_is_kept, q_of(smallest_without_correction)),
        (SEES, cauchy_of_each),
        (SEES, mean_p),
        (TWICE, fisher_as_if_independent),
        (TWICE, bonferroni),
        (laws.law_lists_of_many_judges_share_one_rate, smallest_q),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
