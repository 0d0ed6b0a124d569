"""A face is laid onto the template by the closest turn, scale and shift."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import UsageError
from spolia.embedding.align import POINTS, SIZE, TEMPLATE, align, fit, size_of
from tests.spec import align_laws as laws

FITS = [laws.law_a_known_transform_is_recovered, laws.law_no_other_transform_is_closer]
WARPS = [
    laws.law_nothing_is_mirrored,
    laws.law_an_aligned_face_stays,
    laws.law_a_shifted_face_is_the_same_face,
    laws.law_a_turned_face_is_the_same_face,
    laws.law_the_points_are_where_the_face_is,
    laws.law_no_pixel_of_a_large_face_is_skipped,
    laws.law_outside_the_image_is_black,
]


@pytest.mark.parametrize("law", FITS, ids=lambda law: law.__name__)
def test_the_fit_keeps_its_laws(law):
    assert law(fit) is None


@pytest.mark.parametrize("law", WARPS, ids=lambda law: law.__name__)
def test_the_warp_keeps_its_laws(law):
    assert law(align) is None


@given(
    turn=st.floats(-3.1, 3.1),
    scale=st.floats(0.05, 40.0),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_any_similarity_is_undone(turn, scale, x, y):
    points = laws.moved(TEMPLATE, turn, scale, (x, y))
    assert np.allclose(fit(points)(points), TEMPLATE, atol=1e-6)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (np.zeros((5, 2)), "equal or on one line"),
        (np.column_stack([np.arange(5.0), 2 * np.arange(5.0)]), "equal or on one line"),
        (np.where(np.eye(5, 2) > 0, np.nan, TEMPLATE), "finite pixels, but one is nan"),
        (np.where(np.eye(5, 2) > 0, np.inf, TEMPLATE), "finite pixels, but one is inf"),
        (np.where(np.eye(5, 2) > 0, 1e300, TEMPLATE), "finite pixels, but one is 1e.300"),
        (TEMPLATE[:4], r"5 points \(x, y\), but has shape \(4, 2\)"),
        (TEMPLATE[[1, 0, 2, 4, 3]], "but are mirrored"),
        (TEMPLATE[[0, 3, 2, 4, 1]], "in another order|mirrored"),
    ],
)
def test_points_that_are_no_face_are_refused(points, said):
    with pytest.raises(UsageError, match=said):
        fit(points)


def test_points_far_outside_the_image_give_a_black_face_and_need_no_memory():
    image = np.full((30, 40, 3), 255, np.uint8)
    for points in (TEMPLATE + 9e6, TEMPLATE * 1e5, TEMPLATE * 1e5 - 5e6, TEMPLATE - 1e5):
        assert align(image, points).pixels.shape == (SIZE, SIZE, 3)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (3000, 2, 3)])
def test_an_image_of_any_size_is_warped(shape):
    image = np.full(shape, 90, np.uint8)
    assert align(image, TEMPLATE).pixels.shape == (SIZE, SIZE, 3)


def test_what_is_no_image_is_refused():
    with pytest.raises(UsageError, match="RGB uint8"):
        align(np.zeros((9, 9), np.uint8), TEMPLATE)


def test_a_face_twice_as_far_apart_is_twice_as_large():
    assert size_of(TEMPLATE * 2) == pytest.approx(2 * size_of(TEMPLATE))
    assert len(POINTS) == len(TEMPLATE)
