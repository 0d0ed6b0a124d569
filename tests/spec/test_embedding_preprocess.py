"""Laws of the one definition of preprocessing, and of the picture of the self-test."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spolia.core.errors import UsageError
from spolia.embedding import InputSpec, preprocess
from spolia.embedding.preprocess import RESIZES
from spolia.embedding.self_test import pattern

SPEC = InputSpec((6, 4), "NCHW", "RGB", (0.0, 1.0), mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.125))


@given(y=st.integers(0, 5), x=st.integers(0, 3), channel=st.integers(0, 2), seed=st.integers(0, 99))
def test_a_value_is_the_pixel_brought_to_range_then_mean_and_std(
    y: int, x: int, channel: int, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    spec = replace(SPEC, range=(-1.0, 3.0))
    wanted = (-1.0 + 4.0 * image[y, x, channel] / 255 - spec.mean[channel]) / spec.std[channel]
    assert preprocess(image, spec)[0, channel, y, x] == np.float32(wanted) or np.isclose(
        preprocess(image, spec)[0, channel, y, x], wanted, rtol=1e-6, atol=1e-7
    )


def test_mean_and_std_follow_the_channels_of_the_card() -> None:
    image = pattern((6, 4))
    rgb = preprocess(image, SPEC)
    turned = preprocess(image[..., ::-1], replace(SPEC, channels="BGR"))
    np.testing.assert_array_equal(rgb, turned)


def test_layouts_hold_the_same_numbers() -> None:
    planes = preprocess(pattern((6, 4)), SPEC)
    pixels = preprocess(pattern((6, 4)), replace(SPEC, layout="NHWC"))
    np.testing.assert_array_equal(planes.transpose(0, 2, 3, 1), pixels)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("size", [(6, 4), (1, 1), (500, 2), (3, 400)])
def test_any_size_comes_out_as_the_spec_says(layout, size: tuple[int, int]) -> None:
    spec = replace(SPEC, layout=layout)
    batch = preprocess(pattern(size), spec)
    assert batch.shape == spec.shape
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous


@pytest.mark.parametrize("name", list(RESIZES))
def test_resizing_is_that_of_pillow(name: str) -> None:
    spec = InputSpec((6, 4), "NHWC", "RGB", (0.0, 255.0), resize=name)
    image = pattern((31, 17))
    wanted = np.asarray(Image.fromarray(image).resize((4, 6), Image.Resampling[name.upper()]))
    np.testing.assert_array_equal(preprocess(image, spec)[0], wanted.astype(np.float32))


def test_an_image_of_the_right_size_is_not_resized() -> None:
    spec = InputSpec((6, 4), "NHWC", "RGB", (0.0, 255.0), resize="lanczos")
    np.testing.assert_array_equal(preprocess(pattern((6, 4)), spec)[0], pattern((6, 4)))


def test_a_gray_matrix_is_refused() -> None:
    with pytest.raises(UsageError, match=r"\(h, w, 3\)"):
        preprocess(np.zeros((6, 4), np.uint8), SPEC)


def test_the_pattern_is_the_stated_formula() -> None:
    picture = pattern((20, 30))
    for y, x, c in [(0, 0, 0), (19, 29, 2), (7, 11, 1), (3, 29, 0)]:
        wanted = (3 * (c + 1) * x + 5 * (3 - c) * y + x * y // (c + 7)) % 256
        assert picture[y, x, c] == wanted


def test_the_pattern_is_none_of_its_mirrors_and_has_three_different_channels() -> None:
    picture = pattern((16, 16))
    for other in (picture[::-1], picture[:, ::-1], picture[..., ::-1], picture.swapaxes(0, 1)):
        assert (picture != other).mean() > 0.5
