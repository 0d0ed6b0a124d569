"""An audit needs no network, opens no socket, and writes nowhere but into its run folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CARD = Path(__file__).parents[1] / "cards" / "mobilefacenet_ms1m_112.toml"

WATCHED = """
import sys

def refuse_sockets(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        sys.stderr.write(f"SOCKET {event} {arguments}\\n")

sys.addaudithook(refuse_sockets)
from spolia.cli.main import main
main()
"""


def files_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def home(tmp_path):
    """Empty home, temporary and working folders, and three small sets of images."""
    rng = np.random.default_rng(0)
    for name in ("home", "tmp", "work"):
        (tmp_path / name).mkdir()
    for role in ("train", "control", "synthetic"):
        folder = tmp_path / "sets" / role
        folder.mkdir(parents=True)
        for i in range(25):
            image = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(image).save(folder / f"{i:02d}.png")
    return tmp_path


def audit_alone(home: Path, embedder: str, prefix: tuple[str, ...] = (), **more: str):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home / "home"),
        "TMPDIR": str(home / "tmp"),
        "XDG_CACHE_HOME": str(home / "home" / ".cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }
    sets = home / "sets"
    call = [*prefix, sys.executable, "-c", WATCHED, "audit", sets / "train", sets / "synthetic"]
    call += ["--control", sets / "control", "--embedder", embedder, "--out", home / "run"]
    return subprocess.run(
        [str(one) for one in call],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=home / "work",
    )


def left_behind(home: Path, done: subprocess.CompletedProcess[str]) -> list[str]:
    """Everything the audit did beside writing its run folder; it must have finished."""
    assert done.returncode in (0, 4), done.stderr
    assert (home / "run" / "report.html").exists()
    sockets = [line for line in done.stderr.splitlines() if line.startswith("SOCKET")]
    files = [
        f"{name}/{one}" for name in ("home", "tmp", "work") for one in files_under(home / name)
    ]
    more = files_under(home / "sets") - {
        *("train", "control", "synthetic"),
        *(f"{role}/{i:02d}.png" for role in ("train", "control", "synthetic") for i in range(25)),
    }
    return sockets + files + sorted(more)


def test_an_audit_opens_no_socket_and_writes_only_into_its_run_folder(home):
    assert left_behind(home, audit_alone(home, "dct")) == []


def test_a_network_embedder_opens_no_socket_and_writes_nothing_elsewhere(home, shared):
    pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")
    done = audit_alone(home, str(CARD), SPOLIA_MODELS=str(shared / "models"))
    assert left_behind(home, done) == []


def test_an_audit_runs_where_there_is_no_network(home):
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rn", "true"], check=False).returncode:
        pytest.skip("needs `unshare -rn`, which this system does not allow")
    assert left_behind(home, audit_alone(home, "dct", (unshare, "-rn"))) == []


def test_files_of_a_run_are_for_its_owner_only(home):
    done = audit_alone(home, "dct")
    assert done.returncode in (0, 4), done.stderr
    for path in [home / "run", *(home / "run").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
