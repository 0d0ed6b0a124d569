"""Known wrong versions of embedders; each must break the law that the right one passes."""

import warnings

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.embedding import device
from spolia.embedding.dlib_face import _CENTRE
from spolia.embedding.phash import phash_row
from tests.spec.embedder_laws import (
    law_a_fall_to_the_cpu_is_said,
    law_a_program_runs_only_where_its_digest_is_given,
    law_every_batch_has_one_shape,
    law_half_of_the_bits_are_set,
    law_order_of_distances_survives,
    law_points_stay_on_the_face,
)


def descriptors_made_unit(descriptor):
    return descriptor / np.linalg.norm(descriptor)


def centred_descriptors_made_unit(descriptor):
    y = descriptor - _CENTRE
    return y / np.linalg.norm(y)


def descriptors_with_a_constant_column(descriptor):
    row = np.append(descriptor, 1.0)
    return row / np.linalg.norm(row)


def points_left_where_they_were(points, shape, spec):
    return points[None] / np.array(spec.size[::-1])


def points_scaled_by_pixel_centres(points, shape, spec):
    return points[None] / np.array(shape[::-1])


def points_with_height_for_width(points, shape, spec):
    moved = (points + 0.5) * np.array(spec.size[::-1]) / np.array(shape[::-1]) - 0.5
    return moved[None] / np.array(spec.size)


def batches_as_they_come(images, batch):
    return images


def batches_filled_up_in_front(images, batch):
    empty = np.zeros((batch - len(images), *images.shape[1:]), np.float32)
    return np.concatenate([empty, images])


def batches_filled_up_with_the_last(images, batch):
    return np.concatenate([images, *[images[-1:]] * (batch - len(images))])


def bits_by_sign(image):
    row = phash_row(image).copy()
    row[:3] = 0.125
    return row


def any_trust_is_enough(card, trust):
    if not trust:
        raise UsageError("not trusted")


def the_beginning_of_a_digest_is_enough(card, trust):
    if not any(one and card.model.sha256.startswith(one) for one in trust):
        raise UsageError("not trusted")


def a_silent_fall(runtime, card, model, wanted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return device.place(runtime, card, model, wanted)


def what_was_asked_for_is_believed(runtime, card, model, wanted):
    return runtime.open(card, model, device.GPU_PROVIDER), device.GPU_PROVIDER


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (law_order_of_distances_survives, descriptors_made_unit),
        (law_order_of_distances_survives, centred_descriptors_made_unit),
        (law_order_of_distances_survives, descriptors_with_a_constant_column),
        (law_points_stay_on_the_face, points_left_where_they_were),
        (law_points_stay_on_the_face, points_scaled_by_pixel_centres),
        (law_points_stay_on_the_face, points_with_height_for_width),
        (law_every_batch_has_one_shape, batches_as_they_come),
        (law_every_batch_has_one_shape, batches_filled_up_in_front),
        (law_every_batch_has_one_shape, batches_filled_up_with_the_last),
        (law_half_of_the_bits_are_set, bits_by_sign),
        (law_a_program_runs_only_where_its_digest_is_given, any_trust_is_enough),
        (law_a_program_runs_only_where_its_digest_is_given, the_beginning_of_a_digest_is_enough),
        (law_a_fall_to_the_cpu_is_said, a_silent_fall),
        (law_a_fall_to_the_cpu_is_said, what_was_asked_for_is_believed),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        law(mutant)
