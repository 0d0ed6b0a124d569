"""A question that is killed anywhere goes on when it is asked again, to the same answer."""

import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import spolia

SETS = ("synthetic", "members", "queries", "nonmembers", "train")
ASK = """
import os, signal, sys
import spolia

seen = []

def kill_at(stage, done, total):
    if stage == sys.argv[3]:
        seen.append(done)
        if len(seen) == int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)

sets = {name: f"{sys.argv[1]}/{name}" for name in SETS}
options = spolia.Options(shard_records=16, part_rows=16, threads=2, max_bad=0.05)
spolia.identity(**sets, out=sys.argv[2], fdr=0.2, options=options, progress=kill_at)
""".replace("SETS", repr(SETS))
OPTIONS = spolia.Options(shard_records=16, part_rows=16, threads=2, max_bad=0.05)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Forty random pictures a set, each an identity; ten samples are noisy pictures of queries."""
    folder = tmp_path_factory.mktemp("sets")
    rng = np.random.default_rng(0)
    pictures = {name: rng.integers(0, 256, (40, 12, 12, 3)) for name in SETS}
    noisy = pictures["queries"][:10] + rng.normal(0.0, 12.0, (10, 12, 12, 3))
    pictures["synthetic"][:10] = noisy.clip(0, 255)
    pictures["train"][:2] = pictures["members"][:2]
    for name, some in pictures.items():
        (folder / name).mkdir()
        for i, picture in enumerate(some):
            path = folder / name / f"{name}-{i:03d}.png"
            Image.fromarray(picture.astype(np.uint8)).save(path)
    (folder / "queries" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def ask(sets, out):
    given = {name: sets / name for name in SETS}
    return spolia.identity(**given, out=out, fdr=0.2, options=OPTIONS)


def contents(run):
    """The bytes of everything a run says; run.json holds the times."""
    names = ("identity.json", "identities.parquet", "quarantine.csv", "identity.toml")
    return {name: (run / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def expected(sets, tmp_path_factory):
    run = tmp_path_factory.mktemp("whole") / "run"
    result = ask(sets, run)
    assert result.summary.outcome == "found"
    assert result.named.num_rows >= 8
    assert [one.in_train for one in result.summary.compared] == [2, 0, 0]
    return contents(run)


STAGES = [
    ("read members", 1, 0),
    ("embed synthetic", 2, 0),
    ("embed nonmembers", 1, 0),
    ("compare with train", 9, 2),
    ("compare the sides", 2, 9),
    ("match members", 1, 15),
    ("match queries", 3, 18),
    ("match nonmembers", 4, 21),
    ("judge", 1, 24),
]
"""Where it is killed, and how many parts of searches are finished by then at least."""


@pytest.mark.parametrize(("stage", "at", "done"), STAGES, ids=[one[0] for one in STAGES])
def test_a_killed_question_resumes_to_the_same_answer(stage, at, done, sets, expected, tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-c", ASK, str(sets), str(run), stage, str(at)]
    killed = subprocess.run(command, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (run / "identity.json").exists()
    parts = {path: path.stat().st_mtime_ns for path in run.glob("matches/*/*.npz")}
    assert done <= len(parts) <= 24
    ask(sets, run)
    assert contents(run) == expected
    # What was finished is not computed again.
    assert {path: path.stat().st_mtime_ns for path in parts} == parts


def test_finished_shards_and_parts_are_not_computed_again(sets, tmp_path):
    run = tmp_path / "run"
    ask(sets, run)
    made = [*run.glob("embeddings/*/img_emb/*.npy"), *run.glob("matches/*/*.npz")]
    before = {path: path.stat().st_mtime_ns for path in made}
    ask(sets, run)
    # Three shards of each set, and three parts of each search: of train, of the other side, and of
    # the samples.
    assert len(before) == 5 * 3 + (3 + 2 + 3) * 3
    assert {path: path.stat().st_mtime_ns for path in made} == before


def test_parts_of_another_question_are_not_taken(sets, tmp_path):
    """Other photos were left out of it, so that rows have other numbers under the same names."""
    given = {name: sets / name for name in SETS}
    ask(sets, tmp_path / "other")
    plain = replace(OPTIONS, duplicates="off")
    spolia.identity(**given, out=tmp_path / "whole", fdr=0.2, options=plain)
    run = tmp_path / "run"
    spolia.identity(**given, out=run, fdr=0.2, options=plain)
    shutil.copytree(tmp_path / "other" / "matches", run / "matches", dirs_exist_ok=True)
    spolia.identity(**given, out=run, fdr=0.2, options=plain)
    assert contents(run) == contents(tmp_path / "whole")
    assert contents(run) != contents(tmp_path / "other")


def test_a_new_run_first_removes_what_the_old_one_said(sets, tmp_path):
    """A kill between the files of an answer must not leave an old report beside new tables."""
    from spolia.auditing.identity_result import load_identity
    from spolia.core.errors import RunIncomplete

    run = tmp_path / "run"
    ask(sets, run).report(run / "report.html")
    command = [sys.executable, "-c", ASK, str(sets), str(run), "judge", "1"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    for name in ("report.html", "run.json", "identities.parquet"):
        assert not (run / name).exists()
    with pytest.raises(RunIncomplete, match=r"identity\.json is missing"):
        load_identity(run)
