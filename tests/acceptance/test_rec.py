"""An audit of real faces in a ``.rec`` equals the audit of the same files in a folder."""

import zipfile
from pathlib import Path

import pytest

import spolia
from spolia.cli.main import run
from tests.formats import write_files
from tests.recordio import payload, write_rec

ARCHIVE = "faces/lfw_half_aligned112.zip"
PEOPLE = 80
"""Of each set; enough for a verdict, few enough for seconds."""


@pytest.fixture(scope="module")
def faces(shared: Path) -> dict[str, dict[str, bytes]]:
    """Files by set: photos of people, and copies of some of train among photos of others."""
    with zipfile.ZipFile(shared / ARCHIVE) as archive:
        of_person: dict[str, list[str]] = {}
        for name in sorted(archive.namelist()):
            if name.endswith(".jpg"):
                of_person.setdefault(name.rpartition("/")[0], []).append(name)
        people = [of_person[person][0] for person in sorted(of_person)]
        sets = {
            "train": people[:PEOPLE],
            "control": people[PEOPLE : 2 * PEOPLE],
            "synthetic": people[: PEOPLE // 3] + people[2 * PEOPLE : 3 * PEOPLE],
        }
        return {
            role: {name: archive.read(name) for name in sorted(chosen)}
            for role, chosen in sets.items()
        }


def as_rec(path: Path, files: dict[str, bytes]) -> Path:
    """As insightface packs it: a note in front, a label for each person, an index and a list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    people = {name.rpartition("/")[0]: None for name in files}
    label_of = {person: label for label, person in enumerate(people)}
    labels = [label_of[name.rpartition("/")[0]] for name in files]
    images = [payload(one, float(label)) for one, label in zip(files.values(), labels, strict=True)]
    write_rec(path, [payload(b"", (len(files) + 1.0, 0.0)), *images], keys=range(len(files) + 1))
    rows = zip(range(1, len(files) + 1), labels, files, strict=True)
    path.with_suffix(".lst").write_text("".join(f"{k}\t{one}\t{name}\n" for k, one, name in rows))
    return path


def test_the_audit_of_a_rec_equals_the_audit_of_the_folder(
    faces: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    folders = {role: write_files(tmp_path / "folders" / role, one) for role, one in faces.items()}
    records = {role: as_rec(tmp_path / "recs" / f"{role}.rec", one) for role, one in faces.items()}
    options = spolia.Options(identities="folder")
    unpacked = spolia.audit(**folders, embedder="dct", options=options)
    packed = spolia.audit(**records, embedder="dct", options=options, out=tmp_path / "run")
    assert unpacked.summary.outcome == "leak", unpacked.summary.sentence
    assert packed.summary.exposed == unpacked.summary.exposed
    assert packed.summary.outcome == unpacked.summary.outcome
    assert packed.identities.equals(unpacked.identities)
    columns = [
        name for name in unpacked.findings.column_names if not name.startswith(("query", "ref"))
    ]
    assert len(columns) > 3
    assert packed.findings.select(columns).equals(unpacked.findings.select(columns))
    # The images are read again from the .rec, by their keys.
    assert run(["verify", str(tmp_path / "run"), "--quiet"]) == 0
