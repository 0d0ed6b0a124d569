"""A network with YuNet's outputs, small enough to be built where it is needed.

It sees a face wherever a cell of 8 pixels is bright: the cell's mean decides both scores, and the
box and points lie as in the template, `GIVEN` pixels wide, with the cell's corner in their middle.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from spolia.embedding.align import TEMPLATE
from tests.cards.written import write_card

GIVEN = 64.0
"""Side of every box in pixels."""
POINTS = (TEMPLATE - 56.0) * (GIVEN / 112.0)
"""``(5, 2)`` the points beside the corner of the cell."""

CARD = """
name = "bright"
kind = "detector"
licence = "made by the test"
source = "tests/cards/yunet.py"
trained_on = []

[model]
file = "bright.onnx"
sha256 = "SHA256"

[detector]
family = "yunet"
longest_side = 256
score = 0.6
overlap = 0.3
"""


def bright_model(leave_out: str = "", factor: float = 1.0) -> onnx.ModelProto:
    """Return a detector of bright cells; ``leave_out`` names an output that it lacks."""
    nodes, outputs, constants = [], [], {}
    for side in (8, 16, 32):
        # Means of the cells, as (1, cells, 1): 0 to 1, and nothing but in the finest grid.
        weight = np.full((1, 3, side, side), factor / (3 * side * side * 255.0), np.float32)
        constants[f"w{side}"] = weight * (1.0 if side == 8 else 0.0)
        values = {"bbox": np.log([1.0, 1.0, GIVEN / side, GIVEN / side])}
        values["bbox"][:2] = 0.0
        values["kps"] = POINTS.reshape(-1) / side
        nodes += [
            helper.make_node("Conv", ["image", f"w{side}"], [f"means{side}"], strides=[side, side]),
            helper.make_node("Reshape", [f"means{side}", "flat"], [f"cls_{side}"]),
            helper.make_node("Identity", [f"cls_{side}"], [f"obj_{side}"]),
        ]
        for head, value in values.items():
            constants[f"{head}{side}"] = value.reshape(1, 1, -1).astype(np.float32)
            nodes += [
                helper.make_node("Mul", [f"cls_{side}", "zero"], [f"zero_{head}_{side}"]),
                helper.make_node(
                    "Add", [f"zero_{head}_{side}", f"{head}{side}"], [f"{head}_{side}"]
                ),
            ]
        outputs += [
            helper.make_tensor_value_info(
                f"{head}_{side}", TensorProto.FLOAT, [1, f"cells{side}", width]
            )
            for head, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
            if f"{head}_{side}" != leave_out
        ]
    constants["flat"] = np.array([1, -1, 1], np.int64)
    constants["zero"] = np.zeros(1, np.float32)
    graph = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def write_detector(
    folder: Path, *edits: tuple[str, str], model: bytes | None = None, card: str = CARD
) -> Path:
    """Write model and card into ``folder``, each edit (old, new) applied to the card's text."""
    model = bright_model().SerializeToString() if model is None else model
    return write_card(folder, "bright", model, card, *edits)


def scene(size: tuple[int, int], *cells: tuple[int, int, int]) -> np.ndarray:
    """Return a dark image with a bright cell for each (row, column, level); faces lie there."""
    image = np.full((*size, 3), 20, np.uint8)
    image[::3, ::5] = 60
    for row, column, level in cells:
        image[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = level
    return image
