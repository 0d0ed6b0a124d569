"""Cards of detectors and attributes that are wrong, by mistake or on purpose."""

import pytest

pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")

from spolia.core.errors import InvalidCard, UnreadableImage, UsageError
from spolia.embedding import load_card
from spolia.embedding.attribute import Attribute
from spolia.embedding.detect import YuNet
from spolia.embedding.face_cards import load_attribute_card, load_detector_card
from tests.cards.brightness import brightness_model, write_attribute
from tests.cards.tiny import tiny_model, write_card
from tests.cards.yunet import bright_model, scene, write_detector

KINDS = {
    "detector": (write_detector, load_detector_card, YuNet),
    "attribute": (write_attribute, load_attribute_card, Attribute),
}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (('family = "yunet"', ""), "lacks the key 'family'"),
        (('"yunet"', '"mtcnn"'), "'family' in .* must be \"yunet\", but is 'mtcnn'"),
        (("score = 0.6", "score = 1.5"), "between 0 and 1, but is 1.5"),
        (("score = 0.6", "score = nan"), "between 0 and 1, but is nan"),
        (("score = 0.6", "scores = 0.6"), "unknown key 'scores'; did you mean 'score'"),
        (("overlap = 0.3", "overlap = 0"), "between 0 and 1, but is 0"),
        (("256", "1e3"), "whole number from 64 to 4096|unknown key"),
        (("= 256", "= 1000000"), "whole number from 64 to 4096, but is 1000000"),
        (("= 256", "= 1"), "whole number from 64 to 4096, but is 1"),
        (("[detector]", "[detektor]"), "unknown key 'detektor'; did you mean 'detector'"),
        (('licence = "made by the test"', ""), "lacks the key 'licence'"),
        (('"bright.onnx"', '"../bright.onnx"'), "a file name without a folder"),
        (("SHA256", "abc"), "64 lower-case hexadecimal digits"),
        (('kind = "detector"', 'kind = "identity"'), 'must have kind = "detector"'),
        (('kind = "detector"', ""), 'must have kind = "detector" .* but has None'),
    ],
)
def test_a_wrong_detector_card_is_refused_with_what_was_wanted(tmp_path, edit, said):
    with pytest.raises(InvalidCard, match=said):
        load_detector_card(write_detector(tmp_path, edit))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (('column = "brightness"', 'column = "set"'), "not id, identity, set"),
        (('column = "brightness"', 'column = "a=b"'), "a name without spaces around it and ="),
        (('column = "brightness"', 'column = " a"'), "a name without spaces around it and ="),
        (('["dark", "bright"]', '["dark"]'), "a list of 2 to 100 different names"),
        (('["dark", "bright"]', '["dark", "dark"]'), "a list of 2 to 100 different names"),
        (('["dark", "bright"]', '["dark", " "]'), "a list of 2 to 100 different names"),
        (('["dark", "bright"]', '["dark", 1]'), "a list of 2 to 100 different names"),
        (('["dark", "bright"]', '"dark"'), "a list of 2 to 100 different names"),
        (("[8, 8]", "[8]"), "height, width"),
        (('kind = "attribute"', 'kind = "copy"'), 'must have kind = "attribute"'),
    ],
)
def test_a_wrong_attribute_card_is_refused_with_what_was_wanted(tmp_path, edit, said):
    with pytest.raises(InvalidCard, match=said):
        load_attribute_card(write_attribute(tmp_path, edit))


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_is_not_the_cards_is_not_opened(tmp_path, kind):
    write, load, opened = KINDS[kind]
    path = write(tmp_path)
    model = next(tmp_path.glob("*.onnx"))
    model.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(InvalidCard, match="is for a model with sha256"):
        opened(load(path))
    model.unlink()
    with pytest.raises(InvalidCard, match="needs the model"):
        opened(load(path))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_network_is_refused(tmp_path, kind):
    write, load, opened = KINDS[kind]
    with pytest.raises(InvalidCard, match="one self-contained ONNX file"):
        opened(load(write(tmp_path, model=b"no network")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_for_something_else_is_refused(tmp_path, kind):
    write, load, opened = KINDS[kind]
    other = tiny_model() if kind == "detector" else bright_model()
    with pytest.raises(InvalidCard, match=r"must take one image|names 2 values|refuses an input"):
        opened(load(write(tmp_path, model=other.SerializeToString())))


@pytest.mark.parametrize("output", ["cls_8", "obj_16", "bbox_32", "kps_8"])
def test_a_detector_without_one_of_its_outputs_is_refused(tmp_path, output):
    model = bright_model(leave_out=output).SerializeToString()
    with pytest.raises(InvalidCard, match=f"{output} .* no such output"):
        YuNet(load_detector_card(write_detector(tmp_path, model=model)))


def test_an_attribute_needs_one_output_for_each_value(tmp_path):
    model = brightness_model((0.1, 0.2, 0.3)).SerializeToString()
    with pytest.raises(InvalidCard, match="names 2 values, but output 'classes' gives 3"):
        Attribute(load_attribute_card(write_attribute(tmp_path, model=model)))


def test_an_attribute_by_an_output_that_is_not_there_is_refused(tmp_path):
    edit = ('sha256 = "SHA256"', 'sha256 = "SHA256"\noutput = "age"')
    with pytest.raises(InvalidCard, match=r"names output 'age', but .* classes"):
        Attribute(load_attribute_card(write_attribute(tmp_path, edit)))


def test_an_attribute_that_is_no_number_makes_an_image_unreadable(tmp_path):
    model = brightness_model((float("nan"), 0.0)).SerializeToString()
    with pytest.raises(UnreadableImage, match="gives a NaN"):
        Attribute(load_attribute_card(write_attribute(tmp_path, model=model))).value(scene((9, 9)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_judge_is_neither_and_neither_is_a_judge(tmp_path, kind):
    write, load, _ = KINDS[kind]
    (tmp_path / "judge").mkdir()
    with pytest.raises(InvalidCard, match=f'must have kind = "{kind}" to be used here'):
        load(write_card(tmp_path / "judge"))
    with pytest.raises(InvalidCard):
        load_card(write(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_no_card_at_all_is_said(tmp_path, kind):
    with pytest.raises(UsageError, match="no card can be read"):
        KINDS[kind][1](tmp_path / "missing.toml")
