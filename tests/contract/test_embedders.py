"""What holds for every embedder: unit rows that depend on the image alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.core.types import check_rows
from spolia.embedding import Batched, Embedder, Pixels, load_card, open_embedder
from spolia.embedding.opening import BUILT_IN
from tests.cards.factories import FACTORY
from tests.cards.gpu import on_fake_gpu
from tests.cards.tiny import write_card, write_torchscript_card

CARDS = Path(__file__).parents[1] / "cards"


# A face takes dlib a tenth of a second, and dlib-150 differs in the chip alone.
NAMES = [
    *sorted(BUILT_IN.keys() - {"dlib-150"}),
    "tiny",
    "tiny-gpu",
    "torchscript",
    "python",
    "mobilefacenet",
]


@pytest.fixture(params=NAMES, scope="module")
def embedder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    if request.param.startswith("dlib"):
        pytest.importorskip("dlib", reason="needs the extra dlib")
    if request.param in BUILT_IN:
        return open_embedder(request.param)
    folder = tmp_path_factory.mktemp("card")
    if request.param == "tiny":
        return open_embedder(write_card(folder))
    if request.param == "tiny-gpu":
        return on_fake_gpu(write_card(folder))
    if request.param == "torchscript":
        pytest.importorskip("torch", reason="needs torch")
        path = write_torchscript_card(folder)
        return open_embedder(path, trust=[load_card(path).model.sha256])
    if request.param == "python":
        return open_embedder(FACTORY, trust=[FACTORY])
    shared: Path = request.getfixturevalue("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPOLIA_MODELS", str(shared / "models"))
        return open_embedder(CARDS / "mobilefacenet_ms1m_112.toml")


def images() -> list[Pixels]:
    """Eight pictures: the usual ones, and those that are small, long, gray, flat or reversed."""
    rng = np.random.default_rng(1)
    shapes = [(112, 112), (64, 200), (1, 2), (8, 8), (2, 3000)]
    noise = [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]
    gray = np.repeat(rng.integers(0, 256, (50, 40, 1), dtype=np.uint8), 3, axis=2)
    return [*noise, gray, noise[0][::-2, ::-1], np.full((9, 9, 3), 77, np.uint8)]


def test_rows_are_unit_or_zero_float32_of_the_stated_width(embedder: Embedder) -> None:
    rows = np.stack([embedder.embed(image) for image in images()])
    assert rows.shape == (8, embedder.dim)
    check_rows(rows, "rows")
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    # Two pixels beside each other change in one direction only: nothing for phash.
    some = [i for i in range(7) if not (embedder.name == "phash" and i == 2)]
    assert np.abs(norms[some] - 1.0).max() < 1e-6


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (31, 17)])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 10, 90)])
def test_an_image_of_one_colour_has_the_zero_row(
    embedder: Embedder, shape: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    row = embedder.embed(np.full((*shape, 3), colour, np.uint8))
    assert row.dtype == np.float32
    assert not row.any()


def test_a_row_does_not_depend_on_the_order_of_calls(embedder: Embedder) -> None:
    forwards = [embedder.embed(image) for image in images()]
    backwards = [embedder.embed(image) for image in images()[::-1]][::-1]
    np.testing.assert_array_equal(forwards, backwards)


def test_a_row_does_not_depend_on_the_number_of_threads(embedder: Embedder) -> None:
    alone = [embedder.embed(image) for image in images()]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(embedder.embed, images() * 4))
    np.testing.assert_array_equal(alone * 4, together)


def test_a_row_does_not_depend_on_its_batch(embedder: Embedder) -> None:
    if not isinstance(embedder, Batched):
        pytest.skip("takes one image at a time only")
    alone = [embedder.embed(image) for image in images()]
    for size in (1, 3, 8):
        for start in range(0, 8, size):
            rows = embedder.embed_batch(images()[start : start + size])
            np.testing.assert_array_equal(rows, alone[start : start + size])
    backwards = embedder.embed_batch(images()[::-1])
    np.testing.assert_array_equal(backwards[::-1], alone)
    assert embedder.embed_batch([]) == []


def test_an_image_is_left_as_it_was_and_may_be_read_only(embedder: Embedder) -> None:
    for image in images():
        before = image.copy()
        image.setflags(write=False)
        embedder.embed(image)
        np.testing.assert_array_equal(image, before)


def test_different_images_have_different_rows(embedder: Embedder) -> None:
    rows = np.stack([embedder.embed(image) for image in images()[:7]])
    similarity = rows @ rows.T
    assert similarity[~np.eye(7, dtype=bool)].max() < 0.999


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((1, 4, 4, 3), np.uint8),
    ],
    ids=lambda image: f"{image.dtype}-{image.shape}",
)
def test_anything_but_rgb_uint8_is_refused_with_what_came(
    embedder: Embedder, wrong: Pixels
) -> None:
    with pytest.raises(UsageError) as caught:
        embedder.embed(wrong)
    assert f"{wrong.dtype} of shape {wrong.shape}" in str(caught.value)


def test_the_summary_repeats_what_the_embedder_says(embedder: Embedder) -> None:
    summary = embedder.summary
    assert (summary.name, summary.kind) == (embedder.name, embedder.kind)
    assert summary.fingerprint == embedder.fingerprint
    assert len(bytes.fromhex(embedder.fingerprint)) == 32
    assert summary.licence
    assert summary.source


def test_an_embedder_opens_as_itself(embedder: Embedder) -> None:
    assert open_embedder(embedder) is embedder
