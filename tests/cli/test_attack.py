"""``spolia attack`` as a user calls it."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import spolia
from spolia.cli.main import run
from spolia.core.set_membership import MEMBERSHIP_SCHEMA

DIM = 16


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Sets as .npy; a third of the leaky samples are of train."""
    folder = tmp_path_factory.mktemp("sets")
    rng = np.random.default_rng(0)
    train, control, fresh = (rng.normal(size=(n, DIM)) for n in (50, 100, 60))
    near = train[:30] + 0.02 * rng.normal(size=(30, DIM))
    sets = {
        "train": train,
        "control": control,
        "leaky": np.concatenate([near, fresh]),
        "clean": fresh,
        "few": control[:20],
    }
    for name, rows in sets.items():
        np.save(folder / f"{name}.npy", spolia.normalise(rows))
    return folder


def call(stored, synthetic, *arguments, control="control"):
    sets = [str(stored / f"{one}.npy") for one in ("train", synthetic)]
    more = [str(one) for one in arguments]
    beside = ["--control", str(stored / f"{control}.npy"), "--embedder", "precomputed"]
    return run(["attack", "membership", *sets, *beside, "--quiet", *more])


def test_samples_close_to_train_give_1_and_a_page(stored, tmp_path, capsys):
    assert call(stored, "leaky", "--out", tmp_path / "run") == 1
    said = capsys.readouterr()
    assert said.out.startswith("The samples lie closer to train than to what was held out: ")
    assert "train: 50 records of 50 identities" in said.out
    assert "One-third ratio      train 0." in said.out
    assert ": sees a leak" in said.out
    assert "Membership inference is no proof" in said.out
    assert "membership.html" in said.err
    page = (tmp_path / "run" / "membership.html").read_text(encoding="utf-8")
    assert "no proof" in page
    assert "<script" not in page
    assert pq.read_table(tmp_path / "run" / "records.parquet").num_rows == 100


def test_samples_that_are_no_closer_give_0(stored, capsys):
    assert call(stored, "clean") == 0
    said = capsys.readouterr()
    assert said.out.startswith("None of 11 methods sees a leak, at a chance of 5 %")
    assert "Nothing was kept" in said.err


def test_too_few_to_tell_give_4_and_json_is_all_that_stdout_holds(stored, capsys):
    assert call(stored, "clean", "--json", control="few") == 4
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["outcome"]) == (MEMBERSHIP_SCHEMA, "inconclusive")
    assert found["methods"] == []


def test_what_was_left_out_and_why_a_method_is_blind_is_printed(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name, n in (("t", 30), ("s", 4), ("c", 60)):
        pictures = rng.integers(0, 256, (n, 24, 24, 3), dtype=np.uint8)
        pictures[0] = 7 if name == "s" else pictures[0]
        np.save(tmp_path / f"{name}.npy", pictures)
    sets = [str(tmp_path / f"{one}.npy") for one in "ts"]
    beside = ["--control", str(tmp_path / "c.npy")]
    assert run(["attack", "membership", *sets, *beside]) == 4
    said = capsys.readouterr()
    assert "Left out of synthetic: 0 unreadable, 0 without a face, 1 blank" in said.out
    assert "blind here" in said.out
    assert "why: " in said.out
    assert "plant leaks: 12 of 12" in said.err


def test_a_wrong_call_is_no_finding(stored, capsys):
    assert run(["attack", "membership", str(stored / "train.npy")]) == 2
    assert call(stored, "clean", control="train") == 2
    assert call(stored, "clean", "--level", "2") == 2
    assert call(stored, "clean", "--duplicates", "often") == 2
    assert call(stored, "nowhere") == 2
    assert run(["attack", "nothing"]) == 2
    assert "level must lie between" in capsys.readouterr().err


def test_its_embeddings_can_be_deleted(stored, tmp_path):
    assert call(stored, "clean", "--out", tmp_path / "run", control="few") == 4
    assert (tmp_path / "run" / "membership.toml").exists()
    assert run(["purge", str(tmp_path / "run"), "--write"]) == 0
    again = ["--out", tmp_path / "run", "--overwrite"]
    assert call(stored, "clean", *again, control="few") == 4


def test_a_run_is_checked_again_and_a_change_gives_3(stored, tmp_path, capsys):
    assert call(stored, "leaky", "--out", tmp_path / "run") == 1
    capsys.readouterr()
    assert run(["verify", str(tmp_path / "run"), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Verified: 5 files are as they were left; 50 full searches over ")
    assert "5 areas and the corrected p equal the reference; 11 methods, " in said
    assert run(["verify", str(tmp_path / "run"), "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"] is True
    page = tmp_path / "run" / "membership.html"
    page.write_text(page.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert run(["verify", str(tmp_path / "run"), "--quiet"]) == 3
    assert "membership.html is not what the run left" in capsys.readouterr().err
