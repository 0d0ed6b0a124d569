"""Laws of the cards of known networks: no weights, no invented digest, and honest about both."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from spolia.core.errors import InvalidCard, UsageError
from spolia.embedding import card_check, load_card, open_embedder
from spolia.embedding.cards import Card
from spolia.embedding.templates import new_card, templates

ALL = templates()
NAMED = pytest.mark.parametrize("template", ALL, ids=lambda one: one.name)
PUBLISHED = {"antelopev2", "auraface", "buffalo_l", "sface"}


def network(card: Card, *, times: float = 1.0, takes: int = 3) -> bytes:
    """A network with the shape that ``card`` says: each output is the mean of some pixels."""
    h, w = card.input.size
    dim = card.model.dim
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "weights"], ["row"]),
    ]
    weights = times * np.linspace(0.5, 2.0, dim, dtype=np.float32)[None]
    shapes: dict[str, list[int | str]] = {"image": ["n", takes, h, w]}
    if card.input.keypoints:
        shapes[card.input.keypoints] = ["n", 5, 2]
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in shapes.items()],
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, ["n", dim])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([1], np.int64), "last"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    content: bytes = made.SerializeToString()
    return content


def model_of(card: Card, folder: Path, **how: float) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(network(card, **how))
    return path


def test_the_networks_that_people_use_are_there() -> None:
    wanted = "adaface antelopev2 auraface buffalo_l clip cvlface-adaface cvlface-kprpe dinov2"
    assert [one.name for one in ALL] == [*wanted.split(), "edgeface", "sface", "sscd"]


@NAMED
def test_a_template_says_where_its_facts_come_from_and_what_is_left_to_check(template) -> None:
    assert "Read in" in template.comment
    assert "Published check: " in template.comment
    assert template.card.source.startswith("https://")
    assert template.card.licence


@NAMED
def test_a_template_has_a_digest_only_where_one_is_published(template) -> None:
    assert (template.sha256 is not None) == (template.name in PUBLISHED)
    assert template.card.self_test is None


def test_what_is_known_to_ruin_similarities_is_right() -> None:
    by = {one.name: one.card for one in ALL}
    assert by["adaface"].input.channels == "BGR"
    assert by["cvlface-adaface"].input.channels == "RGB"
    assert by["sface"].input.range == (0.0, 255.0)
    assert by["cvlface-kprpe"].input.keypoint_range == "unit"
    assert {by[name].commercial for name in ("antelopev2", "buffalo_l", "edgeface")} == {False}
    assert {by[name].kind for name in ("sscd", "dinov2", "clip")} == {"copy"}


@NAMED
def test_a_new_card_opens_its_file(template, tmp_path: Path) -> None:
    model = model_of(template.card, tmp_path)
    made = new_card(template.name, model=model, out=tmp_path / "new.toml")
    assert made.found
    # It is not the published file, and is not said to be.
    assert made.published is (False if template.sha256 else None)
    assert card_check(tmp_path / "new.toml").ok
    card = load_card(tmp_path / "new.toml")
    assert card.licence == template.card.licence
    assert card.self_test is not None
    assert open_embedder(tmp_path / "new.toml").dim == card.model.dim
    text = (tmp_path / "new.toml").read_text()
    assert text.startswith(template.comment)
    assert "was measured on this very file" in text


def test_a_new_card_notices_another_file_and_other_numbers(tmp_path: Path) -> None:
    sscd = next(one.card for one in ALL if one.name == "sscd")
    model = model_of(sscd, tmp_path)
    new_card("sscd", model=model, out=tmp_path / "new.toml")
    model.write_bytes(network(sscd, times=2.0))
    assert not card_check(tmp_path / "new.toml").sha_ok


def test_a_file_that_the_card_will_not_find_is_said(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    clip = next(one.card for one in ALL if one.name == "clip")
    made = new_card("clip", model=model_of(clip, tmp_path / "elsewhere"), out=tmp_path / "new.toml")
    assert not made.found


def test_a_card_is_not_written_over_another(tmp_path: Path) -> None:
    clip = next(one.card for one in ALL if one.name == "clip")
    model = model_of(clip, tmp_path)
    (tmp_path / "new.toml").write_text("mine")
    with pytest.raises(UsageError, match="exists; choose another --out"):
        new_card("clip", model=model, out=tmp_path / "new.toml")
    assert (tmp_path / "new.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "how", "error", "said"),
    [
        ("sscf", {}, UsageError, "did you mean 'sscd'?"),
        ("../sscd", {}, UsageError, "a template must be one of"),
        ("sscd", {"times": 0.0}, InvalidCard, "must be finite and not all 0"),
        ("sscd", {"times": float("nan")}, InvalidCard, "must be finite and not all 0"),
        ("sscd", {"takes": 1}, InvalidCard, "but the model takes"),
        ("adaface", {}, InvalidCard, "correct size and layout"),
        ("cvlface-kprpe", {}, InvalidCard, "keypoints = 'keypoints'"),
    ],
)
def test_a_file_of_another_network_gets_no_card(
    tmp_path: Path, name: str, how: dict[str, float], error: type[Exception], said: str
) -> None:
    sscd = next(one.card for one in ALL if one.name == "sscd")
    with pytest.raises(error) as caught:
        new_card(name, model=model_of(sscd, tmp_path, **how), out=tmp_path / "new.toml")
    assert said in str(caught.value)
    assert not (tmp_path / "new.toml").exists()


def test_a_program_gets_a_card_once_it_is_trusted(tmp_path: Path) -> None:
    (tmp_path / "sscd_disc_mixup.torchscript.pt").write_bytes(b"a program")
    with pytest.raises(UsageError, match="add --trust"):
        new_card(
            "sscd",
            model=tmp_path / "sscd_disc_mixup.torchscript.pt",
            out=tmp_path / "new.toml",
        )


def test_the_wheel_has_the_templates() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert '"embedding/templates/*.toml"' in text
