"""Laws of the other built-in copy descriptors: GIST and the perceptual hash."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spolia.embedding import Pixels, open_embedder
from spolia.embedding.gist import DIM, gist_row
from spolia.embedding.phash import hamming, phash_row
from tests.spec.test_embedding_dct import jpeg, resized, textured

ROWS = pytest.mark.parametrize("row_of", [gist_row, phash_row])


def bits(image: Pixels) -> np.ndarray:
    """The hash by its definition: sums of cosines, no transform."""
    gray = Image.fromarray(image).convert("F").resize((32, 32), Image.Resampling.BICUBIC)
    pixels = np.asarray(gray, np.float64)
    waves = np.cos(np.pi * np.outer(np.arange(1, 9), np.arange(32) + 0.5) / 32)
    low = (waves @ pixels @ waves.T).reshape(-1)
    return low > np.median(low)


@pytest.mark.parametrize("seed", range(8))
def test_a_hash_is_the_one_of_the_definition(seed: int) -> None:
    image = textured(seed)
    np.testing.assert_array_equal(phash_row(image) > 0, bits(image))


@given(st.integers(0, 63), st.integers(0, 63))
def test_similarity_is_one_less_a_32nd_of_the_hamming_distance(one: int, other: int) -> None:
    rows = phash_row(textured(one)), phash_row(textured(other))
    different = int(np.count_nonzero(rows[0] != rows[1]))
    similarity = float(rows[0] @ rows[1])
    assert similarity == 1.0 - different / 32
    assert hamming(similarity) == different
    assert different % 2 == 0


def test_half_of_the_bits_are_set() -> None:
    assert {int((phash_row(textured(seed)) > 0).sum()) for seed in range(20)} == {32}


def test_every_row_of_the_hash_has_norm_one_exactly() -> None:
    row = phash_row(textured(0))
    assert float(row @ row) == 1.0


@pytest.mark.parametrize("axis", [0, 1])
def test_an_image_that_changes_in_one_direction_has_no_hash(axis: int) -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    image = np.stack([np.stack([ramp] * 64, axis=axis)] * 3, axis=2)
    assert not phash_row(image).any()
    assert gist_row(image).any()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("edit", "least_gist", "most_bits"),
    [
        (lambda image: jpeg(image, 50), 0.98, 4),
        (lambda image: resized(image, 60, 72), 0.98, 4),
        (lambda image: (image * 0.6 + 40).astype(np.uint8), 0.97, 4),
        (lambda image: np.asarray(Image.fromarray(image).convert("L").convert("RGB")), 0.99, 4),
    ],
    ids=["jpeg", "smaller", "paler", "gray"],
)
def test_a_copy_stays_close(seed: int, edit, least_gist: float, most_bits: int) -> None:
    image = textured(seed)
    copy = edit(image)
    assert float(gist_row(image) @ gist_row(copy)) > least_gist
    assert hamming(float(phash_row(image) @ phash_row(copy))) <= most_bits


@ROWS
def test_unrelated_images_are_far_apart(row_of) -> None:
    rows = np.stack([row_of(textured(seed)) for seed in range(20)])
    apart = (rows @ rows.T)[~np.eye(20, dtype=bool)]
    assert apart.max() < 0.75
    assert abs(apart.mean()) < 0.3


@ROWS
@pytest.mark.parametrize("level", [0, 77, 255])
def test_noise_of_one_gray_level_is_no_structure(row_of, level: int) -> None:
    flat = np.full((64, 64, 3), min(level, 254), np.uint8)
    flat[5, 5] += 1
    assert not row_of(flat).any()


def test_gist_sees_a_mirrored_image_as_another() -> None:
    image = textured(3)
    assert float(gist_row(image) @ gist_row(image[:, ::-1])) < 0.6


def test_gist_says_where_and_in_which_direction() -> None:
    # Upright stripes in the upper left quarter: the filters for them answer there and nowhere else.
    stripes = np.full((64, 64, 3), 128, np.uint8)
    stripes[:32, :32] = np.where(np.arange(32) % 8 < 4, 90, 166)[None, :, None]
    answers = gist_row(stripes).reshape(4, 8, 4, 4)
    size, direction, down, across = np.unravel_index(answers.argmax(), answers.shape)
    assert direction == 0
    assert (down < 2) & (across < 2)
    turned = gist_row(stripes.transpose(1, 0, 2)).reshape(4, 8, 4, 4)
    assert np.unravel_index(turned.argmax(), turned.shape)[1] == 4
    assert size == np.unravel_index(turned.argmax(), turned.shape)[0]


def test_they_tell_copies_and_say_so() -> None:
    for name, dim in (("gist", DIM), ("phash", 64)):
        embedder = open_embedder(name)
        assert (embedder.kind, embedder.dim, embedder.summary.commercial) == ("copy", dim, True)
    assert len({open_embedder(name).fingerprint for name in ("dct", "gist", "phash")}) == 3


def test_an_image_survives_saving_as_png() -> None:
    encoded = io.BytesIO()
    Image.fromarray(textured(1)).save(encoded, "PNG")
    again = np.asarray(Image.open(encoded))
    np.testing.assert_array_equal(gist_row(again), gist_row(textured(1)))
