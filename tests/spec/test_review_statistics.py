"""The share of pairs that are the same, from what people said of some, and how far they agree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import reviewing
from spolia.core.errors import UsageError
from spolia.core.review import Answers
from spolia.stats.kappa import cohen_kappa, krippendorff_alpha
from spolia.stats.review import (
    Known,
    Sampled,
    better_than_chance,
    comparable,
    corrected_share,
    estimate,
    seen_share,
)
from tests.spec import review_laws as laws

NOBODY = Answers(0, 0, 0, 0)


@pytest.mark.parametrize(
    "law",
    [
        laws.law_seen_holds_the_truth_where_nobody_errs,
        laws.law_corrected_holds_the_truth_where_reviewers_err,
        laws.law_corrected_holds_nothing_where_nothing_leaked,
        laws.law_corrected_holds_the_truth_where_only_one_error_is_common,
        laws.law_corrected_counts_that_errors_are_roughly_known,
        laws.law_corrected_holds_the_truth_where_known_pairs_are_harder,
        laws.law_unsure_may_be_either,
        laws.law_one_stratum_has_the_exact_interval,
        laws.law_one_large_stratum_has_clopper_pearsons_interval,
        laws.law_not_comparable_leaves_the_population,
        laws.law_an_interval_says_something,
        laws.law_more_known_pairs_tell_more,
    ],
    ids=lambda one: one.__name__,
)
def test_law_of_the_estimate_holds(law):
    assert law(estimate) is None


@pytest.mark.parametrize(
    "law",
    [laws.law_kappa_is_cohens, laws.law_kappa_of_chance_is_nothing],
    ids=lambda one: one.__name__,
)
def test_law_of_kappa_holds(law):
    assert law(cohen_kappa) is None


@pytest.mark.parametrize(
    "law",
    [
        laws.law_alpha_is_krippendorffs,
        laws.law_alpha_of_what_one_alone_answered_is_as_before,
    ],
    ids=lambda one: one.__name__,
)
def test_law_of_alpha_holds(law):
    assert law(krippendorff_alpha) is None


counts = st.integers(0, 30)
answers = st.builds(Answers, counts, counts, counts, counts)


@st.composite
def strata(draw):
    found = []
    for one in draw(st.lists(answers, min_size=1, max_size=4)):
        answered = comparable(one) + one.not_comparable
        found.append(Sampled(answered + draw(st.integers(0, 1000)), one))
    return found


@given(strata(), answers, answers)
@settings(max_examples=60, deadline=None)
def test_value_lies_in_its_interval_whatever_was_answered(sampled, same, different):
    one = estimate(sampled, Known(same, different))
    if one is None:
        assert all(comparable(each.answers) == 0 for each in sampled)
        return
    for rate in (one.seen, one.corrected):
        if rate is not None:
            assert 0.0 <= rate.low <= rate.value <= rate.high <= 1.0
            assert rate.n == one.answered
    assert 0 <= one.population <= sum(each.population for each in sampled)


@given(strata(), answers, answers)
@settings(max_examples=20, deadline=None)
def test_same_answers_give_the_same_estimate(sampled, same, different):
    known = Known(same, different)
    assert estimate(sampled, known) == estimate(list(sampled), known)


def test_no_answer_gives_no_estimate():
    assert estimate([Sampled(10, NOBODY), Sampled(5, Answers(0, 0, 0, 5))], laws.TOLD) is None
    assert estimate([], laws.TOLD) is None


def test_more_answers_than_pairs_are_refused():
    with pytest.raises(UsageError, match="11 of 10"):
        estimate([Sampled(10, Answers(5, 5, 0, 1))], laws.TOLD)


def test_a_stratum_that_nobody_answered_may_hold_anything():
    strata = [Sampled(100, Answers(0, 100, 0, 0)), Sampled(300, NOBODY)]
    rate = seen_share(strata)
    assert (rate.value, rate.low, rate.high) == (0.0, 0.0, 0.75)


def test_pairs_that_can_never_be_compared_have_no_weight():
    strata = [Sampled(20, Answers(5, 15, 0, 0)), Sampled(40, Answers(0, 0, 0, 40))]
    rate = seen_share(strata)
    assert (rate.value, rate.low, rate.high) == (0.25, 0.25, 0.25)


def test_errors_are_not_corrected_by_few_known_pairs():
    strata = [Sampled(100, Answers(20, 20, 0, 0))]
    enough, few = Answers(20, 0, 0, 0), Answers(0, 4, 0, 9)
    assert corrected_share(strata, Known(enough, few)) is None
    assert corrected_share(strata, Known(Answers(4, 0, 0, 9), Answers(0, 20, 0, 0))) is None


def test_errors_are_not_corrected_where_reviewers_guess():
    strata = [Sampled(100, Answers(20, 20, 0, 0))]
    guessed = Known(Answers(10, 10, 0, 0), Answers(10, 10, 0, 0))
    assert not better_than_chance(guessed)
    assert corrected_share(strata, guessed) is None


def test_those_who_are_never_sure_do_not_beat_chance():
    assert not better_than_chance(Known(Answers(0, 0, 20, 0), Answers(0, 0, 20, 0)))
    assert not better_than_chance(Known(Answers(0, 0, 0, 9), Answers(0, 9, 0, 0)))


def test_with_known_pairs_without_end_and_error_nothing_is_corrected():
    strata = [Sampled(10**9, Answers(30, 70, 0, 0))]
    told = Known(Answers(10**7, 0, 0, 0), Answers(0, 10**7, 0, 0))
    seen, corrected = seen_share(strata), corrected_share(strata, told)
    assert corrected.value == pytest.approx(seen.value)
    assert abs(corrected.low - seen.low) < 0.005
    assert abs(corrected.high - seen.high) < 0.005


def test_agreement_on_the_one_same_answer_is_undefined():
    always = np.zeros(9, dtype=np.int64)
    assert cohen_kappa(always, always) is None
    assert krippendorff_alpha(np.stack([always, always])) is None


def test_those_who_never_agree_are_under_chance():
    assert cohen_kappa(np.array([0, 1]), np.array([1, 0])) == -1.0
    assert cohen_kappa(np.array([0]), np.array([1])) == 0.0


def test_no_pair_that_two_have_answered_leaves_agreement_undefined():
    nothing = np.zeros(0, dtype=np.int64)
    assert cohen_kappa(nothing, nothing) is None
    assert krippendorff_alpha(np.zeros((2, 0), dtype=np.int64)) is None
    assert krippendorff_alpha(np.array([[0, 1, -1], [-1, -1, 1]])) is None


@given(st.integers(0, 2**32), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_agreement_does_not_depend_on_who_is_first_nor_on_the_order_of_pairs(seed, reviewers):
    rng = np.random.default_rng(seed)
    said = rng.integers(-1, 4, size=(reviewers, 30))
    mixed = said[rng.permutation(reviewers)][:, rng.permutation(30)]
    one, other = krippendorff_alpha(said), krippendorff_alpha(mixed)
    assert one == pytest.approx(other)
    both = (said[:2] >= 0).all(axis=0)
    first, second = said[0][both], said[1][both]
    assert cohen_kappa(first, second) == pytest.approx(cohen_kappa(second, first))


def test_a_simulated_reviewer_errs_as_often_as_it_says():
    rng = np.random.default_rng(0)
    said = reviewing.Simulated(0.9, 0.7, unsure=0.2).answers(10_000, 0, rng)
    assert abs(said.same - 7200) < 200
    assert abs(said.unsure - 2000) < 200
    said = reviewing.Simulated(0.9, 0.7, unsure=0.2).answers(0, 10_000, rng)
    assert abs(said.different - 5600) < 200
    assert said.same + said.different + said.unsure == 10_000
