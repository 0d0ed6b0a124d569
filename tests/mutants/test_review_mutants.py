"""Known wrong versions of a review's statistics; each must break the law that the right passes."""

from dataclasses import replace

import numpy as np
import pytest

from spolia.core.rates import Rate
from spolia.core.review import Answers
from spolia.stats import review
from spolia.stats.kappa import krippendorff_alpha
from spolia.stats.rates import exact_rate
from spolia.stats.review import Known, Sampled, comparable, estimate
from tests.spec import review_laws as laws


def pooled(strata):
    """All answers as if they were a sample of the whole."""
    each = [one.answers for one in strata]
    answers = Answers(
        sum(one.same for one in each),
        sum(one.different for one in each),
        sum(one.unsure for one in each),
        sum(one.not_comparable for one in each),
    )
    return [Sampled(sum(one.population for one in strata), answers)]


def without_the_strata(strata, known):
    return estimate(pooled(strata), known)


def with_strata_of_one_weight(strata, known):
    most = max(one.population for one in strata)
    return estimate([replace(one, population=most) for one in strata], known)


def without_correction(strata, known):
    found = estimate(strata, known)
    return replace(found, corrected=found.seen)


def with_the_errors_exchanged(strata, known):
    """Take the share called the same for the share called different."""

    def turned(one):
        return Answers(one.different, one.same, one.unsure, one.not_comparable)

    return estimate(strata, Known(turned(known.different), turned(known.same)))


def with_the_errors_taken_for_certain(strata, known):
    """Forget that a few known pairs measure errors only roughly."""

    def often(one):
        return Answers(one.same * 1000, one.different * 1000, one.unsure * 1000, 0)

    return estimate(strata, Known(often(known.same), often(known.different)))


def with_the_ends_of_the_errors_exchanged(strata, known):
    """Give each end the errors that narrow it."""
    right = review._called

    def turned(answers, *, high, unsure, rng):
        of_known = answers in (known.same, known.different)
        return right(answers, high=high != of_known, unsure=unsure, rng=rng)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(review, "_called", turned)
        return estimate(strata, known)


def without_the_unsure(strata, known):
    return estimate(
        [Sampled(one.population, replace(one.answers, unsure=0)) for one in strata],
        known,
    )


def with_the_unsure_called_different(strata, known):
    def told(one):
        return Answers(one.same, one.different + one.unsure, 0, one.not_comparable)

    return estimate([Sampled(one.population, told(one.answers)) for one in strata], known)


def with_what_is_not_comparable_called_different(strata, known):
    def told(one):
        return Answers(one.same, one.different + one.not_comparable, one.unsure, 0)

    return estimate([Sampled(one.population, told(one.answers)) for one in strata], known)


def _of_one_stratum(rest):
    """An estimate of one stratum (pairs, n, x, draws of p) whose unseen are drawn otherwise."""

    def mutant(strata, known):
        found = estimate(strata, known)
        (one,) = strata
        n, x = comparable(one.answers), one.answers.same
        rng = np.random.default_rng(0)
        ends = []
        for high, share in ((0, 0.025), (1, 0.975)):
            if x == (n if high else 0):
                p = np.full(20_000, float(high))
            else:
                p = rng.beta(x + high, n - x + 1 - high, size=20_000)
            ends.append(float(np.quantile(rest(one.population, n, x, p), share)))
        return replace(found, seen=replace(found.seen, low=ends[0], high=ends[1]))

    mutant.__name__ = rest.__name__
    return mutant


@_of_one_stratum
def with_the_unseen_at_their_mean(pairs, n, x, p):
    return (x + (pairs - n) * p) / pairs


@_of_one_stratum
def without_the_end_of_the_population(_pairs, _n, _x, p):
    return p


@_of_one_stratum
def with_the_seen_for_the_unseen(_pairs, n, x, p):
    return (x + n * p) / (2 * n)


def with_all_possible(strata, known):
    found = estimate(strata, known)
    everything = Rate(0.5, 0.0, 1.0, found.answered, 0)
    return replace(found, seen=everything, corrected=everything)


def with_the_known_pairs_forgotten(strata, known):
    """As many known pairs as are needed, whatever was answered."""
    return estimate(strata, Known(Answers(9, 1, 0, 0), Answers(1, 9, 0, 0)))


def as_if_known_pairs_were_no_harder(strata, known, *, less_alike):
    return estimate(strata, known)


def kappa_without_chance(first, second):
    return exact_rate(int(np.count_nonzero(first == second)), first.size).value


def kappa_with_chance_even(first, second):
    """Chance as if all answers were as frequent."""
    answers = int(max(first.max(), second.max())) + 1
    return (np.mean(first == second) - 1 / answers) / (1 - 1 / answers)


def alpha_with_missing_as_an_answer(answers):
    return krippendorff_alpha(answers + 1)


def alpha_with_pairs_that_one_alone_answered(answers):
    """Count them among the answers that chance draws from."""
    kinds = np.arange(answers.max() + 1)
    counts = np.count_nonzero(answers[:, :, None] == kinds, axis=0)
    of_pair = counts.sum(axis=1)
    n_c, n = counts.sum(axis=0), counts.sum()
    equal = (counts * (counts - 1)).sum(axis=1) / np.maximum(1, of_pair - 1)
    lone = (of_pair == 1).sum()
    chance = 1 - (n_c * (n_c - 1)).sum() / (n * (n - 1))
    return 1 - (1 - (equal.sum() + lone) / n) / chance


def alpha_without_the_weight_of_a_pair(answers):
    """Every two answers count alike, so that a pair that many answered counts most."""
    kinds = np.arange(answers.max() + 1)
    counts = np.count_nonzero(answers[:, :, None] == kinds, axis=0)
    counts = counts[counts.sum(axis=1) >= 2]
    of_pair, n_c = counts.sum(axis=1), counts.sum(axis=0)
    n = n_c.sum()
    equal = (counts * (counts - 1)).sum() / (of_pair * (of_pair - 1)).sum()
    return 1 - (1 - equal) / (1 - (n_c * (n_c - 1)).sum() / (n * (n - 1)))


SEEN = laws.law_seen_holds_the_truth_where_nobody_errs
CORRECTED = laws.law_corrected_holds_the_truth_where_reviewers_err
NOTHING = laws.law_corrected_holds_nothing_where_nothing_leaked
ONE_ERROR = laws.law_corrected_holds_the_truth_where_only_one_error_is_common
ROUGHLY = laws.law_corrected_counts_that_errors_are_roughly_known
HARDER = laws.law_corrected_holds_the_truth_where_known_pairs_are_harder
UNSURE = laws.law_unsure_may_be_either
EXACT = laws.law_one_stratum_has_the_exact_interval
LARGE = laws.law_one_large_stratum_has_clopper_pearsons_interval
DOMAIN = laws.law_not_comparable_leaves_the_population
TELLS = laws.law_an_interval_says_something
KNOWN = laws.law_more_known_pairs_tell_more
ALONE = laws.law_alpha_of_what_one_alone_answered_is_as_before


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (SEEN, without_the_strata),
        (SEEN, with_strata_of_one_weight),
        (CORRECTED, without_correction),
        (NOTHING, without_correction),
        (ONE_ERROR, with_the_errors_exchanged),
        (ROUGHLY, with_the_errors_taken_for_certain),
        (ROUGHLY, with_the_ends_of_the_errors_exchanged),
        (HARDER, as_if_known_pairs_were_no_harder),
        (UNSURE, without_the_unsure),
        (UNSURE, with_the_unsure_called_different),
        (DOMAIN, with_what_is_not_comparable_called_different),
        (EXACT, with_the_unseen_at_their_mean),
        (EXACT, without_the_end_of_the_population),
        (LARGE, with_the_seen_for_the_unseen),
        (TELLS, with_all_possible),
        (KNOWN, with_the_known_pairs_forgotten),
        (laws.law_kappa_is_cohens, kappa_without_chance),
        (laws.law_kappa_of_chance_is_nothing, kappa_without_chance),
        (laws.law_kappa_is_cohens, kappa_with_chance_even),
        (laws.law_kappa_of_chance_is_nothing, kappa_with_chance_even),
        (laws.law_alpha_is_krippendorffs, alpha_with_missing_as_an_answer),
        (laws.law_alpha_is_krippendorffs, alpha_without_the_weight_of_a_pair),
        (ALONE, alpha_with_missing_as_an_answer),
        (ALONE, alpha_with_pairs_that_one_alone_answered),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
