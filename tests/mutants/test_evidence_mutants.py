"""Known wrong versions of the evidence; each must break the law that the right one passes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, nbinom

from spolia.auditing.closest import Scale
from spolia.stats import background, conformal, scores
from tests.spec import closest_laws as laws_of_closest
from tests.spec import evidence_laws as laws


def compared_directly(control, strangers, *, ratio):
    """As if a stranger were as likely as a synthetic record to come close: theta forgotten."""
    lent = background.borrow(control, strangers, ratio=ratio)
    return replace(lent, odds=1e-2 * lent.odds) if isinstance(lent, background.Borrowed) else lent


def without_the_size_ratio(control, strangers, *, ratio):
    return background.borrow(control, strangers, ratio=1.0)


def without_the_test_of_the_tail(control, strangers, *, ratio):
    won = np.sort(control)[::-1]
    floor = won[19]
    theta = 21 / max(1, np.count_nonzero(strangers >= floor))
    odds = theta / ((1 + theta) * ratio)
    return background.Borrowed(strangers[strangers > floor], floor, odds, 20, 1.0)


def mean_ranks_are_compared(control, strangers, *, ratio):
    lent = without_the_test_of_the_tail(control, strangers, ratio=ratio)
    above = control[control > lent.floor]
    if mannwhitneyu(above, lent.scores, alternative="greater").pvalue < 0.01:
        return background.NotBorrowed("")
    return lent


def both_directions_are_tested(control, strangers, *, ratio):
    lent = without_the_test_of_the_tail(control, strangers, ratio=ratio)
    if mannwhitneyu(control[control > lent.floor], lent.scores).pvalue < 0.01:
        return background.NotBorrowed("")
    return lent


def every_direction_counts(asking, closest, score):
    return score


def each_threshold_by_itself(named, witnesses, *, odds):
    return np.minimum(nbinom.ppf(0.95, witnesses + 1, 1 / (1 + odds)).astype(np.int64), named)


def the_average_as_a_bound(named, witnesses, *, odds):
    return np.minimum((odds * (witnesses + 1)).astype(np.int64), named)


def galleries_of_one_size(case, null, *, ratio):
    return conformal.single_case_p(case, null, ratio=1.0)


def a_power_for_every_ratio(case, null, *, ratio):
    p = conformal.single_case_p(case, null[:, :1], ratio=1.0)
    return 1.0 - (1.0 - p) ** (1.0 / ratio)


def over_train_alone(records, train, control):
    to_train = scores.similarity_to_all(records, scores.moments(train))
    mean, deviation = to_train.mean_and_deviation()
    return scores.standard_scores(np.full(len(records), 0.5), mean, deviation)


def not_rounded(records, train, control):
    to_all = scores.similarity_to_all(records, scores.moments(train, control))
    mean, deviation = to_all.mean_and_deviation()
    return (0.5 - mean) / deviation


def over_all_with_ones_own(records, train, control):
    return standardised(records, train, control, scores.moments(train.rows, control.rows))


def over_the_own_set_alone(records, train, control):
    return standardised(records, train, control, scores.moments(train.rows))


def standardised(records, train, control, pool):
    near = (laws_of_closest.nearest(records, one) for one in (train, control))
    found = replace(Scale.of(train, control), pool=None).score(records, *near)
    standard = scores.similarity_to_all(records, pool).mean_and_deviation()
    train_side, control_side = (
        replace(one, score=scores.standard_scores(one.score, *standard))
        for one in (found.train, found.control)
    )
    return replace(found, train=train_side, control=control_side)


def everything_is_seen_at_once(*, won):
    return 1


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (laws.law_a_borrowed_tail_keeps_the_false_share, compared_directly),
        (laws.law_a_small_control_is_corrected_in_the_tail, without_the_size_ratio),
        (laws.law_nothing_is_borrowed_of_another_shape, without_the_test_of_the_tail),
        (
            laws.law_a_few_that_are_close_to_everything_are_not_missed,
            mean_ranks_are_compared,
        ),
        (
            laws.law_a_control_that_falls_off_faster_is_judged_too,
            both_directions_are_tested,
        ),
        (laws.law_a_pair_of_strangers_counts_once, every_direction_counts),
        (laws.law_bounds_hold_at_every_threshold_at_once, each_threshold_by_itself),
        (laws.law_bounds_hold_at_every_threshold_at_once, the_average_as_a_bound),
        (laws.law_a_single_case_is_uniform, galleries_of_one_size),
        (laws.law_a_single_case_is_not_rare_by_chance, a_power_for_every_ratio),
        (laws.law_a_score_says_nothing_of_who_is_in_train, over_train_alone),
        (laws.law_a_score_says_nothing_of_who_is_in_train, not_rounded),
        (laws_of_closest.law_ones_own_photos_do_not_widen_the_scale, over_all_with_ones_own),
        (laws_of_closest.law_a_score_stays_when_sets_change_places, over_the_own_set_alone),
        (laws.law_planting_sees_what_the_rule_can_name, everything_is_seen_at_once),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
