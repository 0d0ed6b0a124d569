"""`spolia purge` deletes what shows people, and only when told to."""

import json

import numpy as np
import pytest

from spolia.cli.main import run
from tests.pictures import picture

SETS = {"train": range(12), "control": range(100, 112), "made": [*range(3), *range(200, 209)]}


@pytest.fixture
def audited(tmp_path):
    for name, seeds in SETS.items():
        np.save(tmp_path / f"{name}.npy", np.stack([picture(seed, 24) for seed in seeds]))
    return tmp_path


def audit(folder, *more):
    train, made, control = (str(folder / f"{name}.npy") for name in ("train", "made", "control"))
    where = ["--control", control, "--out", str(folder / "run")]
    return run(["audit", train, made, "-q", *where, *more])


def everything(folder):
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


def test_nothing_is_deleted_without_being_told(audited, capsys):
    audit(audited)
    before = everything(audited)
    assert run(["purge", str(audited / "run")]) == 0
    assert "would delete" in capsys.readouterr().out
    assert everything(audited) == before


def test_embeddings_go_and_the_verdict_stays(audited, capsys):
    code = audit(audited)
    assert run(["report", str(audited / "run"), "--profile", "internal"]) == 0
    said = json.loads((audited / "run" / "report.json").read_text())
    capsys.readouterr()
    assert run(["purge", str(audited / "run"), "--write", "--json"]) == 0
    gone = json.loads(capsys.readouterr().out)
    assert [one["path"].rpartition("/")[2] for one in gone["personal"]] == [
        "embeddings",
        "report-internal.html",
    ]
    left = everything(audited / "run")
    assert not any("img_emb" in one or "internal" in one for one in left)
    assert run(["report", str(audited / "run")]) == 0
    assert json.loads((audited / "run" / "report.json").read_text()) == said
    assert run(["verify", str(audited / "run")]) == 3
    assert "holds no embeddings of train" in capsys.readouterr().err
    assert audit(audited) == code
    assert run(["verify", str(audited / "run")]) == 0


def test_a_study_is_purged_with_its_audits(audited):
    np.save(audited / "other.npy", np.stack([picture(seed, 24) for seed in range(300, 312)]))
    audit(audited, str(audited / "other.npy"))
    assert any("img_emb" in one for one in everything(audited / "run"))
    assert run(["purge", str(audited / "run"), "--write"]) == 0
    left = everything(audited / "run")
    assert not any("img_emb" in one for one in left)
    assert any(one.endswith("report.json") for one in left)


def test_a_store_and_a_cache_are_purged(audited, capsys):
    where = ["--out", str(audited / "store"), "--cache", str(audited / "cache")]
    assert run(["embed", str(audited / "train.npy"), "--embedder", "dct", "-q", *where]) == 0
    for name in ("store", "cache"):
        assert run(["purge", str(audited / name), "--write"]) == 0
        assert everything(audited / name) == []


def test_what_is_no_run_is_refused(audited, capsys):
    before = everything(audited)
    assert run(["purge", str(audited), "--write"]) == 2
    assert "is none; check the path" in capsys.readouterr().err
    assert everything(audited) == before


def test_a_limit_is_kept_and_told(audited, capsys):
    assert audit(audited, "--limit", "pixel=5") == 2
    assert "did you mean 'pixels'" in capsys.readouterr().err
    assert audit(audited, "--limit", "entries=3") == 2
    assert "may have 3 entries, but" in capsys.readouterr().err
