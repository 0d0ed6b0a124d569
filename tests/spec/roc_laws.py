"""Laws of scores that tell members from non-members; a known wrong version breaks one."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, norm

from spolia.core.errors import UsageError
from spolia.stats.roc import Scored

TRIALS = 250
RESAMPLES = 80
SHIFT = 1.0


def sides(seed, members=18, others=26):
    """Scores with many ties."""
    rng = np.random.default_rng(seed)
    return (
        rng.integers(2, 9, members).astype(np.float64),
        rng.integers(0, 7, others).astype(np.float64),
    )


def law_area_is_that_of_all_pairs(area):
    for seed in range(30):
        members, others = sides(seed)
        more = (members[:, None] > others[None, :]).mean()
        ties = (members[:, None] == others[None, :]).mean()
        assert np.isclose(area(members, others), more + 0.5 * ties, atol=1e-12)


def law_area_of_swapped_sides_is_the_rest(area):
    for seed in range(30):
        members, others = sides(seed)
        assert np.isclose(area(members, others) + area(others, members), 1.0, atol=1e-12)
        assert np.isclose(area(-others, -members), area(members, others), atol=1e-12)


def step_by_step(members, others):
    """Average precision as a sum of recall steps, from the highest threshold down."""
    total, before = 0.0, 0.0
    for at in sorted({*members.tolist(), *others.tolist()}, reverse=True):
        hits, false = np.count_nonzero(members >= at), np.count_nonzero(others >= at)
        recall = hits / members.size
        total += (recall - before) * hits / (hits + false)
        before = recall
    return total


def law_average_precision_is_the_sum_of_recall_steps(average_precision):
    for seed in range(30):
        members, others = sides(seed)
        assert np.isclose(average_precision(members, others), step_by_step(members, others))


def law_no_more_non_members_are_hit_than_allowed(threshold_at):
    """And where scores differ, no fewer; 0.29 * 100 is under 29 in floating point."""
    for seed in range(30):
        _, others = sides(seed)
        for level in (0.05, 0.1, 0.25, 0.5):
            hit = np.count_nonzero(others > threshold_at(others, level))
            assert hit <= level * others.size
    distinct = np.random.default_rng(0).permutation(100.0 + np.arange(100))
    for level, count in ((0.01, 1), (0.015, 1), (0.29, 29), (0.999, 99)):
        assert np.count_nonzero(distinct > threshold_at(distinct, level)) == count


def law_a_level_that_tells_nothing_is_refused(separation):
    members, others = (Scored.of_identities(one) for one in sides(0, others=26))
    found = separation(
        members,
        others,
        levels=(0.5, 1 / 26, 0.038, 0.001),
        resamples=5,
        rng=np.random.default_rng(0),
    )
    assert [one.fpr for one in found.hits] == [0.5, 1 / 26]
    assert found.refused == (0.038, 0.001)


def clustered(rng, identities, photos, shift):
    """Photos of which those of one person are alike: three quarters of the spread are shared."""
    who = np.repeat(np.arange(identities), photos)
    score = np.sqrt(0.75) * rng.normal(size=identities)[who] + 0.5 * rng.normal(size=who.size)
    return Scored(shift + score, who)


def trials(separation, shift):
    for seed in range(TRIALS):
        rng = np.random.default_rng(seed)
        yield separation(
            clustered(rng, 12, 5, shift),
            clustered(rng, 20, 5, 0.0),
            levels=(0.05,),
            unit="photos",
            resamples=RESAMPLES,
            rng=rng,
        )


def law_intervals_hold_the_truth_where_photos_are_alike(separation):
    area = norm.cdf(SHIFT / np.sqrt(2.0))
    share = norm.sf(norm.isf(0.05) - SHIFT)
    held = np.zeros(2)
    for one in trials(separation, SHIFT):
        rate = one.hits[0].tpr
        held += [one.auc.low <= area <= one.auc.high, rate.low <= share <= rate.high]
    least = binom.ppf(0.001, TRIALS, 0.95)
    assert held.min() >= least, held / TRIALS


def law_where_nothing_tells_the_interval_holds_one_half(separation):
    """And is no wider than it has to be: half of it is under .3 with 12 and 20 people."""
    held, width = 0, 0.0
    for one in trials(separation, 0.0):
        held += one.auc.low <= 0.5 <= one.auc.high
        width += (one.auc.high - one.auc.low) / TRIALS
    assert held >= binom.ppf(0.001, TRIALS, 0.95)
    assert width < 0.6


def law_a_perfect_score_is_not_certain(separation):
    """A bootstrap alone would give a point."""
    found = separation(
        Scored.of_identities(np.arange(10.0, 20.0)),
        Scored.of_identities(np.arange(10.0)),
        levels=(0.1,),
        resamples=20,
        rng=np.random.default_rng(0),
    )
    assert (found.auc.value, found.ap.value, found.hits[0].tpr.value) == (1.0, 1.0, 1.0)
    assert 0.75 < found.auc.low < 0.95
    assert 0.6 < found.ap.low < 0.95
    assert 0.65 < found.hits[0].tpr.low < 0.8
    assert (found.auc.high, found.ap.high, found.hits[0].tpr.high) == (1.0, 1.0, 1.0)


def law_a_hit_is_worth_what_the_allowed_rate_says(separation):
    """None of ten non-members is hit at 10 %: that is no proof that hits are always right."""
    found = separation(
        Scored.of_identities(np.array([2.0, 2.0, 0.0, 0.0])),
        Scored.of_identities(np.ones(10)),
        levels=(0.1,),
        resamples=20,
        rng=np.random.default_rng(0),
    )
    (hits,) = found.hits
    assert (hits.tpr.value, hits.false.count) == (0.5, 0)
    for one in hits.worth:
        expected = one.prior * 0.5 / (one.prior * 0.5 + (1.0 - one.prior) * 0.1)
        assert np.isclose(one.ppv.value, expected)
        assert one.ppv.low < one.ppv.value < one.ppv.high < 1.0


def law_the_curve_has_the_area(curve):
    for seed in range(20):
        members, others = sides(seed)
        points = np.array(curve(members, others))
        assert points[0].tolist() == [0.0, 0.0]
        assert points[-1].tolist() == [1.0, 1.0]
        more = (members[:, None] > others[None, :]).mean()
        ties = (members[:, None] == others[None, :]).mean()
        assert np.isclose(np.trapezoid(points[:, 1], points[:, 0]), more + 0.5 * ties)
        steps = np.diff(points, axis=0)
        assert (steps >= 0.0).all()
        turns = steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0]
        assert (np.abs(turns) > 1e-12).all()


def law_newcombe_is_the_published_interval(newcombe):
    """Ends solve the equation, found here on a fine grid and not by halving."""
    theta = np.linspace(0.0, 1.0, 200_001)
    for value, m, n in ((0.8, 30, 40), (1.0, 12, 20), (0.0, 12, 20), (0.5, 5, 500)):
        more = (m + n) / 2.0 - 1.0
        shape = 1.0 + more * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        far = (value - theta) ** 2 / 1.959964**2
        inside = theta[far <= theta * (1 - theta) * shape / (m * n) + 1e-18]
        low, high = newcombe(value, m, n)
        assert np.allclose([low, high], [inside.min(), inside.max()], atol=1e-4)


def law_the_band_is_the_interval_of_the_rate_at_each_of_its_places(separation):
    """Found anew in each resample, as that of a rate which is asked for."""
    members = clustered(np.random.default_rng(1), 30, 2, 1.5)
    others = clustered(np.random.default_rng(2), 100, 2, 0.0)
    found = separation(
        members, others, levels=(0.01, 0.02), resamples=60, rng=np.random.default_rng(0)
    )
    there = {one.fpr: (one.low, one.high) for one in found.band}
    for one in found.hits:
        assert there[one.fpr] == (one.tpr.low, one.tpr.high)
    assert [one.fpr for one in found.band] == sorted(there)
    assert found.band[0].fpr == 0.01
    assert found.band[-1].fpr < 1.0
    ends = np.array([(one.low, one.high) for one in found.band])
    assert (np.diff(ends, axis=0) >= 0.0).all()
    alone = separation(
        members, Scored.of_identities(np.ones(1)), resamples=5, rng=np.random.default_rng(0)
    )
    assert alone.band == ()


def law_what_is_no_score_is_refused(separation):
    fine, none = Scored.of_identities(np.ones(3)), Scored.of_identities(np.empty(0))
    broken = Scored.of_identities(np.array([1.0, np.nan]))
    rng = np.random.default_rng(0)
    for wrong, said in (
        ((none, fine), "needs members"),
        ((fine, none), "needs non-members"),
        ((broken, fine), "1 are not"),
        ((fine, broken), "non-members must be finite"),
    ):
        with pytest.raises(UsageError, match=said):
            separation(*wrong, rng=rng)
    for level in (0.0, 1.0, np.nan):
        with pytest.raises(UsageError, match="false positive rate"):
            separation(fine, fine, levels=(level,), rng=rng)


def of_photos(side):
    """The mutant: every photo is its own identity."""
    return replace(side, identity=np.arange(side.score.size))
