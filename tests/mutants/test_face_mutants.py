"""Known wrong ways to find and choose faces; each must break a law."""

import numpy as np
import pytest

from spolia.core.errors import NoFace
from spolia.embedding.align import TEMPLATE, size_of
from spolia.embedding.detect import Face, kept
from spolia.embedding.faces import choose
from tests.spec.test_detect import every_pair_kept

SMALL_SURE = Face(TEMPLATE * 0.3 + 150.0, 0.99)
LARGE = Face(TEMPLATE, 0.8)
SIZE = (400, 400)


def law_kept_is_the_definition(kept):
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 60, (80, 2))
    boxes = np.hstack([corner, corner + rng.uniform(10, 40, (80, 2))])
    scores = rng.integers(0, 20, 80) / 20
    assert kept(boxes, scores, 0.3).tolist() == every_pair_kept(boxes, scores, 0.3)


def law_the_largest_counts(choose):
    assert choose((SMALL_SURE, LARGE), SIZE, "largest") == (LARGE,)


def law_the_middle_counts(choose):
    assert choose((LARGE, SMALL_SURE), SIZE, "central") == (SMALL_SURE,)


def law_one_of_several_is_none(choose):
    with pytest.raises(NoFace):
        choose((SMALL_SURE, LARGE), SIZE, "one")


def everything(boxes, scores, overlap):
    return np.argsort(-scores, kind="stable")


def against_suppressed_ones_too(boxes, scores, overlap):
    """A box is left out if any better one overlaps it, even one that is left out itself."""
    order = np.argsort(-scores, kind="stable")
    return np.array(
        [
            i
            for n, i in enumerate(order)
            if all(kept(boxes[[j, i]], np.array([1.0, 0.0]), overlap).size == 2 for j in order[:n])
        ]
    )


def last_of_equal_ones(boxes, scores, overlap):
    n = len(boxes)
    return n - 1 - kept(boxes[::-1], scores[::-1], overlap)


def the_first(faces, size, choice):
    return faces[:1]


def the_surest(faces, size, choice):
    return (max(faces, key=lambda face: face.score),)


def the_closest_to_the_corner(faces, size, choice):
    return choose(faces, (0, 0), choice)


def the_largest_instead_of_none(faces, size, choice):
    return (max(faces, key=lambda face: size_of(face.points)),)


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (law_kept_is_the_definition, everything),
        (law_kept_is_the_definition, against_suppressed_ones_too),
        (law_kept_is_the_definition, last_of_equal_ones),
        (law_the_largest_counts, the_first),
        (law_the_largest_counts, the_surest),
        (law_the_middle_counts, the_first),
        (law_the_middle_counts, the_closest_to_the_corner),
        (law_one_of_several_is_none, the_largest_instead_of_none),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        law(mutant)


@pytest.mark.parametrize(
    ("law", "right"),
    [
        (law_kept_is_the_definition, kept),
        (law_the_largest_counts, choose),
        (law_the_middle_counts, choose),
        (law_one_of_several_is_none, choose),
    ],
    ids=lambda one: one.__name__,
)
def test_the_right_one_passes(law, right):
    assert law(right) is None
