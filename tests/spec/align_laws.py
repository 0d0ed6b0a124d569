"""Laws of the alignment, each taking the functions it holds for, so that mutants can be given."""

import numpy as np

from spolia.embedding.align import SIZE, TEMPLATE


def picture(h=260, w=300, seed=0):
    """A smooth colourful picture: warps of it differ little where they should be equal."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:h, :w]
    waves = [
        128 + 110 * np.sin(x / rng.uniform(9, 30) + y / rng.uniform(9, 30) + rng.uniform(0, 6))
        for _ in range(3)
    ]
    return np.stack(waves, axis=-1).astype(np.uint8)


def moved(points, turn, scale, shift):
    z = (points[:, 0] + 1j * points[:, 1]) * scale * np.exp(1j * turn) + complex(*shift)
    return np.column_stack([z.real, z.imag])


def law_a_known_transform_is_recovered(fit):
    for turn, scale, shift in [(0.0, 1.0, (0, 0)), (0.3, 2.0, (9, -4)), (-2.9, 0.1, (700, 3))]:
        found = fit(moved(TEMPLATE, turn, scale, shift))
        assert np.isclose(found.scale, 1.0 / scale)
        assert np.allclose(found(moved(TEMPLATE, turn, scale, shift)), TEMPLATE)


def law_no_other_transform_is_closer(fit):
    """Against a general least-squares solver on noisy points."""
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(size=(5, 2)) * 4
        points = moved(TEMPLATE, 0.4, 1.7, (30, 50)) + noise
        x, y = points.T
        one, none = np.ones(5), np.zeros(5)
        wanted = np.concatenate([TEMPLATE[:, 0], TEMPLATE[:, 1]])
        equations = np.vstack([np.stack([x, -y, one, none], 1), np.stack([y, x, none, one], 1)])
        best, *_ = np.linalg.lstsq(equations, wanted, rcond=None)
        found = fit(points)
        assert np.allclose([found.a.real, found.a.imag, found.b.real, found.b.imag], best)


def law_nothing_is_mirrored(align):
    """A mirrored face comes out mirrored, and not put right."""
    image = picture()
    points = TEMPLATE + 60.0
    straight = align(image, points).pixels
    mirror = points * [-1, 1] + [image.shape[1] - 1, 0]
    other = align(image[:, ::-1].copy(), mirror[[1, 0, 2, 4, 3]]).pixels
    # The template is nearly, not wholly, its own mirror image.
    assert np.abs(straight.astype(int) - other[:, ::-1]).mean() < 5
    assert np.abs(straight.astype(int) - other).mean() > 20


def law_an_aligned_face_stays(align):
    image = picture(SIZE, SIZE)
    assert np.array_equal(align(image, TEMPLATE).pixels, image)


def law_a_shifted_face_is_the_same_face(align):
    image = picture()
    for scale in (0.8, 1.6, 2.3):
        points = TEMPLATE * scale + 20.0
        shifted = np.pad(image, ((7, 0), (12, 0), (0, 0)))
        there = points + np.array([12.0, 7.0])
        assert np.array_equal(align(image, points).pixels, align(shifted, there).pixels)


def law_a_turned_face_is_the_same_face(align):
    image = picture()
    for scale in (0.9, 1.6):
        points = TEMPLATE * scale + 30.0
        turned = np.rot90(image, -1).copy()
        there = np.column_stack([image.shape[0] - 1 - points[:, 1], points[:, 0]])
        one, other = align(image, points).pixels, align(turned, there).pixels
        assert np.abs(one.astype(int) - other).max() <= 1


def law_the_points_are_where_the_face_is(align):
    """A bright dot on each point of the face lies on the points returned."""
    points = moved(TEMPLATE, 0.2, 1.5, (70, 40))
    y, x = np.mgrid[:260, :300]
    dots = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / 18.0) for a, b in points)
    image = np.repeat((255 * dots).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    aligned = align(image, points)
    assert (aligned.points > 5).all()
    assert (aligned.points < SIZE - 6).all()
    for a, b in aligned.points:
        left, top = round(a) - 5, round(b) - 5
        part = aligned.pixels[top : top + 11, left : left + 11, 0].astype(float)
        rows, columns = np.mgrid[top : top + 11, left : left + 11]
        middle = (columns * part).sum() / part.sum(), (rows * part).sum() / part.sum()
        assert np.allclose(middle, (a, b), atol=0.3)


def law_no_pixel_of_a_large_face_is_skipped(align):
    """One-pixel stripes become grey and not black or white, as they would if some were skipped."""
    image = np.zeros((1400, 1400, 3), np.uint8)
    image[:, ::2] = 255
    pixels = align(image, TEMPLATE * 9.3 + 100.0).pixels
    assert np.abs(pixels.astype(int) - 127).max() <= 20


def law_outside_the_image_is_black(align):
    image = np.full((60, 60, 3), 200, np.uint8)
    pixels = align(image, TEMPLATE).pixels
    assert (pixels[:60, :60] == 200).all()
    assert (pixels[60:] == 0).all()
    assert (pixels[:, 60:] == 0).all()
