"""Networks in ONNX files, on the CPU or on a graphics card.

On a CPU one image goes through at a time. On a graphics card the last bits of a row can depend on
the number of images that go through together, because libraries choose their kernels by shape: so
there is one number, and what is fewer is filled up with empty images.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from spolia.core.errors import InvalidCard
from spolia.core.types import Float32
from spolia.embedding.cards import Card
from spolia.embedding.device import CPU, Device, Runtime, place
from spolia.embedding.network import padded
from spolia.embedding.session import OnnxRuntime, first_line, fits

GPU_BATCH = 64
"""Images that go through a graphics card together."""


class OnnxNetwork:
    """One ONNX session; see `spolia.embedding.network.Network`.

    Parameters
    ----------
    card
        What the network is said to be.
    model
        The bytes of the ONNX file.
    device
        Where it is to run.
    runtime
        What opens the session; default: onnxruntime.

    Raises
    ------
    InvalidCard
        If the bytes are no ONNX model, or its inputs or outputs are not what the card says.
    UsageError
        If ``device`` is ``gpu`` and there is none that onnxruntime can use.
    MissingExtra
        If onnxruntime is not installed, or too old.
    """

    def __init__(
        self, card: Card, model: bytes, *, device: Device = CPU, runtime: Runtime | None = None
    ) -> None:
        runtime = runtime or OnnxRuntime()
        self._card = card
        self._session, self._provider = place(runtime, card, model, device)
        self._version = runtime.version
        image, self._points = _inputs(card, self._session.get_inputs())
        self._input: str = image.name
        # A model with a fixed number of images takes one, see `_check_input`.
        several = self._provider != "CPUExecutionProvider" and image.shape[0] != 1
        self.batch = GPU_BATCH if several and self._points is None else 1
        outputs = self._session.get_outputs()
        self.output = _output_name(card, [entry.name for entry in outputs])
        self._outputs = [entry.name for entry in outputs if entry.type == "tensor(float)"]
        if self.output not in self._outputs:
            raise InvalidCard(
                f"output {self.output!r} of the model of card {card.path} must be a float32 "
                f"tensor, but is none; such are: {', '.join(self._outputs)}"
            )

    @property
    def decides(self) -> Mapping[str, str | int]:
        """Version and provider of onnxruntime, and how many images go through together."""
        return {"onnxruntime": self._version, "provider": self._provider, "batch": self.batch}

    def run(self, images: Float32, points: Float32 | None = None) -> dict[str, Float32]:
        """Return every float32 output by name; see `spolia.embedding.network.Network.run`."""
        feed = {self._input: padded(images, self.batch)}
        if self._points is not None and points is not None:
            feed[self._points] = points
        try:
            outputs = self._session.run(self._outputs, feed)
        except Exception as error:  # onnxruntime's errors have no common class but this
            raise InvalidCard(
                f"the model of card {self._card.path} refuses an input of shape {images.shape}: "
                f"{first_line(error)}"
            ) from error
        n = len(images)
        return {
            # An output that is not one for each image stays whole, and its size is refused later.
            name: values[:n] if values.ndim and len(values) == self.batch else values
            for name, values in zip(self._outputs, outputs, strict=True)
        }


def _inputs(card: Card, entries: Sequence[Any]) -> tuple[Any, str | None]:
    """Return the input that takes the image, and the name of that of the landmarks.

    Raises
    ------
    InvalidCard
        If the model takes more or less than the card says.
    """
    names = ", ".join(entry.name for entry in entries)
    points = card.input.keypoints
    if points is None:
        if len(entries) != 1:
            raise InvalidCard(
                f"a model must take one input, the image, but that of card {card.path} takes "
                f"{len(entries)} ({names}); export it with the others fixed, or name the one that "
                "takes landmarks as 'keypoints'"
            )
        _check_input(card, entries[0])
        return entries[0], None
    if len(entries) != 2 or points not in [entry.name for entry in entries]:
        raise InvalidCard(
            f"card {card.path} says keypoints = {points!r}, so the model must take the image and "
            f"this input, but it takes {len(entries)} ({names}); correct the name, or leave it out"
        )
    image, given = sorted(entries, key=lambda entry: bool(entry.name == points))
    _check_input(card, image)
    if given.type != "tensor(float)" or not fits(given.shape, (1, 5, 2)):
        raise InvalidCard(
            f"keypoints {points!r} of card {card.path} must take float32 of shape (1, 5, 2), but "
            f"takes {given.type} of shape {tuple(given.shape)}; export the model so"
        )
    return image, points


def _check_input(card: Card, entry: Any) -> None:
    """Raise unless the model takes float32 of the card's shape; a named size takes any."""
    takes, wanted = entry.shape, card.input.shape
    if entry.type == "tensor(float)" and fits(takes, wanted):
        return
    n, a, b, c = wanted
    layout, swapped = ("NHWC", (n, b, c, a)) if a == 3 else ("NCHW", (n, c, a, b))
    advice = "correct size and layout"
    if entry.type != "tensor(float)":
        advice = "export it with a float32 input"
    elif fits(takes, swapped):
        advice = f'layout = "{layout}" fits'
    raise InvalidCard(
        f'card {card.path} says layout = "{card.input.layout}" and size = '
        f"{list(card.input.size)}, float32 of shape {wanted}, but the model takes {entry.type} "
        f"of shape {tuple(takes)}; {advice}"
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
