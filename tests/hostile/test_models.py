"""Files of networks that are wrong, by mistake or on purpose: refused, and nothing else is read."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from spolia.core.errors import InvalidCard, UnreadableImage
from spolia.embedding import card_check, load_card, open_embedder
from spolia.embedding.cards import find_model
from spolia.embedding.self_test import pattern
from spolia.embedding.session import read_model
from tests.cards.tiny import CARD, DIM, SIZE, tiny_model, write_card

BARE = CARD[: CARD.index("[self_test]")]


def refusal(path: Path) -> str:
    with pytest.raises(InvalidCard) as caught:
        open_embedder(path)
    return str(caught.value)


def model(nodes, outputs, *, constants=(), takes=("n", 3, *SIZE), kind=TensorProto.FLOAT):
    """A model from ``images`` to ``outputs``, which are (name, type, shape)."""
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("images", kind, takes)],
        [helper.make_tensor_value_info(*one) for one in outputs],
        list(constants),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("evil.example", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


EMBEDDING = [("embedding", TensorProto.FLOAT, ["n", DIM])]
HALF = len(tiny_model().SerializeToString()) // 2


def custom_op() -> bytes:
    node = helper.make_node("Run", ["images"], ["embedding"], domain="evil.example")
    return model([node], EMBEDDING)


def custom_function() -> bytes:
    """A function of its own whose body calls an operator that does not exist."""
    made = onnx.load_from_string(custom_op())
    body = [helper.make_node("NoSuchOperator", ["x"], ["y"])]
    opsets = [helper.make_opsetid("", 17)]
    made.functions.append(helper.make_function("evil.example", "Run", ["x"], ["y"], body, opsets))
    return made.SerializeToString()


def python_op() -> bytes:
    node = helper.make_node(
        "PyOp", ["images"], ["embedding"], domain="com.microsoft", module="os", class_name="system"
    )
    made = onnx.load_from_string(model([node], EMBEDDING))
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return made.SerializeToString()


def external(location: str) -> bytes:
    made = tiny_model()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return made.SerializeToString()


def forged_weights() -> bytes:
    """Weights that say they are larger than the bytes that are there."""
    made = tiny_model()
    made.graph.initializer[0].dims[0] = 10**6
    return made.SerializeToString()


def negative_weights() -> bytes:
    made = tiny_model()
    made.graph.initializer[0].dims[0] = -1
    return made.SerializeToString()


def cycle() -> bytes:
    nodes = [
        helper.make_node("Add", ["images", "b"], ["a"]),
        helper.make_node("Identity", ["a"], ["b"]),
        helper.make_node("Flatten", ["a"], ["embedding"]),
    ]
    return model(nodes, EMBEDDING)


def future_version() -> bytes:
    made = tiny_model()
    made.ir_version = 9999
    return made.SerializeToString()


def whole_outputs() -> bytes:
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"]),
        helper.make_node("Cast", ["flat"], ["embedding"], to=TensorProto.INT64),
    ]
    return model(nodes, [("embedding", TensorProto.INT64, ["n", "m"])])


def whole_inputs() -> bytes:
    nodes = [helper.make_node("Cast", ["images"], ["embedding"], to=TensorProto.FLOAT)]
    outputs = [("embedding", TensorProto.FLOAT, ["n", 3, *SIZE])]
    return model(nodes, outputs, kind=TensorProto.UINT8)


def other_size() -> bytes:
    return tiny_model(("n", 3, 9, 10)).SerializeToString()


def two_images() -> bytes:
    return tiny_model((2, 3, *SIZE)).SerializeToString()


def no_images() -> bytes:
    return tiny_model((0, 3, *SIZE)).SerializeToString()


def flat_input() -> bytes:
    return tiny_model(("n", 240)).SerializeToString()


def wide_output() -> bytes:
    """Says 16 columns and gives 240."""
    return model([helper.make_node("Flatten", ["images"], ["embedding"])], EMBEDDING)


def sixteen_terabytes() -> bytes:
    shape = numpy_helper.from_array(np.array([2**22, 2**20], np.int64), "shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("ReduceMean", ["huge"], ["mean"], keepdims=1),
        helper.make_node("Add", ["mean", "images"], ["embedding"]),
    ]
    outputs = [("embedding", TensorProto.FLOAT, ["n", 3, *SIZE])]
    return model(nodes, outputs, constants=[shape])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "must be one self-contained ONNX file"),
        (b"\0" * 1000, "must be one self-contained ONNX file"),
        (b"<html>not found</html>", "must be one self-contained ONNX file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "must be one self-contained ONNX file"),
        (b"\x80\x04\x95", "must be one self-contained ONNX file"),
        (b"PK\x03\x04" + b"\0" * 100, "must be one self-contained ONNX file"),
        (tiny_model().SerializeToString()[:HALF], "must be one self-contained ONNX file"),
        (tiny_model().SerializeToString()[:-1], "must be one self-contained ONNX file"),
        (custom_op(), "must be one self-contained ONNX file"),
        (custom_function(), "must be one self-contained ONNX file"),
        (python_op(), "must be one self-contained ONNX file"),
        (external("weights.bin"), "must be one self-contained ONNX file"),
        (external("../weights.bin"), "must be one self-contained ONNX file"),
        (external("/etc/passwd"), "must be one self-contained ONNX file"),
        (external("/dev/zero"), "must be one self-contained ONNX file"),
        (forged_weights(), "must be one self-contained ONNX file"),
        (negative_weights(), "must be one self-contained ONNX file"),
        (cycle(), "must be one self-contained ONNX file"),
        (future_version(), "must be one self-contained ONNX file"),
        (whole_outputs(), "must be a float32 tensor, but is none"),
        (whole_inputs(), "export it with a float32 input"),
        (other_size(), "must be one self-contained ONNX file"),
        (two_images(), "correct size and layout"),
        (no_images(), "correct size and layout"),
        (flat_input(), "correct size and layout"),
        (wide_output(), "says dim = 16, but output 'embedding' gives 240 values"),
        (sixteen_terabytes(), "of card"),
    ],
    ids=[
        "empty",
        "zeros",
        "html",
        "lfs-pointer",
        "pickle",
        "zip",
        "half",
        "one-byte-short",
        "custom-operator",
        "custom-function",
        "python-operator",
        "external-beside",
        "external-above",
        "external-absolute",
        "external-endless",
        "forged-weights",
        "negative-weights",
        "cycle",
        "future-version",
        "whole-outputs",
        "whole-inputs",
        "inner-mismatch",
        "two-images",
        "no-images",
        "flat-input",
        "wide-output",
        "sixteen-terabytes",
    ],
)
def test_a_file_that_is_no_such_network_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "weights.bin").write_bytes(b"\0" * 3 * 8 * 10 * DIM * 4)
    path = write_card(tmp_path, model=content, card=BARE)
    message = refusal(path)
    assert said in message
    assert str(path) in message
    assert "\n" not in message


def test_external_weights_are_not_read_though_they_lie_beside_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    weights = tiny_model().graph.initializer[0].raw_data
    (tmp_path / "weights.bin").write_bytes(weights)
    path = write_card(tmp_path, model=external("weights.bin"), card=BARE)
    assert "self-contained" in refusal(path)


def nan_model() -> bytes:
    """NaN for bright images only."""
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["product"]),
        helper.make_node("Sub", ["limit", "flat"], ["room"]),
        helper.make_node("ReduceMin", ["room"], ["least"], keepdims=1),
        helper.make_node("Sqrt", ["least"], ["sick"]),
        helper.make_node("Mul", ["product", "sick"], ["embedding"]),
    ]
    weights = np.random.default_rng(0).normal(size=(240, DIM)).astype(np.float32)
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.float32([0.9999]), "limit"),
    ]
    return model(nodes, EMBEDDING, constants=constants)


def test_a_network_that_gives_nan_costs_the_image_and_not_the_run(tmp_path: Path) -> None:
    embedder = open_embedder(write_card(tmp_path, model=nan_model(), card=BARE))
    image = np.minimum(pattern(SIZE), 250)
    assert abs(np.linalg.norm(embedder.embed(image)) - 1.0) < 1e-6
    image[0, 0] = 255
    with pytest.raises(UnreadableImage, match="gives a NaN or infinite value"):
        embedder.embed(image)
    bad, good = embedder.embed_batch([image, np.minimum(pattern(SIZE), 250)])
    assert isinstance(bad, UnreadableImage)
    assert good.any()


def test_a_self_test_that_gives_nan_matches_nothing(tmp_path: Path) -> None:
    path = write_card(tmp_path, model=nan_model())
    report = card_check(path)
    assert not report.ok
    assert "self-test of card" in refusal(path)


def test_a_model_of_another_digest_is_not_opened(tmp_path: Path) -> None:
    path = write_card(tmp_path)
    (tmp_path / "tiny.onnx").write_bytes(custom_op())
    report = card_check(path)
    assert (report.sha_ok, report.ok, report.self_test) == (False, False, None)
    assert "is for a model with sha256" in refusal(path)


def test_what_is_no_file_is_not_the_model(tmp_path: Path) -> None:
    path = write_card(tmp_path)
    model_path = tmp_path / "tiny.onnx"
    for make in (os.mkdir, os.mkfifo):
        model_path.unlink() if model_path.is_file() else model_path.rmdir()
        make(model_path)
        assert "which is not in" in refusal(path)
        if make is os.mkfifo:
            model_path.unlink()


def test_a_file_too_large_for_any_network_is_not_read(tmp_path: Path) -> None:
    path = write_card(tmp_path)
    with (tmp_path / "tiny.onnx").open("wb") as file:
        file.truncate(5 << 30)  # no byte of it is written
    with pytest.raises(InvalidCard, match="a model must have at most 4 GiB"):
        read_model(find_model(load_card(path)))
