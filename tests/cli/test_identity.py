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


@pytest.fixture
def finished(stored, tmp_path, capsys):
    assert call(stored, "--out", tmp_path / "run", asked="members") == 1
    said = capsys.readouterr().err
    assert "report.html (no names)" in said
    assert "Check: spolia verify" in said
    return tmp_path / "run"


def test_a_run_leaves_a_page_and_what_it_was_made_with(finished):
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "are named as members" in page
    assert "members1" not in page
    record = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    assert record["seed"] == 0
    assert set(record["inputs"]) == {"synthetic", "queries", "nonmembers"}
    assert set(record["rows"]) == set(record["inputs"])
    assert record["model"]["name"] == "precomputed"
    assert {"match queries", "judge"} <= set(record["seconds"])
    assert record["machine"]["cores"] >= 1


def test_a_report_is_made_again_for_another_reader_and_in_other_forms(finished, capsys):
    for profile, named in (("public", False), ("internal", True), ("full", True)):
        assert run(["report", str(finished), "--profile", profile]) == 0
        name = "report.html" if profile == "public" else f"report-{profile}.html"
        page = (finished / name).read_text(encoding="utf-8")
        assert ("members1" in page) == named
        assert "\x1b" not in page
    for form, name in (("md", "report.md"), ("junit", "junit.xml")):
        assert run(["report", str(finished), "--format", form]) == 0
        text = (finished / name).read_text(encoding="utf-8")
        assert "Can queries be named as members?" in text
        assert "members1" not in text
    assert run(["report", str(finished), "--format", "md", "--profile", "full"]) == 0
    assert "members1" in (finished / "report-full.md").read_text(encoding="utf-8")
    capsys.readouterr()
    assert run(["report", str(finished), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == IDENTITY_SCHEMA
    for form in ("summary", "sarif"):
        assert run(["report", str(finished), "--format", form]) == 2
        assert "is written as html, md or junit" in capsys.readouterr().err
    assert run(["report", str(finished), "--format", "junit", "--profile", "full"]) == 2


def test_a_run_is_verified_and_what_was_changed_is_noticed(finished, capsys):
    assert run(["verify", str(finished), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Verified: 4 files are as they were left; ")
    assert "p of 20 queries and 0 curves equal the reference" in said
    assert run(["verify", str(finished), "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"]
    table = finished / "identities.parquet"
    table.write_bytes(table.read_bytes()[:-1] + b"0")
    assert run(["verify", str(finished), "--quiet"]) == 3
    assert "identities.parquet is not what the run left" in capsys.readouterr().err


def test_what_is_for_audits_says_so(finished, capsys):
    for command in (["diff", str(finished), str(finished)], ["review", str(finished)]):
        assert run(command) == 2
        assert "is a run of `spolia identity`" in capsys.readouterr().err
    assert run(["audit", "a", "b", "--out", str(finished)]) == 2


def test_what_names_people_is_deleted_and_the_page_stays(finished, capsys):
    assert run(["report", str(finished), "--profile", "full"]) == 0
    assert run(["purge", str(finished), "--write"]) == 0
    assert "report-full.html" in capsys.readouterr().out
    assert not (finished / "report-full.html").exists()
    assert (finished / "report.html").exists()
    assert run(["verify", str(finished), "--quiet"]) == 0  # its embeddings lie elsewhere


def test_a_result_shows_itself_in_a_notebook(stored):
    sets = {role: stored / f"{name}.npy" for role, name in SETS.items()}
    shown = spolia.identity(**sets, embedder="precomputed")._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert "members1" not in shown


SETS = {"synthetic": "samples", "queries": "members", "nonmembers": "others"}


def test_a_wrong_call_is_no_finding(stored, tmp_path, capsys):
    assert run(["identity", str(stored / "samples.npy")]) == 2
    same = call(stored, asked="others")
    assert same == 2
    assert "nonmembers must be people who are not in queries" in capsys.readouterr().err
    assert call(stored, "--fdr", "2", asked="members") == 2
    assert call(stored, "--duplicates", "often", asked="members") == 2
    assert call(stored, asked="nowhere") == 2
