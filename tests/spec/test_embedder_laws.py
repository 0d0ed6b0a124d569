"""The laws of embedders hold."""

import pytest

from spolia.embedding.device import place
from spolia.embedding.dlib_face import lifted
from spolia.embedding.network import padded
from spolia.embedding.phash import phash_row
from spolia.embedding.points import network_points
from spolia.embedding.torchscript import check_trusted
from tests.spec.embedder_laws import (
    law_a_fall_to_the_cpu_is_said,
    law_a_program_runs_only_where_its_digest_is_given,
    law_every_batch_has_one_shape,
    law_half_of_the_bits_are_set,
    law_order_of_distances_survives,
    law_points_stay_on_the_face,
)


@pytest.mark.parametrize(
    ("law", "right"),
    [
        (law_a_fall_to_the_cpu_is_said, place),
        (law_a_program_runs_only_where_its_digest_is_given, check_trusted),
        (law_every_batch_has_one_shape, padded),
        (law_half_of_the_bits_are_set, phash_row),
        (law_order_of_distances_survives, lifted),
        (law_points_stay_on_the_face, network_points),
    ],
    ids=lambda one: one.__name__,
)
def test_the_law_holds(law, right):
    assert law(right) is None
