"""Known wrong versions of attacks and copy metrics; each must break a law."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import rankdata

from spolia.attacks import data_copying, likelihood_gap, third_ratio
from spolia.attacks.data_copying import Copying, copying
from tests.spec import attack_laws as laws


def distance_for_a_score(to_samples):
    return to_samples


def calibration_dropped(to_samples, to_reference):
    return -to_samples


def calibration_the_wrong_way(to_samples, to_reference):
    return to_samples - to_reference


def calibration_by_a_quotient(to_samples, to_reference):
    return to_reference / to_samples - 1.0


def share_of_the_k_looked_at(to_samples, epsilon, samples):
    return np.mean(to_samples <= epsilon, axis=1)


def edge_outside(to_samples, epsilon, samples):
    return np.count_nonzero(to_samples < epsilon, axis=1) / samples


def mean_for_median(nearest):
    return float(np.mean(nearest))


def percentile_in_per_cent(distances, share):
    if not 0.0 < share < 1.0:
        return third_ratio.THIRD
    return float(np.percentile(distances, share))


def percentile_from_above(distances, share):
    return float(np.quantile(distances, 1.0 - share))


def sizes_forgotten(to_samples, to_reference, *, samples, reference, bandwidth):
    one, other = (
        logsumexp(-((each / bandwidth) ** 2) / 2.0, axis=1) for each in (to_samples, to_reference)
    )
    return one - other


def population_over_samples(to_samples, to_reference, *, samples, reference, bandwidth):
    return -sizes_forgotten(
        to_samples, to_reference, samples=1, reference=1, bandwidth=bandwidth
    ) + np.log(samples / reference)


def kernel_without_the_half(to_samples, to_reference, *, samples, reference, bandwidth):
    found = sizes_forgotten(
        to_samples, to_reference, samples=1, reference=1, bandwidth=bandwidth / np.sqrt(2.0)
    )
    return found - np.log(samples / reference)


def no_reference(to_samples, to_reference, *, samples, reference, bandwidth):
    return logsumexp(-((to_samples / bandwidth) ** 2) / 2.0, axis=1) - np.log(samples)


def ratio_is_low_for_a_copy(first, second):
    return np.divide(first, second, out=np.ones_like(first), where=second > 0.0)


def difference_for_ratio(first, second):
    return second - first


def squared_third(first, second):
    return first**2 < second**2 / 3.0


def third_the_wrong_way(first, second):
    return second < first / 3.0


def half_for_a_third(first, second):
    return first < second / 2.0


def second_within_the_wrong_set(first, second):
    """As if the second nearest were looked for in another set: in any order."""
    return first < np.roll(second, 1) / 3.0


def smallest_size(sizes, ratios, epsilon=0.1):
    third_ratio.effective_memorisation(sizes, ratios, epsilon)
    return min(
        (n for n, one in zip(sizes, ratios, strict=True) if one >= 1 - epsilon), default=None
    )


def epsilon_for_its_rest(sizes, ratios, epsilon=0.1):
    third_ratio.effective_memorisation(sizes, ratios, epsilon)
    return max((n for n, one in zip(sizes, ratios, strict=True) if one >= epsilon), default=None)


def in_floating_point(sizes, ratios, epsilon=0.1):
    third_ratio.effective_memorisation(sizes, ratios, epsilon)
    floor = 1.0 - epsilon + 1e-12
    return max((n for n, one in zip(sizes, ratios, strict=True) if one >= floor), default=None)


def spacing_by_the_number_of_the_sample(nearest, index, spacing):
    """The published code: distances of train taken at the numbers of samples."""
    return nearest < np.resize(spacing, nearest.size)


def authentic_for_copied(nearest, index, spacing):
    return nearest >= spacing[index]


def as_far_is_a_copy(nearest, index, spacing):
    return nearest <= spacing[index]


def spacing_with_itself(nearest, index, spacing):
    return nearest < np.zeros_like(spacing)[index]


def far_for_near(distance, radius):
    return distance > radius


def on_the_edge_is_none(distance, radius):
    return distance < radius


def twice_as_many(distance, radius):
    """Pairs, or near-duplicates, counted in the place of samples or images."""
    return 2 * (distance <= radius).astype(np.int64)


def up_is_further(samples, held_out, sample_cells, held_out_cells, *, least=20):
    found = copying(samples, held_out, sample_cells, held_out_cells, least=least)
    return replace(found, value=-found.value)


def one_cell(samples, held_out, sample_cells, held_out_cells, *, least=20):
    return copying(samples, held_out, 0 * sample_cells, 0 * held_out_cells, least=least)


def cells_weighed_alike(samples, held_out, sample_cells, held_out_cells, *, least=20):
    return _by_cell(samples, held_out, sample_cells, held_out_cells, least, alike=True)


def cells_weighed_by_samples(samples, held_out, sample_cells, held_out_cells, *, least=20):
    return _by_cell(samples, held_out, sample_cells, held_out_cells, least, alike=False)


def small_cells_too(samples, held_out, sample_cells, held_out_cells, *, least=20):
    return copying(samples, held_out, sample_cells, held_out_cells, least=1)


def ties_in_the_order_of_the_file(samples, held_out, sample_cells, held_out_cells, *, least=20):
    """The samples come first, so that a tie counts for them."""
    every = np.argsort(np.argsort(np.concatenate([samples, held_out]), kind="stable"))
    return copying(
        every[: samples.size].astype(float),
        every[samples.size :].astype(float),
        sample_cells,
        held_out_cells,
        least=least,
    )


def variance_without_ties(samples, held_out, sample_cells, held_out_cells, *, least=20):
    found = copying(samples, held_out, sample_cells, held_out_cells, least=least)
    m, h = samples.size, held_out.size
    rank = rankdata(np.concatenate([samples, held_out]))[:m].sum() - m * (m + 1) / 2
    z = (m * h / 2 - rank) / np.sqrt(m * h * (m + h + 1) / 12)
    return replace(found, value=float(z), deviation=1.0)


def mean_z_for_a_standard_one(samples, held_out, sample_cells, held_out_cells, *, least=20):
    found = copying(samples, held_out, sample_cells, held_out_cells, least=least)
    return replace(found, deviation=1.0)


def sum_of_cells(samples, held_out, sample_cells, held_out_cells, *, least=20):
    found = copying(samples, held_out, sample_cells, held_out_cells, least=least)
    return replace(found, value=found.value * found.cells)


def nan_without_a_cell(samples, held_out, sample_cells, held_out_cells, *, least=20):
    found = copying(samples, held_out, sample_cells, held_out_cells, least=least)
    return found if found.cells else replace(found, value=np.nan)


def _by_cell(samples, held_out, sample_cells, held_out_cells, least, *, alike):
    z, weights = [], []
    for cell in np.unique(held_out_cells):
        m, h = sample_cells == cell, held_out_cells == cell
        if min(m.sum(), h.sum()) < least:
            continue
        one = copying(samples[m], held_out[h], 0 * sample_cells[m], 0 * held_out_cells[h], least=1)
        z.append(one.value)
        weights.append(1.0 if alike else float(m.sum()))
    shares = np.array(weights) / sum(weights)
    whole = copying(samples, held_out, sample_cells, held_out_cells, least=least)
    return Copying(float(shares @ z), float(np.sqrt((shares**2).sum())), whole.cells, whole.outside)


def centres_never_moved(rows, cells, *, rng):
    data_copying.partition(rows, cells, rng=rng)
    return rows[rng.permutation(len(rows))[:cells]]


def means_that_are_no_rows(rows, cells, *, rng):
    return 0.9 * data_copying.partition(rows, cells, rng=rng)


def one_width_for_all(distance, index, *, samples, dimension):
    return np.full(samples, np.sqrt((distance[:, 0] ** 2).mean() / dimension))


def widths_that_are_squares(distance, index, *, samples, dimension):
    widths = likelihood_gap.fit_widths(distance, index, samples=samples, dimension=dimension)
    return widths**2


def without_the_constant(distance, index, widths, *, dimension):
    terms = -((distance / widths[index]) ** 2) / 2.0
    return (logsumexp(terms, axis=1) - np.log(widths.size)) / dimension


def not_by_dimension(distance, index, widths, *, dimension):
    return dimension * likelihood_gap.log_likelihood(distance, index, widths, dimension=dimension)


def widths_by_rank(distance, index, widths, *, dimension):
    """Widths taken in the order of nearness, and not at the numbers of the samples."""
    rank = np.broadcast_to(np.arange(distance.shape[1]), index.shape)
    return likelihood_gap.log_likelihood(distance, rank, widths, dimension=dimension)


MUTANTS = [
    (laws.law_the_closer_scores_more, distance_for_a_score),
    (laws.law_calibration_takes_off_what_is_usual, calibration_dropped),
    (laws.law_calibration_takes_off_what_is_usual, calibration_the_wrong_way),
    (laws.law_calibration_takes_off_what_is_usual, calibration_by_a_quotient),
    (laws.law_the_ball_holds_a_share_of_all_samples, share_of_the_k_looked_at),
    (laws.law_the_ball_holds_a_share_of_all_samples, edge_outside),
    (laws.law_half_of_the_records_have_a_sample_within_the_median, mean_for_median),
    (laws.law_a_percentile_is_a_share_from_below, percentile_in_per_cent),
    (laws.law_a_percentile_is_a_share_from_below, percentile_from_above),
    (laws.law_the_score_is_the_ratio_of_two_densities, sizes_forgotten),
    (laws.law_the_score_is_the_ratio_of_two_densities, population_over_samples),
    (laws.law_the_score_is_the_ratio_of_two_densities, kernel_without_the_half),
    (laws.law_the_score_is_the_ratio_of_two_densities, no_reference),
    (laws.law_a_lone_close_sample_scores_most_whatever_the_unit, ratio_is_low_for_a_copy),
    (laws.law_a_lone_close_sample_scores_most_whatever_the_unit, difference_for_ratio),
    (laws.law_a_third_is_measured_within_one_set, squared_third),
    (laws.law_a_third_is_measured_within_one_set, third_the_wrong_way),
    (laws.law_a_third_is_measured_within_one_set, half_for_a_third),
    (laws.law_a_third_is_measured_within_one_set, second_within_the_wrong_set),
    (laws.law_memorisation_is_effective_up_to_the_largest_size, smallest_size),
    (laws.law_memorisation_is_effective_up_to_the_largest_size, epsilon_for_its_rest),
    (laws.law_memorisation_is_effective_up_to_the_largest_size, in_floating_point),
    (
        laws.law_a_copy_is_closer_to_an_image_than_that_is_to_any_other,
        spacing_by_the_number_of_the_sample,
    ),
    (laws.law_a_copy_is_closer_to_an_image_than_that_is_to_any_other, authentic_for_copied),
    (laws.law_a_copy_is_closer_to_an_image_than_that_is_to_any_other, as_far_is_a_copy),
    (laws.law_a_copy_is_closer_to_an_image_than_that_is_to_any_other, spacing_with_itself),
    (laws.law_each_sample_near_any_image_counts_once, far_for_near),
    (laws.law_each_sample_near_any_image_counts_once, on_the_edge_is_none),
    (laws.law_each_sample_near_any_image_counts_once, twice_as_many),
    (laws.law_each_image_near_any_sample_counts_once, far_for_near),
    (laws.law_each_image_near_any_sample_counts_once, on_the_edge_is_none),
    (laws.law_each_image_near_any_sample_counts_once, twice_as_many),
    (laws.law_a_cell_has_the_z_of_mann_whitney, up_is_further),
    (laws.law_a_cell_has_the_z_of_mann_whitney, ties_in_the_order_of_the_file),
    (laws.law_a_cell_has_the_z_of_mann_whitney, variance_without_ties),
    (laws.law_cells_are_weighed_by_what_was_held_out, cells_weighed_alike),
    (laws.law_cells_are_weighed_by_what_was_held_out, cells_weighed_by_samples),
    (laws.law_cells_are_weighed_by_what_was_held_out, small_cells_too),
    (laws.law_cells_are_weighed_by_what_was_held_out, sum_of_cells),
    (laws.law_a_copy_in_one_cell_is_not_made_up_for_in_another, one_cell),
    (laws.law_a_copy_in_one_cell_is_not_made_up_for_in_another, up_is_further),
    (laws.law_z_is_standard_normal_where_nothing_is_copied, mean_z_for_a_standard_one),
    (laws.law_z_is_standard_normal_where_nothing_is_copied, sum_of_cells),
    (laws.law_z_is_standard_normal_where_nothing_is_copied, ties_in_the_order_of_the_file),
    (laws.law_without_a_cell_nothing_is_said, nan_without_a_cell),
    (laws.law_without_a_cell_nothing_is_said, small_cells_too),
    (laws.law_centres_are_of_the_rows_that_are_closest_to_them, centres_never_moved),
    (laws.law_centres_are_of_the_rows_that_are_closest_to_them, means_that_are_no_rows),
    (laws.law_the_likelihood_is_that_of_a_mixture, without_the_constant),
    (laws.law_the_likelihood_is_that_of_a_mixture, not_by_dimension),
    (laws.law_the_likelihood_is_that_of_a_mixture, widths_by_rank),
    (laws.law_a_copy_has_a_narrow_width_and_others_do_not, one_width_for_all),
    (laws.law_widths_fit_better_than_one_for_all, one_width_for_all),
    (laws.law_widths_fit_better_than_one_for_all, widths_that_are_squares),
]


@pytest.mark.parametrize(("law", "mutant"), MUTANTS, ids=lambda one: one.__name__)
def test_mutant_is_killed(law, mutant):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        law(mutant)
