"""``spolia audit`` of several sets and under several judges, as a user calls it."""

import json
import shutil

import pytest

from spolia.cli.main import run
from tests.judges import write_study

pytest.importorskip("onnx", reason="writes a card and its network")
pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    from tests.cards.tiny import write_card

    folder = tmp_path_factory.mktemp("sets")
    made = write_study(folder, size=80, leaks=50, clean=30)
    return made | {"card": write_card(folder)}


@pytest.fixture(scope="module")
def kept(sets, tmp_path_factory):
    """A study of two sets under two judges, and its folder."""
    out = tmp_path_factory.mktemp("kept") / "run"
    assert run(call(sets, "leaky", "clean", judges=("dct", sets["card"]), out=out)) == 1
    return out


def call(sets, *names, judges=("dct",), out=None, control="control", more=()):
    arguments = ["audit", sets["train"], *(sets.get(name, name) for name in names)]
    if control:
        arguments += ["--control", sets[control]]
    for judge in judges:
        arguments += ["--embedder", judge]
    if out:
        arguments += ["--out", out]
    return [str(one) for one in (*arguments, "--quiet", *more)]


def test_several_sets_are_shown_side_by_side_and_the_worst_decides(sets, capsys):
    assert run(call(sets, "clean", "leaky")) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Leak found: leaky; ")
    assert lines[1].split()[:5] == ["set", "judge", "images", "outcome", "exposed"]
    assert [line.split()[:2] for line in lines[2:4]] == [["clean", "dct"], ["leaky", "dct"]]
    assert any("leaky, dct: Leak found: " in line for line in lines)
    assert any("nothing is corrected for their number" in line for line in lines)


def test_several_judges_are_put_together_and_each_is_quoted(sets, capsys):
    assert run(call(sets, "leaky", judges=("dct", sets["card"]))) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("Leak found by dct and tiny (2 of 2 judges): together they name ")
    for start in ("named by dct and tiny: ", "dct and tiny agree on ", "dct: Leak", "tiny: Leak"):
        assert start in shown.out
    assert "Nothing was kept" in shown.err


def test_a_study_without_a_leak_exits_with_0_or_4(sets, capsys):
    code = run(call(sets, "clean", judges=("dct", sets["card"]), more=("--json",)))
    record = json.loads(capsys.readouterr().out)
    assert record["outcome"] in ("none", "inconclusive")
    assert code == record["exit_code"] == {"none": 0, "inconclusive": 4}[record["outcome"]]


def test_a_study_without_a_control_exits_with_4(sets, capsys):
    assert run(call(sets, "clean", "leaky", control=None)) == 4
    assert "No verdict" in capsys.readouterr().out


def test_json_is_the_report_of_the_study_and_nothing_else(sets, kept, capsys):
    arguments = call(sets, "leaky", "clean", judges=("dct", sets["card"]), out=kept)
    assert run([*arguments, "--json"]) == 1
    text = capsys.readouterr().out
    assert text == (kept / "report.json").read_text()
    record = json.loads(text)
    assert record["schema"] == "spolia-study/1"
    assert [one["name"] for one in record["sets"]] == ["leaky", "clean"]
    assert [one["name"] for one in record["judges"]] == ["dct", "tiny"]


def test_the_order_of_the_arguments_is_train_then_synthetic(sets, kept):
    import tomllib

    plan = tomllib.loads((kept / "study.toml").read_text())
    assert plan["train"] == str(sets["train"])
    assert [one["given"] for one in plan["sets"]] == [str(sets["leaky"]), str(sets["clean"])]


def test_a_study_is_reported_and_verified_as_a_whole_and_by_its_parts(kept, capsys):
    for folder in (kept, kept / "leaky" / "dct", kept / "clean" / "tiny"):
        capsys.readouterr()
        assert run(["verify", str(folder), "--quiet"]) == 0
        assert capsys.readouterr().out.startswith("Verified: ")
        assert run(["report", str(folder), "--profile", "internal"]) == 0
        assert (folder / "report-internal.html").exists()
        assert (folder / "report.html").exists()
    assert run(["report", str(kept), "--json"]) == 0
    assert "spolia-study/1" in capsys.readouterr().out


def test_verify_names_the_audit_that_was_changed(kept, tmp_path, capsys):
    moved = tmp_path / "moved"
    shutil.copytree(kept, moved)
    report = moved / "leaky" / "tiny" / "report.json"
    report.write_text(report.read_text().replace('"outcome": "leak"', '"outcome": "none"'))
    assert run(["verify", str(moved), "--quiet"]) == 3
    assert "leaky/tiny" in capsys.readouterr().err
    plan = moved / "leaky" / "dct" / "plan.toml"
    plan.write_text(plan.read_text().replace("fdr = 0.05", "fdr = 0.5"))
    assert run(["verify", str(moved), "--quiet"]) == 3
    assert "another audit than the study planned" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "verify"])
def test_a_study_that_is_not_finished_exits_with_3(command, kept, tmp_path, capsys):
    shutil.copytree(kept, tmp_path / "cut")
    (tmp_path / "cut" / "report.json").unlink()
    assert run([command, str(tmp_path / "cut")]) == 3
    assert "is not finished" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "judges", "message"),
    [
        (("clean", "nowhere.npy"), ("dct",), "nowhere.npy"),
        (("clean", "leaky"), ("dct", "dct"), "given twice"),
        (("clean",), ("dct", "precomputed"), "several judges need images"),
        (("clean", ""), ("dct",), "an empty one is given"),
    ],
)
def test_a_wrong_study_exits_with_2_before_anything_is_embedded(
    sets, names, judges, message, tmp_path, capsys
):
    assert run(call(sets, *names, judges=judges, out=tmp_path / "run")) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.npy"))


def test_a_set_that_cannot_be_read_exits_with_3_and_keeps_what_is_done(sets, tmp_path, capsys):
    from PIL import Image

    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"no image")
    Image.new("RGB", (9, 9), "red").save(folder / "b.png")
    assert run(call(sets, "clean", folder, out=tmp_path / "run")) == 3
    assert "1 of 2 images" in capsys.readouterr().err
    assert (tmp_path / "run" / "clean" / "dct" / "report.json").exists()
    assert not (tmp_path / "run" / "report.json").exists()
    assert "a.png" in (tmp_path / "run" / "broken" / "dct" / "quarantine.csv").read_text()


def test_one_set_and_one_judge_leave_the_folder_of_an_audit(sets, tmp_path):
    assert run(call(sets, "leaky", out=tmp_path / "run")) == 1
    assert (tmp_path / "run" / "plan.toml").exists()
    assert not (tmp_path / "run" / "study.toml").exists()
