"""Laws of cards: a network that is fed wrongly is found out, and told what would be right."""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from spolia.core.errors import InvalidCard, UnreadableImage, UsageError
from spolia.embedding import card_check, load_card, open_embedder, preprocess
from spolia.embedding.self_test import pattern
from tests.cards.tiny import (
    CARD,
    OFFSET,
    RIGHT,
    SIZE,
    WEIGHTS,
    tiny_first,
    tiny_model,
    write_card,
)

NETWORK = Path(__file__).parents[1] / "cards" / "mobilefacenet_ms1m_112.toml"
ANY_SHAPE = ("n", "a", "b", "c")
UNIT_FIRST = np.array(tiny_first()) / np.linalg.norm(
    preprocess(pattern(SIZE), RIGHT).reshape(-1).astype(np.float64) @ WEIGHTS + OFFSET
)


def refusal(path: Path) -> str:
    with pytest.raises(InvalidCard) as caught:
        open_embedder(str(path))
    return str(caught.value)


@pytest.fixture
def network_card(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> "tuple[Path, str]":
    monkeypatch.setenv("SPOLIA_MODELS", str(shared / "models"))
    return tmp_path / "card.toml", NETWORK.read_text()


def test_the_row_is_the_networks_output_normalised(tmp_path: Path) -> None:
    image = pattern((50, 20))
    flat = preprocess(image, RIGHT).reshape(-1).astype(np.float64) @ WEIGHTS + OFFSET
    row = open_embedder(write_card(tmp_path)).embed(image)
    np.testing.assert_allclose(row, flat / np.linalg.norm(flat), atol=1e-6)


def test_what_the_card_says_is_what_the_summary_says(tmp_path: Path) -> None:
    summary = open_embedder(write_card(tmp_path)).summary
    assert (summary.name, summary.kind, summary.licence) == ("tiny", "copy", "made by the test")
    assert (summary.source, summary.commercial) == ("tests/cards/tiny.py", None)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ([('"RGB"', '"BGR"')], ['channels = "RGB"']),
        ([("[-1.0, 1.0]", "[0, 255]")], ["range = [-1.0, 1.0] without mean and std"]),
        ([("[-1.0, 1.0]", "[0, 1]\nmean = [0.485, 0.456, 0.406]")], ["range = [-1.0, 1.0]"]),
        ([('"NCHW"', '"NHWC"')], ['layout = "NCHW"']),
        ([('output = "embedding"', 'output = "other"')], ['output = "embedding"']),
        ([("FIRST", str(UNIT_FIRST.tolist()))], ["'first' before normalisation"]),
        (
            [('"RGB"', '"BGR"'), ("[-1.0, 1.0]", "[0.0, 1.0]")],
            ['channels = "RGB"', "range = [-1.0, 1.0] without mean and std"],
        ),
    ],
    ids=["bgr", "raw", "imagenet", "nhwc", "output", "normalised", "two"],
)
def test_the_self_test_names_what_would_match(
    tmp_path: Path, wrong: list[tuple[str, str]], named: list[str]
) -> None:
    model = tiny_model(ANY_SHAPE).SerializeToString()
    message = refusal(write_card(tmp_path, *wrong, model=model))
    assert "self-test" in message
    changes = message.split("with ")[1].split(" it matches")[0] if len(named) > 1 else message
    assert all(name in changes for name in named)
    assert "correct the card" in message


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ('"RGB"', '"BGR"', 'with channels = "RGB" it matches'),
        (
            "range = [0.0, 1.0]\nmean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]",
            "range = [0.0, 255.0]",
            "with range = [0.0, 1.0] with the mean and std of ImageNet it matches",
        ),
        ('"NCHW"', '"NHWC"', 'layout = "NCHW" fits'),
    ],
    ids=["bgr", "raw", "nhwc"],
)
def test_a_real_network_fed_wrongly_is_found_out(
    network_card: tuple[Path, str], right: str, wrong: str, named: str
) -> None:
    path, text = network_card
    assert right in text
    path.write_text(text.replace(right, wrong))
    assert named in refusal(path)


def test_a_wrong_value_that_nothing_explains_is_refused_as_such(tmp_path: Path) -> None:
    first = [value + 1.0 for value in tiny_first()]
    message = refusal(write_card(tmp_path, ("FIRST", str(first))))
    assert "no usual channel order, range, layout or output matches" in message


def test_the_tolerance_is_a_share_of_the_largest_value(tmp_path: Path) -> None:
    first = np.array(tiny_first())
    largest = np.abs(first).max()
    near, far = first.copy(), first.copy()
    near[3] += 0.9e-3 * largest
    far[3] += 1.1e-3 * largest
    assert card_check(write_card(tmp_path, ("FIRST", str(near.tolist())))).ok
    assert not card_check(write_card(tmp_path, ("FIRST", str(far.tolist())))).ok


def test_a_card_without_a_self_test_opens_and_shows_that_it_has_none(tmp_path: Path) -> None:
    bare = CARD[: CARD.index("[self_test]")]
    path = write_card(tmp_path, card=bare)
    assert load_card(path).self_test is None
    assert open_embedder(path).dim == 16
    report = card_check(path)
    assert report.ok
    assert report.self_test is not None
    assert report.self_test.status == "absent"
    np.testing.assert_allclose(report.self_test.first, tiny_first(), rtol=1e-4)


def test_the_values_a_check_prints_pass_the_self_test_when_pasted(tmp_path: Path) -> None:
    report = card_check(write_card(tmp_path, ("FIRST", str([1.0] * 8))))
    assert report.self_test is not None
    assert report.self_test.status == "mismatch"
    pasted = write_card(tmp_path, ("FIRST", str(list(report.self_test.first))))
    assert card_check(pasted).ok


def test_a_check_reports_what_opening_refuses(tmp_path: Path) -> None:
    swapped = card_check(write_card(tmp_path, ('"RGB"', '"BGR"')))
    assert not swapped.ok
    assert swapped.sha_ok
    assert swapped.self_test is not None
    assert swapped.self_test.variant == 'channels = "RGB"'
    other = card_check(write_card(tmp_path, ("SHA256", "0" * 64)))
    assert not other.ok
    assert not other.sha_ok
    assert other.self_test is None


def test_another_model_is_refused_with_both_digests(tmp_path: Path) -> None:
    path = write_card(tmp_path)
    wanted = load_card(path).model.sha256
    model = tmp_path / "tiny.onnx"
    model.write_bytes(model.read_bytes() + b"\0")
    came = card_check(path).sha256
    assert came != wanted
    message = refusal(path)
    assert wanted in message
    assert came in message


def test_a_missing_model_names_the_places_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_card(tmp_path)
    (tmp_path / "tiny.onnx").unlink()
    monkeypatch.delenv("SPOLIA_MODELS", raising=False)
    assert "SPOLIA_MODELS is not set" in refusal(path)
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("SPOLIA_MODELS", str(elsewhere))
    assert f"not in {tmp_path} and {elsewhere}" in refusal(path)


def test_a_model_is_found_in_the_models_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_card(tmp_path)
    models = tmp_path / "models"
    models.mkdir()
    (tmp_path / "tiny.onnx").rename(models / "tiny.onnx")
    monkeypatch.setenv("SPOLIA_MODELS", str(models))
    assert open_embedder(path).name == "tiny"


def test_the_fingerprint_follows_what_decides_the_numbers_and_nothing_else(
    tmp_path: Path,
) -> None:
    bare = CARD[: CARD.index("[self_test]")]

    def fingerprint(*edits: tuple[str, str]) -> str:
        return open_embedder(write_card(tmp_path, *edits, card=bare)).fingerprint

    right = fingerprint()
    assert fingerprint() == right
    assert fingerprint(("made by the test", "another licence")) == right
    assert fingerprint(('output = "embedding"', "output = 0")) == right
    assert fingerprint(("[-1.0, 1.0]", "[-1, 1]")) == right
    for edit in [
        ('"RGB"', '"BGR"'),
        ("[-1.0, 1.0]", "[0.0, 1.0]"),
        ('output = "embedding"', 'output = "other"'),
        ('alignment = "none"', 'alignment = "none"\nresize = "bicubic"'),
        ('alignment = "none"', 'alignment = "none"\nmean = [0.5, 0.5, 0.5]'),
    ]:
        assert fingerprint(edit) != right


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("dim = 16", "dim = 32"), "dim = 32, but output 'embedding' gives 16 values"),
        (('output = "embedding"', "output = 3"), "names output 3, but the model has 3: "),
        (('output = "embedding"', 'output = "x"'), "names output 'x', but the model has 3: "),
        (("size = [8, 10]", "size = [10, 8]"), "of shape ('n', 3, 8, 10)"),
        (('layout = "NCHW"', 'layout = "NHWC"'), 'layout = "NCHW" fits'),
    ],
)
def test_a_model_of_another_shape_is_refused(
    tmp_path: Path, edit: tuple[str, str], said: str
) -> None:
    bare = CARD[: CARD.index("[self_test]")]
    assert said in refusal(write_card(tmp_path, edit, card=bare))


def test_a_model_with_two_inputs_is_refused(tmp_path: Path) -> None:
    model = tiny_model()
    model.graph.input.append(helper.make_tensor_value_info("points", TensorProto.FLOAT, ["n", 10]))
    message = refusal(write_card(tmp_path, model=model.SerializeToString()))
    assert "takes 2 (images, points)" in message


def test_a_model_that_takes_no_float32_is_refused(tmp_path: Path) -> None:
    model = tiny_model()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    model.graph.node[0].input[0] = "single"
    cast = helper.make_node("Cast", ["images"], ["single"], to=TensorProto.FLOAT)
    model.graph.node.insert(0, cast)
    message = refusal(write_card(tmp_path, model=model.SerializeToString()))
    assert "export it with a float32 input" in message


def test_an_embedding_that_is_no_float32_is_refused(tmp_path: Path) -> None:
    model = tiny_model()
    model.graph.node.append(
        helper.make_node("Cast", ["embedding"], ["double"], to=TensorProto.DOUBLE)
    )
    model.graph.output.append(helper.make_tensor_value_info("double", TensorProto.DOUBLE, None))
    edit = ('output = "embedding"', 'output = "double"')
    message = refusal(write_card(tmp_path, edit, model=model.SerializeToString()))
    assert "must be a float32 tensor" in message
    assert "embedding, other, narrow" in message


def test_what_goes_wrong_is_raised_and_not_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tiny_model(("n", "a", "b", "c")).SerializeToString()
    refusal(write_card(tmp_path, ("[8, 10]", "[9, 9]"), model=model))
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_bytes_that_are_no_model_are_refused(tmp_path: Path) -> None:
    assert "self-contained ONNX" in refusal(write_card(tmp_path, model=b"no model"))


def test_weights_outside_the_model_file_are_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx.save(
        tiny_model(),
        tmp_path / "split.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=1024,
    )
    model = (tmp_path / "split.onnx").read_bytes()
    # The current folder is where onnxruntime would look for them.
    monkeypatch.chdir(tmp_path)
    assert Path("weights.bin").is_file()
    assert "self-contained ONNX" in refusal(write_card(tmp_path, model=model))


def test_a_value_that_is_not_finite_sends_the_image_to_the_quarantine(tmp_path: Path) -> None:
    model = tiny_model()
    # log is NaN wherever the first value of the embedding falls below 0.
    model.graph.node[2].output[0] = "sum"
    model.graph.node.insert(3, helper.make_node("Log", ["sum"], ["embedding"]))
    bare = CARD[: CARD.index("[self_test]")]
    embedder = open_embedder(write_card(tmp_path, model=model.SerializeToString(), card=bare))
    with pytest.raises(UnreadableImage, match="tiny gives a NaN or infinite value"):
        embedder.embed(pattern((8, 10)))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("dtc", "did you mean dct?"),
        ("DCT", "did you mean dct?"),
        ("precomputed", "precomputed embeddings are opened as a set's embeddings"),
        ("face.onnx", "a network is opened by its card"),
        (
            "arcface",
            "an embedder must be dct, gist, phash, dlib, dlib-150, the path of a model card",
        ),
        ("nowhere/card.toml", "no card can be read at nowhere/card.toml"),
        (object(), "object lacks name, kind, dim"),
    ],
)
def test_an_embedder_that_does_not_exist_is_refused_with_what_does(spec, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        open_embedder(spec)
