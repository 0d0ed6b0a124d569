"""Held-back photos of training people are found among strangers by a real face network."""

import json
from pathlib import Path

import pytest

import spolia
from benchmarks.faces import people_of, split_people, write_sets
from spolia.cli.main import run

CARD = Path(__file__).parents[1] / "cards" / "mobilefacenet_ms1m_112.toml"
ARCHIVE = "faces/lfw_half_aligned112.zip"

pytestmark = pytest.mark.network_model


@pytest.fixture(scope="module")
def faces(shared, tmp_path_factory):
    """Train, control and synthetic folders cut from real faces, split by person."""
    pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")
    archive = shared / ARCHIVE
    people = people_of(archive)
    split = split_people(people, leaks=60, clean=400, seed=0)
    return split, write_sets(archive, split, tmp_path_factory.mktemp("faces"), seed=0)


@pytest.fixture(scope="module")
def stores(shared, faces, tmp_path_factory):
    """The sets embedded once by the command line."""
    folder = tmp_path_factory.mktemp("stores")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPOLIA_MODELS", str(shared / "models"))
        for name, source in faces[1].items():
            call = ["embed", source, "--embedder", CARD, "--out", folder / name, "--quiet"]
            assert run([str(one) for one in call]) == 0
    return folder


def audit(stores, synthetic, out, *more):
    call = ["audit", stores / "train", stores / synthetic, "--control", stores / "control"]
    call += ["--embedder", "precomputed", "--out", out, "--quiet", "--json", *more]
    return run([str(one) for one in call])


def test_held_back_people_are_found(faces, stores, tmp_path, capsys):
    split, _ = faces
    capsys.readouterr()
    assert audit(stores, "synthetic", tmp_path / "run") == 1
    record = json.loads(capsys.readouterr().out)
    import pyarrow.parquet as pq

    found = set(pq.read_table(tmp_path / "run" / "identities.parquet")["identity"].to_pylist())
    leaked = set(split.leaked)
    assert record["outcome"] == "leak"
    assert record["model"]["licence"].startswith("Apache-2.0")
    assert record["exposed"]["train"]["n"] == len(split.train)
    assert len(found & leaked) >= 50
    assert len(found - leaked) <= 6
    assert record["negative_control"]["found"] == 0
    assert run(["verify", str(tmp_path / "run"), "--quiet"]) == 0


def test_only_people_in_neither_gives_nothing(stores, tmp_path, capsys):
    capsys.readouterr()
    assert audit(stores, "clean", tmp_path / "run") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["outcome"] == "none"
    assert record["exposed"]["train"]["count"] == 0
    assert record["exposed"]["control"]["count"] == 0


def test_an_audit_of_the_images_equals_the_audit_of_their_stores(faces, shared, tmp_path):
    """On a tenth of the people, so that images are embedded twice only there."""
    split, sets = faces
    small = tmp_path / "small"
    for role, keep in (("train", split.train[:80]), ("control", split.control[:80])):
        for name in keep:
            for photo in (sets[role] / name).iterdir():
                target = small / role / name / photo.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(photo.read_bytes())
    for photo in sorted(sets["synthetic"].iterdir())[:120]:
        target = small / "synthetic" / photo.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(photo.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPOLIA_MODELS", str(shared / "models"))
        roles = ("train", "control", "synthetic")
        results = [
            spolia.audit(
                **{role: small / role for role in roles},
                embedder=CARD,
                options=spolia.Options(threads=threads, shard_records=shard_records),
            )
            for threads, shard_records in ((1, 1024), (2, 7))
        ]
    assert results[0].summary == results[1].summary
    assert results[0].ranking.equals(results[1].ranking)
    assert results[0].findings.equals(results[1].findings)
