"""A network of one matrix, and a card that describes it rightly."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from spolia.embedding import InputSpec, preprocess
from spolia.embedding.self_test import pattern

SIZE = (8, 10)
DIM = 16
CARD = """
name = "tiny"
kind = "copy"
licence = "made by the test"
source = "tests/cards/tiny.py"
trained_on = []

[model]
file = "tiny.onnx"
sha256 = "SHA256"
output = "embedding"
dim = 16

[input]
size = [8, 10]
layout = "NCHW"
channels = "RGB"
range = [-1.0, 1.0]
alignment = "none"

[self_test]
first = FIRST
"""
RIGHT = InputSpec(SIZE, "NCHW", "RGB", (-1.0, 1.0))

_rng = np.random.default_rng(0)
WEIGHTS = _rng.normal(size=(3 * 8 * 10, DIM)).astype(np.float32)
OFFSET = _rng.normal(size=DIM).astype(np.float32)


def tiny_model(takes: tuple[int | str, ...] = ("n", 3, *SIZE)) -> onnx.ModelProto:
    """Return a model: ``embedding`` = flat image @ WEIGHTS + OFFSET, and two made of it."""
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["product"]),
        helper.make_node("Add", ["product", "offset"], ["embedding"]),
        helper.make_node("Mul", ["embedding", "factor"], ["other"]),
        helper.make_node("MatMul", ["embedding", "last"], ["narrow"]),
    ]
    constants = {"weights": WEIGHTS, "offset": OFFSET, "factor": np.float32([-2.0])}
    constants["last"] = np.ones((DIM, 3), np.float32)
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, takes)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
            for name, width in (("embedding", DIM), ("other", DIM), ("narrow", 3))
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    # Versions that the oldest onnxruntime we allow can read.
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def tiny_first() -> list[float]:
    """The first outputs for the pattern, computed without onnxruntime."""
    flat = preprocess(pattern(SIZE), RIGHT).reshape(-1).astype(np.float64)
    return [float(value) for value in (flat @ WEIGHTS + OFFSET)[:8]]


def write_card(
    folder: Path, *edits: tuple[str, str], model: bytes | None = None, card: str = CARD
) -> Path:
    """Write model and card into ``folder``, each edit (old, new) applied to the card's text."""
    model = tiny_model().SerializeToString() if model is None else model
    for old, new in edits:
        assert old in card
        card = card.replace(old, new)
    card = card.replace("SHA256", hashlib.sha256(model).hexdigest())
    card = card.replace("FIRST", str(tiny_first()))
    (folder / "tiny.onnx").write_bytes(model)
    path = folder / "tiny.toml"
    path.write_text(card)
    return path


POINTS_CARD = CARD.replace(
    'alignment = "none"', 'alignment = "none"\nkeypoints = "points"\nkeypoint_range = "RANGE"'
)
POINT_WEIGHTS = _rng.normal(size=(10, DIM)).astype(np.float32)


def points_model(points: str = "points", shape: tuple[int | str, ...] = ("n", 5, 2)) -> bytes:
    """Return a model: ``embedding`` = flat image @ WEIGHTS + flat points @ POINT_WEIGHTS."""
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"]),
        helper.make_node("Flatten", [points], ["five"]),
        helper.make_node("MatMul", ["flat", "weights"], ["seen"]),
        helper.make_node("MatMul", ["five", "point_weights"], ["placed"]),
        helper.make_node("Add", ["seen", "placed"], ["embedding"]),
    ]
    takes = {points: shape, "images": ("n", 3, *SIZE)}
    graph = helper.make_graph(
        nodes,
        "points",
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in takes.items()],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", DIM])],
        [
            numpy_helper.from_array(WEIGHTS, "weights"),
            numpy_helper.from_array(POINT_WEIGHTS, "point_weights"),
        ],
    )
    opsets = [helper.make_opsetid("", 17)]
    model: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return model


def write_torchscript_card(folder: Path, *edits: tuple[str, str]) -> Path:
    """Write the same network as TorchScript, and its card."""
    import warnings

    import torch

    class Tiny(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = torch.nn.Parameter(torch.from_numpy(WEIGHTS))
            self.offset = torch.nn.Parameter(torch.from_numpy(OFFSET))

        def forward(self, images):
            embedding = images.flatten(1) @ self.weights + self.offset
            return embedding, embedding.argmax(1), -2.0 * embedding

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(Tiny(), torch.zeros(1, 3, *SIZE))
        torch.jit.save(traced, folder / "tiny.pt")
    model = (folder / "tiny.pt").read_bytes()
    changes = [('"tiny.onnx"', '"tiny.pt"'), ('output = "embedding"', "output = 0")]
    path = write_card(folder, *changes, *edits, model=model)
    (folder / "tiny.onnx").unlink()
    return path
