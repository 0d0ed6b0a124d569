"""Laws of p-values by a pool of non-members; a known wrong version breaks one."""

import numpy as np
from scipy.stats import binom

from spolia.stats.conformal import benjamini_hochberg

TRIALS = 1200
PHOTOS = (1, 2, 3, 3, 6)
SHARED = 0.2
"""Share of the spread that the photos of one person have in common."""


def people(rng, n, shift=0.0):
    """Scores of n identities with unequal numbers of photos."""
    return [shift + person(rng, PHOTOS[i % 5]) for i in rng.permutation(n).tolist()]


def person(rng, photos):
    return np.sqrt(SHARED) * rng.normal() + np.sqrt(1.0 - SHARED) * rng.normal(size=photos)


def law_p_of_a_stranger_is_uniform(pooled_p):
    """Never too small, for people with one photo as for people with six."""
    for photos in (1, 3, 6):
        below = np.zeros(3)
        for seed in range(TRIALS):
            rng = np.random.default_rng([seed, photos])
            # A pool of 19 makes p a multiple of .05 where everybody has enough photos.
            pool = people(rng, 19)
            p = pooled_p([person(rng, photos)], pool).p[0]
            below += [p <= 0.05, p <= 0.1, p <= 0.5]
        assert (below <= binom.ppf(0.9995, TRIALS, [0.05, 0.1, 0.5])).all(), below / TRIALS


def law_a_list_of_mixed_numbers_of_photos_keeps_its_rate(pooled_p):
    """Nobody is a member, so whoever is named is false."""
    false, level = 0, 0.1
    for seed in range(400):
        rng = np.random.default_rng([seed, 7])
        pool = people(rng, 160)
        queries = [person(rng, 1 + i % 3) for i in range(12)]
        false += bool((benjamini_hochberg(pooled_p(queries, pool).p) <= level).any())
    assert false <= binom.ppf(0.9995, 400, level), false / 400


def law_a_tie_counts_against_the_query(pooled_p):
    pool = [np.array([0.5])] * 9
    found = pooled_p([np.array([0.5]), np.array([0.6])], pool)
    assert found.p.tolist() == [1.0, 0.1]


def law_who_stands_out_is_seen(pooled_p):
    rng = np.random.default_rng(0)
    found = pooled_p(people(rng, 20, shift=8.0), people(rng, 100))
    assert (found.p == found.floors).all()
    assert found.p.max() <= 1.0 / 51.0


def law_at_least_half_of_the_pool_stands_beside_each(pooled_p):
    rng = np.random.default_rng(0)
    pool = people(rng, 40)
    found = pooled_p([np.zeros(k) for k in (1, 2, 3, 4, 50)], pool)
    assert found.photos.tolist() == [1, 2, 3, 3, 3]
    assert found.pool.tolist() == [40, 32, 24, 24, 24]
    assert np.allclose(found.floors, 1.0 / (1.0 + found.pool))
