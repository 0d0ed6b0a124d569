"""``spolia study`` as a user calls it."""

import json
from importlib.util import find_spec

import pytest

from spolia.auditing.sweep_result import load_sweep
from spolia.cli.main import run
from spolia.core.errors import UsageError
from tests.swept import write_people

needs_torch = pytest.mark.skipif(
    find_spec("torch") is None, reason="needs torch: pip install 'spolia[lab]'"
)

PLAN = """
source = "people"
any_judge = true
models = 2
non_members = 20

[training]
family = "{family}"
side = 8

[[sweep]]
vary = "identities"
values = [2, 6]
steps = 5
samples = 8

[[sweep]]
vary = "repeated"
values = [1, 3]
identities = 4
steps = 5
samples = 8
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    write_people(root / "people", people=30, photos=3)
    return root


def write_plan(folder, family="ddpm", text=PLAN):
    path = folder / f"{family}.toml"
    path.write_text(text.format(family=family), encoding="utf-8")
    return str(path)


@needs_torch
@pytest.mark.parametrize("family", ["ddpm", "gan"])
def test_a_study_trains_asks_and_shows(folder, capsys, family):
    plan, out = write_plan(folder, family), folder / f"out-{family}"
    assert run(["study", plan, "--out", str(out), "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("How many people are trained on: The AUC of members is ")
    assert "How often one person is repeated: The AUC of the repeated person is " in said.out
    assert "people trained on  members" in said.out
    assert "times that one person is repeated  repeated person" in said.out
    assert "Note: These models are small" in said.out
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "How many people are trained on" in page
    assert "person-0" not in page
    assert not list(out.rglob("*.model"))
    assert run(["report", str(out), "--out", str(folder / "again.html")]) == 0
    assert (folder / "again.html").read_text(encoding="utf-8") == page
    assert run(["verify", str(out)]) == 2
    assert "keeps neither models nor samples" in capsys.readouterr().err


@needs_torch
def test_json_is_the_summary_and_a_second_call_is_the_same(folder, capsys):
    plan, out = write_plan(folder), folder / "twice"
    assert run(["study", plan, "--out", str(out), "--quiet", "--json"]) == 0
    first = capsys.readouterr().out
    assert first == (out / "sweep.json").read_text(encoding="utf-8")
    assert json.loads(first)["schema"] == "spolia-sweep/1"
    assert "person-0" not in first
    assert run(["study", plan, "--out", str(out), "--quiet", "--json"]) == 0
    assert capsys.readouterr().out == first
    assert load_sweep(out).summary.models == 2


@needs_torch
def test_nothing_is_kept_without_out(folder, capsys):
    assert run(["study", write_plan(folder)]) == 0
    said = capsys.readouterr()
    assert "Nothing was kept" in said.err
    assert "sweep 1: identities" in said.err


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_a_study_says_so_before_it_reads_anything(folder, capsys):
    assert run(["study", write_plan(folder, text=PLAN.replace('"people"', '"nowhere"'))]) == 2
    assert "pip install 'spolia[lab]'" in capsys.readouterr().err


def test_a_plan_that_is_not_there_is_a_usage_error(folder, capsys):
    assert run(["study", str(folder / "none.toml")]) == 2
    assert "there is no plan" in capsys.readouterr().err


def test_a_wrong_plan_is_refused_before_anything_is_read(folder, capsys):
    wrong = PLAN.replace('source = "people"', 'source = "nowhere"').replace("ddpm", "ddmp")
    assert run(["study", write_plan(folder, "ddmp", wrong)]) == 2
    assert "family must be one of ddpm, gan" in capsys.readouterr().err


def test_a_study_that_is_no_study_cannot_be_read(tmp_path):
    (tmp_path / "sweep.json").write_text('{"schema": "other"}', encoding="utf-8")
    with pytest.raises(UsageError, match="must have schema 'spolia-sweep/1'"):
        load_sweep(tmp_path)
