"""Whether sets of images are comparable: counted, reported, and never acted on."""

import numpy as np
import pytest

import spolia
from spolia.auditing.comparable import read_quality
from spolia.auditing.verify import verify


def pictures(n, seed, side=12):
    """Blocks of colour, all different, without borders or clipped pixels."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 236, size=(n, side // 3, side // 3, 3))
    fine = np.kron(coarse, np.ones((1, 3, 3, 1))) + rng.integers(-8, 9, size=(n, side, side, 3))
    return fine.astype(np.uint8)


def framed(images):
    images = images.copy()
    images[:, :2] = images[:, -2:] = 0
    return images


@pytest.fixture
def sets(tmp_path):
    made = {"train": pictures(200, 0), "control": pictures(200, 1), "synthetic": pictures(120, 2)}
    made["synthetic"][:60] = made["train"][:60]

    def write(**changed):
        paths = {}
        for role, images in (made | changed).items():
            paths[role] = tmp_path / f"{role}.npy"
            np.save(paths[role], images)
        return paths

    return write


def shares(result):
    quality = result.summary.counting.quality
    return {
        one.name: {
            role: (rate.count, rate.n)
            for role, rate in zip(quality.roles, one.outside, strict=True)
        }
        for one in quality.measures
    }


def test_sets_that_are_alike_are_outside_as_often_as_asked(sets):
    result = spolia.audit(**sets())
    for of_role in shares(result).values():
        assert of_role["train"][1] == of_role["control"][1] == 200
        assert all(count <= 9 for count, _ in of_role.values())
    assert not any("train and control differ" in note for note in result.summary.notes)


def test_a_framed_synthetic_set_is_counted_and_nothing_is_left_out(sets):
    synthetic = framed(pictures(120, 2))
    result = spolia.audit(**sets(synthetic=synthetic))
    assert shares(result)["border"]["synthetic"] == (120, 120)
    one = next(one for one in result.summary.sets if one.role == "synthetic")
    assert (one.records, one.unreadable, one.blank) == (120, 0, 0)
    assert "Comparability" in result.to_html()


@pytest.mark.parametrize("role", ["train", "control"])
def test_a_side_of_which_half_differs_is_noted(sets, role):
    """In a range taken from both together the frame would be usual."""
    images = pictures(200, 3)
    images[:100] = framed(images[:100])
    result = spolia.audit(**sets(**{role: images}))
    other = "control" if role == "train" else "train"
    assert shares(result)["border"][role] == (100, 200)
    assert shares(result)["border"][other] == (0, 200)
    assert any("train and control differ in" in note for note in result.summary.notes)


def test_the_measures_do_not_depend_on_a_restart_and_are_verified(sets, tmp_path):
    paths = sets()
    first = spolia.audit(**paths, out=tmp_path / "run")
    kept = (tmp_path / "run" / "quality.parquet").read_bytes()
    again = spolia.audit(**paths, out=tmp_path / "run")
    assert first.to_json() == again.to_json()
    assert (tmp_path / "run" / "quality.parquet").read_bytes() == kept
    assert read_quality(tmp_path / "run").num_rows == 520
    verify(tmp_path / "run")


def test_embeddings_are_not_measured():
    rows = spolia.normalise(np.random.default_rng(0).normal(size=(90, 16)))
    sets = {
        role: spolia.Embeddings(rows[i::3].copy())
        for i, role in enumerate(("train", "control", "synthetic"))
    }
    result = spolia.audit(**sets)
    assert result.summary.counting.quality is None
    assert "Not measured" in result.to_html()
