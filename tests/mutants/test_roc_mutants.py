"""Known wrong versions of what tells members apart; each must break a law."""

from dataclasses import replace

import numpy as np
import pytest

from spolia.core.membership import Worth
from spolia.core.rates import Bounded
from spolia.stats.pool import Pooled, pooled_p
from spolia.stats.rates import exact_rate
from spolia.stats.roc import PRIORS, RESAMPLES, separation, threshold_at
from tests.spec import pool_laws
from tests.spec import roc_laws as laws


def ties_counted_full(members, others):
    return float((members[:, None] >= others[None, :]).mean())


def ties_not_counted(members, others):
    return float((members[:, None] > others[None, :]).mean())


def precision_in_the_order_of_the_file(members, others):
    """Ties broken by position, members first."""
    score = np.concatenate([members, others])
    hit = np.concatenate([np.ones(members.size), np.zeros(others.size)])
    ranked = hit[np.argsort(-score, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, ranked.size + 1)
    return float(precision[ranked == 1.0].mean())


def at_rank_k(others, level):
    """Hits from the k-th highest non-member on, that one too: as if asked with >=."""
    allowed = int(np.floor(level * others.size + 1e-9))
    return float(np.nextafter(np.sort(others)[::-1][max(allowed - 1, 0)], -np.inf))


def rounding_up(others, level):
    allowed = int(np.ceil(level * others.size))
    return float(np.sort(others)[::-1][min(allowed, others.size - 1)])


def in_floating_point(others, level):
    return float(np.sort(others)[::-1][int(level * others.size)])


def by_quantile(others, level):
    return float(np.quantile(others, 1.0 - level))


def every_level_is_told(members, others, *, levels, **more):
    found = separation(members, others, levels=levels, **more)
    return replace(found, refused=())


def photos_drawn_again(members, others, **more):
    """Photos in the place of people, in the bootstrap and in the closed intervals."""
    return separation(laws.of_photos(members), laws.of_photos(others), **more)


def bootstrap_alone(members, others, *, resamples=RESAMPLES, rng, levels=(0.01,), unit=""):
    found = separation(members, others, levels=levels, resamples=2, rng=rng)
    value = found.auc.value
    share = found.hits[0].tpr
    return replace(
        found,
        auc=Bounded(value, value, value),
        hits=(replace(found.hits[0], tpr=replace(share, low=share.value, high=share.value)),),
    )


def a_fixed_threshold(members, others, *, resamples=RESAMPLES, rng, levels=(0.01,), unit=""):
    """The interval of a share that is counted at a threshold taken for given."""
    found = separation(members, others, levels=levels, resamples=2, rng=rng)
    count = int(np.count_nonzero(members.score > found.hits[0].threshold))
    share = exact_rate(count, members.score.size)
    return replace(found, hits=(replace(found.hits[0], tpr=share),))


def a_band_at_fixed_thresholds(members, others, **more):
    found = separation(members, others, **more)

    def at(one):
        threshold = threshold_at(others.score, one.fpr)
        share = exact_rate(int((members.score > threshold).sum()), members.score.size)
        return replace(one, low=share.low, high=share.high)

    return replace(found, band=tuple(map(at, found.band)))


def worth_by_the_observed_rate(members, others, **more):
    found = separation(members, others, **more)

    def worth(hits, prior):
        def of(share):
            false = (1.0 - prior) * hits.false.value
            return prior * share / (prior * share + false) if share else 0.0

        return Worth(prior, Bounded(of(hits.tpr.value), of(hits.tpr.low), of(hits.tpr.high)))

    hits = [replace(one, worth=tuple(worth(one, each) for each in PRIORS)) for one in found.hits]
    return replace(found, hits=tuple(hits))


def sides_swapped(members, others):
    return ties_not_counted(others, members) + 0.5 * float((members[:, None] == others).mean())


def always_everything(members, others, **more):
    found = separation(members, others, **more)
    return replace(found, auc=replace(found.auc, low=0.0, high=1.0))


def means_of_all_photos(queries, pool):
    """A query's mean over all its photos beside strangers' over all of theirs."""
    return pooled_p(
        [one.mean(keepdims=True) for one in queries], [one.mean(keepdims=True) for one in pool]
    )


def the_best_photo(queries, pool):
    return pooled_p(
        [one.max(keepdims=True) for one in queries], [one.max(keepdims=True) for one in pool]
    )


def the_best_photo_of_the_query_beside_means(queries, pool):
    return pooled_p([np.full_like(one, one.max()) for one in queries], pool)


def without_the_query_itself(queries, pool):
    found = pooled_p(queries, pool)
    return replace(found, p=(found.p * (found.pool + 1.0) - 1.0) / found.pool)


def ties_are_no_evidence_against(queries, pool):
    nudged = [one + 1e-6 for one in queries]
    return pooled_p(nudged, pool)


def never_anybody(queries, pool):
    n = np.full(len(queries), len(pool))
    return Pooled(np.ones_like(n), n, np.ones(n.size))


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (laws.law_area_is_that_of_all_pairs, ties_counted_full),
        (laws.law_area_of_swapped_sides_is_the_rest, ties_not_counted),
        (laws.law_area_is_that_of_all_pairs, sides_swapped),
        (
            laws.law_average_precision_is_the_sum_of_recall_steps,
            precision_in_the_order_of_the_file,
        ),
        (laws.law_no_more_non_members_are_hit_than_allowed, at_rank_k),
        (laws.law_no_more_non_members_are_hit_than_allowed, rounding_up),
        (laws.law_no_more_non_members_are_hit_than_allowed, in_floating_point),
        (laws.law_no_more_non_members_are_hit_than_allowed, by_quantile),
        (laws.law_a_level_that_tells_nothing_is_refused, every_level_is_told),
        (laws.law_intervals_hold_the_truth_where_photos_are_alike, photos_drawn_again),
        (laws.law_intervals_hold_the_truth_where_photos_are_alike, a_fixed_threshold),
        (laws.law_a_perfect_score_is_not_certain, bootstrap_alone),
        (laws.law_a_hit_is_worth_what_the_allowed_rate_says, worth_by_the_observed_rate),
        (
            laws.law_the_band_is_the_interval_of_the_rate_at_each_of_its_places,
            a_band_at_fixed_thresholds,
        ),
        (laws.law_where_nothing_tells_the_interval_holds_one_half, always_everything),
        (pool_laws.law_p_of_a_stranger_is_uniform, means_of_all_photos),
        (pool_laws.law_p_of_a_stranger_is_uniform, the_best_photo),
        (
            pool_laws.law_a_list_of_mixed_numbers_of_photos_keeps_its_rate,
            the_best_photo_of_the_query_beside_means,
        ),
        (pool_laws.law_p_of_a_stranger_is_uniform, without_the_query_itself),
        (pool_laws.law_a_tie_counts_against_the_query, ties_are_no_evidence_against),
        (pool_laws.law_who_stands_out_is_seen, never_anybody),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
