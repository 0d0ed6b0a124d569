"""Networks in ONNX files, on the CPU.

The file is read once; the digest is taken of the same bytes that the session is built from, and
nothing else is read. The card's self-test runs before the first image.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import PIL

from spolia.core.errors import InvalidCard, MissingExtra, UnreadableImage
from spolia.core.results import Kind, ModelSummary
from spolia.core.types import Float32, normalise
from spolia.embedding.cards import Card, find_model
from spolia.embedding.preprocess import VERSION, check_pixels, is_blank, preprocess
from spolia.embedding.protocol import Pixels
from spolia.embedding.self_test import Verdict, pattern, run_self_test

_OLDEST = (1, 21)
"""Older versions ignore where `_session` tells them to look for external weights."""


def _onnxruntime() -> ModuleType:
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


class Network:
    """One ONNX session: a preprocessed image in, all outputs out; shared by all threads.

    Parameters
    ----------
    card
        What the network is said to be.
    model
        The bytes of the ONNX file.

    Raises
    ------
    InvalidCard
        If the bytes are no ONNX model, or its input or outputs are not what the card says.
    MissingExtra
        If onnxruntime is not installed, or too old.
    """

    def __init__(self, card: Card, model: bytes) -> None:
        self._card = card
        self._session = _session(card, model)
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            names = ", ".join(entry.name for entry in inputs)
            raise InvalidCard(
                f"a model must take one input, the image, but that of card {card.path} takes "
                f"{len(inputs)} ({names}); export it with the others fixed"
            )
        _check_input(card, inputs[0])
        self._input: str = inputs[0].name
        outputs = self._session.get_outputs()
        self.output = _output_name(card, [entry.name for entry in outputs])
        self._outputs = [entry.name for entry in outputs if entry.type == "tensor(float)"]
        if self.output not in self._outputs:
            raise InvalidCard(
                f"output {self.output!r} of the model of card {card.path} must be a float32 "
                f"tensor, but is none; such are: {', '.join(self._outputs)}"
            )

    def run(self, batch: Float32) -> dict[str, Float32]:
        """Return every float32 output by name for one preprocessed image.

        Raises
        ------
        InvalidCard
            If the network refuses the input.
        """
        try:
            outputs = self._session.run(self._outputs, {self._input: batch})
        except Exception as error:  # onnxruntime's errors have no common class but this
            raise InvalidCard(
                f"the model of card {self._card.path} refuses an input of shape {batch.shape}: "
                f"{_first_line(error)}"
            ) from error
        return dict(zip(self._outputs, outputs, strict=True))

    def self_test(self) -> Verdict:
        """Hold the card's self-test against this network, and its dim.

        Raises
        ------
        InvalidCard
            If the output has not ``dim`` values, or the network refuses the card's input.
        """
        self.embedding(pattern(self._card.input.size))
        return run_self_test(self._card, self.output, self.run)

    def embedding(self, image: Pixels) -> Float32:
        """Return the card's output ``(dim,)`` for one image, not normalised.

        Raises
        ------
        InvalidCard
            If it has not ``dim`` values.
        """
        values = self.run(preprocess(image, self._card.input))[self.output]
        dim = self._card.model.dim
        if values.size != dim:
            raise InvalidCard(
                f"card {self._card.path} says dim = {dim}, but output {self.output!r} gives "
                f"{values.size} values for an image; correct dim or output"
            )
        return values.reshape(-1)


def _session(card: Card, model: bytes) -> Any:
    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    # One thread inside the network, several callers outside: on 2 cores two callers sharing this
    # session embed 1.8 times as many images as one, with the same bits whatever their number.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised; nothing else belongs on stderr
    # A model from memory would look for external weights in the current folder, and these are not
    # part of the digest. No file lies under the null device.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", os.devnull
    )
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class but this
        raise InvalidCard(
            f"the model {card.model.file} of card {card.path} must be one self-contained ONNX "
            f"file, but onnxruntime says: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _check_input(card: Card, entry: Any) -> None:
    """Raise unless the model takes float32 of the card's shape; a named size takes any."""
    takes, wanted = entry.shape, card.input.shape
    if entry.type == "tensor(float)" and _fits(takes, wanted):
        return
    n, a, b, c = wanted
    layout, swapped = ("NHWC", (n, b, c, a)) if a == 3 else ("NCHW", (n, c, a, b))
    advice = "correct size and layout"
    if entry.type != "tensor(float)":
        advice = "export it with a float32 input"
    elif _fits(takes, swapped):
        advice = f'layout = "{layout}" fits'
    raise InvalidCard(
        f'card {card.path} says layout = "{card.input.layout}" and size = '
        f"{list(card.input.size)}, float32 of shape {wanted}, but the model takes {entry.type} "
        f"of shape {tuple(takes)}; {advice}"
    )


def _fits(takes: Sequence[int | str | None], shape: tuple[int, ...]) -> bool:
    return len(takes) == len(shape) and all(
        not isinstance(want, int) or want == came for want, came in zip(takes, shape, strict=True)
    )


def _output_name(card: Card, names: list[str]) -> str:
    output = card.model.output
    if isinstance(output, str) and output in names:
        return output
    if isinstance(output, int) and output < len(names):
        return names[output]
    raise InvalidCard(
        f"card {card.path} names output {output!r}, but the model has {len(names)}: "
        f"{', '.join(names)}; give an index from 0 or one of these names"
    )


class OnnxEmbedder:
    """The network of a card, checked: right bytes, right shapes, self-test passed.

    Made by `open_card`. An image of one colour gives the zero row without asking the network:
    it would answer with some unit row, the same for every blank image, and blank images would
    look like copies of one another.
    """

    def __init__(self, card: Card, network: Network) -> None:
        self.card = card
        self.name: str = card.name
        self.kind: Kind = card.kind
        self.dim: int = card.model.dim
        self._network = network

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the model, its preprocessing and output, and the versions that compute."""
        decides = {
            "model": self.card.model.sha256,
            "output": self._network.output,
            "input": asdict(self.card.input),
            "preprocess": VERSION,
            "pillow": PIL.__version__,
            "onnxruntime": _onnxruntime().__version__,
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()

    @property
    def summary(self) -> ModelSummary:
        """What a report says about it."""
        return ModelSummary(
            name=self.name,
            kind=self.kind,
            licence=self.card.licence,
            commercial=self.card.commercial,
            source=self.card.source,
            trained_on=self.card.trained_on,
            fingerprint=self.fingerprint,
        )

    def embed(self, image: Pixels) -> Float32:
        """Return the row of one image; see `Embedder.embed`."""
        check_pixels(image)
        if is_blank(image):
            return np.zeros(self.dim, dtype=np.float32)
        values = self._network.embedding(image)
        if not np.isfinite(values).all():
            raise UnreadableImage(f"the network {self.name} gives a NaN or infinite value for it")
        row: Float32 = normalise(values[None])[0]
        return row


def open_card(card: Card) -> OnnxEmbedder:
    """Return the embedder of ``card``, after all that the card says of the model was checked.

    Raises
    ------
    InvalidCard
        If the model is missing, has another digest, other inputs or outputs, or fails the
        self-test (names the change to the card that would pass it, if one would).
    MissingExtra
        If onnxruntime is not installed.
    """
    path = find_model(card)
    model, digest = read_model(path)
    if digest != card.model.sha256:
        raise InvalidCard(
            f"card {card.path} is for a model with sha256 {card.model.sha256}, but {path} has "
            f"{digest}; get the model the card describes, or write a card for this one"
        )
    network = Network(card, model)
    verdict = network.self_test()
    if verdict.status == "mismatch":
        raise InvalidCard(_mismatch(card, verdict))
    return OnnxEmbedder(card, network)


def _mismatch(card: Card, verdict: Verdict) -> str:
    wanted = [] if card.self_test is None else list(card.self_test.first)
    advice = (
        f"with {verdict.variant} it matches: correct the card"
        if verdict.variant
        else "no usual channel order, range, layout or output matches either: compare the card "
        "with the code the model was trained with"
    )
    return (
        f"the self-test of card {card.path} fails: wanted {wanted}, but fed as the card says the "
        f"model gives {list(verdict.first)}; {advice}"
    )


def read_model(path: Path) -> tuple[bytes, str]:
    """Return the bytes of a model file and their sha256 in hex."""
    try:
        model = path.read_bytes()
    except OSError as error:
        raise InvalidCard(f"the model {path} cannot be read: {error.strerror}") from error
    return model, hashlib.sha256(model).hexdigest()
