"""``spolia identity`` as a user calls it."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import spolia
from spolia.cli.main import run
from spolia.core.membership import IDENTITY_SCHEMA

DIM = 32


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Sets as .npy with names beside them; one name holds what a terminal would obey."""
    folder = tmp_path_factory.mktemp("sets")
    rng = np.random.default_rng(0)

    def write(name, faces, each):
        who = np.repeat(np.arange(len(faces)), each)
        rows = spolia.normalise(faces[who] + 0.6 * rng.normal(size=(who.size, DIM)))
        np.save(folder / f"{name}.npy", rows)
        names = [f"{name}\x1b[31m{i}" if i == 0 else f"{name}{i}" for i in who]
        table = pa.table({"id": [f"{name}-{i}" for i in range(who.size)], "identity": names})
        pq.write_table(table, folder / f"{name}.parquet")

    members, others, strangers = (rng.normal(size=(n, DIM)) for n in (20, 500, 90))
    write("samples", np.concatenate([members, strangers]), 1)
    write("members", members, 2)
    write("others", others, 2)
    write("fresh", rng.normal(size=(5, DIM)), 2)
    write("few", rng.normal(size=(9, DIM)), 2)
    return folder


def call(stored, *arguments, asked, role="--queries", others="others"):
    sets = ["samples.npy", "--nonmembers", f"{others}.npy", role, f"{asked}.npy"]
    paths = [str(stored / one) if one.endswith(".npy") else one for one in sets]
    more = [str(one) for one in arguments]
    return run(["identity", *paths, "--embedder", "precomputed", "--quiet", *more])


def test_queries_who_are_shown_are_named_and_the_code_is_1(stored, capsys):
    assert call(stored, asked="members") == 1
    said = capsys.readouterr().out
    assert said.startswith("Of the queries, ")
    assert "are named as members at a false discovery rate of 5 %" in said
    assert "members1   p 0.002" in said
    assert "nearest samples-1 (0." in said
    assert "more, in identities.parquet of --out" in said
    assert "\x1b" not in said


def test_members_alone_give_1_where_the_area_is_above_one_half(stored, capsys):
    assert call(stored, asked="members", role="--members") == 1
    said = capsys.readouterr().out
    assert said.startswith("Samples betray who was trained on: 20 members against 500 non-members")
    assert "By identities: AUC " in said
    assert "By photos: AUC " in said
    assert "FPR at most 1.0%: TPR " in said
    assert "where 1.0 % are members" in said
    assert "FPR 0.1%: 500 non-members are too few to tell" in said


def test_people_who_are_not_shown_give_0(stored, capsys):
    assert call(stored, asked="fresh") == 0
    assert "None of 5 queries is named" in capsys.readouterr().out
    assert call(stored, asked="fresh", role="--members") == 0
    assert "Not shown that samples betray" in capsys.readouterr().out


def test_too_few_non_members_give_4(stored, capsys):
    assert call(stored, asked="fresh", others="few") == 4
    assert "Cannot tell: beside 9 non-members" in capsys.readouterr().out


def test_json_is_all_that_stdout_holds_and_names_nobody(stored, tmp_path, capsys):
    more = ("--json", "--out", tmp_path / "run", "--members", stored / "members.npy")
    assert call(stored, *more, asked="members") == 1
    text = capsys.readouterr().out
    assert json.loads(text)["schema"] == IDENTITY_SCHEMA
    assert "members1" not in text
    assert text == (tmp_path / "run" / "identity.json").read_text(encoding="utf-8")
    table = pq.read_table(tmp_path / "run" / "identities.parquet")
    assert table["set"].unique().to_pylist() == ["members", "queries", "nonmembers"]


def test_a_run_says_where_it_is_and_its_embeddings_can_be_deleted(stored, tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    rng = np.random.default_rng(0)
    for name, n in (("s", 30), ("q", 3), ("n", 25)):
        pictures = rng.integers(0, 256, (n, 24, 24, 3), dtype=np.uint8)
        pictures[0] = 7 if name == "q" else pictures[0]
        np.save(images / f"{name}.npy", pictures)
    paths = [images / "s.npy", "--queries", images / "q.npy", "--nonmembers", images / "n.npy"]
    # By the built-in judge of photos: every image is its own identity.
    assert run(["identity", *map(str, paths), "--out", str(tmp_path / "run")]) == 4
    said = capsys.readouterr()
    assert "Left out of queries: 0 unreadable, 0 without a face, 1 blank" in said.out
    assert "identity.json (no names)" in said.err
    assert "match nonmembers: 750 of 750" in said.err
    assert (tmp_path / "run" / "embeddings").is_dir()
    assert run(["purge", str(tmp_path / "run"), "--write"]) == 0
    assert not (tmp_path / "run" / "embeddings").exists()
    assert (tmp_path / "run" / "identity.json").exists()


def test_a_wrong_call_is_no_finding(stored, tmp_path, capsys):
    assert run(["identity", str(stored / "samples.npy")]) == 2
    same = call(stored, asked="others")
    assert same == 2
    assert "nonmembers must be people who are not in queries" in capsys.readouterr().err
    assert call(stored, "--fdr", "2", asked="members") == 2
    assert call(stored, "--duplicates", "often", asked="members") == 2
    assert call(stored, asked="nowhere") == 2
