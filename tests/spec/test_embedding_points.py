"""Laws of networks that must be told where eyes, nose and mouth are."""

from pathlib import Path

import numpy as np
import pytest

from spolia.core.errors import InvalidCard, UsageError
from spolia.embedding import Embedder, load_card, needs_points, open_embedder, preprocess
from spolia.embedding.align import TEMPLATE
from spolia.embedding.points import network_points, template_points
from spolia.embedding.self_test import pattern
from tests.cards.tiny import (
    POINT_WEIGHTS,
    POINTS_CARD,
    RIGHT,
    SIZE,
    WEIGHTS,
    points_model,
    write_card,
)


def flat(image: np.ndarray) -> np.ndarray:
    return preprocess(image, RIGHT).reshape(-1).astype(np.float64)


def wanted(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    return flat(image) @ WEIGHTS + points.reshape(-1) @ POINT_WEIGHTS


def card(folder: Path, scale: str = "pixels", first: str | None = None) -> Path:
    points = template_points(SIZE) / (1.0 if scale == "pixels" else np.array(SIZE[::-1]))
    first = first or str(wanted(pattern(SIZE), points)[:8].tolist())
    edits = [("RANGE", scale), ("FIRST", first)]
    return write_card(folder, *edits, model=points_model(), card=POINTS_CARD)


def opened(folder: Path, scale: str = "pixels") -> Embedder:
    return open_embedder(card(folder, scale))


@pytest.mark.parametrize("scale", ["pixels", "unit"])
def test_points_reach_the_network_as_the_card_says(tmp_path: Path, scale: str) -> None:
    embedder, image = opened(tmp_path, scale), pattern(SIZE)[::-1]
    points = np.arange(10.0).reshape(5, 2)
    taken = points if scale == "pixels" else points / np.array([10.0, 8.0])
    assert needs_points(embedder)
    row = wanted(image, taken)
    np.testing.assert_allclose(
        embedder.embed_with_points(image, points), row / np.linalg.norm(row), atol=1e-6
    )


def test_points_follow_the_image_where_it_is_resized(tmp_path: Path) -> None:
    # The corners of an image stay its corners: pixel edges, not pixel centres, are scaled.
    spec = load_card(card(tmp_path)).input
    corners = np.array([[-0.5, -0.5], [19.5, -0.5], [-0.5, 15.5], [19.5, 15.5], [9.5, 7.5]])
    moved = network_points(corners, (16, 20), spec)[0]
    np.testing.assert_allclose(
        moved, [[-0.5, -0.5], [9.5, -0.5], [-0.5, 7.5], [9.5, 7.5], [4.5, 3.5]]
    )
    same = network_points(TEMPLATE, SIZE, spec)[0]
    np.testing.assert_array_equal(same, TEMPLATE.astype(np.float32))


def test_other_points_give_another_row(tmp_path: Path) -> None:
    embedder, image = opened(tmp_path), pattern(SIZE)
    one, other = template_points(SIZE), template_points(SIZE)[::-1]
    rows = [embedder.embed_with_points(image, points) for points in (one, other)]
    assert not np.allclose(*rows)


def test_without_points_every_image_is_refused_with_what_to_give(tmp_path: Path) -> None:
    embedder = opened(tmp_path)
    for call in (embedder.embed, lambda image: embedder.embed_batch([image])):
        with pytest.raises(UsageError, match="give --detector or --landmarks"):
            call(pattern(SIZE))
    assert embedder.batch == 1


def test_points_for_a_network_that_takes_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes an image alone, but came with landmarks"):
        open_embedder(write_card(tmp_path)).embed_with_points(pattern(SIZE), TEMPLATE)


@pytest.mark.parametrize(
    "points",
    [np.zeros((4, 2)), np.zeros((5, 3)), np.zeros(10), np.full((5, 2), np.nan), np.zeros((0, 2))],
    ids=["four", "three-dimensional", "flat", "nan", "none"],
)
def test_anything_but_five_finite_pairs_is_refused(tmp_path: Path, points: np.ndarray) -> None:
    with pytest.raises(UsageError, match="points must be five finite pairs"):
        opened(tmp_path).embed_with_points(pattern(SIZE), points)


def test_an_image_of_one_colour_has_the_zero_row_wherever_the_points_are(tmp_path: Path) -> None:
    row = opened(tmp_path).embed_with_points(np.full((9, 9, 3), 5, np.uint8), TEMPLATE)
    assert not row.any()


def test_the_self_test_feeds_the_template_scaled_to_the_size(tmp_path: Path) -> None:
    wrong = str(wanted(pattern(SIZE), TEMPLATE)[:8].tolist())
    with pytest.raises(InvalidCard, match="self-test of card"):
        open_embedder(card(tmp_path, first=wrong))


@pytest.mark.parametrize(
    ("model", "edit", "said"),
    [
        (points_model("where"), None, "must take the image and this input, but it takes 2"),
        (points_model(shape=("n", 10)), None, "must take float32 of shape (1, 5, 2)"),
        (points_model(), ('keypoints = "points"\n', ""), "no 'keypoints' names the input"),
        (points_model(), ('"RANGE"', '"percent"'), '"pixels" or "unit"'),
        (
            points_model(),
            ('keypoints = "points"\nkeypoint_range = "RANGE"', ""),
            "name the one that takes landmarks as 'keypoints'",
        ),
        (None, None, "must take the image and this input, but it takes 1"),
    ],
    ids=["name", "shape", "range-alone", "range", "unnamed", "one-input"],
)
def test_inputs_that_are_not_the_cards_are_refused(
    tmp_path: Path, model: bytes | None, edit: tuple[str, str] | None, said: str
) -> None:
    text = POINTS_CARD.replace(*edit) if edit else POINTS_CARD
    text = text.replace("RANGE", "pixels")
    with pytest.raises(InvalidCard) as caught:
        open_embedder(write_card(tmp_path, model=model, card=text))
    assert said in str(caught.value)
