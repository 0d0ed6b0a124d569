"""Laws of the comparison of pixels: unrelated first, then planted copies."""

import numpy as np
import pytest

from spolia.embedding.copies import (
    VIEWS,
    Canvas,
    View,
    compare,
    correlation,
    difference_image,
    kept_correlation,
    register,
    tiled_l2,
)
from tests.pictures import blurred, brighter, cut, overprinted, picture, resized

ORIGINAL = picture(0, 96)


def against_original(image):
    return compare(Canvas(np.ascontiguousarray(image)), Canvas(ORIGINAL))


def test_unrelated_pictures_do_not_agree():
    found = [against_original(picture(seed, 96)) for seed in range(1, 31)]
    assert max(one.correlation for one in found) < 0.9
    assert max(one.descriptor for one in found) < 0.9
    assert min(one.worst_tile for one in found) > 0.1


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_or_mirrored_copy_is_equal_and_its_view_is_named(turned, mirrored):
    view = View(turned, mirrored)
    one = compare(Canvas(ORIGINAL), Canvas(np.ascontiguousarray(view.apply(ORIGINAL))))
    assert one.view == str(view)
    assert one.correlation > 0.9999
    assert one.worst_tile < 0.01


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one,
        lambda one: resized(one, 48, 48),
        lambda one: resized(one, 200, 130),
        lambda one: cut(one, 0.9),
        lambda one: cut(one, 0.85, down=0.3),
        lambda one: cut(one, 0.8, down=0.9, right=0.1),
        lambda one: cut(one, 0.9)[:, ::-1],
    ],
    ids=["same", "smaller", "aspect", "cut", "off the middle", "corner", "cut and mirrored"],
)
def test_copies_agree_in_every_tile(change):
    one = against_original(change(ORIGINAL))
    assert one.correlation > 0.98
    assert one.descriptor > 0.98
    assert one.worst_tile < 0.06


def test_the_part_and_the_whole_may_change_places():
    part, whole = Canvas(cut(ORIGINAL, 0.8)), Canvas(ORIGINAL)
    assert compare(part, whole).correlation > 0.98
    assert compare(whole, part).correlation > 0.98


@pytest.mark.parametrize("change", [overprinted, brighter], ids=lambda one: one.__name__)
def test_edits_correlate_and_differ_in_a_tile(change):
    one = against_original(change(ORIGINAL))
    assert one.correlation > 0.99
    assert one.worst_tile > 0.08


def test_blur_does_not_hide_a_copy():
    assert against_original(blurred(ORIGINAL)).descriptor > 0.99


def test_contrast_does_not_move_the_correlation():
    gray = picture(3).mean(axis=2)
    other = picture(4).mean(axis=2)
    assert correlation(gray, 0.5 * other + 20) == pytest.approx(correlation(gray, other))
    assert correlation(gray, np.full_like(gray, 7.0)) == 0.0


def test_a_quarter_of_the_tiles_may_differ_and_no_more():
    gray = picture(5).mean(axis=2) / 255.0
    changed = gray.copy()
    changed[:16] = 1.0 - changed[:16]  # four tiles
    assert kept_correlation(gray, changed) == pytest.approx(1.0)
    changed[16:32] = 1.0 - changed[16:32]
    assert kept_correlation(gray, changed) < 0.9


def test_an_image_without_structure_agrees_with_nothing():
    flat = Canvas(np.full((20, 30, 3), 90, np.uint8))
    for other in (flat, Canvas(ORIGINAL)):
        one = compare(flat, other)
        assert (one.correlation, one.descriptor) == (0.0, 0.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3), (8, 8), (500, 20)])
def test_images_of_any_size_are_compared(shape):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert compare(Canvas(image), Canvas(image)).worst_tile == 0.0


def test_the_difference_image_shows_what_differs_and_where():
    laid = register(Canvas(overprinted(ORIGINAL)), Canvas(ORIGINAL))
    shown = difference_image(laid)
    assert shown.shape == (64, 64, 3)
    assert shown[2:14, 2:30].mean() > 100
    assert shown[20:, 36:].max() <= 4


def test_where_the_images_do_not_overlap_the_difference_is_gray():
    laid = register(Canvas(cut(ORIGINAL, 0.8, down=0.9, right=0.1)), Canvas(ORIGINAL))
    assert (laid.down, laid.right) != (0, 0)
    shown = difference_image(laid)
    covered = laid.query.shape[0] * laid.query.shape[1]
    assert np.count_nonzero((shown == 128).all(axis=2)) >= 64 * 64 - covered
    assert tiled_l2(laid.query, laid.reference) < 0.06


def test_there_are_eight_turns_of_five_parts():
    assert len(set(VIEWS)) == 40
    assert VIEWS[0] == View()
