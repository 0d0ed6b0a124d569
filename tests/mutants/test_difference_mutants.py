"""Known wrong versions of differences; each must break the law that the right one passes."""

from dataclasses import replace
from math import sqrt

import pytest
from scipy.stats import binom

from spolia.core.rates import Bounded
from spolia.stats.difference import mcnemar_p, paired_difference, unpaired_difference
from spolia.stats.rates import exact_rate
from tests.spec import difference_laws as laws


def as_two_samples(both, only_first, only_second, n):
    return unpaired_difference(exact_rate(both + only_first, n), exact_rate(both + only_second, n))


def of_those_that_changed(both, only_first, only_second, n):
    """As if only who changed were there."""
    return paired_difference(0, only_first, only_second, max(1, only_first + only_second))


def with_the_first_taken_from_the_second_the_other_way(both, only_first, only_second, n):
    one = paired_difference(both, only_first, only_second, n)
    return Bounded(-one.value, -one.high, -one.low)


def with_the_plain_formula(both, only_first, only_second, n):
    """Wald's interval, which is a point where nothing changed."""
    value = (only_second - only_first) / n
    half = 1.96 * sqrt(max(0.0, only_first + only_second - n * value**2)) / n
    return Bounded(value, value - half, value + half)


def with_the_changed_taken_for_given(both, only_first, only_second, n):
    """The exact interval of which way they changed, as if how many did were no chance."""
    changed = only_first + only_second
    if changed == 0:
        return Bounded(0.0, 0.0, 0.0)
    rate = exact_rate(only_second, changed)
    low, high = ((2.0 * end - 1.0) * changed / n for end in (rate.low, rate.high))
    return Bounded((only_second - only_first) / n, low, high)


def one_sided(only_first, only_second):
    return mcnemar_p(only_first, only_second) / 2.0


def without_doubling_the_middle(only_first, only_second):
    """The tail of more than the observed alone."""
    changed, fewer = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2.0 * float(binom.cdf(fewer - 1, changed, 0.5)))


def always_one(only_first, only_second):
    return 1.0


def with_the_wider_limits_added(first, second):
    """Ends of two intervals subtracted from each other, crosswise the wrong way."""
    one = unpaired_difference(first, second)
    return replace(one, low=second.low - first.low, high=second.high - first.high)


def with_everything_possible(first, second):
    return Bounded(second.value - first.value, -1.0, 1.0)


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (laws.law_paired_interval_is_the_published_one, as_two_samples),
        (laws.law_of_the_same_people_the_interval_is_narrower, as_two_samples),
        (laws.law_paired_interval_holds_the_truth, of_those_that_changed),
        (
            laws.law_paired_interval_holds_the_truth,
            with_the_first_taken_from_the_second_the_other_way,
        ),
        (laws.law_paired_interval_holds_the_truth, with_the_plain_formula),
        (laws.law_paired_interval_holds_the_truth, with_the_changed_taken_for_given),
        (laws.law_where_nothing_changed_it_is_seldom_said, one_sided),
        (laws.law_what_changed_one_way_is_said, without_doubling_the_middle),
        (laws.law_what_changed_one_way_is_said, always_one),
        (laws.law_unpaired_interval_holds_the_truth, with_the_wider_limits_added),
        (laws.law_unpaired_runs_exchanged_are_mirrored, with_everything_possible),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
