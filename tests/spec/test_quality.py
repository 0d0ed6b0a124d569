"""What makes two sets of images comparable, measured."""

import numpy as np
import pytest

from spolia.stats.quality import MEASURES, chance_outside, measure, outside, usual_range


def said(image):
    return dict(zip(MEASURES, measure(image).tolist(), strict=True))


def noise(seed=0, side=32):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def blurred(image):
    wide = image.astype(np.float64)
    for axis in (0, 1):
        wide = (np.roll(wide, 1, axis) + wide + np.roll(wide, -1, axis)) / 3
    return wide.astype(np.uint8)


def test_blur_lowers_sharpness_and_leaves_the_rest():
    sharp, soft = said(noise()), said(blurred(noise()))
    assert soft["sharpness"] < 0.1 * sharp["sharpness"]
    assert soft["size"] == sharp["size"] == 32.0
    assert soft["brightness"] == pytest.approx(sharp["brightness"], abs=1.0)


def test_a_border_is_measured_in_rows_and_columns():
    image = noise()
    assert said(image)["border"] == 0.0
    image[:4] = 255
    image[:, -2:] = 7
    # The rows of the upper border end in the right one, so that they are not of one shade.
    assert said(image)["border"] == 2 / 64
    image[:4] = 7
    assert said(image)["border"] == 6 / 64


def test_an_image_of_one_shade_is_all_border_and_not_sharp():
    one = said(np.full((5, 9, 3), 200, dtype=np.uint8))
    assert (one["border"], one["sharpness"]) == (1.0, 0.0)
    assert one["brightness"] == pytest.approx(200.0)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 9, 3), (9, 2, 3)])
def test_the_smallest_images_can_be_measured(shape):
    assert np.isfinite(measure(np.zeros(shape, dtype=np.uint8))).all()


def test_clipped_counts_both_ends():
    image = np.full((10, 10, 3), 128, dtype=np.uint8)
    image[0], image[1] = 0, 255
    assert said(image)["clipped"] == pytest.approx(0.2)


def test_two_in_a_thousand_of_a_like_set_are_outside():
    rng = np.random.default_rng(0)
    usual = usual_range(rng.normal(size=100_000))
    assert 100 < outside(rng.normal(size=100_000), usual) < 300


@pytest.mark.parametrize("n", [30, 200, 2000])
def test_a_like_population_is_seldom_outside_more_than_chance_allows(n):
    rng = np.random.default_rng(n)
    shares = []
    for _ in range(1000):
        low, high = usual_range(rng.random(n))  # the share of [0, 1] outside is exact
        shares.append(low + 1.0 - high)
    assert np.mean(np.array(shares) > chance_outside(n)) < 0.005
    assert np.quantile(shares, 0.99) > 0.5 * chance_outside(n)


def test_of_few_values_none_is_outside_its_own_range():
    for n in (1, 2, 50, 400):
        values = np.random.default_rng(n).normal(size=n)
        assert outside(values, usual_range(values)) == 0
