"""``spolia audit`` with columns, exclusions and near-duplicates, as a user calls it."""

import json

import numpy as np
import pytest

import spolia
from spolia.cli.main import run
from tests.planted import planted


@pytest.fixture
def files(tmp_path):
    """Three stores of rows, with a record in train that is also in the control."""
    truth = planted(leaks=60)
    rows = truth.control.vectors[:].copy()
    rows[:12] = truth.train.vectors[:12]
    rows[20] = rows[21]
    control = spolia.Embeddings(rows, truth.control.ids)
    for role, one in (truth.sets() | {"control": control}).items():
        np.save(tmp_path / f"{role}.npy", one.vectors[:])
    ages = "".join(f"{i:03d},train,{'child' if i < 9 else 'adult'}\n" for i in range(300))
    (tmp_path / "ages.csv").write_text("id,set,age\n" + ages)
    return tmp_path


def audit(files, *more):
    call = ["audit", files / "train.npy", files / "synthetic.npy", "--control"]
    call += [files / "control.npy", "--embedder", "precomputed", "--quiet", *more]
    return run([str(one) for one in call])


def test_what_was_counted_is_printed(files, capsys):
    columns = ["--columns", files / "ages.csv", "--exclude", "age=child"]
    assert audit(files, *columns, "--out", files / "run") == 1
    said = capsys.readouterr().out.replace("\u00a0", " ")
    assert "train: 9 images set aside as asked (age=child)" in said
    assert "Near-duplicates from 0.999: control 2 in 1 cluster; each counts once." in said
    assert "3 images of the control have a near-duplicate in train" in said
    assert run(["verify", str(files / "run"), "--quiet"]) == 0


def test_the_threshold_is_what_is_asked(files, capsys):
    for asked, found in (("off", None), ("0.5", 0.5), ("auto", 0.999)):
        assert audit(files, "--duplicates", asked, "--json") in (0, 1, 4)
        counting = json.loads(capsys.readouterr().out)["counting"]
        assert (counting["duplicates"] or {"threshold": None})["threshold"] == found


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--duplicates", "often"], "must be auto, off, or a similarity"),
        (["--duplicates", "1.5"], "at most at 0.9998"),
        (["--exclude", "age=child"], "needs columns"),
        (["--columns", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["--exclude-list", "nowhere.txt"], "nowhere.txt cannot be read"),
    ],
)
def test_a_wrong_call_is_a_usage_error(files, capsys, more, message):
    assert audit(files, *more) == 2
    assert message in capsys.readouterr().err
