"""Where a network runs, and what is said when it does not run where it could."""

import warnings
from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol, get_args

from spolia.core.errors import UsageError
from spolia.embedding.cards import AnyCard

Device = Literal["auto", "cpu", "gpu"]
"""``auto``: the graphics card where onnxruntime offers it."""

CPU: Final = "cpu"
CPU_PROVIDER = "CPUExecutionProvider"
GPU_PROVIDER = "CUDAExecutionProvider"


class DeviceWarning(UserWarning):
    """A network runs, but slower than it could."""


class Runtime(Protocol):
    """What opens sessions: onnxruntime."""

    @property
    def version(self) -> str:
        """Its version."""

    def offers(self) -> Sequence[str]:
        """Return the names of its providers, one for each kind of device."""

    def open(self, card: AnyCard, model: bytes, provider: str) -> Any:
        """Return a session on ``provider``; it may be on another one than was asked for."""


def check_device(device: str) -> Device:
    """Return ``device``, or raise.

    >>> check_device("cuda")
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: device must be auto, cpu or gpu, but is 'cuda'
    """
    for known in get_args(Device):
        if device == known:
            return known  # type: ignore[no-any-return]
    raise UsageError(f"device must be auto, cpu or gpu, but is {device!r}")


def place(runtime: Runtime, card: AnyCard, model: bytes, device: Device) -> tuple[Any, str]:
    """Return a session, and the provider that computes in it.

    onnxruntime falls back to the CPU without a word where a library of the graphics card is
    missing. Here it is an error where the card was asked for, and a `DeviceWarning` where not.

    Raises
    ------
    UsageError
        If ``device`` is ``gpu`` and onnxruntime does not offer it, or did not use it.
    """
    offered = list(runtime.offers())
    if device == "gpu" and GPU_PROVIDER not in offered:
        raise UsageError(
            f"--device gpu needs an onnxruntime that can use a graphics card, but this one offers "
            f"{', '.join(offered)}; run: pip uninstall onnxruntime && pip install onnxruntime-gpu"
        )
    if device == "cpu" or GPU_PROVIDER not in offered:
        return runtime.open(card, model, CPU_PROVIDER), CPU_PROVIDER
    session = runtime.open(card, model, GPU_PROVIDER)
    used = list(session.get_providers())
    if GPU_PROVIDER in used:
        return session, GPU_PROVIDER
    said = (
        f"onnxruntime {runtime.version} offers a graphics card but runs the network of {card.path} "
        f"on {', '.join(used)}: a library of CUDA or cuDNN, or the card itself, is missing"
    )
    if device == "gpu":
        raise UsageError(f"{said}; mend that, or use --device cpu")
    warnings.warn(f"{said}; --device cpu says that this is meant", DeviceWarning, stacklevel=2)
    return session, CPU_PROVIDER
