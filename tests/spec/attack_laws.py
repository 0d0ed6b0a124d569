"""Laws of attacks and copy metrics; a known wrong version breaks one.

Definitions are written out over all pairs of rows, which the attacks themselves never look at.
"""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, multivariate_normal, norm

from spolia.attacks.data_copying import Copying
from spolia.core.errors import UsageError
from spolia.core.types import normalise

SEEDS = range(12)


def rows(seed, n, dim=5):
    return normalise(np.random.default_rng(seed).normal(size=(n, dim)))


def distances(one, other):
    return np.sqrt(((one[:, None, :].astype(float) - other[None, :, :]) ** 2).sum(-1))


def nearest(one, other, k):
    """Distances to the k nearest, and which they are."""
    found = distances(one, other)
    order = np.argsort(found, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, order, axis=1), order


def within(one):
    """Distance of each row to the nearest other one."""
    found = distances(one, one)
    np.fill_diagonal(found, np.inf)
    return found.min(axis=1)


def law_the_closer_scores_more(scores):
    found = scores(np.array([0.4, 0.1, 0.2]))
    assert np.argsort(found).tolist() == [0, 2, 1]


def law_calibration_takes_off_what_is_usual(calibrated):
    """A record that is far from everything is not thereby far from the samples."""
    to_samples, to_reference = np.array([0.2, 0.9, 0.5]), np.array([0.3, 1.0, 0.4])
    found = calibrated(to_samples, to_reference)
    assert np.allclose(found, [0.1, 0.1, -0.1])
    assert np.allclose(calibrated(to_reference, to_samples), -found)


def law_the_ball_holds_a_share_of_all_samples(scores):
    for seed in SEEDS:
        samples, records = rows(seed, 40), rows(seed + 100, 15)
        every = distances(records, samples)
        near, _ = nearest(records, samples, 30)
        epsilon = float(near[3, 4])  # on the edge is inside
        assert np.allclose(scores(near, epsilon, 40), (every <= epsilon).mean(axis=1))


def law_half_of_the_records_have_a_sample_within_the_median(epsilon):
    for seed in SEEDS:
        near = np.random.default_rng(seed).exponential(size=101)
        assert np.count_nonzero(near <= epsilon(near)) == 51


def law_a_percentile_is_a_share_from_below(epsilon):
    found = np.arange(1000.0)
    for share in (0.001, 0.01, 0.5):
        assert abs(np.mean(found <= epsilon(found, share)) - share) <= 0.001
    for share in (0.0, 1.0, np.nan):
        with pytest.raises(UsageError, match=r"in \(0, 1\)"):
            epsilon(found, share)


def law_the_score_is_the_ratio_of_two_densities(scores):
    for seed in SEEDS:
        samples, reference, records = rows(seed, 30), rows(seed + 50, 11), rows(seed + 99, 8)
        h = 0.4
        density = [
            np.exp(-(distances(records, one) ** 2) / (2 * h**2)).mean(axis=1)
            for one in (samples, reference)
        ]
        found = scores(
            nearest(records, samples, 30)[0],
            nearest(records, reference, 11)[0],
            samples=30,
            reference=11,
            bandwidth=h,
        )
        assert np.allclose(found, np.log(density[0] / density[1]))
    one = nearest(rows(1, 4), rows(0, 30), 5)[0]
    with pytest.raises(UsageError, match="above 0"):
        scores(one, one, samples=30, reference=30, bandwidth=0.0)


def law_a_lone_close_sample_scores_most_whatever_the_unit(scores):
    first, second = np.array([0.1, 0.3, 0.0, 0.0]), np.array([0.4, 0.3, 0.2, 0.0])
    found = scores(first, second)
    assert np.allclose(found, [0.75, 0.0, 1.0, 0.0])
    assert np.allclose(scores(7 * first, 7 * second), found)


def third_by_definition(samples, train):
    every = np.sort(distances(samples, train), axis=1)
    return every[:, 0] < every[:, 1] / 3.0


def law_a_third_is_measured_within_one_set(memorised):
    """The second nearest is of the same set, and a distance, not its square."""
    for seed in SEEDS:
        train, others = rows(seed, 25), rows(seed + 7, 25)
        near = normalise(train[:12] + 0.15 * rows(seed + 3, 12))
        samples = np.concatenate([near, rows(seed + 31, 12)])
        near, _ = nearest(samples, train, 2)
        found = memorised(near[:, 0], near[:, 1])
        assert found.tolist() == third_by_definition(samples, train).tolist()
        assert not third_by_definition(others, others).any() or found.any()
    assert memorised(np.array([0.1, 0.2]), np.array([0.3, 0.9])).tolist() == [False, True]


def law_memorisation_is_effective_up_to_the_largest_size(effective):
    sizes = [1000, 100, 10000]
    assert effective(sizes, [0.9, 1.0, 0.2]) == 1000
    assert effective(sizes, [0.89, 1.0, 0.2]) == 100
    assert effective(sizes, [0.89, 1.0, 0.95], 0.1) == 10000  # the largest, with a gap below
    assert effective(sizes, [0.5, 0.6, 0.2], 0.5) == 1000
    assert effective(sizes, [0.1, 0.1, 0.1]) is None
    for wrong in (([], []), ([1], [0.1, 0.2]), ([1, 1], [0.1, 0.2])):
        with pytest.raises(UsageError, match="different sizes"):
            effective(*wrong)
    for wrong in (([1], [1.5]), ([1], [np.nan]), ([1], [0.5], 1.0)):
        with pytest.raises(UsageError, match="in 0 to 1"):
            effective(*wrong)


def law_a_copy_is_closer_to_an_image_than_that_is_to_any_other(copied):
    for seed in SEEDS:
        train, samples = rows(seed, 20), rows(seed + 11, 33)
        near, index = nearest(samples, train, 1)
        expected = []
        for j in range(33):
            star = int(np.argmin(distances(samples[j : j + 1], train)[0]))
            others = np.delete(train, star, axis=0)
            spacing = distances(train[star : star + 1], others).min()
            expected.append(near[j, 0] < spacing)
        assert copied(near[:, 0], index[:, 0], within(train)).tolist() == expected
        assert 0 < sum(expected) < 33
    assert copied(np.array([0.5]), np.array([0]), np.array([0.5])).tolist() == [False]


def law_each_sample_near_any_image_counts_once(memorised):
    for seed in SEEDS:
        train, samples = rows(seed, 30), rows(seed + 11, 33)
        found = memorised(nearest(samples, train, 1)[0][:, 0], 0.6)
        assert found.shape == (33,)
        assert found.mean() == np.mean((distances(samples, train) <= 0.6).any(axis=1))
    assert memorised(np.array([0.6]), 0.6).all()


def law_each_image_near_any_sample_counts_once(recovered):
    for seed in SEEDS:
        train, samples = rows(seed, 30), rows(seed + 11, 33)
        every = distances(samples, train) <= 0.6
        union = {j for i in range(33) for j in np.flatnonzero(every[i]).tolist()}
        found = recovered(nearest(train, samples, 1)[0][:, 0], 0.6)
        assert found.shape == (30,)
        assert int(np.sum(found)) == len(union)
    assert recovered(np.array([0.6]), 0.6).all()


def tied(rng, n):
    return rng.integers(0, 12, n).astype(np.float64)


def law_a_cell_has_the_z_of_mann_whitney(copying):
    """Ties too, against an independent implementation."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        samples, held_out = tied(rng, 35), tied(rng, 28) + 1.0
        one = np.zeros(63, dtype=np.int64)
        found = copying(samples, held_out, one[:35], one[35:])
        p = mannwhitneyu(
            samples, held_out, alternative="less", method="asymptotic", use_continuity=False
        ).pvalue
        assert np.isclose(norm.sf(found.z), p, rtol=1e-6)
        assert np.isclose(found.value, found.z)
        swapped = copying(held_out, samples, one[35:], one[:35])
        assert np.isclose(swapped.value, -found.value)


def law_cells_are_weighed_by_what_was_held_out(copying):
    rng = np.random.default_rng(0)
    cells = np.repeat([0, 1, 2, 3], [40, 60, 5, 30])
    held = np.repeat([0, 1, 2, 3], [90, 30, 50, 6])
    samples, held_out = rng.normal(size=135), rng.normal(size=176) + 0.3
    z = [
        copying(
            samples[cells == i], held_out[held == i], cells[cells == i] * 0, held[held == i] * 0
        ).value
        for i in (0, 1)
    ]
    found = copying(samples, held_out, cells, held)
    assert found.cells == 2
    assert np.isclose(found.outside, 56 / 176)
    assert np.isclose(found.value, (90 * z[0] + 30 * z[1]) / 120)
    assert np.isclose(found.deviation, np.hypot(90, 30) / 120)
    assert copying(samples, held_out, cells, held, least=1).cells == 4


def law_a_copy_in_one_cell_is_not_made_up_for_in_another(copying):
    """Distances of the two cells do not overlap: taken together, nothing is to be seen."""
    rng = np.random.default_rng(0)
    cells = np.repeat([0, 1], [200, 50])
    held = np.repeat([0, 1], [50, 200])
    held_out = np.concatenate([rng.uniform(0.0, 1.0, 50), rng.uniform(9.0, 10.0, 200)])
    samples = np.concatenate([rng.uniform(0.5, 1.5, 200), rng.uniform(9.5, 10.5, 50)])
    assert copying(samples, held_out, cells, held).value < -2.0


def law_z_is_standard_normal_where_nothing_is_copied(copying):
    found = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        cells, held = rng.integers(0, 3, 120), rng.integers(0, 3, 150)
        samples = tied(rng, 120) + 20.0 * cells
        found.append(copying(samples, tied(rng, 150) + 20.0 * held, cells, held).z)
    assert abs(np.mean(found)) < 0.2
    assert 0.87 < np.std(found) < 1.13


def law_without_a_cell_nothing_is_said(copying):
    cell = np.zeros(19, dtype=np.int64)
    few = copying(np.zeros(19), np.ones(19), cell, cell)
    assert (few, few.z) == (Copying(0.0, 0.0, 0, 1.0), 0.0)
    cell = np.zeros(20, dtype=np.int64)
    assert copying(np.zeros(20), np.zeros(20), cell, cell).value == 0.0


def law_centres_are_of_the_rows_that_are_closest_to_them(partition):
    rng = np.random.default_rng(0)
    three = rows(3, 3, 8)
    around = normalise(three.repeat(50, axis=0) + 0.1 * rng.normal(size=(150, 8)))
    centres = partition(around, 3, rng=np.random.default_rng(1))
    nearest_ = np.argmax(around @ centres.T, axis=1)
    for cell, centre in enumerate(centres):
        mean = normalise(around[nearest_ == cell].mean(axis=0)[None].astype(np.float64))
        assert np.allclose(centre, mean, atol=1e-5)
    assert np.allclose(np.linalg.norm(centres, axis=1), 1.0, atol=1e-6)
    again = partition(around, 3, rng=np.random.default_rng(1))
    assert np.array_equal(again, centres)
    one = partition(np.repeat(three[:1], 9, axis=0), 4, rng=np.random.default_rng(0))
    assert len(one) == 1
    for cells in (0, 151):
        with pytest.raises(UsageError, match="cells must be 1 to"):
            partition(around, cells, rng=rng)


def law_the_likelihood_is_that_of_a_mixture(log_likelihood):
    for seed in SEEDS:
        samples, records = rows(seed, 9), rows(seed + 40, 6)
        widths = np.random.default_rng(seed).uniform(0.3, 1.0, 9)
        near, index = nearest(records, samples, 9)
        density = sum(
            multivariate_normal(samples[j].astype(float), widths[j] ** 2).pdf(records)
            for j in range(9)
        )
        found = log_likelihood(near, index, widths, dimension=5)
        assert np.allclose(found, np.log(density / 9) / 5, atol=1e-6)


def law_a_copy_has_a_narrow_width_and_others_do_not(fit_widths):
    """Each record has a sample around it; three of these are copies."""
    for seed in SEEDS:
        records = rows(seed, 12, 48)
        faint = np.where(np.arange(12) < 3, 0.05, 0.6)[:, None]
        samples = normalise(records + faint * rows(seed + 50, 12, 48))
        near, index = nearest(records, samples, 10)
        widths = fit_widths(near, index, samples=13, dimension=48)
        assert widths[:3].max() < 0.2 * widths[3:12].min()
        assert np.isclose(widths[12], np.sqrt((near[:, 0] ** 2).mean() / 48))  # it is nobody's
        few = np.arange(10) < 2
        short = np.where(few, near, np.inf), np.where(few, index, -1)
        assert np.allclose(fit_widths(*short, samples=13, dimension=48)[:3], widths[:3])


def law_widths_fit_better_than_one_for_all(fit_widths):
    from spolia.attacks.likelihood_gap import log_likelihood

    for seed in SEEDS:
        records, samples = rows(seed, 60), rows(seed + 9, 20)
        near, index = nearest(records, samples, 20)
        start = np.full(20, np.sqrt((near[:, 0] ** 2).mean() / 5))
        fitted = fit_widths(near, index, samples=20, dimension=5)
        one, other = (
            log_likelihood(near, index, widths, dimension=5).mean() for widths in (start, fitted)
        )
        assert other > one + 0.01
