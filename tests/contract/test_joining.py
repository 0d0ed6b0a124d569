"""What a join or a match in a folder promises: the join of the whole, however it is cut up."""

import json
import os
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import spolia
from spolia.auditing.joining import JoinOptions, join_to_folder
from spolia.auditing.match import MatchOptions, match
from spolia.core.errors import InputChanged, PlanMismatch, UsageError
from spolia.search.plan import Wanted
from spolia.store.precomputed import normalise_file
from tests.spec.joins import rows_of

N, D = 70, 5
PEOPLE = [f"p{i % 23}" for i in range(N)]
WANTED = [Wanted(3, 0.5, 9, None), Wanted(above=0.5, top=9), Wanted(k=N + 1), Wanted(top=10**6)]


def stored(folder, name, rows, people=None):
    """Write rows, long ago, and who they show, the way users bring them."""
    np.save(folder / f"{name}.npy", rows)
    os.utime(folder / f"{name}.npy", ns=(0, 0))
    if people is not None:
        table = pa.table({"id": [str(i) for i in range(len(rows))], "identity": people})
        pq.write_table(table, folder / f"{name}.parquet")
    return folder / f"{name}.npy"


def tables(out):
    """Return every table of a join, row by row."""
    return {path.stem: pq.read_table(path).to_pylist() for path in out.glob("*.parquet")}


def expected(found):
    """Return the tables of what `spolia.join` returned, whose rows are named by their numbers."""
    whole = {}
    if found.indices is not None:
        whole["nearest"] = [
            {"query": i, "rank": rank + 1, "base": j, "similarity": found.similarities[i, rank]}
            for i, row in enumerate(found.indices.tolist())
            for rank, j in enumerate(row)
            if j >= 0
        ]
    for name, pairs in (("above", found.pairs), ("top", found.top)):
        if pairs is not None:
            sides = zip(pairs.query, pairs.base, pairs.similarity, strict=True)
            whole[name] = [{"query": i, "base": j, "similarity": s} for i, j, s in sides]
    return whole


def numbered(rows):
    """Return table rows with row numbers in the place of names."""
    return [
        {name: int(value) if name in ("query", "base") else value for name, value in row.items()}
        for row in rows
    ]


@pytest.mark.parametrize("part_rows", [7, 40, 1000])
@pytest.mark.parametrize("wanted", WANTED, ids=repr)
@pytest.mark.parametrize("kind", ["ties", "copies"])
def test_a_set_is_joined_with_itself_as_a_whole(tmp_path, kind, wanted, part_rows):
    rows = rows_of(kind, N, D, 0)
    for exclude in (False, True):
        path, out = stored(tmp_path, "a", rows, PEOPLE), tmp_path / f"out{exclude}"
        options = JoinOptions(part_rows=part_rows)
        join_to_folder(path, None, out, wanted, exclude_identities=exclude, options=options)
        truth = spolia.join(rows, exclude=PEOPLE if exclude else None, **vars(wanted))
        assert {name: numbered(table) for name, table in tables(out).items()} == expected(truth)


@pytest.mark.parametrize("part_rows", [1, 7, 1000])
@pytest.mark.parametrize("exclude", [False, True])
def test_two_sets_are_joined_as_a_whole(tmp_path, exclude, part_rows):
    sides = rows_of("ties", N, D, 0), rows_of("ties", 31, D, 1)
    others = [f"p{i}" for i in range(31)]
    paths = stored(tmp_path, "a", sides[0], PEOPLE), stored(tmp_path, "b", sides[1], others)
    out, wanted = tmp_path / "out", Wanted(3, 0.5, 9, None)
    options = JoinOptions(part_rows=part_rows)
    join_to_folder(*paths, out, wanted, exclude_identities=exclude, options=options)
    truth = spolia.join(*sides, exclude=(PEOPLE, others) if exclude else None, **vars(wanted))
    assert {name: numbered(table) for name, table in tables(out).items()} == expected(truth)


@pytest.mark.parametrize("n", [0, 1])
def test_a_set_without_pairs_has_empty_tables(tmp_path, n):
    path = stored(tmp_path, "a", rows_of("random", n, D, 0))
    record = join_to_folder(path, None, tmp_path / "out", Wanted(2, 0.0, 2, 10))
    assert record["rows"] == {"nearest": 0, "above": 0, "top": 0, "histogram": 10}
    assert record["histogram_rows"] == n
    assert sum(row["count"] for row in tables(tmp_path / "out")["histogram"]) == 0


def test_a_histogram_says_how_many_rows_of_all_parts_it_counts(tmp_path):
    rows = rows_of("random", 1300, 2, 0)
    out, options = tmp_path / "out", JoinOptions(part_rows=600)
    path = stored(tmp_path, "a", rows)
    record = join_to_folder(path, path, out, Wanted(histogram=8), options=options)
    assert record["histogram_rows"] == 512 + 512 + 100
    parts = [spolia.join(rows[i : i + 600], rows, histogram=8) for i in (0, 600, 1200)]
    counts = sum(part.histogram.counts for part in parts)
    assert [row["count"] for row in tables(out)["histogram"]] == counts.tolist()
    assert counts.sum() == record["histogram_rows"] * 1300


@pytest.mark.parametrize("known", [(), ("query",), ("base",)], ids=str)
def test_identities_that_are_not_known_cannot_be_excluded(tmp_path, known):
    rows = rows_of("random", N, D, 0)
    paths = [
        stored(tmp_path, role, rows, PEOPLE if role in known else None)
        for role in ("query", "base")
    ]
    missing = "base" if known == ("query",) else "query"
    with pytest.raises(UsageError, match=f"but {missing} has none; embed it with --identities"):
        join_to_folder(*paths, tmp_path / "out", Wanted(k=1), exclude_identities=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("changed", ["exclude", "itself", "part_rows", "k"])
def test_a_folder_holds_one_join(tmp_path, changed):
    path, out = stored(tmp_path, "a", rows_of("random", N, D, 0), PEOPLE), tmp_path / "out"
    join_to_folder(path, None, out, Wanted(k=1))
    before = tables(out)
    with pytest.raises(PlanMismatch, match="holds another join"):
        join_to_folder(
            path,
            path if changed == "itself" else None,
            out,
            Wanted(k=2 if changed == "k" else 1),
            exclude_identities=changed == "exclude",
            options=JoinOptions(part_rows=3 if changed == "part_rows" else 65536),
        )
    assert tables(out) == before


def test_identities_that_change_in_a_store_change_the_join(tmp_path):
    """The fingerprint of a store is that of its images."""
    rows, out = rows_of("random", N, D, 0), tmp_path / "out"
    path = tmp_path / "store"
    for number, people in enumerate((PEOPLE, PEOPLE[::-1])):
        source = stored(tmp_path, f"a{number}", rows, people)
        store = normalise_file(source, tmp_path / f"store{number}")
        assert len(store.embeddings) == N
    manifests = [tmp_path / f"store{number}" / "manifest.json" for number in (0, 1)]
    fields = [json.loads(one.read_bytes()) for one in manifests]
    manifests[1].write_text(json.dumps(fields[1] | {"source": fields[0]["source"]}))
    (tmp_path / "store0").rename(path)
    join_to_folder(path, None, out, Wanted(k=1), exclude_identities=True)
    path.rename(tmp_path / "old")
    (tmp_path / "store1").rename(path)
    with pytest.raises(PlanMismatch, match="identities changed"):
        join_to_folder(path, None, out, Wanted(k=1), exclude_identities=True)


def test_the_engine_is_no_part_of_a_join(tmp_path):
    path, out = stored(tmp_path, "a", rows_of("random", N, D, 0)), tmp_path / "out"
    wanted = Wanted(3, 0.5, 9, 10)
    first = join_to_folder(path, None, out, wanted, options=JoinOptions(engine="library"))
    whole = {one: one.read_bytes() for one in out.rglob("*") if one.is_file()}
    assert join_to_folder(path, None, out, wanted) == first
    assert {one: one.read_bytes() for one in out.rglob("*") if one.is_file()} == whole
    with pytest.raises(UsageError, match="engine must be auto, kernel, library or gpu"):
        join_to_folder(path, None, tmp_path / "no", wanted, options=JoinOptions(engine="fast"))
    assert not (tmp_path / "no").exists()


# A match: the nearest of several sides, in parts


def sides_of(names=("train", "control_a", "control_b")):
    return {name: rows_of("ties", 20 + i, D, i + 1) for i, name in enumerate(names)}


@pytest.mark.parametrize("engine", ["auto", "library"])
@pytest.mark.parametrize("part_rows", [7, 16, 1000])
def test_a_match_finds_the_nearest_of_every_side(tmp_path, part_rows, engine):
    rows, sides = rows_of("ties", N, D, 0), sides_of()
    options = MatchOptions(part_rows=part_rows, engine=engine)
    found = match(rows, sides, tmp_path, key="one", options=options)
    assert list(found) == list(sides)
    for name, base in sides.items():
        truth = spolia.join(rows, base, k=5)
        np.testing.assert_array_equal(found[name].indices, truth.indices)
        np.testing.assert_array_equal(found[name].similarities, truth.similarities)


@pytest.mark.parametrize("lost", [("train",), ("control_b",), ("train", "control_a")], ids=str)
def test_only_the_sides_that_are_missing_are_matched_again(tmp_path, lost):
    rows, sides = rows_of("ties", N, D, 0), sides_of()
    options = MatchOptions(part_rows=40)
    whole = match(rows, sides, tmp_path, key="one", options=options)
    contents = {path: path.read_bytes() for path in tmp_path.glob("*.npz")}
    for name in lost:
        (tmp_path / f"{name}_{40:010d}.npz").unlink()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    told = []
    again = match(rows, sides, tmp_path, key="one", options=options, progress=partial(tell, told))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert {path: path.read_bytes() for path in tmp_path.glob("*.npz")} == contents
    total = N * sum(len(base) for base in sides.values())
    missing = 30 * sum(len(sides[name]) for name in lost)
    assert told[0] == 40 * sum(len(base) for base in sides.values())
    assert told[1] == total - missing
    assert told[-1] == total
    assert told == sorted(told)
    for name in sides:
        np.testing.assert_array_equal(again[name].indices, whole[name].indices)


def tell(told, stage, done, total):
    assert (stage, total) == ("match", N * (20 + 21 + 22))
    told.append(done)


# Files that change meanwhile


def overwriting(path, rows):
    """Return a progress that writes other rows over a file as soon as rows are compared."""
    told = []
    os.utime(path, ns=(0, 0))

    def tell(_stage, done, _total):
        told.append(done)
        if len(told) == 1:
            assert done == 0
            np.save(path, -rows)

    return tell


@pytest.mark.parametrize("engine", ["auto", "library"])
@pytest.mark.parametrize("changed", ["query", "base"])
def test_a_join_notices_a_file_that_is_overwritten(tmp_path, changed, engine):
    rows = rows_of("random", N, D, 0)
    paths = {name: stored(tmp_path, name, rows) for name in ("query", "base")}
    query, base = (np.load(path, mmap_mode="r") for path in paths.values())
    for bases in (base, (rows, base), None):
        if bases is None and changed == "base":
            continue
        progress = overwriting(paths[changed], rows)
        with pytest.raises(InputChanged, match=rf"{changed}\.npy must stay as it is"):
            spolia.join(query, bases, k=1, engine=engine, progress=progress)


@pytest.mark.parametrize("changed", ["query", "base"])
def test_a_join_in_a_folder_writes_nothing_of_a_file_that_is_overwritten(tmp_path, changed):
    rows, out = rows_of("random", N, D, 0), tmp_path / "out"
    paths = {name: stored(tmp_path, name, rows) for name in ("query", "base")}
    progress = overwriting(paths[changed], rows)
    with pytest.raises(InputChanged, match=rf"{changed}\.npy must stay as it is"):
        join_to_folder(*paths.values(), out, Wanted(k=1), progress=progress)
    assert [path.name for path in out.rglob("*")] == ["join.json"]


def overwriting_after(part, path, rows):
    """Return a progress that writes other rows over a file once, when a part is finished."""
    os.utime(path, ns=(0, 0))

    def tell(_stage, _done, _total):
        if part.exists() and path.stat().st_mtime_ns == 0:
            np.save(path, -rows)

    return tell


@pytest.mark.parametrize("changed", ["query", "base"])
def test_a_file_that_changes_between_two_parts_of_a_join_is_noticed(tmp_path, changed):
    rows, out = rows_of("random", N, D, 0), tmp_path / "out"
    paths = {name: stored(tmp_path, name, rows) for name in ("query", "base")}
    first, options = out / "parts" / "part_00000.npz", JoinOptions(part_rows=40)
    progress = overwriting_after(first, paths[changed], rows)
    with pytest.raises(InputChanged, match=rf"{changed}\.npy must stay as it is"):
        join_to_folder(*paths.values(), out, Wanted(k=1), options=options, progress=progress)
    assert list(first.parent.iterdir()) == [first]
    assert tables(out) == {}


def test_a_file_that_changes_after_the_last_part_is_noticed(tmp_path):
    rows, out = rows_of("random", N, D, 0), tmp_path / "out"
    path = stored(tmp_path, "a", rows)
    progress = overwriting_after(out / "parts" / "part_00000.npz", path, rows)
    with pytest.raises(InputChanged, match=r"a\.npy must stay as it is"):
        join_to_folder(path, None, out, Wanted(k=1), progress=progress)
    assert tables(out) == {}


@pytest.mark.parametrize("changed", ["synthetic", "train", "control"])
def test_a_file_that_changes_between_two_parts_of_a_match_is_noticed(tmp_path, changed):
    rows, folder = rows_of("random", N, D, 0), tmp_path / "matches"
    paths = {name: stored(tmp_path, name, rows) for name in ("synthetic", "train", "control")}
    synthetic, *others = (np.load(path, mmap_mode="r") for path in paths.values())
    sides = dict(zip(("train", "control"), others, strict=True))
    progress = overwriting_after(folder / f"control_{0:010d}.npz", paths[changed], rows)
    options = MatchOptions(part_rows=40)
    with pytest.raises(InputChanged, match=rf"{changed}\.npy must stay as it is"):
        match(synthetic, sides, folder, key="one", options=options, progress=progress)
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("changed", ["synthetic", "train", "control"])
def test_a_match_writes_no_part_of_a_file_that_is_overwritten(tmp_path, changed):
    rows = rows_of("random", N, D, 0)
    paths = {name: stored(tmp_path, name, rows) for name in ("synthetic", "train", "control")}
    synthetic, *others = (np.load(path, mmap_mode="r") for path in paths.values())
    sides = dict(zip(("train", "control"), others, strict=True))
    progress = overwriting(paths[changed], rows)
    with pytest.raises(InputChanged, match=rf"{changed}\.npy must stay as it is"):
        match(synthetic, sides, tmp_path / "matches", key="one", progress=progress)
    assert not (tmp_path / "matches").exists()
