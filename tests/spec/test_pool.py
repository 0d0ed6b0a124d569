"""p-values by a pool of non-members keep their laws."""

import numpy as np
import pytest

from spolia.stats.conformal import benjamini_hochberg
from spolia.stats.pool import fewest_named, most_photos, pooled_p
from tests.spec import pool_laws as laws

LAWS = [value for name, value in vars(laws).items() if name.startswith("law_")]


@pytest.mark.parametrize("law", LAWS, ids=lambda one: one.__name__)
def test_law_holds(law):
    assert law(pooled_p) is None


def test_the_fewest_that_can_be_named_are_named_by_the_step_up_rule_and_one_less_is_not():
    for n, pool, fdr in ((40, 19, 0.05), (10, 99, 0.05), (7, 30, 0.2), (3, 100, 0.05)):
        floors = np.full(n, 1.0 / (1.0 + pool))
        fewest = fewest_named(floors, fdr)
        for count in range(1, n + 1):
            p = np.where(np.arange(n) < count, floors, 1.0)
            named = np.count_nonzero(benjamini_hochberg(p) <= fdr)
            assert (named > 0) == (fewest is not None and count >= fewest)


def test_half_of_the_identities_have_the_photos_that_are_compared():
    rng = np.random.default_rng(0)
    for n in range(1, 40):
        photos = rng.integers(1, 9, size=n)
        most = most_photos(photos)
        assert 2 * np.count_nonzero(photos >= most) >= n
        assert 2 * np.count_nonzero(photos >= most + 1) < n
