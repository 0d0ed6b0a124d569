"""``spolia diff`` as a user calls it."""

import json

import numpy as np
import pytest

import spolia
from spolia.cli.main import run
from spolia.core.diff import DIFF_SCHEMA
from tests.planted import planted


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs, of which the second leaks; a name holds what a terminal would obey."""
    root = tmp_path_factory.mktemp("runs")
    truth = planted(leaks=40)
    ids = [f"\x1b[31mt{i:04d}" if i < 150 else f"t{i:04d}" for i in range(300)]
    train = spolia.Embeddings(truth.train.vectors[:], ids)
    rows = np.random.default_rng(9).normal(size=(300, 48))
    fresh = spolia.Embeddings(spolia.normalise(rows))
    for name, synthetic in (("old", fresh), ("new", truth.synthetic)):
        spolia.audit(train=train, control=truth.control, synthetic=synthetic, out=root / name)
    return root


def call(*arguments):
    return run(["diff", *(str(one) for one in arguments)])


def test_a_worse_release_is_said_to_be_and_the_code_is_0(runs, capsys):
    assert call(runs / "old", runs / "new") == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "More training identities are found again in B than in A: of 300 training images, "
    )
    assert "Exposed (images): worse. +1" in said
    assert "percentage points, 95 % interval +" in said
    assert "control 0 of 300" in said
    assert "50.0 % expected" in said
    assert "t0001" not in said


def test_names_are_shown_where_asked_and_cannot_write_to_the_terminal(runs, capsys):
    assert call(runs / "old", runs / "new", "--names") == 0
    said = capsys.readouterr().out
    assert "Newly exposed: '" in said
    assert "No longer exposed: nobody" in said
    assert "more (--json names all)" in said
    assert "\x1b" not in said


def test_json_is_all_that_stdout_holds(runs, capsys):
    assert call(runs / "new", runs / "old", "--json", "--names") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["word"]) == (DIFF_SCHEMA, "better")
    assert len(found["names"]["no_longer"]) == found["exposed"]["no_longer"] >= 38
    assert call(runs / "new", runs / "old", "--json") == 0
    assert json.loads(capsys.readouterr().out)["names"] is None


def test_a_wrong_call_is_no_difference(runs, tmp_path, capsys):
    assert call(runs / "old") == 2
    assert call(runs / "old", tmp_path) == 3
    truth = planted(leaks=40)
    sets = {"train": truth.train, "control": truth.control, "synthetic": truth.synthetic}
    spolia.audit(**sets, fdr=0.1, out=tmp_path / "other")
    assert call(runs / "new", tmp_path / "other") == 2
    assert "the asked false discovery rate (0.05 in A, 0.1 in B)" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "spolia-report/1"}', "\udcff"])
def test_a_damaged_report_is_refused(runs, tmp_path, text, capsys):
    for name in ("plan.toml", "report.json"):
        (tmp_path / name).write_bytes((runs / "old" / name).read_bytes())
    (tmp_path / "report.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert call(tmp_path, runs / "new") in (2, 3)
    assert "bug" not in capsys.readouterr().err
