"""Laws of a review's statistics that the right version passes and a known wrong version breaks."""

import numpy as np
from scipy.stats import binom, hypergeom

from benchmarks.reviewing import Simulated, Truth, held
from spolia.core.review import Answers
from spolia.stats.rates import exact_rate
from spolia.stats.review import Known, Sampled

PERFECT = Simulated(1.0, 1.0)
NOTHING = Truth("none", (0, 0, 0, 0))
RARE = Truth("rare", (3, 2, 0, 0))
FINDINGS = Truth("most findings", (48, 10, 0, 0))
CLOSE = Truth("findings and the closest", (60, 400, 300, 0))
HALF = Truth("half", (50, 300, 1500, 3150))
DECKS = 80

TOLD = Known(Answers(20, 0, 0, 0), Answers(0, 20, 0, 0))


def least_held(n):
    """Fewest of n intervals that may hold the truth where 95 % do, but for chance of 1 in 1,000."""
    return int(binom.ppf(0.001, n, 0.95))


def as_called(strata):
    """Answers as counts of same and different, with nothing else."""
    return [Sampled(n, Answers(same, different, 0, 0)) for n, same, different in strata]


def law_seen_holds_the_truth_where_nobody_errs(estimate):
    for truth in (CLOSE, RARE, HALF):
        found = held(truth, PERFECT, DECKS, estimate)
        assert found.seen >= least_held(DECKS)


def law_corrected_holds_the_truth_where_reviewers_err(estimate):
    """10 to 20 % errors, from nothing leaked to half of all."""
    reviewer = Simulated(0.9, 0.8)
    for truth in (NOTHING, RARE, FINDINGS, HALF):
        found = held(truth, reviewer, DECKS, estimate)
        assert found.given > DECKS / 2
        assert found.corrected >= least_held(found.given)


def law_corrected_holds_nothing_where_nothing_leaked(estimate):
    for reviewer in (Simulated(0.9, 0.9), Simulated(0.8, 0.8)):
        found = held(NOTHING, reviewer, DECKS, estimate)
        assert found.corrected >= least_held(found.given)


def law_corrected_holds_the_truth_where_only_one_error_is_common(estimate):
    """Calling strangers the same is not missing those that are."""
    for reviewer in (Simulated(0.98, 0.75), Simulated(0.75, 0.98)):
        found = held(HALF, reviewer, DECKS, estimate)
        assert found.corrected >= least_held(found.given)


def law_corrected_counts_that_errors_are_roughly_known(estimate):
    """Of many answers and few known pairs, it is the known pairs that decide the interval."""
    reviewer, pairs, same = Simulated(0.85, 0.85), 10**6, 300_000
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        hits = int(rng.hypergeometric(same, pairs - same, 2000))
        strata = [Sampled(pairs, reviewer.answers(hits, 2000 - hits, rng))]
        known = Known(reviewer.answers(20, 0, rng), reviewer.answers(0, 20, rng))
        found.append(estimate(strata, known).corrected)
    held = [one.low <= same / pairs <= one.high for one in found if one is not None]
    assert sum(held) >= least_held(len(held))


def law_corrected_holds_the_truth_where_known_pairs_are_harder(estimate):
    """Strangers of the many pairs that are not alike are never called the same."""
    held = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        hits = int(rng.hypergeometric(300, 19_700, 2000))
        strata = [Sampled(20_000, Simulated(0.95, 1.0).answers(hits, 2000 - hits, rng))]
        known = Known(*(Simulated(0.95, 0.8).answers(*n, rng) for n in ((20, 0), (0, 20))))
        rate = estimate(strata, known, less_alike=True).corrected
        held.append(rate.low <= 0.015 <= rate.high)
    assert sum(held) >= least_held(len(held))


def law_unsure_may_be_either(estimate):
    """Whatever the pairs are that reviewers cannot tell, the interval as seen holds the truth."""
    strata = [(50, 20, 20), (200, 5, 30)]
    for same in (False, True):
        unsure = [Sampled(n, Answers(x, d - 10 if not same else d, 10, 0)) for n, x, d in strata]
        told = [(n, x + 10 * same, d - 10 * (not same)) for n, x, d in strata]
        truth = estimate(as_called([(n, x, d + 10 * (not same)) for n, x, d in told]), TOLD)
        found = estimate(unsure, TOLD)
        assert found.seen.low <= truth.seen.value <= found.seen.high
        assert found.answered == sum(x + d for _, x, d in strata) + 20 * same


def law_one_stratum_has_the_exact_interval(estimate):
    """Of all numbers of pairs that may be the same, those that the sample does not rule out."""
    for pairs, drawn, same in ((40, 20, 6), (40, 36, 0), (60, 10, 10), (200, 50, 3), (25, 25, 9)):
        k = np.arange(same, pairs - drawn + same + 1)
        low = k[hypergeom.sf(same - 1, pairs, k, drawn) > 0.025].min()
        high = k[hypergeom.cdf(same, pairs, k, drawn) > 0.025].max()
        rate = estimate(as_called([(pairs, same, drawn - same)]), TOLD).seen
        # A draw may end at the next number where a limit hangs on a hair.
        assert abs(rate.low * pairs - low) < 1.01
        assert abs(rate.high * pairs - high) < 1.01
        if pairs == drawn:
            assert rate.low == rate.high == same / pairs


def law_one_large_stratum_has_clopper_pearsons_interval(estimate):
    for n, same in ((100, 0), (100, 3), (20, 10), (50, 50)):
        rate = estimate(as_called([(10**9, same, n - same)]), TOLD).seen
        exact = exact_rate(same, n)
        assert abs(rate.low - exact.low) < 0.05 * (exact.high - exact.low)
        assert abs(rate.high - exact.high) < 0.05 * (exact.high - exact.low)


def law_not_comparable_leaves_the_population(estimate):
    """Half of the second stratum cannot be compared: it has half its weight, and no answer."""
    strata = [
        Sampled(100, Answers(10, 10, 0, 0)),
        Sampled(200, Answers(0, 10, 0, 10)),
    ]
    found = estimate(strata, TOLD)
    assert (found.population, found.answered) == (200, 30)
    assert abs(found.seen.value - 0.25) < 1e-12
    assert found.seen.low < 0.25 < found.seen.high


def law_an_interval_says_something(estimate):
    """It is no wider than the answers make it."""
    found = held(NOTHING, Simulated(0.9, 0.9), 40, estimate)
    assert found.width < 0.4
    strata = as_called([(1000, 100, 100)])
    known = Known(Answers(95, 5, 0, 0), Answers(5, 95, 0, 0))
    rate = estimate(strata, known).corrected
    assert rate.high - rate.low < 0.25


def law_more_known_pairs_tell_more(estimate):
    strata = as_called([(1000, 60, 140)])
    widths = []
    for n in (10, 50, 1000):
        known = Known(Answers(9 * n // 10, n // 10, 0, 0), Answers(n // 10, 9 * n // 10, 0, 0))
        rate = estimate(strata, known).corrected
        assert abs(rate.value - 0.25) < 1e-9
        widths.append(rate.high - rate.low)
    assert widths[0] > widths[1] > widths[2]


COHEN = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
"""Cohen (1960), Table 1 as counts of 200: kappa .492."""


def law_kappa_is_cohens(cohen_kappa):
    first, second = (np.repeat(one.ravel(), COHEN.ravel()) for one in np.indices((3, 3)))
    assert round(cohen_kappa(first, second), 3) == 0.492
    # 20 and 15 of 50 alike, 5 and 10 not: (0.7 - 0.5) / (1 - 0.5).
    one, other = np.repeat([0, 0, 1, 1], [20, 5, 10, 15]), np.repeat([0, 1, 0, 1], [20, 5, 10, 15])
    assert abs(cohen_kappa(one, other) - 0.4) < 1e-12


def law_kappa_of_chance_is_nothing(cohen_kappa):
    """Two who answer at random agree as often as chance does."""
    for seed in range(5):
        first, second = np.random.default_rng(seed).choice(
            4, p=[0.7, 0.1, 0.1, 0.1], size=(2, 4000)
        )
        assert abs(cohen_kappa(first, second)) < 0.06


def rows(*texts):
    """One reviewer a text: a letter or digit an answer, a dot none."""
    return np.array([["." if c == "." else c for c in one.split()] for one in texts])


def numbered(texts):
    letters = rows(*texts)
    kinds = sorted(set(letters.ravel()) - {"."})
    return np.array([[-1 if c == "." else kinds.index(c) for c in row] for row in letters])


KRIPPENDORFF = {
    # Krippendorff (2011): A. binary, two observers; B. nominal, two; C. any number, with missing.
    0.095: ("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"),
    0.692: ("a a b b d c c c e d d a", "b a b b b c c c e d d d"),
    0.743: (
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ),
}


def law_alpha_is_krippendorffs(krippendorff_alpha):
    for alpha, texts in KRIPPENDORFF.items():
        assert round(krippendorff_alpha(numbered(texts)), 3) == alpha


def law_alpha_of_what_one_alone_answered_is_as_before(krippendorff_alpha):
    """A pair with one answer tells nothing of agreement."""
    answers = numbered(KRIPPENDORFF[0.743])
    alone = np.full((4, 30), -1)
    alone[0] = 2
    more = np.concatenate([answers, alone], axis=1)
    assert krippendorff_alpha(more) == krippendorff_alpha(answers)
