"""A run that is killed anywhere goes on when it is called again, and ends in the same findings."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import spolia

KILLED = """
import os, signal, sys
import spolia

seen = []

def kill_at(stage, done, total):
    if stage == sys.argv[2]:
        seen.append(done)
        if len(seen) == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

folder = sys.argv[1]
spolia.audit(
    train=folder + "/train", control=folder + "/control", synthetic=folder + "/synthetic",
    out=folder + "/run", fdr=0.2, options=spolia.Options(shard_records=16, part_rows=16, threads=2),
    progress=kill_at,
)
"""


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Sixty random images a set, six of the synthetic ones copies, one unreadable."""
    folder = tmp_path_factory.mktemp("sets")
    rng = np.random.default_rng(0)
    images = {
        name: rng.integers(0, 256, (60, 12, 12, 3), dtype=np.uint8)
        for name in ("train", "control", "synthetic")
    }
    images["synthetic"][:10] = images["train"][5:15]
    for name, some in images.items():
        (folder / name).mkdir()
        for i, image in enumerate(some):
            Image.fromarray(image).save(folder / name / f"{i:03d}.png")
    (folder / "synthetic" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def audit(folder: Path, out: Path):
    return spolia.audit(
        train=folder / "train",
        control=folder / "control",
        synthetic=folder / "synthetic",
        out=out,
        fdr=0.2,
        options=spolia.Options(shard_records=16, part_rows=16, threads=2, max_bad=0.02),
    )


def contents(run: Path) -> dict[str, bytes]:
    """The bytes of everything a run says; run.json holds the times."""
    files = ("report.json", "findings.parquet", "identities.parquet", "ranking.parquet")
    return {
        name: (run / name).read_bytes() for name in (*files, "matches.parquet", "quarantine.csv")
    }


@pytest.fixture(scope="module")
def expected(sets, tmp_path_factory):
    run = tmp_path_factory.mktemp("whole") / "run"
    result = audit(sets, run)
    assert result.summary.outcome == "leak"
    assert result.identities.num_rows >= 10
    return contents(run)


STAGES = [
    ("read train", 1),
    ("embed train", 2),
    ("embed control", 1),
    ("embed synthetic", 3),
    ("match", 1),
    ("match", 6),
    ("judge", 1),
]


@pytest.mark.parametrize(("stage", "at"), STAGES, ids=[f"{s} {n}" for s, n in STAGES])
def test_a_killed_run_resumes_to_the_same_findings(stage, at, sets, expected, tmp_path):
    run = tmp_path / "run"
    script = KILLED.replace('folder + "/run"', repr(str(run))).replace(
        "threads=2)", "threads=2, max_bad=0.02)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(sets), stage, str(at)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (run / "report.json").exists()
    audit(sets, run)
    assert contents(run) == expected


def test_finished_shards_and_parts_are_not_computed_again(sets, tmp_path):
    run = tmp_path / "run"
    audit(sets, run)
    made = [*run.glob("embeddings/*/img_emb/*.npy"), *run.glob("matches/*.npz")]
    before = {path: path.stat().st_mtime_ns for path in made}
    audit(sets, run)
    assert len(before) == 12 + 12
    assert {path: path.stat().st_mtime_ns for path in made} == before


def test_images_that_changed_since_are_noticed(sets, tmp_path):
    import shutil

    from spolia.core.errors import PlanMismatch

    folder = tmp_path / "sets"
    shutil.copytree(sets, folder)
    audit(folder, tmp_path / "run")
    one = folder / "train" / "003.png"
    stamp = one.stat()
    Image.fromarray(np.zeros((12, 12, 3), np.uint8)).save(one)
    os.utime(one, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(PlanMismatch, match="source"):
        audit(folder, tmp_path / "run")


def test_what_cannot_be_read_is_in_the_quarantine_and_in_the_report(sets, expected):
    lines = expected["quarantine.csv"].decode().splitlines()
    assert lines[0] == "set,id,reason"
    assert len(lines) == 2
    assert lines[1].startswith("synthetic,broken.png,")
    assert b"1 image could not be read" in expected["report.json"]


def test_too_many_unreadable_images_stop_the_run_but_lose_nothing(sets, tmp_path):
    from spolia.core.errors import TooManyUnreadable

    with pytest.raises(TooManyUnreadable, match=r"1 of 61 images .* broken\.png"):
        spolia.audit(
            train=sets / "train",
            control=sets / "control",
            synthetic=sets / "synthetic",
            out=tmp_path / "run",
        )
    assert "broken.png" in (tmp_path / "run" / "quarantine.csv").read_text()
    assert len(list(tmp_path.glob("run/embeddings/train/img_emb/*.npy"))) == 1


def test_a_new_run_first_removes_what_the_old_one_said(sets, tmp_path):
    """A kill between the files of a result must not leave an old report beside new tables."""
    from spolia.auditing.result import load_result
    from spolia.core.errors import RunIncomplete

    run = tmp_path / "run"
    audit(sets, run).report(run / "report.html")
    script = KILLED.replace('folder + "/run"', repr(str(run))).replace(
        "threads=2)", "threads=2, max_bad=0.02)"
    )
    subprocess.run([sys.executable, "-c", script, str(sets), "judge", "1"], check=False)
    assert not (run / "report.html").exists()
    with pytest.raises(RunIncomplete, match=r"report\.json is missing"):
        load_result(run)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text need such a system")
def test_names_that_are_no_text_survive_the_whole_way(tmp_path):
    from spolia.auditing.result import load_result

    rng = np.random.default_rng(0)
    for name in ("train", "synthetic"):
        (tmp_path / name).mkdir()
        for file in (b"a.png", b"\xff.png"):
            image = Image.fromarray(rng.integers(0, 256, (9, 9), dtype=np.uint8))
            path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path / name), file)))  # noqa: PTH118
            image.save(path, format="PNG")
    path.write_bytes(b"no image")
    spolia.audit(
        train=tmp_path / "train",
        synthetic=tmp_path / "synthetic",
        out=tmp_path / "run",
        options=spolia.Options(max_bad=0.6),
    )
    result = load_result(tmp_path / "run")
    assert [row[1] for row in result.quarantine] == ["\\udcff.png"]
    assert "\\udcff.png" in result.to_html("internal")


def test_a_run_that_one_engine_began_is_finished_by_another(sets, expected, tmp_path):
    run = tmp_path / "run"
    script = KILLED.replace('folder + "/run"', repr(str(run))).replace(
        "threads=2)", "threads=2, max_bad=0.02)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(sets), "match", "20"],
        env=os.environ | {"SPOLIA_KERNEL": "library"},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert 0 < len(list(run.glob("matches/*.npz"))) < 12
    audit(sets, run)
    assert contents(run) == expected


JOIN = """
import os, signal, sys
from pathlib import Path
from spolia.auditing.joining import JoinOptions, join_to_folder
from spolia.search.plan import Wanted

def kill_at(stage, done, total):
    if done >= 60:
        os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
join_to_folder(
    folder / "query.npy", folder / sys.argv[2] if sys.argv[2:] else None, folder / "out",
    Wanted(3, 0.5, 7, 20), options=JoinOptions(part_rows=20), progress=kill_at,
)
"""


@pytest.mark.parametrize("kernel", ["auto", "library"])
@pytest.mark.parametrize("base", ["base.npy", None], ids=["two sets", "one set"])
def test_a_killed_join_resumes_to_the_same_tables(tmp_path, base, kernel):
    """Also where another engine goes on."""
    from spolia.auditing.joining import JoinOptions, join_to_folder
    from spolia.search.plan import Wanted

    rng = np.random.default_rng(0)
    for name in ("query", "base"):
        np.save(tmp_path / f"{name}.npy", spolia.normalise(rng.normal(size=(100, 6))))
    sides = tmp_path / "query.npy", base and tmp_path / base
    wanted, options = Wanted(k=3, above=0.5, top=7, histogram=20), JoinOptions(part_rows=20)
    whole = join_to_folder(*sides, tmp_path / "whole", wanted, options=options)
    killed = subprocess.run(
        [sys.executable, "-c", JOIN, str(tmp_path), *filter(None, [base])],
        env=os.environ | {"SPOLIA_KERNEL": kernel},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    parts = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "parts").glob("*.npz")}
    assert 0 < len(parts) < 5
    assert join_to_folder(*sides, tmp_path / "out", wanted, options=options) == whole
    assert {path: path.stat().st_mtime_ns for path in parts} == parts
    for name in ("nearest", "above", "top", "histogram"):
        tables = [(tmp_path / run / f"{name}.parquet").read_bytes() for run in ("whole", "out")]
        assert tables[0] == tables[1]
