"""Laws of strata that the right version passes and a known wrong version breaks."""

import numpy as np


def law_strata_sum_up_to_the_whole(rates_by_stratum):
    """The counts and the n of all strata are those of the whole."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        stratum, found = rng.integers(0, 4, size=200), rng.random(200) < 0.2
        rates = [rate for rate in rates_by_stratum(stratum, found, 4) if rate is not None]
        assert sum(rate.n for rate in rates) == 200
        assert sum(rate.count for rate in rates) == np.count_nonzero(found)
        assert all(rate.low <= rate.value <= rate.high for rate in rates)


def law_small_counts_are_hidden(suppressed):
    """Nothing under the smallest count is shown, a zero neither."""
    for seed in range(50):
        counts = np.random.default_rng(seed).integers(0, 20, size=6)
        assert (counts[~suppressed(counts)] >= 5).all()


def law_a_hidden_count_does_not_follow_from_the_sum(suppressed):
    """No table of several hides just one."""
    for seed in range(50):
        counts = np.random.default_rng(seed).integers(0, 40, size=6)
        assert np.count_nonzero(suppressed(counts)) != 1
