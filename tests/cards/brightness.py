"""A network that tells dark from bright images, small enough to be built where it is needed."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.cards.written import write_card

CARD = """
name = "brightness"
kind = "attribute"
licence = "made by the test"
source = "tests/cards/brightness.py"
trained_on = []

[model]
file = "brightness.onnx"
sha256 = "SHA256"

[input]
size = [8, 8]
layout = "NCHW"
channels = "RGB"
range = [0.0, 1.0]
alignment = "none"

[attribute]
column = "brightness"
values = ["dark", "bright"]
"""


def brightness_model(offset: tuple[float, ...] = (0.5, 0.0)) -> onnx.ModelProto:
    """Return a network that gives ``offset`` + (0, mean of the image): dark, bright."""
    weight = np.zeros((3 * 64, len(offset)), np.float32)
    weight[:, -1] = 1.0 / len(weight)
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["mean"]),
        helper.make_node("Add", ["mean", "offset"], ["classes"]),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", len(offset)])],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(np.array(offset, np.float32), "offset"),
        ],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def write_attribute(
    folder: Path, *edits: tuple[str, str], model: bytes | None = None, card: str = CARD
) -> Path:
    """Write model and card into ``folder``, each edit (old, new) applied to the card's text."""
    model = brightness_model().SerializeToString() if model is None else model
    return write_card(folder, "brightness", model, card, *edits)
