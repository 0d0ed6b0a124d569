"""Laws of what is drawn, that the right version passes and a known wrong version breaks."""

from collections import Counter

import numpy as np
from scipy.stats import binom

STRATA = [np.arange(12), np.arange(12, 40), np.arange(40, 150)]
FINDINGS = [True, False, False]
PAIRS = 40
DECKS = 600


def law_every_pair_of_a_stratum_is_drawn_as_often(draw):
    """n of N, wherever it stands in its stratum."""
    times: Counter[int] = Counter()
    for seed in range(DECKS):
        drawn = draw(STRATA, FINDINGS, PAIRS, np.random.default_rng(seed))
        times.update(np.concatenate(drawn).tolist())
    for rows, taken in zip(STRATA, drawn, strict=True):
        low, high = binom.ppf([1e-6, 1 - 1e-6], DECKS, taken.size / rows.size)
        counts = [times[row] for row in rows.tolist()]
        assert low <= min(counts)
        assert max(counts) <= high


def law_half_are_findings_and_none_is_drawn_twice(draw):
    for seed in range(20):
        drawn = draw(STRATA, FINDINGS, 20, np.random.default_rng(seed))
        assert [rows.size for rows in drawn] == [10, 5, 5]
        rows = np.concatenate(drawn).tolist()
        assert len(set(rows)) == 20


def law_strangers_are_as_alike_as_wanted(alike_rows):
    """Where there are such pairs, theirs is the distribution that is wanted."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        similarity = rng.random(2000)
        wanted = 0.6 + 0.3 * rng.random(30)
        rows = alike_rows(similarity, np.ones(2000, dtype=np.bool_), wanted, 20)
        assert len(set(rows)) == 20
        for share in (0.1, 0.5, 0.9):
            chosen, asked = (np.quantile(some, share) for some in (similarity[rows], wanted))
            assert abs(chosen - asked) < 0.06
