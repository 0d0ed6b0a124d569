"""The commands of cards, and what the other commands say of the judge they are given."""

import json
from pathlib import Path

import numpy as np
import pytest

from spolia.cli.main import run
from spolia.embedding import load_card
from spolia.embedding.device import DeviceWarning
from tests.cards.factories import FACTORY
from tests.cards.tiny import CARD, write_card, write_torchscript_card
from tests.spec.test_card_templates import ALL, model_of

BY_NAME = {one.name: one.card for one in ALL}


DETECTOR = """
name = "finder"
kind = "detector"
licence = "BSD-3-Clause"
commercial = false
source = "here"
trained_on = []
[model]
file = "tiny.onnx"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
[detector]
family = "yunet"
"""


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """Three sets of a few images."""
    rng = np.random.default_rng(0)
    for role in ("train", "control", "synthetic"):
        images = rng.integers(0, 256, (60, 12, 12, 3), dtype=np.uint8)
        np.save(tmp_path / f"{role}.npy", images)
    return tmp_path


def audit(sets: Path, *more: str) -> int:
    paths = [str(sets / f"{role}.npy") for role in ("train", "synthetic", "control")]
    out = ["--out", str(sets / "run"), "--quiet"]
    return run(["audit", paths[0], paths[1], "--control", paths[2], *out, *more])


def test_every_known_network_is_listed_with_its_licence(capsys) -> None:
    assert run(["card", "list"]) == 0
    text = capsys.readouterr().out
    for one in ALL:
        assert f"{one.name} (" in text
        assert one.card.licence in text
    assert text.count("commercial: no\n") == 3
    assert text.count("commercial: yes\n") == 3
    assert text.count("commercial: not known\n") == 5


def test_the_list_is_json_where_asked_for(capsys) -> None:
    assert run(["card", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["templates"]
    assert [one["name"] for one in listed] == [one.name for one in ALL]


def test_a_new_card_says_what_it_is_worth_and_passes_its_check(tmp_path: Path, capsys) -> None:
    model = model_of(BY_NAME["buffalo_l"], tmp_path)
    card = tmp_path / "new.toml"
    assert run(["card", "new", "buffalo_l", "--model", str(model), "--out", str(card)]) == 0
    text = capsys.readouterr().out
    assert "commercial: no" in text
    assert "NOT the published file" in text
    assert "it shows later changes, not that the file is right" in text
    assert "Note: put" not in text
    assert run(["card", "check", str(card)]) == 0
    text = capsys.readouterr().out
    assert "self-test   passed" in text
    assert "commercial: no" in text


def test_a_new_card_far_from_its_file_says_so(tmp_path: Path, capsys) -> None:
    (tmp_path / "models").mkdir()
    model = model_of(BY_NAME["clip"], tmp_path / "models")
    card = tmp_path / "new.toml"
    assert run(["card", "new", "clip", "--model", str(model), "--out", str(card)]) == 0
    assert "Note: put model.onnx beside the card" in capsys.readouterr().out
    again = ["card", "new", "clip", "--model", str(model), "--out", str(card), "--json"]
    assert run(again) == 2
    assert "exists; choose another --out" in capsys.readouterr().err


def test_a_check_of_a_network_that_gives_nan_is_still_json(tmp_path: Path, capsys) -> None:
    model = model_of(BY_NAME["clip"], tmp_path, times=float("nan"))
    edits = [("tiny.onnx", "model.onnx"), ("dim = 16", "dim = 512"), ("[8, 10]", "[224, 224]")]
    bare = CARD[: CARD.index("[self_test]")]
    path = write_card(tmp_path, *edits, ('"embedding"', "0"), model=model.read_bytes(), card=bare)
    assert run(["card", "check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["first"] == [None] * 8


def test_the_report_repeats_the_licence_and_that_it_is_not_commercial(sets: Path) -> None:
    card = write_card(sets, ("trained_on = []", "trained_on = []\ncommercial = false"))
    audit(sets, "--embedder", str(card))
    page = (sets / "run" / "report.html").read_text()
    assert "made by the test" in page
    assert "<dt>commercial use</dt><dd>no</dd>" in page
    assert json.loads((sets / "run" / "report.json").read_text())["model"]["commercial"] is False


@pytest.mark.parametrize("name", ["gist", "phash"])
def test_the_other_copy_descriptors_audit_by_name(sets: Path, name: str) -> None:
    assert audit(sets, "--embedder", name) in (0, 4)
    report = json.loads((sets / "run" / "report.json").read_text())
    assert (report["model"]["name"], report["model"]["kind"]) == (name, "copy")
    # The plan names it, and no path on this machine.
    assert f'embedder = "{name}"' in (sets / "run" / "plan.toml").read_text()


def test_a_factory_judges_where_it_is_trusted_and_not_otherwise(sets: Path, capsys) -> None:
    assert audit(sets, "--embedder", FACTORY) == 2
    assert f"add --trust {FACTORY}" in capsys.readouterr().err
    assert audit(sets, "--embedder", FACTORY, "--trust", FACTORY) in (0, 4)
    assert f'embedder = "{FACTORY}"' in (sets / "run" / "plan.toml").read_text()


def test_a_program_embeds_where_it_is_trusted_and_not_otherwise(sets: Path, capsys) -> None:
    pytest.importorskip("torch", reason="needs torch")
    card = write_torchscript_card(sets)
    call = ["embed", str(sets / "train.npy"), "--embedder", str(card), "--quiet"]
    assert run([*call, "--out", str(sets / "store")]) == 2
    digest = load_card(card).model.sha256
    assert f"add --trust {digest}" in capsys.readouterr().err
    assert run([*call, "--out", str(sets / "store"), "--trust", digest]) == 0
    assert run(["card", "check", str(card), "--trust", digest]) == 0
    assert run(["card", "check", str(card)]) == 2


def test_several_judges_are_trusted_together(sets: Path) -> None:
    judges = ["--embedder", FACTORY, "--embedder", "phash", "--trust", FACTORY]
    assert audit(sets, *judges) in (0, 4)


def test_a_device_that_is_not_there_is_said_before_anything_is_read(sets: Path, capsys) -> None:
    card = write_card(sets)
    assert audit(sets, "--embedder", str(card), "--device", "tpu") == 2
    assert "device must be auto, cpu or gpu" in capsys.readouterr().err
    assert not (sets / "run").exists()


def test_a_warning_is_shown_as_a_message(capsys) -> None:
    from spolia.cli.main import _show_warning

    _show_warning(DeviceWarning("runs on the CPU"), DeviceWarning, "file.py", 5)
    assert capsys.readouterr().err == "warning: runs on the CPU\n"


def test_the_doctor_says_what_may_be_used_for_what(
    tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_card(tmp_path, ("trained_on = []", "trained_on = []\ncommercial = false"))
    (tmp_path / "wrong.toml").write_text("x = 1")
    (tmp_path / "gone.toml").write_text(
        (tmp_path / "tiny.toml").read_text().replace("tiny.onnx", "gone.onnx")
    )
    (tmp_path / "detector.toml").write_text(DETECTOR)
    monkeypatch.setenv("SPOLIA_MODELS", str(tmp_path))
    assert run(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "judge       tiny.toml: made by the test; commercial: no" in text
    assert "judge       wrong.toml: card " in text
    assert "needs the model gone.onnx" in text
    assert "judge       detector.toml: BSD-3-Clause; commercial: no" in text
    assert "dct, gist, phash (copies, built in)" in text
