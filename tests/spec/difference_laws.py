"""Laws of differences that the right version passes and a known wrong version breaks."""

import numpy as np
from scipy.stats import binom

from spolia.stats.rates import exact_rate

N = 300
TABLES = (
    # Shares of identities in both, in the first alone, in the second alone.
    (0.1, 0.02, 0.02),
    (0.02, 0.0, 0.08),
    (0.0, 0.01, 0.0),
    (0.3, 0.2, 0.05),
    (0.5, 0.02, 0.1),
)
DRAWS = 400


def least_held(n, confidence):
    return int(binom.ppf(0.001, n, confidence))


def drawn(shares, seed):
    """Return how many of N identities are in both, in one alone, and in the other alone."""
    rest = max(0.0, 1.0 - sum(shares))
    return np.random.default_rng(seed).multinomial(N, [*shares, rest])[:3].tolist()


def law_paired_interval_holds_the_truth(paired_difference):
    """95 %, or nearly: the published interval is approximate."""
    for shares in TABLES:
        truth, held = shares[2] - shares[1], 0
        for seed in range(DRAWS):
            one = paired_difference(*drawn(shares, seed), N)
            held += one.low <= truth <= one.high
        assert held >= least_held(DRAWS, 0.93)


def law_paired_interval_is_the_published_one(paired_difference):
    """Bentur et al. (2009) in Fagerland, M. W. et al. (2014), BMC Med Res Methodol 14: 91."""
    one = paired_difference(1, 1, 7, 21)
    assert [round(end, 3) for end in (one.value, one.low, one.high)] == [0.286, 0.026, 0.507]


def law_paired_runs_exchanged_are_mirrored(paired_difference):
    for seed in range(50):
        both, first, second = drawn(TABLES[3], seed)
        one = paired_difference(both, first, second, N)
        other = paired_difference(both, second, first, N)
        assert np.allclose([one.value, one.low, one.high], [-other.value, -other.high, -other.low])


def law_of_the_same_people_the_interval_is_narrower(paired_difference):
    """Where most are found in both runs, more is known than from two samples."""
    alike = paired_difference(90, 10, 10, N)
    apart = paired_difference(0, 100, 100, N)
    assert alike.high - alike.low < 0.6 * (apart.high - apart.low)


def law_where_nothing_changed_it_is_seldom_said(mcnemar_p):
    for share in (0.01, 0.05, 0.3):
        rng = np.random.default_rng(0)
        changed = rng.binomial(N, share, size=2000)
        one_way = rng.binomial(changed, 0.5)
        p = [mcnemar_p(a, n - a) for a, n in zip(one_way.tolist(), changed.tolist(), strict=True)]
        assert sum(one <= 0.05 for one in p) <= binom.ppf(0.999, 2000, 0.05)


def law_what_changed_one_way_is_said(mcnemar_p):
    assert mcnemar_p(0, 6) < 0.05 < mcnemar_p(0, 5)
    assert mcnemar_p(10, 30) < 0.01
    assert mcnemar_p(10, 30) == mcnemar_p(30, 10)


def law_unpaired_interval_holds_the_truth(unpaired_difference):
    for first, second in ((0.0, 0.0), (0.01, 0.05), (0.3, 0.35), (0.9, 0.2)):
        held = 0
        for seed in range(DRAWS):
            rng = np.random.default_rng(seed)
            counts = rng.binomial((400, 150), (first, second)).tolist()
            one = unpaired_difference(exact_rate(counts[0], 400), exact_rate(counts[1], 150))
            held += one.low <= second - first <= one.high
        assert held >= least_held(DRAWS, 0.95)


def law_unpaired_runs_exchanged_are_mirrored(unpaired_difference):
    a, b = exact_rate(3, 100), exact_rate(40, 90)
    one, other = unpaired_difference(a, b), unpaired_difference(b, a)
    assert np.allclose([one.value, one.low, one.high], [-other.value, -other.high, -other.low])
    assert one.low > 0.2
    assert one.high < 0.6
