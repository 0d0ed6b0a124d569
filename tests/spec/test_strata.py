"""Rates by stratum, and what a published table hides."""

import numpy as np
import pytest

from spolia.stats.strata import PHOTO_BINS, photo_bin, rates_by_stratum, suppressed
from tests.spec import strata_laws


def test_strata_sum_up_to_the_whole():
    assert strata_laws.law_strata_sum_up_to_the_whole(rates_by_stratum) is None


@pytest.mark.parametrize(
    "law",
    [
        strata_laws.law_small_counts_are_hidden,
        strata_laws.law_a_hidden_count_does_not_follow_from_the_sum,
    ],
    ids=lambda one: one.__name__,
)
def test_law_of_hidden_counts_holds(law):
    assert law(suppressed) is None


def test_a_table_of_one_hides_only_itself():
    assert suppressed(np.array([3])).tolist() == [True]
    assert suppressed(np.array([5])).tolist() == [False]


def test_of_equal_counts_the_first_is_hidden_too():
    assert suppressed(np.array([9, 2, 9])).tolist() == [True, True, False]


def test_every_number_of_photos_has_its_bin():
    said = [PHOTO_BINS[i] for i in photo_bin(np.arange(1, 13))]
    assert said == ["1", "2", *["3 to 4"] * 2, *["5 to 9"] * 5, *["10 or more"] * 3]
