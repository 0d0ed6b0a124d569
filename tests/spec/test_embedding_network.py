"""Laws of networks: quiet, offline, optional, and as good on faces as was measured."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spolia.embedding import open_embedder
from tests.cards.tiny import write_card

NETWORK = Path(__file__).parents[1] / "cards" / "mobilefacenet_ms1m_112.toml"

EMBED_OFFLINE = """
import os, sys
def refuse(event, args):
    assert not event.startswith("socket."), event
sys.addaudithook(refuse)
import numpy as np
from spolia.embedding import open_embedder
assert "onnxruntime" not in sys.modules
row = open_embedder(sys.argv[1]).embed(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
assert abs(np.linalg.norm(row) - 1) < 1e-6
for entry in os.scandir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
    assert not (entry.is_symlink() and os.path.exists(entry.path)
                and os.readlink(entry.path).startswith("socket:"))
print("done")
"""

EMBED_WITHOUT_ONNXRUNTIME = """
import sys
sys.modules["onnxruntime"] = None
from spolia.core.errors import MissingExtra
from spolia.embedding import open_embedder
assert open_embedder("dct").name == "dct"
try:
    open_embedder(sys.argv[1])
except MissingExtra as error:
    print(error)
"""

EMBED_WITH_OLD_ONNXRUNTIME = EMBED_WITHOUT_ONNXRUNTIME.replace(
    'sys.modules["onnxruntime"] = None',
    'import types; old = sys.modules["onnxruntime"] = types.ModuleType("onnxruntime"); '
    'old.__version__ = "1.20.1"',
)


def run_alone(program: str, card: Path, home: Path) -> str:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("ORT_", "XDG_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", program, str(card)],
        env=environment | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_embedding_writes_nothing_under_home_and_opens_no_socket(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    assert run_alone(EMBED_OFFLINE, write_card(tmp_path), home) == "done\n"
    assert list(home.iterdir()) == []


def test_without_onnxruntime_dct_works_and_a_card_names_the_extra(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    said = run_alone(EMBED_WITHOUT_ONNXRUNTIME, write_card(tmp_path), home)
    assert "pip install 'spolia[onnx]'" in said


def test_an_onnxruntime_that_reads_weights_from_other_files_is_refused(tmp_path: Path) -> None:
    said = run_alone(EMBED_WITH_OLD_ONNXRUNTIME, write_card(tmp_path), tmp_path)
    assert "needs onnxruntime 1.21 or newer, but 1.20.1 is installed" in said


def test_faces_of_one_person_are_closer_than_those_of_two_as_measured(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOLIA_MODELS", str(shared / "models"))
    embedder = open_embedder(NETWORK)
    assert embedder.kind == "identity"
    rows, people = [], []
    with zipfile.ZipFile(shared / "faces/orl_aligned112_gray.zip") as archive:
        for name in archive.namelist():
            person = Path(name).parent.name
            if name.endswith(".jpg") and person in {f"s{i}" for i in range(1, 41, 4)}:
                face = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
                rows.append(embedder.embed(np.asarray(face)))
                people.append(person)
    assert len(rows) == 100
    similarity = np.stack(rows) @ np.stack(rows).T
    same = np.array(people)[:, None] == np.array(people)
    pair = np.triu(np.ones_like(same), k=1)
    # Over all 40 people: genuine .808, impostor .079.
    assert similarity[same & pair].mean() == pytest.approx(0.808, abs=0.02)
    assert similarity[~same & pair].mean() == pytest.approx(0.079, abs=0.03)
