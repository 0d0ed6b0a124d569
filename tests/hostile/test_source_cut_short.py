"""Files that are mapped into memory, and cut short before or after: no signal ends the program."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.formats import as_saved_by_datasets, encoded, lmdb_of

CUT_BEFORE = """
import os, sys
from spolia.core.errors import UnreadableImage, UsageError
from spolia.sources import open_source

folder, name, step = sys.argv[1], sys.argv[2], int(sys.argv[3])
path = os.path.join(folder, name)
whole = open(path, "rb").read()
for length in range(0, len(whole), step):
    with open(path, "wb") as file:
        file.write(whole[:length])
    try:
        source = open_source(folder)
    except UsageError as error:
        assert "wanted" in str(error), (length, error)
        assert path in str(error) or folder in str(error), (length, error)
    else:
        raise SystemExit(f"opened at {length} of {len(whole)} bytes")
print("refused", -(-len(whole) // step))
"""

CUT_AFTER = """
import os, sys
from spolia.core.errors import UnreadableImage
from spolia.sources import open_source

folder, name, step = sys.argv[1], sys.argv[2], int(sys.argv[3])
path = os.path.join(folder, name)
source = open_source(folder)
size = os.path.getsize(path)
for length in range(size - 1, -1, -step):
    os.truncate(path, length)
    reasons = set()
    for index in range(len(source)):
        try:
            source.content(index)
        except UnreadableImage as error:
            reasons.add(str(error))
        else:
            reasons.add("read")
    assert "file that was cut short since it was opened" in reasons, (length, reasons)
print("refused", -(-size // step))
"""


def lmdb(where: Path) -> tuple[Path, str]:
    pytest.importorskip("lmdb", reason="needs spolia[lmdb]")
    image = encoded(np.random.default_rng(3).integers(0, 256, (40, 40, 3), np.uint8))
    assert len(image) > 4096  # on pages of its own
    values = {b"a": image, b"b": encoded(np.zeros((4, 4, 3), np.uint8)), b"c": image}
    return lmdb_of(where / "set", values), "data.mdb"


def arrow(where: Path) -> tuple[Path, str]:
    picture = np.random.default_rng(3).integers(0, 256, (5, 4, 3), np.uint8)
    images = {f"{name}/1.png": picture for name in "abcde"}
    return Path(as_saved_by_datasets(where, images)), "data-1.arrow"


KINDS = {"lmdb": lmdb, "arrow": arrow}


def alone(program: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("when", [CUT_BEFORE, CUT_AFTER], ids=["before", "after"])
def test_a_mapped_file_cut_short_anywhere_is_refused_and_ends_no_program(tmp_path, make, when):
    folder, name = make(tmp_path)
    size = (folder / name).stat().st_size
    step = 1 if size < 5000 else 97
    done = alone(when, folder, name, step)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"refused {-(-size // step)}\n"


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("part", [0.0, 0.3, 0.7, 0.99])
def test_a_command_says_that_a_file_is_cut_short(tmp_path, make, part):
    folder, name = make(tmp_path)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * part)])
    call = ["embed", str(folder), "--embedder", "dct", "--out", str(tmp_path / "store"), "--quiet"]
    done = alone("from spolia.cli.main import main; main()", *call)
    assert done.returncode == 2
    assert "wanted, but" in done.stderr


def test_a_whole_file_is_read_to_its_last_record(tmp_path):
    for kind, make in KINDS.items():
        folder, _ = make(tmp_path / kind)
        done = alone(
            "import sys; from spolia.sources import open_source; s = open_source(sys.argv[1]);"
            "print([len(s.content(i)) > 0 for i in range(len(s))])",
            folder,
        )
        assert "False" not in done.stdout, done.stderr
        assert "True" in done.stdout, done.stderr
        shutil.rmtree(folder)
