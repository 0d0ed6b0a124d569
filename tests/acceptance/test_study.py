"""Studies of real sets, and of sets whose study is killed on its way."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spolia
from benchmarks.faces import people_of, split_people, write_sets
from spolia.auditing.study_verify import verify_study
from spolia.cli.main import run
from tests.judges import write_study

CARD = Path(__file__).parents[1] / "cards" / "mobilefacenet_ms1m_112.toml"

KILLED = """
import os, signal, sys
from pathlib import Path
import spolia
from tests.judges import Blind, Pixels

seen = []

def kill_at(stage, done, total):
    if stage == sys.argv[2]:
        seen.append(done)
        if len(seen) == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

folder, out = Path(sys.argv[1]), Path(sys.argv[4])
spolia.study(
    train=folder / "train.npy", control=folder / "control.npy",
    synthetic=[folder / "leaky.npy", folder / "clean.npy"], embedders=[Pixels(), Blind()], out=out,
    options=spolia.Options(shard_records=16, part_rows=16, threads=2), progress=kill_at,
)
"""


def contents(out):
    """The bytes of everything a study says; run.json holds the times, and keys are random."""
    return {
        path.relative_to(out): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name not in ("run.json", "codes.key")
    }


def study_until(sets, out, stage="never", at=0):
    call = [sys.executable, "-c", KILLED, str(sets), stage, str(at), str(out)]
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    return subprocess.run(call, env=os.environ | {"PYTHONPATH": path}, check=False).returncode


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    write_study(folder / "sets", size=60, leaks=40, clean=20)
    assert study_until(folder / "sets", folder / "run") == 0
    return folder / "sets", contents(folder / "run")


STAGES = [
    ("pixels: embed train", 2),
    ("blind: embed control", 1),
    ("leaky, pixels: embed synthetic", 2),
    ("leaky, pixels: match", 3),
    ("clean, pixels: judge", 1),
    ("clean, blind: judge", 1),
]


@pytest.mark.parametrize(("stage", "at"), STAGES, ids=[f"{s} {n}" for s, n in STAGES])
def test_a_killed_study_resumes_to_the_same_bytes(stage, at, expected, tmp_path):
    sets, whole = expected
    out = tmp_path / "run"
    assert study_until(sets, out, stage, at) == -signal.SIGKILL
    assert not (out / "report.json").exists()
    made = {path: path.stat().st_mtime_ns for path in out.rglob("*.np[yz]")}
    assert study_until(sets, out) == 0
    assert contents(out) == whole
    assert {path: path.stat().st_mtime_ns for path in made} == made


@pytest.mark.network_model
def test_a_face_network_names_held_back_photos_and_dct_does_not(shared, tmp_path, monkeypatch):
    """Held-back photos of sixty people of train among strangers: new photos, so no copies."""
    pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")
    monkeypatch.setenv("SPOLIA_MODELS", str(shared / "models"))
    archive = shared / "faces/lfw_half_aligned112.zip"
    split = split_people(people_of(archive), leaks=60, clean=400, seed=0)
    keep = slice(0, 450)
    split = type(split)(split.leaked, split.clean, split.train[keep], split.control[keep])
    sets = write_sets(archive, split, tmp_path / "faces", seed=0)
    result = spolia.study(
        train=sets["train"],
        control=sets["control"],
        synthetic={"held back": sets["synthetic"], "strangers": sets["clean"]},
        embedders=[CARD, "dct"],
        out=tmp_path / "run",
    )
    held, strangers = result.summary.sets
    face, dct = (judge.name for judge in result.summary.judges)
    assert [one.outcome for one in held.cells] == ["leak", held.cells[1].outcome]
    assert held.cells[0].exposed.train.count >= 50
    assert held.cells[1].exposed.train.count == 0
    assert held.together.named_by[0].judges == (face,)
    assert held.together.by_all == 0
    assert held.together.exposed.train.count >= 45
    rows = result.disagreements["held back"].to_pylist()
    told = {row["identity"] for row in rows if row["judge"] == face and row["named"]}
    assert len(told & set(split.leaked)) >= 50
    assert not any(row["named"] for row in rows if row["judge"] == dct)
    assert strangers.outcome != "leak"
    assert strangers.together.exposed.train.count == 0
    assert result.summary.exit_code == 1
    assert verify_study(tmp_path / "run").audits == 4


def test_several_generators_of_digits_are_told_apart(demo, tmp_path, capsys):
    """A memoriser, a half memoriser, and one that has not seen train."""
    sets = shutil.copytree(demo.folder / "sets", tmp_path / "sets")
    rng = np.random.default_rng(0)
    leaky, clean = (np.load(sets / f"{name}.npy") for name in ("leaky", "clean"))
    half = rng.permutation(len(leaky))[: len(leaky) // 2]
    np.save(sets / "mixed.npy", np.concatenate([leaky[half], clean[: len(leaky) - len(half)]]))
    names = ("leaky", "mixed", "clean")
    call = ["audit", sets / "train.npy", *(sets / f"{name}.npy" for name in names)]
    call += ["--control", sets / "control.npy", "--quiet", "--json", "--out", tmp_path / "run"]
    assert run([str(one) for one in call]) == 1
    record = json.loads(capsys.readouterr().out)
    found = [one["cells"][0]["exposed"]["train"]["count"] for one in record["sets"]]
    assert [one["name"] for one in record["sets"]] == list(names)
    assert found[0] > found[1] > found[2] == 0
    assert [one["outcome"] for one in record["sets"]] == ["leak", "leak", "none"]
    shutil.rmtree(tmp_path / "run")
