"""A detector finds the faces that its network shows, wherever they lie and however large."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")

from spolia.core.errors import UnreadableImage, UsageError
from spolia.embedding.detect import YuNet, kept
from spolia.embedding.face_cards import load_detector_card
from tests.cards.yunet import POINTS, bright_model, scene, write_detector


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return YuNet(load_detector_card(write_detector(tmp_path_factory.mktemp("detector"))))


def test_a_face_lies_where_the_network_says(detector):
    (face,) = detector.find("", scene((96, 128), (5, 7, 255)))
    assert np.allclose(face.points, POINTS + np.array([56.0, 40.0]), atol=1e-3)
    assert face.score == pytest.approx(1.0, abs=1e-6)


def test_an_image_without_a_face_has_none(detector):
    assert detector.find("", scene((96, 128))) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (31, 33), (250, 250), (97, 64)])
def test_an_image_of_any_size_is_searched(detector, size):
    assert detector.find("", np.zeros((*size, 3), np.uint8)) == ()


def test_faces_apart_are_all_found_the_surest_first(detector):
    faces = detector.find("", scene((96, 240), (5, 3, 200), (5, 14, 255), (5, 25, 230)))
    assert [round(face.score, 2) for face in faces] == [1.0, 0.9, 0.78]


def test_of_two_that_overlap_the_surer_is_the_face(detector):
    (face,) = detector.find("", scene((96, 128), (5, 6, 230), (5, 7, 255)))
    assert face.score == pytest.approx(1.0, abs=1e-6)


def test_a_score_under_the_cards_is_no_face(detector):
    assert detector.find("", scene((96, 128), (5, 7, 150))) == ()  # 150 / 255 < 0.6


def test_a_large_image_is_searched_small_and_its_faces_lie_in_the_large_one(detector):
    small = scene((128, 256), (6, 14, 255))
    large = small.repeat(4, axis=0).repeat(4, axis=1)
    (one,), (other,) = detector.find("", small), detector.find("", large)
    assert np.allclose(other.points, 4 * one.points, atol=0.5)


def test_nothing_depends_on_what_is_right_of_and_below_the_image(detector):
    """The padding up to a multiple of 32 is black whatever the size."""
    image = scene((96, 128), (5, 7, 255))
    (whole,), (cut,) = detector.find("", image), detector.find("", image[:90, :121])
    assert np.array_equal(whole.points, cut.points)


def test_numbers_that_are_none_make_an_image_unreadable(tmp_path):
    model = bright_model(factor=float("nan")).SerializeToString()
    broken = YuNet(load_detector_card(write_detector(tmp_path, model=model)))
    with pytest.raises(UnreadableImage, match="NaN or infinite"):
        broken.find("", scene((64, 64)))


def test_what_is_no_image_is_refused(detector):
    with pytest.raises(UsageError, match="RGB uint8"):
        detector.find("", np.zeros((64, 64), np.uint8))


def test_the_fingerprint_names_all_that_decides(detector, tmp_path):
    digests = {detector.fingerprint}
    for edit in (("0.6", "0.61"), ("= 256", "= 255"), ("0.3", "0.31")):
        digests.add(YuNet(load_detector_card(write_detector(tmp_path, edit))).fingerprint)
    assert len(digests) == 4
    same = YuNet(
        load_detector_card(write_detector(tmp_path, ('name = "bright"', 'name = "other"')))
    )
    assert same.fingerprint == detector.fingerprint


def every_pair_kept(boxes, scores, overlap):
    """The definition: best first, each kept unless it overlaps one that is kept."""
    best = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(shared(boxes[i], boxes[j]) <= overlap for j in best):
            best.append(i)
    return best


def shared(one, other):
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    both = np.prod(np.clip(sides, 0, None))
    areas = [np.prod(box[2:] - box[:2]) for box in (one, other)]
    return both / (sum(areas) - both)


@pytest.mark.parametrize("seed", range(5))
def test_the_kept_boxes_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 100, (60, 2))
    boxes = np.hstack([corner, corner + rng.uniform(10, 40, (60, 2))])
    scores = rng.integers(0, 20, 60) / 20  # with ties
    assert kept(boxes, scores, 0.3).tolist() == every_pair_kept(boxes, scores, 0.3)


def test_of_equal_boxes_the_first_is_kept():
    box = np.array([[0.0, 0, 10, 10]] * 3)
    assert kept(box, np.array([0.9, 0.9, 0.9]), 0.3).tolist() == [0]
    assert kept(np.empty((0, 4)), np.empty(0), 0.3).tolist() == []
