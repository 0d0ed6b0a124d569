"""Attacks and copy metrics keep their laws."""

import pytest

from spolia.attacks import (
    authenticity,
    data_copying,
    distance_ratio,
    domias,
    gan_leaks,
    likelihood_gap,
    memorisation_scores,
    monte_carlo,
    third_ratio,
)
from tests.spec import attack_laws as laws

LAWS = [
    (laws.law_the_closer_scores_more, gan_leaks.scores),
    (laws.law_calibration_takes_off_what_is_usual, gan_leaks.calibrated_scores),
    (laws.law_the_ball_holds_a_share_of_all_samples, monte_carlo.scores),
    (laws.law_half_of_the_records_have_a_sample_within_the_median, monte_carlo.median_epsilon),
    (laws.law_a_percentile_is_a_share_from_below, monte_carlo.percentile_epsilon),
    (laws.law_the_score_is_the_ratio_of_two_densities, domias.scores),
    (laws.law_a_lone_close_sample_scores_most_whatever_the_unit, distance_ratio.scores),
    (laws.law_a_third_is_measured_within_one_set, third_ratio.memorised),
    (
        laws.law_memorisation_is_effective_up_to_the_largest_size,
        third_ratio.effective_memorisation,
    ),
    (laws.law_a_copy_is_closer_to_an_image_than_that_is_to_any_other, authenticity.copied),
    (laws.law_each_sample_near_any_image_counts_once, memorisation_scores.memorised),
    (laws.law_each_image_near_any_sample_counts_once, memorisation_scores.recovered),
    (laws.law_a_cell_has_the_z_of_mann_whitney, data_copying.copying),
    (laws.law_cells_are_weighed_by_what_was_held_out, data_copying.copying),
    (laws.law_a_copy_in_one_cell_is_not_made_up_for_in_another, data_copying.copying),
    (laws.law_z_is_standard_normal_where_nothing_is_copied, data_copying.copying),
    (laws.law_without_a_cell_nothing_is_said, data_copying.copying),
    (laws.law_centres_are_of_the_rows_that_are_closest_to_them, data_copying.partition),
    (laws.law_the_likelihood_is_that_of_a_mixture, likelihood_gap.log_likelihood),
    (laws.law_a_copy_has_a_narrow_width_and_others_do_not, likelihood_gap.fit_widths),
    (laws.law_widths_fit_better_than_one_for_all, likelihood_gap.fit_widths),
]


@pytest.mark.parametrize(("law", "right"), LAWS, ids=lambda one: one.__name__)
def test_law_holds(law, right):
    assert law(right) is None
