"""Known wrong versions of what strangers say; each must break the law that the right one passes."""

from dataclasses import replace

import numpy as np
import pytest

from spolia.stats import tails
from spolia.stats.pareto import fit_pareto, pareto_tail
from spolia.stats.rates import exact_rate
from tests.spec.tail_laws import (
    law_extrapolation_meets_the_truth,
    law_interval_counts_clusters,
    law_known_shape_is_recovered,
    law_no_rate_under_three_in_n,
    law_rate_of_shared_identities_is_covered,
    law_strangers_predict_strangers,
    self_searched,
)


def with_the_sign_of_the_shape_turned(excesses, weights):
    shape, scale = fit_pareto(excesses, weights)
    return -shape, scale


def with_draws_resampled_alone(draws, *, rng):
    n = draws.similarity.size
    return tails.fit_tail(replace(draws, named=np.arange(n) + n + draws.identity.max()), rng=rng)


def without_the_rate_of_exceedance(draws, tail, similarity):
    """Forget that only a share of the draws is above the threshold."""
    found = tails.exceedance(draws, tail, similarity)
    if found.basis == "counted":
        return found
    over = similarity - tail.threshold
    value = float(pareto_tail(over, tail.shape, tail.scale))
    _, shapes, scales = tail.resampled
    spread = pareto_tail(over, shapes, scales)
    return replace(
        found, value=value, low=float(spread.min()), high=float(np.quantile(spread, 0.9))
    )


def with_the_shape_turned_beyond(draws, tail, similarity):
    turned = replace(
        tail,
        shape=-tail.shape,
        resampled=(tail.resampled[0], -tail.resampled[1], tail.resampled[2]),
    )
    return tails.exceedance(draws, turned, similarity)


def with_pairs_taken_for_independent(matches):
    n = matches.size
    return exact_rate(int(matches.sum()) // 2, n * (n - 1) // 2)


def without_the_rule_of_3(counts, edges, level):
    at_or_above = np.append(np.cumsum(counts[::-1])[::-1], 0)
    return float(edges[int(np.argmax(at_or_above <= level * counts.sum()))])


def with_oneself_in_the_gallery(rows, rng):
    """Search the gallery with the image itself left in it, as a copy that is hardly changed."""
    draws = self_searched(rows)
    draws = replace(draws, similarity=0.5 + 0.5 * draws.similarity)
    return draws, tails.fit_tail(draws, rng=rng)


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (law_known_shape_is_recovered, (with_the_sign_of_the_shape_turned,)),
        (law_extrapolation_meets_the_truth, (tails.fit_tail, without_the_rate_of_exceedance)),
        (law_extrapolation_meets_the_truth, (tails.fit_tail, with_the_shape_turned_beyond)),
        (law_interval_counts_clusters, (with_draws_resampled_alone, tails.exceedance)),
        (law_strangers_predict_strangers, (with_oneself_in_the_gallery, tails.exceedance)),
        (law_rate_of_shared_identities_is_covered, (with_pairs_taken_for_independent,)),
        (law_no_rate_under_three_in_n, (without_the_rule_of_3,)),
    ],
    ids=lambda one: one.__name__ if callable(one) else "-".join(each.__name__ for each in one),
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(*mutant)
