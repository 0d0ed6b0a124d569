"""Real photos that are not aligned: every face is found, and cut so that people are told apart."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")

from spolia.embedding import open_embedder
from spolia.embedding.align import TEMPLATE
from spolia.embedding.detect import YuNet
from spolia.embedding.face_cards import load_detector_card
from spolia.embedding.faces import FaceCutter
from spolia.sources import open_source

CARDS = Path(__file__).parents[1] / "cards"

pytestmark = pytest.mark.network_model


@pytest.fixture(scope="module")
def photos(shared):
    source = open_source(shared / "faces" / "lfw_unaligned_10x10.zip")
    return source, [source.image(i) for i in range(len(source))]


@pytest.fixture(scope="module")
def detector(shared):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPOLIA_MODELS", str(shared / "models"))
        return YuNet(load_detector_card(CARDS / "yunet_n.toml"))


@pytest.fixture(scope="module")
def cuts(photos, detector):
    """The central face of every photo: LFW's person is in the middle."""
    source, images = photos
    cutter = FaceCutter(detector, "central")
    return [cutter.cut(name, image)[0] for name, image in zip(source.ids, images, strict=True)]


def told_apart(rows, people):
    """Share of pairs of one person above all but 0.1 % of the pairs of two."""
    similarity = rows @ rows.T
    i, j = np.triu_indices(len(rows), 1)
    same = people[i] == people[j]
    genuine, impostor = similarity[i, j][same], np.sort(similarity[i, j][~same])
    return float(np.mean(genuine > impostor[int(np.ceil(0.999 * impostor.size)) - 1]))


def test_every_face_is_found_where_a_person_sees_it(photos, detector):
    _, images = photos
    faces = [detector.find("", image) for image in images]
    assert min(map(len, faces)) >= 1
    assert np.mean([len(one) == 1 for one in faces]) > 0.8
    # LFW's photos were cut around a face that fills the same part of each.
    for image, found in zip(images, faces, strict=True):
        middle = np.array(image.shape[1::-1]) / 2
        assert min(np.linalg.norm(face.points.mean(axis=0) - middle) for face in found) < 25


def test_the_points_of_every_cut_lie_on_the_template(cuts):
    away = [np.abs(cut.points - TEMPLATE).max() for cut in cuts]
    assert np.median(away) < 5.0
    assert max(away) < 20.0


def test_aligned_faces_tell_people_apart_and_the_middle_of_a_photo_does_not(
    photos, cuts, shared, monkeypatch
):
    monkeypatch.setenv("SPOLIA_MODELS", str(shared / "models"))
    source, images = photos
    judge = open_embedder(CARDS / "mobilefacenet_ms1m_112.toml")
    people = np.array(source.identities)
    aligned = np.stack([judge.embed(cut.pixels) for cut in cuts])
    middle = np.stack([judge.embed(image[69:181, 69:181]) for image in images])
    assert told_apart(aligned, people) > 0.98
    assert told_apart(middle, people) < 0.8


def test_a_large_photo_gives_the_same_face(photos, detector, cuts, shared, monkeypatch):
    """Twelve times as many pixels: searched small, cut from the large one."""
    monkeypatch.setenv("SPOLIA_MODELS", str(shared / "models"))
    judge = open_embedder(CARDS / "mobilefacenet_ms1m_112.toml")
    _, images = photos
    cutter = FaceCutter(detector, "central")
    for i in range(0, len(images), 20):
        large = images[i].repeat(12, axis=0).repeat(12, axis=1)
        (cut,) = cutter.cut("", large)
        assert judge.embed(cut.pixels) @ judge.embed(cuts[i].pixels) > 0.9


def test_the_channels_are_those_the_detector_was_trained_with(photos, detector):
    """With red and blue exchanged it is less sure: such a card would lose faces in silence."""
    _, images = photos
    right = [detector.find("", image)[0].score for image in images]
    wrong = [max([f.score for f in detector.find("", image[..., ::-1])] + [0]) for image in images]
    assert np.mean(right) > np.mean(wrong)


def test_dlib_finds_the_same_faces_and_people_are_told_apart(photos, cuts, shared, monkeypatch):
    pytest.importorskip("dlib", reason="dlib is not installed; it comes with spolia[dlib]")
    from spolia.embedding.dlib_detect import DlibFinder

    monkeypatch.setenv("SPOLIA_MODELS", str(shared / "models"))
    judge = open_embedder(CARDS / "mobilefacenet_ms1m_112.toml")
    source, images = photos
    cutter = FaceCutter(DlibFinder(), "central")
    found = [cutter.cut(name, image)[0] for name, image in zip(source.ids, images, strict=True)]
    rows = np.stack([judge.embed(cut.pixels) for cut in found])
    assert told_apart(rows, np.array(source.identities)) > 0.98
    others = np.stack([judge.embed(cut.pixels) for cut in cuts])
    assert np.median((rows * others).sum(axis=1)) > 0.9


def test_dlib_finds_no_face_where_there_is_none():
    pytest.importorskip("dlib", reason="dlib is not installed; it comes with spolia[dlib]")
    from spolia.embedding.dlib_detect import DlibFinder

    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (200, 300, 3), dtype=np.uint8)
    for image in (noise, np.zeros((1, 1, 3), np.uint8), np.full((900, 7, 3), 200, np.uint8)):
        assert DlibFinder().find("", image) == ()
