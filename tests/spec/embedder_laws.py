"""Laws of embedders that a wrong version must break, as functions of the version."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.embedding.cards import Card, ModelSpec
from spolia.embedding.device import CPU_PROVIDER, GPU_PROVIDER, DeviceWarning
from spolia.embedding.dlib_face import _CENTRE
from spolia.embedding.preprocess import InputSpec

SPEC = InputSpec((8, 10), "NCHW", "RGB", (0.0, 1.0), keypoints="points", keypoint_range="unit")
CARD = Card(
    Path("card.toml"), "made", "copy", "MIT", "here", (), ModelSpec("made.pt", "ab" * 32, 4), SPEC
)


def law_order_of_distances_survives(lifted) -> None:
    """No pair changes places with one that is farther by more than the proved factor."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(60, 128))
    reach = rng.uniform(0.1, 0.7, (60, 1))
    x = _CENTRE + y / np.linalg.norm(y, axis=1)[:, None] * reach
    rows = np.stack([lifted(one) for one in x]).astype(np.float64)
    upper = np.triu_indices(60, 1)
    d = np.linalg.norm(x[:, None] - x[None], axis=2)[upper]
    s = (rows @ rows.T)[upper]
    assert np.abs(np.linalg.norm(rows, axis=1) - 1.0).max() < 1e-6
    factor = 1.0 / np.sqrt(1.0 - 0.7**2)
    surely_closer = d[:, None] * factor < d[None] - 1e-5
    assert (s[:, None] > s[None])[surely_closer].all()
    assert (np.sqrt(np.maximum(2.0 - 2.0 * s, 0.0)) >= d - 1e-5).all()


def law_points_stay_on_the_face(network_points) -> None:
    """The corners and the middle of an image stay what they are when it is resized."""
    corners = np.array([[-0.5, -0.5], [19.5, -0.5], [-0.5, 31.5], [19.5, 31.5], [9.5, 15.5]])
    moved = network_points(corners, (32, 20), SPEC)[0]
    edge = 0.5 / np.array([10.0, 8.0])
    wanted = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 0.5]]) - edge
    np.testing.assert_allclose(moved, wanted, atol=1e-6)


def law_every_batch_has_one_shape(padded) -> None:
    """What is fewer is filled up, what came stays in its place."""
    images = np.arange(1, 25, dtype=np.float32).reshape(3, 2, 2, 2)
    for n in (1, 2, 3):
        batch = padded(images[:n], 3)
        assert batch.shape == (3, 2, 2, 2)
        np.testing.assert_array_equal(batch[:n], images[:n])
        assert not batch[n:].any()


def law_half_of_the_bits_are_set(phash_row) -> None:
    """Whatever the image: against the median half of the frequencies are above."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        row = phash_row(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
        assert int((row > 0).sum()) == 32
        assert float(row @ row) == 1.0


def law_a_program_runs_only_where_its_digest_is_given(check_trusted) -> None:
    """Not for another digest, not for a part of it, not for any trust at all."""
    for trust in ([], ["cd" * 32], ["ab" * 31], ["python:made:made"], ["*"]):
        with pytest.raises(UsageError):
            check_trusted(CARD, trust)
    check_trusted(CARD, ["cd" * 32, "ab" * 32])


class Fallen:
    """onnxruntime that offers a graphics card and does not use it."""

    version = "1.99"

    def offers(self):
        return [GPU_PROVIDER, CPU_PROVIDER]

    def open(self, card, model, provider):
        del card, model, provider
        return self

    def get_providers(self):
        return [CPU_PROVIDER]


def law_a_fall_to_the_cpu_is_said(place) -> None:
    """A warning where it may fall, an error where it may not, the right provider in any case."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        _, provider = place(Fallen(), CARD, b"", "auto")
    assert provider == CPU_PROVIDER
    assert [one.category for one in said] == [DeviceWarning]
    with pytest.raises(UsageError):
        place(Fallen(), CARD, b"", "gpu")
