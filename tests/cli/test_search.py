"""``spolia search``, and ``spolia embed --for-exchange``, as a user calls them."""

import csv
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import spolia
from spolia.cli.main import run
from spolia.core.searching import SEARCH_SCHEMA

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
    return folder


@pytest.fixture(scope="module")
def digits(demo, tmp_path_factory):
    """The demo, and photos that it leaves."""
    return shutil.copytree(demo.folder, tmp_path_factory.mktemp("digits") / "demo")


def search(*arguments):
    return run(["search", *map(str, arguments), "--quiet"])


def listed(stored, asked, *more):
    sets = ("--list", stored / f"{asked}.npy", "--in", stored / "samples.npy")
    beside = ("--nonmembers", stored / "others.npy", "--embedder", "precomputed")
    return search(*sets, *beside, *more)


def test_a_list_names_who_stands_out_and_the_code_is_1(stored, capsys):
    assert listed(stored, "members") == 1
    said = capsys.readouterr().out
    assert said.startswith("In the synthetic set: Of the queries, ")
    assert "members1   p 0.002" in said
    assert "nearest samples-1 (0." in said
    assert "more, in people.parquet of --out" in said
    assert "\x1b" not in said


def test_a_list_of_people_who_are_not_shown_gives_0(stored, capsys):
    assert listed(stored, "fresh") == 0
    assert "None of 5 queries is named" in capsys.readouterr().out


def test_a_photo_that_was_copied_stands_out_and_one_of_the_control_does_not(digits, capsys):
    assert search(digits / "photos/copied.png", "--in", digits / "leaky") == 1
    said = capsys.readouterr()
    assert said.out.startswith("Stands out in the synthetic set: p = 0.0011 against 898")
    assert "Nearest samples:" in said.out
    assert "to copied.png   the same photo, or nearly" in said.out
    assert "  Stands out in train: p = 0.0011" in said.out
    assert "Nearest training images:" in said.out
    assert "Nothing was kept" in said.err
    assert search(digits / "photos/control.png", "--in", digits / "leaky") == 0
    said = capsys.readouterr().out
    assert "against 897 non-members" in said
    assert "1 of 898 non-members were left out" in said
    assert search(digits / "photos/copied.png", "--in", digits / "clean") == 0


def test_without_non_members_the_code_is_4_and_how_near_others_are_is_told(digits, capsys):
    sets = ("--in", digits / "sets/clean.npy", "--embedder", "dct")
    assert search(digits / "photos/copied.png", *sets) == 4
    said = capsys.readouterr().out
    assert said.startswith("Cannot tell: there are no non-members to compare with")
    assert "Beside it, no p-value: of 500 of these records, " in said


def test_a_photo_that_cannot_be_read_is_4_and_says_why(digits, tmp_path, capsys):
    (tmp_path / "me.png").write_bytes(b"nothing")
    assert search(tmp_path / "me.png", "--in", digits / "leaky") == 4
    said = capsys.readouterr().out
    assert said.startswith("Cannot tell: none of 1 photos can be used: 1 unreadable.")
    assert "Left out of queries: me.png: " in said


def test_json_is_all_that_stdout_holds(digits, tmp_path, capsys):
    more = ("--json", "--out", tmp_path / "found")
    assert search(digits / "photos/copied.png", "--in", digits / "leaky", *more) == 1
    text = capsys.readouterr().out
    assert json.loads(text)["schema"] == SEARCH_SCHEMA
    assert text == (tmp_path / "found/search.json").read_text(encoding="utf-8")
    assert search(digits / "photos/copied.png", "--in", digits / "leaky", *more[1:]) == 1
    assert "all of them private" in capsys.readouterr().err
    assert run(["purge", str(tmp_path / "found"), "--write"]) == 0
    assert not (tmp_path / "found/embeddings").exists()


def test_an_exchange_is_searched_like_the_images_and_named_at_home(digits, tmp_path, capsys):
    sets = digits / "sets"
    handed = tmp_path / "handed"
    call = ["embed", str(sets / "train.npy"), "--embedder", "dct", "--for-exchange", "--quiet"]
    assert run([*call, "--out", str(handed)]) == 0
    said = capsys.readouterr().out
    assert "898 rows of 559" in said
    assert "handed.names.csv, for you." in said
    out = tmp_path / "found"
    assert search("--list", handed, "--in", digits / "leaky", "--out", out) == 1
    with (tmp_path / "handed.names.csv").open(newline="") as file:
        name_of = {row["code"]: row["id"] for row in csv.DictReader(file)}
    coded = pq.read_table(out / "people.parquet").to_pylist()
    assert search("--list", sets / "train.npy", "--in", digits / "leaky", "--out", tmp_path / "n")
    plain = pq.read_table(tmp_path / "n/people.parquet").to_pylist()
    assert {(name_of[one["identity"]], one["set"]): one["p"] for one in coded} == {
        (one["identity"], one["set"]): one["p"] for one in plain
    }
    capsys.readouterr()
    assert run([*call, "--out", str(handed)]) == 2
    assert "is there; choose another --out" in capsys.readouterr().err
    wrong = ["embed", str(sets / "train.npy"), "--embedder", "gist", "--for-exchange", "--quiet"]
    assert run([*wrong, "--json", "--out", str(tmp_path / "gist")]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["records"], record["identities"], record["model"]) == (898, None, "gist")
    assert record["names"].endswith("gist.names.csv")
    assert search("--list", tmp_path / "gist", "--in", digits / "leaky") == 2
    said = capsys.readouterr().err
    assert "synthetic was made by dct (" in said
    assert "queries by gist (" in said


def test_a_store_becomes_an_exchange_and_rows_of_unknown_making_do_not(
    stored, digits, tmp_path, capsys
):
    call = ("--embedder", "precomputed", "--for-exchange", "--quiet", "--out")
    kept = digits / "leaky/embeddings/control"
    assert run(["embed", str(kept), *call, str(tmp_path / "handed")]) == 0
    assert (tmp_path / "handed.names.csv").exists()
    assert run(["embed", str(stored / "members.npy"), *call, str(tmp_path / "other")]) == 2
    assert "must know what made the rows" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_a_wrong_call_is_no_finding(stored, digits, tmp_path, capsys):
    photo = digits / "photos/copied.png"
    assert search(photo) == 2
    assert search("--in", digits / "leaky") == 2
    assert search(photo, "--in", tmp_path / "nowhere", "--embedder", "dct") == 2
    assert search(tmp_path / "me.png", "--in", digits / "leaky") == 2
    assert search(photo, "--in", digits / "leaky", "--level", "2") == 2
    assert search(photo, "--in", digits / "leaky", "--list", stored / "members.npy") == 2
    assert search(photo, "--in", digits / "leaky", "--embedder", "gist") == 2
    assert "both are given" in capsys.readouterr().err
    (tmp_path / "run").mkdir()
    (tmp_path / "run/plan.toml").write_bytes((digits / "leaky/plan.toml").read_bytes())
    assert search(photo, "--in", tmp_path / "run") == 3
    Image.new("L", (8, 8)).save(tmp_path / "me.png")
    assert search(tmp_path / "me.png", "--in", digits / "leaky") == 4
