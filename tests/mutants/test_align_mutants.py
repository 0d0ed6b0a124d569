"""Known wrong ways to align a face; each must break the law that the right one passes."""

import numpy as np
import pytest
from PIL import Image

from spolia.embedding.align import SIZE, TEMPLATE, Aligned, Similarity, align, fit
from tests.spec import align_laws as laws


def by_the_eyes_alone(points):
    z = points[:, 0] + 1j * points[:, 1]
    w = TEMPLATE[:, 0] + 1j * TEMPLATE[:, 1]
    a = (w[1] - w[0]) / (z[1] - z[0])
    return Similarity(complex(a), complex(w[0] - a * z[0]))


def forward_scale(points):
    """The least squares the other way round, inverted: shrinks towards the mean where noisy."""
    z = points[:, 0] + 1j * points[:, 1]
    w = TEMPLATE[:, 0] + 1j * TEMPLATE[:, 1]
    a = 1 / fit(TEMPLATE, points).a
    return Similarity(a, complex(w.mean() - a * z.mean()))


def without_turning(points):
    found = fit(points)
    z, w = points.mean(axis=0), TEMPLATE.mean(axis=0)
    a = abs(found.a)
    return Similarity(complex(a), complex(*w) - a * complex(*z))


def by_pillow(image, points, resample=Image.Resampling.BILINEAR, half=0.0):
    there = fit(points)
    a, b = 1 / there.a, -there.b / there.a
    data = (a.real, -a.imag, b.real + half, a.imag, a.real, b.imag + half)
    picture = Image.fromarray(image).transform(
        (SIZE, SIZE), Image.Transform.AFFINE, data, resample=resample
    )
    return Aligned(np.asarray(picture), there(points))


def nearest_pixel(image, points):
    return by_pillow(image, points, Image.Resampling.NEAREST)


def half_a_pixel_off(image, points):
    return by_pillow(image, points, half=0.5)


def always_the_same_way_round(image, points):
    aligned = align(image, points)
    if aligned.pixels[:, :56].mean() > aligned.pixels[:, 56:].mean():
        return Aligned(aligned.pixels[:, ::-1], aligned.points)
    return aligned


def points_as_they_were(image, points):
    return Aligned(align(image, points).pixels, points)


def edges_repeated(image, points):
    padded = np.pad(image, ((200, 200), (200, 200), (0, 0)), mode="edge")
    return align(padded, points + 200.0)


def stretched_to_the_points_box(image, points):
    low, high = points.min(axis=0), points.max(axis=0)
    to_low, to_high = TEMPLATE.min(axis=0), TEMPLATE.max(axis=0)
    ratio = (high - low) / (to_high - to_low)
    data = (ratio[0], 0, low[0] - ratio[0] * to_low[0], 0, ratio[1], low[1] - ratio[1] * to_low[1])
    picture = Image.fromarray(image).transform(
        (SIZE, SIZE), Image.Transform.AFFINE, data, resample=Image.Resampling.BILINEAR
    )
    return Aligned(np.asarray(picture), (points - low) / ratio + to_low)


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (laws.law_no_other_transform_is_closer, by_the_eyes_alone),
        (laws.law_no_other_transform_is_closer, forward_scale),
        (laws.law_a_known_transform_is_recovered, without_turning),
        (laws.law_nothing_is_mirrored, always_the_same_way_round),
        (laws.law_no_pixel_of_a_large_face_is_skipped, by_pillow),
        (laws.law_a_turned_face_is_the_same_face, nearest_pixel),
        (laws.law_a_turned_face_is_the_same_face, stretched_to_the_points_box),
        (laws.law_an_aligned_face_stays, half_a_pixel_off),
        (laws.law_the_points_are_where_the_face_is, points_as_they_were),
        (laws.law_outside_the_image_is_black, edges_repeated),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
