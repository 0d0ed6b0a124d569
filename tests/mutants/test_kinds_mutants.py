"""Known wrong versions of the kinds; each must break the law that the right one passes."""

from dataclasses import replace

import numpy as np
import pytest

from spolia.core.hits import Bars
from spolia.embedding.copies import l2
from spolia.stats import kinds
from tests.spec import kinds_laws as laws


def over_pixels_instead_of_tiles(a, b):
    """A published version: the largest over places within a tile, of a mean over the tiles."""
    squared = np.square(a - b).reshape(4, 16, 4, 16).swapaxes(1, 2).reshape(16, -1)
    return float(np.sqrt(squared.mean(axis=0).max()))


def mean_instead_of_max(a, b):
    squared = np.square(a - b).reshape(4, 16, 4, 16).swapaxes(1, 2).reshape(16, -1)
    return float(np.sqrt(squared.mean(axis=1)).mean())


def without_tiles(a, b):
    return l2(a, b)


def sum_instead_of_mean(a, b):
    return float(np.sqrt(np.square(a - b).sum()))


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (laws.law_one_different_tile_costs_more_than_its_pixels_spread_out, one)
        for one in (over_pixels_instead_of_tiles, mean_instead_of_max, without_tiles)
    ]
    + [(laws.law_tiled_l2_lies_between_l2_and_one, sum_instead_of_mean)],
    ids=lambda one: one.__name__,
)
def test_mutant_of_tiled_l2_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)


def with_an_absolute_threshold(groups):
    return Bars(0.95, 0.95, 0.15)


def with_the_quantile_alone(groups):
    (evidence,) = (one.evidence() for one in groups)
    return kinds._bars(np.quantile(evidence, 0.99, axis=1))


def with_the_first_group_alone(groups):
    return kinds.draw_bars(groups[:1])


def however_few(groups):
    return kinds._bars(np.max([kinds._bar(one.evidence()) for one in groups], axis=0))


def without_the_largest_tile(groups):
    bars = kinds.draw_bars(groups)
    return replace(bars, worst_tile=0.15)


def copies_by_discoveries(pairs, bars):
    """A rate over the list needs twenty copies before it names the first."""
    photo, near = kinds.copies(pairs, bars)
    enough = np.count_nonzero(photo | near) >= 20
    return photo & enough, near & enough


def any_measure_makes_a_photo(pairs, bars):
    photo, near = kinds.copies(pairs, bars)
    return photo | near, near & False


def tile_upside_down(pairs, bars):
    turned = replace(pairs, worst_tile=1.0 - pairs.worst_tile)
    return kinds.copies(turned, bars)


def equal_is_itself(pairs, bars):
    """A tool that leaves out perfect matches, as it would for a set compared with itself."""
    photo, near = kinds.copies(pairs, bars)
    other = pairs.worst_tile > 0.0
    return photo & other, near & other


def beyond_rounding(pairs, bars):
    """Takes the bar for a similarity that a perfect pair always reaches."""
    return kinds.copies(
        pairs,
        Bars(*(min(one, 0.999) for one in (bars.descriptor, bars.correlation)), bars.worst_tile),
    )


@pytest.mark.parametrize(
    ("law", "draw_bars", "copies"),
    [
        (laws.law_pairs_like_the_control_are_no_copies, with_an_absolute_threshold, kinds.copies),
        (laws.law_pairs_like_the_control_are_no_copies, with_the_quantile_alone, kinds.copies),
        (laws.law_a_copy_stands_out_of_every_group, with_the_first_group_alone, kinds.copies),
        (laws.law_few_control_pairs_name_nothing, however_few, kinds.copies),
        (laws.law_a_changed_tile_makes_an_edit, without_the_largest_tile, kinds.copies),
        (laws.law_a_changed_tile_makes_an_edit, kinds.draw_bars, any_measure_makes_a_photo),
        (laws.law_planted_copies_are_found, kinds.draw_bars, copies_by_discoveries),
        (laws.law_planted_copies_are_found, kinds.draw_bars, tile_upside_down),
        (laws.law_images_that_all_agree_have_no_copies, kinds.draw_bars, beyond_rounding),
        (laws.law_agreeing_better_is_never_less_of_a_copy, kinds.draw_bars, equal_is_itself),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_of_copies_is_killed(law, draw_bars, copies):
    with pytest.raises(AssertionError):
        law(draw_bars, copies)


def without_the_plus_one(found, control):
    more = np.concatenate([control, [-1.0] * (99 * control.size)])
    return kinds.same_identity(found, more)


def without_the_other_photos(found, control):
    nobody = np.zeros_like(found.several)
    return kinds.same_identity(kinds.Standing(found.gap, nobody, nobody), control)


def whoever_has_other_photos(found, control):
    return kinds.same_identity(replace(found, supported=found.several), control)


def everybody(found, control):
    """What an identity embedder's findings were called before."""
    return np.ones_like(found.several)


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (laws.law_look_alikes_are_the_same_identity_no_oftener_than_said, everybody),
        (laws.law_without_look_alikes_to_compare_nobody_is_named, without_the_plus_one),
        (
            laws.law_a_person_whose_other_photos_do_not_rank_is_unresolved,
            without_the_other_photos,
        ),
        (
            laws.law_a_person_whose_other_photos_do_not_rank_is_unresolved,
            whoever_has_other_photos,
        ),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_of_identities_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)


def control_inside_its_own_bar(groups):
    bars = kinds.draw_bars(groups)
    called = sum(np.count_nonzero(np.logical_or(*kinds.copies(one, bars))) for one in groups)
    return int(called), sum(one.descriptor.size for one in groups)


def control_beside_itself(standing):
    return int(np.count_nonzero(kinds.same_identity(standing, standing.gap)))


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (laws.law_a_control_pair_is_left_out_of_its_own_bar, control_inside_its_own_bar),
        (laws.law_each_control_record_is_held_against_the_others, control_beside_itself),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_of_the_figure_beside_it_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
