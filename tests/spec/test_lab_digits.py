"""Laws of the digits that ship with spolia."""

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.lab.digits import digits, halves, to_images, to_rows


def test_digits_are_the_published_ones():
    # Total of the published values and the first row of the last image of the UCI test set.
    published = np.rint(digits() / (255 / 16)).astype(int)
    assert published.shape == (1797, 8, 8)
    assert published.sum() == 561_718
    assert published[-1, 0].tolist() == [0, 0, 10, 14, 8, 1, 0, 0]


def test_scaling_fills_the_range_of_a_byte():
    images = digits()
    expected = [round(v * 255 / 16) for v in range(17)]
    assert images.dtype == np.uint8
    assert np.unique(images).tolist() == expected


def test_no_digit_occurs_twice():
    assert len(np.unique(digits().reshape(-1, 64), axis=0)) == 1797


@pytest.mark.parametrize("seed", range(5))
def test_halves_are_equal_disjoint_and_sorted(seed):
    train, control = halves(seed)
    assert len(train) == len(control) == 898
    assert len(np.union1d(train, control)) == 1796
    assert (np.diff(train) > 0).all()
    assert (np.diff(control) > 0).all()
    assert min(train[0], control[0]) >= 0
    assert max(train[-1], control[-1]) < 1797


def test_halves_are_a_function_of_the_seed():
    assert np.array_equal(halves(3)[0], halves(3)[0])
    assert not np.array_equal(halves(3)[0], halves(4)[0])


def test_rows_and_images_are_inverse():
    every_level = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    rows = to_rows(every_level)
    assert rows.shape == (4, 64)
    assert (rows.min(), rows.max()) == (-1.0, 1.0)
    assert np.array_equal(to_images(rows), every_level)


def test_samples_beyond_the_range_become_black_or_white():
    assert to_images(np.full((1, 64), 3.1)).tolist() == np.full((1, 8, 8), 255).tolist()
    assert to_images(np.full((1, 64), -3.1)).tolist() == np.zeros((1, 8, 8)).tolist()


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((2, 8, 8)), "float64"),
        (np.zeros((2, 64), dtype=np.uint8), r"\(2, 64\)"),
        (np.zeros((8, 8), dtype=np.uint8), r"\(8, 8\)"),
    ],
)
def test_rows_are_made_of_images_only(images, said):
    with pytest.raises(UsageError, match=said):
        to_rows(images)


@pytest.mark.parametrize("rows", [np.zeros(64), np.zeros((2, 63))])
def test_images_are_made_of_rows_only(rows):
    with pytest.raises(UsageError, match="one row per image"):
        to_images(rows)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_image_of_a_number_that_is_none_is_refused(value):
    with pytest.raises(UsageError, match="finite"):
        to_images(np.full((1, 64), value))
