"""Laws of dlib's network: its order and thresholds survive on unit rows."""

import hashlib
import io
import sys
import zipfile
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spolia.core.errors import MissingExtra, UnreadableImage
from spolia.core.types import check_rows
from spolia.embedding import open_embedder
from spolia.embedding.dlib_face import _CENTRE, chip, distance, lifted, similarity


def descriptors(seed: int, n: int, reach: float) -> np.ndarray:
    """Descriptors within ``reach`` of the centre."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n, 128))
    return _CENTRE + y / np.linalg.norm(y, axis=1)[:, None] * rng.uniform(0.2, reach, (n, 1))


@given(st.integers(0, 10_000), st.floats(0.25, 0.95))
def test_the_distance_of_rows_is_that_of_descriptors_within_its_bound(
    seed: int, reach: float
) -> None:
    x = descriptors(seed, 12, reach)
    rows = np.stack([lifted(one) for one in x]).astype(np.float64)
    check_rows(rows.astype(np.float32), "rows")
    upper = np.triu_indices(12, 1)
    d = np.linalg.norm(x[:, None] - x[None], axis=2)[upper]
    on_rows = np.sqrt(np.maximum(2.0 - 2.0 * (rows @ rows.T)[upper], 0.0))
    assert (on_rows >= d - 1e-5).all()
    assert (on_rows <= d / np.sqrt(1.0 - reach**2) + 1e-5).all()


@given(st.floats(0.0, 2.0))
def test_similarity_and_distance_are_inverse(d: float) -> None:
    assert distance(similarity(d)) == pytest.approx(d, abs=1e-7)


def test_a_descriptor_that_no_face_has_is_set_aside_and_not_bent() -> None:
    far = _CENTRE.copy()
    far[0] += 1.0
    for one in (far, far + 1.0, np.full(128, np.nan)):
        with pytest.raises(UnreadableImage, match="no face has"):
            lifted(one)


def test_the_chip_follows_the_size_of_the_image() -> None:
    face = np.asarray(Image.effect_noise((112, 112), 60).resize((28, 28)).resize((112, 112)))
    face = np.stack([face] * 3, axis=2)
    double = np.asarray(Image.fromarray(face).resize((224, 224), Image.Resampling.BICUBIC))
    assert np.abs(chip(face).astype(int) - chip(double).astype(int)).mean() < 3.0


def test_without_dlib_the_extra_is_named() -> None:
    kept = sys.modules.get("dlib")
    sys.modules["dlib"] = None  # as if it were not installed
    try:
        import threading

        said: list[str] = []

        def opening() -> None:
            try:
                open_embedder("dlib")
            except MissingExtra as error:
                said.append(str(error))

        # A thread of its own has no network yet.
        thread = threading.Thread(target=opening)
        thread.start()
        thread.join()
    finally:
        if kept is None:
            del sys.modules["dlib"]
        else:
            sys.modules["dlib"] = kept
    assert "pip install 'spolia[dlib]'" in said[0]


@pytest.fixture
def faces(shared: Path) -> tuple[list[np.ndarray], list[str]]:
    """Three faces each of fifteen people, aligned to ArcFace's template."""
    pytest.importorskip("dlib", reason="needs the extra dlib")
    by_person: dict[str, list[str]] = {}
    with zipfile.ZipFile(shared / "faces/lfw_half_aligned112.zip") as archive:
        for name in archive.namelist():
            if name.endswith(".jpg"):
                by_person.setdefault(Path(name).parent.name, []).append(name)
        chosen = [names for names in by_person.values() if len(names) == 3]
        names = [name for three in islice(chosen, 15) for name in three]
        images = [
            np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names
        ]
    return images, [Path(name).parent.name for name in names]


def test_faces_of_one_person_are_closer_than_those_of_two(
    faces: tuple[list[np.ndarray], list[str]],
) -> None:
    images, people = faces
    embedder = open_embedder("dlib")
    rows = np.stack([embedder.embed(image) for image in images])
    scores = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    same = (np.array(people)[:, None] == np.array(people))[np.triu_indices(len(rows), 1)]
    # 0.6 is dlib's own threshold. On 360 images: 99 % and 0.8 %.
    assert (scores[same] > similarity(0.6)).mean() > 0.9
    assert (scores[~same] > similarity(0.6)).mean() < 0.05


def test_the_summary_says_what_it_is_worth() -> None:
    pytest.importorskip("dlib", reason="needs the extra dlib")
    embedder = open_embedder("dlib")
    assert (embedder.kind, embedder.dim) == ("identity", 129)
    assert "screening grade" in embedder.summary.licence
    other = open_embedder("dlib-150")
    assert embedder.fingerprint != other.fingerprint
    assert (embedder.alignment, other.alignment) == ("arcface-112", "dlib-150")
    noise = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    assert not np.allclose(embedder.embed(noise), other.embed(noise))


def test_the_centre_is_the_one_that_was_measured() -> None:
    # Another centre gives other rows: then the version must grow.
    digest = hashlib.sha256(np.round(_CENTRE * 100).astype(np.int8).tobytes()).hexdigest()
    assert digest[:16] == "ca82e79c8a56f1ad"
