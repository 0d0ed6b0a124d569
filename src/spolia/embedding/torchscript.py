"""Networks in TorchScript files, by torch, once the user trusts the file.

``torch.jit.load`` unpickles no Python objects, so that the file cannot call arbitrary Python. It is
still a program, with loops and access to every operator of torch, read by native code that was not
made for hostile files. So it is opened only where the call names its SHA-256.
"""

import io
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spolia.core.errors import InvalidCard, MissingExtra, UsageError
from spolia.core.types import Float32
from spolia.embedding.cards import Card
from spolia.embedding.session import first_line

SUFFIXES = (".pt", ".ts")


def is_torchscript(card: Card) -> bool:
    """Is the card's model a TorchScript file?"""
    return Path(card.model.file).suffix.lower() in SUFFIXES


def check_trusted(card: Card, trust: Collection[str]) -> None:
    """Raise unless the card's file is trusted.

    Raises
    ------
    UsageError
        If it is not; names the digest that would be needed.
    """
    if card.model.sha256 not in trust:
        raise UsageError(
            f"the model {card.model.file} of card {card.path} is a program (TorchScript), so it "
            "must be trusted, but is not; if you know where it comes from, add --trust "
            f"{card.model.sha256}, or export it to ONNX"
        )


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingExtra(
            "a TorchScript file needs torch, which is not installed; run: pip install 'spolia[gpu]'"
        ) from error
    return torch


class TorchNetwork:
    """One TorchScript module on the CPU; see `spolia.embedding.network.Network`.

    Raises
    ------
    InvalidCard
        If the bytes are no TorchScript, or the card names an output that it cannot have.
    MissingExtra
        If torch is not installed.
    """

    batch = 1

    def __init__(self, card: Card, model: bytes) -> None:
        torch = _torch()
        self._card = card
        if not isinstance(card.model.output, int):
            raise InvalidCard(
                f"outputs of TorchScript have no names, but card {card.path} says output = "
                f"{card.model.output!r}; give its number, 0 for the first"
            )
        if card.input.keypoints is not None:
            raise InvalidCard(
                f"card {card.path} says keypoints = {card.input.keypoints!r}, but landmarks are "
                "only given to ONNX networks; export it to ONNX"
            )
        self.output = str(card.model.output)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                self._module = torch.jit.load(io.BytesIO(model), map_location="cpu").eval()
        except Exception as error:  # torch's errors have no common class but this
            raise InvalidCard(
                f"the model {card.model.file} of card {card.path} must be TorchScript, as "
                f"torch.jit.save writes it, but torch says: {first_line(error)}; weights alone "
                "(a state_dict) are not a network: export it"
            ) from error

    @property
    def decides(self) -> Mapping[str, str | int]:
        """The version of torch."""
        return {"torch": str(_torch().__version__)}

    def run(self, images: Float32, points: Float32 | None = None) -> dict[str, Float32]:
        """Return every float32 output by its number; see `spolia.embedding.network.Network.run`.

        Such a network takes no ``points``: a card that says so was refused.
        """
        del points
        torch = _torch()
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)  # of the thread that calls: the others have images too
        try:
            with torch.inference_mode():
                outputs = self._module(torch.from_numpy(images))
        except Exception as error:  # torch's errors have no common class but this
            raise InvalidCard(
                f"the model of card {self._card.path} refuses an input of shape {images.shape}: "
                f"{_last_line(error)}"
            ) from error
        several = outputs if isinstance(outputs, tuple | list) else (outputs,)
        found = {
            str(i): np.asarray(one.numpy(), dtype=np.float32)
            for i, one in enumerate(several)
            if isinstance(one, torch.Tensor) and one.is_floating_point()
        }
        if self.output not in found:
            raise InvalidCard(
                f"card {self._card.path} names output {self.output}, but the model gives "
                f"{len(several)} of which these are numbers: {', '.join(found) or 'none'}"
            )
        return found


def _last_line(error: Exception) -> str:
    """Return what went wrong in a program of torch: its trace comes first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
