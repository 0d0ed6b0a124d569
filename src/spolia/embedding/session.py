"""Opening a network of any kind: onnxruntime without telemetry, and a session from bytes.

The file is read once; the digest is taken of the same bytes that the session is built from, and
nothing else is read.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from spolia.core.errors import InvalidCard, MissingExtra
from spolia.core.types import Float32
from spolia.embedding.cards import AnyCard, find_model
from spolia.embedding.device import CPU_PROVIDER, GPU_PROVIDER

_MODEL_BYTES = 4 << 30
"""Twice what an ONNX file can hold."""
_OLDEST = (1, 21)
"""Older versions ignore where `open_session` tells them to look for external weights."""


def onnxruntime_module() -> ModuleType:
    """Import onnxruntime with its telemetry off, which its Linux wheels have on by default."""
    # Read while onnxruntime is imported: later is too late for the device id that it writes
    # under the home folder.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtra(
            "a model card needs onnxruntime, which is not installed; "
            "run: pip install 'spolia[onnx]'"
        ) from error
    if tuple(map(int, onnxruntime.__version__.split(".")[:2])) < _OLDEST:
        raise MissingExtra(
            f"a model card needs onnxruntime 1.21 or newer, but {onnxruntime.__version__} is "
            "installed; run: pip install 'onnxruntime>=1.21'"
        )
    onnxruntime.disable_telemetry_events()
    return onnxruntime  # type: ignore[no-any-return]


_PROVIDERS: dict[str, list[str | tuple[str, dict[str, str]]]] = {
    CPU_PROVIDER: [CPU_PROVIDER],
    # By default factors of products are rounded to 10 bits, and kernels are chosen by timing
    # them, which can choose others in the next run.
    GPU_PROVIDER: [
        (GPU_PROVIDER, {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}),
        CPU_PROVIDER,
    ],
}


class OnnxRuntime:
    """onnxruntime itself; see `spolia.embedding.device.Runtime`."""

    @property
    def version(self) -> str:
        """Its version."""
        return str(onnxruntime_module().__version__)

    def offers(self) -> list[str]:
        """Return the names of its providers."""
        return list(onnxruntime_module().get_available_providers())

    def open(self, card: AnyCard, model: bytes, provider: str) -> Any:
        """Return a session, see `open_session`."""
        return open_session(card, model, provider)


def open_session(card: AnyCard, model: bytes, provider: str = CPU_PROVIDER) -> Any:
    """Return a session of one thread, which several may call at once.

    Raises
    ------
    InvalidCard
        If the bytes are no self-contained ONNX model.
    MissingExtra
        If onnxruntime is not installed, or too old.
    """
    onnxruntime = onnxruntime_module()
    options = onnxruntime.SessionOptions()
    # One thread inside the network, several callers outside: on 2 cores two callers sharing this
    # session embed 1.8 times as many images as one, with the same bits whatever their number.
    options.intra_op_num_threads = 1
    options.use_deterministic_compute = True
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised; nothing else belongs on stderr
    # A model from memory would look for external weights in the current folder, and these are not
    # part of the digest. No file lies under the null device.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", os.devnull
    )
    try:
        return onnxruntime.InferenceSession(model, options, providers=_PROVIDERS[provider])
    except Exception as error:  # onnxruntime's errors have no common class but this
        raise InvalidCard(
            f"the model {card.model.file} of card {card.path} must be one self-contained ONNX "
            f"file, but onnxruntime says: {first_line(error)}"
        ) from error


def first_line(error: Exception) -> str:
    """Return what an error says, without what follows its first line."""
    return str(error).partition("\n")[0]


def fits(takes: Sequence[int | str | None], shape: tuple[int, ...]) -> bool:
    """Tell whether a model that takes the one shape takes the other; a named size takes any."""
    return len(takes) == len(shape) and all(
        not isinstance(want, int) or want == came for want, came in zip(takes, shape, strict=True)
    )


def read_model(path: Path) -> tuple[bytes, str]:
    """Return the bytes of a model file and their sha256 in hex."""
    try:
        if path.stat().st_size > _MODEL_BYTES:
            raise InvalidCard(
                f"a model must have at most {_MODEL_BYTES >> 30} GiB, but {path} has "
                f"{path.stat().st_size >> 30} GiB"
            )
        model = path.read_bytes()
    except OSError as error:
        raise InvalidCard(f"the model {path} cannot be read: {error.strerror}") from error
    return model, hashlib.sha256(model).hexdigest()


def checked_model(card: AnyCard) -> bytes:
    """Return the bytes of the model that a card describes.

    Raises
    ------
    InvalidCard
        If the model is missing, or has another digest.
    """
    path = find_model(card)
    model, digest = read_model(path)
    if digest != card.model.sha256:
        raise InvalidCard(
            f"card {card.path} is for a model with sha256 {card.model.sha256}, but {path} has "
            f"{digest}; get the model the card describes, or write a card for this one"
        )
    return model


class PlainNetwork:
    """A network with one float32 input and float32 outputs, shared by all threads.

    Raises
    ------
    InvalidCard
        If the model is missing, is not the card's, or takes something else.
    MissingExtra
        If onnxruntime is not installed, or too old.
    """

    def __init__(self, card: AnyCard, shape: tuple[int, ...]) -> None:
        self._card = card
        self._session = open_session(card, checked_model(card))
        inputs = self._session.get_inputs()
        taken = [one for one in inputs if one.type == "tensor(float)" and fits(one.shape, shape)]
        if len(inputs) != 1 or not taken:
            took = ", ".join(f"{one.type} of shape {tuple(one.shape)}" for one in inputs)
            raise InvalidCard(
                f"the model of card {card.path} must take one image, float32 of shape {shape}, but "
                f"takes {took}; correct the card, or export the model so"
            )
        self._input: str = inputs[0].name
        outputs = self._session.get_outputs()
        self.outputs = tuple(one.name for one in outputs if one.type == "tensor(float)")

    def named(self, output: int | str) -> str:
        """Return the name of an output that a card gives by name or index.

        Raises
        ------
        InvalidCard
            If there is no such float32 output.
        """
        if output in self.outputs:
            return str(output)
        if isinstance(output, int) and output < len(self.outputs):
            return str(self.outputs[output])
        raise InvalidCard(
            f"card {self._card.path} names output {output!r}, but the model's float32 outputs are "
            f"{', '.join(self.outputs)}; give an index from 0 or one of these names"
        )

    def run(self, image: Float32) -> dict[str, Float32]:
        """Return every float32 output by name for one preprocessed image.

        Raises
        ------
        InvalidCard
            If the network refuses it.
        """
        try:
            outputs = self._session.run(self.outputs, {self._input: image})
        except Exception as error:  # onnxruntime's errors have no common class but this
            raise InvalidCard(
                f"the model of card {self._card.path} refuses an input of shape {image.shape}: "
                f"{first_line(error)}"
            ) from error
        return {name: np.asarray(one) for name, one in zip(self.outputs, outputs, strict=True)}
