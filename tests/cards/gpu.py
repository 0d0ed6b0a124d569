"""onnxruntime as it is on a machine with a graphics card, without one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spolia.embedding import Embedder, load_card
from spolia.embedding.cards import AnyCard, find_model
from spolia.embedding.device import CPU_PROVIDER, GPU_PROVIDER, Device
from spolia.embedding.network import embedder_of
from spolia.embedding.onnx import OnnxNetwork
from spolia.embedding.session import open_session


class FakeSession:
    """A session on the CPU that says it is on ``provider``, and counts what goes through."""

    def __init__(self, session: Any, providers: Sequence[str]) -> None:
        self._session = session
        self._providers = providers
        self.shapes: list[tuple[int, ...]] = []

    def get_inputs(self) -> Any:
        return self._session.get_inputs()

    def get_outputs(self) -> Any:
        return self._session.get_outputs()

    def get_providers(self) -> Sequence[str]:
        return self._providers

    def run(self, outputs: Any, feed: dict[str, Any]) -> Any:
        self.shapes += [value.shape for value in feed.values()]
        return self._session.run(outputs, feed)


class FakeRuntime:
    """What onnxruntime offers, and what it then uses."""

    version = "1.99.0"

    def __init__(self, offered: Sequence[str], used: Sequence[str] | None = None) -> None:
        self._offered, self._used = offered, used
        self.sessions: list[FakeSession] = []

    def offers(self) -> Sequence[str]:
        return self._offered

    def open(self, card: AnyCard, model: bytes, provider: str) -> FakeSession:
        used = self._used or [provider]
        self.sessions.append(FakeSession(open_session(card, model), used))
        return self.sessions[-1]


BOTH = (GPU_PROVIDER, CPU_PROVIDER)


def network_on(path: Path, runtime: FakeRuntime, device: Device = "auto") -> OnnxNetwork:
    card = load_card(path)
    return OnnxNetwork(card, find_model(card).read_bytes(), device=device, runtime=runtime)


def on_fake_gpu(path: Path) -> Embedder:
    return embedder_of(load_card(path), network_on(path, FakeRuntime(BOTH), "gpu"))
