"""Of the faces in an image those count that were asked for, and nothing is guessed."""

import numpy as np
import pytest

from spolia.core.errors import NoFace, UnreadableImage, UsageError
from spolia.embedding.align import TEMPLATE, align
from spolia.embedding.detect import Face
from spolia.embedding.faces import CHOICES, FaceCutter, GivenFaces, choose

IMAGE = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
SMALL, LARGE, MIDDLE = TEMPLATE * 0.5, TEMPLATE * 1.5 + [200, 100], TEMPLATE * 0.8 + [155, 93]
SEVERAL = (SMALL, LARGE, MIDDLE)


def cutter(choice, **faces):
    return FaceCutter(GivenFaces(faces, "0" * 64), choice)


def points_of(cuts):
    return [cut.pixels for cut in cuts]


def same(cuts, faces):
    wanted = [align(IMAGE, points).pixels for points in faces]
    return len(cuts) == len(wanted) and all(map(np.array_equal, points_of(cuts), wanted))


def test_largest_is_the_largest():
    assert same(cutter("largest", a=SEVERAL).cut("a", IMAGE), [LARGE])


def test_central_is_the_closest_to_the_middle():
    assert same(cutter("central", a=SEVERAL).cut("a", IMAGE), [MIDDLE])


def test_all_are_all_the_largest_first_and_numbered():
    cuts = cutter("all", a=SEVERAL).cut("a", IMAGE)
    assert same(cuts, [LARGE, MIDDLE, SMALL])
    assert [cut.suffix for cut in cuts] == ["#1", "#2", "#3"]
    assert [cut.suffix for cut in cutter("all", a=(SMALL,)).cut("a", IMAGE)] == ["#1"]


def test_one_is_the_only_one_or_none():
    assert same(cutter("one", a=(SMALL,)).cut("a", IMAGE), [SMALL])
    with pytest.raises(NoFace, match="no face found: 3 faces, where there must be one"):
        cutter("one", a=SEVERAL).cut("a", IMAGE)


@pytest.mark.parametrize("choice", CHOICES)
def test_without_a_face_there_is_none(choice):
    with pytest.raises(NoFace, match=r"^no face found$"):
        cutter(choice, b=SEVERAL).cut("a", IMAGE)


@pytest.mark.parametrize("choice", ["largest", "central"])
def test_of_equal_faces_the_first_counts(choice):
    faces = tuple(Face(TEMPLATE + shift, 0.9) for shift in (0.0, 0.0))
    assert choose(faces, (112, 112), choice)[0] is faces[0]


@pytest.mark.parametrize("choice", CHOICES)
def test_the_order_of_faces_of_different_size_does_not_matter(choice):
    one = cutter(choice, a=SEVERAL)
    other = cutter(choice, a=SEVERAL[::-1])
    if choice == "one":
        return
    assert all(
        map(np.array_equal, points_of(one.cut("a", IMAGE)), points_of(other.cut("a", IMAGE)))
    )


def test_points_that_lie_like_no_face_are_no_face():
    with pytest.raises(NoFace, match=r"no face found: the five points .* mirrored"):
        cutter("largest", a=(TEMPLATE[[1, 0, 2, 4, 3]],)).cut("a", IMAGE)


def test_points_of_an_image_of_another_size_are_not_silently_black():
    with pytest.raises(NoFace, match="all points given lie outside its 400 x 300 pixels"):
        cutter("largest", a=(TEMPLATE + 1000.0,)).cut("a", IMAGE)


def test_a_choice_that_does_not_exist_is_refused():
    with pytest.raises(
        UsageError, match="but is 'biggest'; choose one of largest, central, all, one"
    ):
        cutter("biggest", a=SEVERAL)


def test_no_face_is_a_reason_and_no_crash():
    assert issubclass(NoFace, UnreadableImage)
    assert NoFace("why").kind != UnreadableImage("no face found").kind
    assert str(NoFace("why")) == "no face found: why"


def test_cuts_that_differ_have_other_fingerprints():
    given = GivenFaces({"a": SEVERAL}, "0" * 64)
    other = GivenFaces({"a": SEVERAL}, "1" * 64)
    cutters = [FaceCutter(one, choice) for one in (given, other) for choice in CHOICES]
    assert len({one.fingerprint for one in cutters}) == 8
    # Points of another file are cut in the same way: sets of both can be compared.
    assert len({one.method for one in cutters}) == 4


def test_what_decides_a_cut_is_its_own_points_alone():
    one = cutter("largest", a=(SMALL,), b=(LARGE,))
    other = cutter("largest", a=(SMALL,), b=(MIDDLE,))
    assert one.decides("a") == other.decides("a") != one.decides("b") != other.decides("b")
