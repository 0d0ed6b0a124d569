"""A collection is searched for near-duplicates from the command line, exactly and repeatably."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from spolia.lab.digits import digits
from spolia.search.exclude import Exclude
from spolia.search.reference import join_reference
from spolia.store.precomputed import open_precomputed

DIGITS, EDITED = 90, 30
"""Handwritten digits of as many writers, and how many of them are there twice, once edited."""

SPOLIA = "from spolia.cli.main import main; main()"


def spolia_cli(*arguments, script=SPOLIA, **variables):
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | variables,
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The digits as images, a folder for each writer, embedded."""
    folder = tmp_path_factory.mktemp("collection")
    rng = np.random.default_rng(0)
    for i, image in enumerate(digits()[:DIGITS].astype(np.int64)):
        writer = folder / "images" / f"w{i:03d}"
        writer.mkdir(parents=True)
        Image.fromarray(image.astype(np.uint8)).save(writer / "first.png")
        if i < EDITED:
            edited = np.clip(image + rng.integers(-4, 5, image.shape), 0, 255).astype(np.uint8)
            Image.fromarray(edited).save(writer / "edited.png")
    images, store = folder / "images", folder / "store"
    done = spolia_cli(
        *("embed", images, "--embedder", "dct", "--identities", "folder", "--out", store)
    )
    assert done.returncode == 0, done.stderr
    return store


def pairs(out: Path, name: str) -> list[tuple[str, str, float]]:
    rows = pq.read_table(out / f"{name}.parquet").to_pylist()
    return [(row["query"], row["base"], row["similarity"]) for row in rows]


def named(embeddings, found) -> list[tuple[str, str, float]]:
    sides = zip(found.query.tolist(), found.base.tolist(), found.similarity.tolist(), strict=True)
    return [(embeddings.ids[i], embeddings.ids[j], similarity) for i, j, similarity in sides]


def test_a_self_join_lists_every_near_duplicate_once(store, tmp_path):
    out = tmp_path / "out"
    done = spolia_cli("join", store, "--above", 0.99, "--top", 40, "--k", 1, "--out", out)
    assert done.returncode == 0, done.stderr
    embeddings = open_precomputed(store).embeddings
    truth = join_reference(embeddings.vectors, k=1, above=0.99, top=40)
    assert pairs(out, "above") == named(embeddings, truth.pairs)
    assert pairs(out, "top") == named(embeddings, truth.top)
    nearest = pq.read_table(out / "nearest.parquet").to_pylist()
    assert [row["base"] for row in nearest] == [embeddings.ids[i] for i in truth.indices[:, 0]]
    found = {(query, base) for query, base, _ in pairs(out, "above")}
    assert {(f"w{i:03d}/edited.png", f"w{i:03d}/first.png") for i in range(EDITED)} <= found


def test_pairs_of_one_identity_can_be_left_out(store, tmp_path):
    out = tmp_path / "out"
    done = spolia_cli(
        *("join", store, "--above", 0.9, "--top", 40, "--histogram", 20, "--exclude-identities"),
        *("--json", "--out", out),
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["base"], record["exclude_identities"]) == (None, True)
    embeddings = open_precomputed(store).embeddings
    _, writer = np.unique(embeddings.identities, return_inverse=True)
    exclude = Exclude(writer, writer, once=True)
    truth = join_reference(embeddings.vectors, above=0.9, top=40, histogram=20, exclude=exclude)
    assert pairs(out, "above") == named(embeddings, truth.pairs)
    assert pairs(out, "top") == named(embeddings, truth.top)
    assert not any(query[:4] == base[:4] for query, base, _ in pairs(out, "top"))
    counts = pq.read_table(out / "histogram.parquet")["count"].to_pylist()
    assert counts == truth.histogram.counts.tolist()
    n = DIGITS + EDITED
    assert sum(counts) == n * n - n - 2 * EDITED
    assert record["histogram_rows"] == n


def test_engines_and_kernels_write_the_same_tables(store, tmp_path):
    runs = {
        "kernel": ("auto", "auto"),
        "library": ("library", "auto"),
        "variable": ("auto", "library"),
    }
    written, named = {}, {}
    for name, (engine, kernel) in runs.items():
        call = ("join", store, store, "--above", 0.9, "--k", 3, "--top", 9, "--histogram", 20)
        more = ("--engine", engine, "--json", "--out", tmp_path / name)
        done = spolia_cli(*call, *more, SPOLIA_KERNEL=kernel)
        assert done.returncode == 0, done.stderr
        named[name] = json.loads(done.stdout)["engine"]
        written[name] = {
            one.name: one.read_bytes() for one in (tmp_path / name).iterdir() if one.is_file()
        }
    assert written["kernel"] == written["library"] == written["variable"]
    assert set(written["kernel"]) == {
        *(f"{name}.parquet" for name in ("above", "histogram", "nearest", "top")),
        "join.json",
    }
    assert (named["library"], named["variable"]) == ("library", "library")


OVERWRITTEN = """
import os, sys
import numpy as np

file, done = sys.argv.pop(), []

def overwrite(event, arguments):
    if event == "open" and "join.json" in str(arguments[0]) and not done:
        done.append(event)
        np.save(file, -np.load(file))

sys.addaudithook(overwrite)
from spolia.cli.main import main
main()
"""


@pytest.mark.parametrize("changed", ["query", "base"])
def test_a_file_that_is_overwritten_while_it_is_joined_is_noticed(store, tmp_path, changed):
    """The join writes what it was asked once both files are open."""
    for name in ("query", "base"):
        np.save(tmp_path / f"{name}.npy", open_precomputed(store).embeddings.vectors[:])
        os.utime(tmp_path / f"{name}.npy", ns=(0, 0))
    call = ["join", *(tmp_path / f"{name}.npy" for name in ("query", "base")), "--k", 1]
    out, file = tmp_path / "out", tmp_path / f"{changed}.npy"
    done = spolia_cli(*call, "--out", out, file, script=OVERWRITTEN)
    assert done.returncode == 3
    assert f"{changed}.npy must stay as it is while its rows are compared" in done.stderr
    assert [path.name for path in out.rglob("*")] == ["join.json"]
    again = spolia_cli(*call, "--out", out)
    assert again.returncode == 2
    assert f"holds another join: {changed} changed" in again.stderr
