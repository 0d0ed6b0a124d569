"""Laws of devices: never slow in silence, and no row that depends on its batch."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from spolia.core.errors import UnreadableImage, UsageError
from spolia.embedding import load_card, open_embedder
from spolia.embedding.device import CPU_PROVIDER, GPU_PROVIDER, DeviceWarning
from spolia.embedding.network import CardEmbedder, embedder_of
from spolia.embedding.onnx import GPU_BATCH
from tests.cards.gpu import BOTH, FakeRuntime, network_on
from tests.cards.tiny import tiny_model, write_card


def pictures(n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (8, 10, 3), dtype=np.uint8) for _ in range(n)]


@pytest.mark.parametrize(
    ("offered", "device", "provider"),
    [
        (BOTH, "auto", GPU_PROVIDER),
        (BOTH, "gpu", GPU_PROVIDER),
        (BOTH, "cpu", CPU_PROVIDER),
        ([CPU_PROVIDER], "auto", CPU_PROVIDER),
        ([CPU_PROVIDER], "cpu", CPU_PROVIDER),
        (["AzureExecutionProvider", CPU_PROVIDER], "auto", CPU_PROVIDER),
    ],
)
def test_the_graphics_card_is_used_where_it_is_offered_and_not_refused(
    tmp_path: Path, offered: list[str], device: str, provider: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = network_on(write_card(tmp_path), FakeRuntime(offered), device)
    assert network.decides["provider"] == provider
    assert network.batch == (GPU_BATCH if provider == GPU_PROVIDER else 1)


def test_a_silent_fall_to_the_cpu_is_said_aloud(tmp_path: Path) -> None:
    fallen = FakeRuntime(BOTH, used=[CPU_PROVIDER])
    with pytest.warns(DeviceWarning, match="offers a graphics card but runs the network of"):
        network = network_on(write_card(tmp_path), fallen)
    assert network.decides["provider"] == CPU_PROVIDER
    assert network.batch == 1


def test_a_fall_to_the_cpu_is_an_error_where_the_card_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a library of CUDA or cuDNN, or the card itself"):
        network_on(write_card(tmp_path), FakeRuntime(BOTH, used=[CPU_PROVIDER]), "gpu")


def test_a_card_that_is_not_offered_is_an_error_where_it_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pip install onnxruntime-gpu"):
        network_on(write_card(tmp_path), FakeRuntime([CPU_PROVIDER]), "gpu")


def test_a_device_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="device must be auto, cpu or gpu, but is 'cuda'"):
        open_embedder(write_card(tmp_path), device="cuda")


def test_everything_goes_through_the_card_in_one_shape(tmp_path: Path) -> None:
    runtime, path = FakeRuntime(BOTH), write_card(tmp_path)
    embedder = embedder_of(load_card(path), network_on(path, runtime))
    for n in (1, 2, GPU_BATCH, GPU_BATCH + 5):
        embedder.embed_batch(pictures(n))
    embedder.embed(pictures(1)[0])
    (session,) = runtime.sessions
    assert set(session.shapes) == {(GPU_BATCH, 3, 8, 10)}


def test_a_model_for_one_image_gets_one_image_on_the_card_too(tmp_path: Path) -> None:
    model = tiny_model((1, 3, 8, 10)).SerializeToString()
    assert network_on(write_card(tmp_path, model=model), FakeRuntime(BOTH)).batch == 1


def test_the_provider_and_the_batch_are_in_the_fingerprint(tmp_path: Path) -> None:
    path = write_card(tmp_path)
    card = load_card(path)
    prints = {
        CardEmbedder(card, network_on(path, FakeRuntime(BOTH), device)).fingerprint
        for device in ("cpu", "gpu")
    }
    assert len(prints) == 2


def test_a_bad_image_costs_its_batch_nothing(tmp_path: Path) -> None:
    path = write_card(tmp_path)
    card, runtime = load_card(path), FakeRuntime(BOTH)
    network = network_on(path, runtime)

    class Sick:
        """The network, but the second image of a batch gets NaN."""

        output, batch, decides = network.output, network.batch, network.decides

        def run(self, images, points=None):
            outputs = network.run(images, points)
            if len(images) > 1:
                outputs["embedding"] = outputs["embedding"].copy()
                outputs["embedding"][1, 3] = np.nan
            return outputs

    images = [*pictures(3), np.full((8, 10, 3), 9, np.uint8)]
    rows = CardEmbedder(card, Sick()).embed_batch(images)
    alone = CardEmbedder(card, network)
    assert isinstance(rows[1], UnreadableImage)
    assert not rows[3].any()
    for i in (0, 2):
        np.testing.assert_array_equal(rows[i], alone.embed(images[i]))
