"""What a set says of its records is used as a file of columns is."""

import csv
import json

import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

import spolia
from spolia.auditing.purge import find_personal, purge
from spolia.auditing.verify import verify
from spolia.cli.main import app
from spolia.core.errors import UsageError
from spolia.sources import open_source
from spolia.store.columns import read_columns, write_columns
from tests.pictures import picture

SIZE = 60
AGES = ("adult", "child")


def write_list(folder, name, seeds, columns=("age",)):
    """A list of pictures, every third of a child."""
    (folder / name).mkdir()
    rows = [["path", *columns]]
    for i, seed in enumerate(seeds):
        Image.fromarray(picture(seed, 24)).save(folder / name / f"{i:03d}.png")
        rows.append([f"{name}/{i:03d}.png", *(AGES[i % 3 == 0] for _ in columns)])
    with (folder / f"{name}.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / f"{name}.csv"


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Thirty leaks among sixty synthetic pictures."""
    folder = tmp_path_factory.mktemp("sets")
    return {
        "train": write_list(folder, "train", range(SIZE)),
        "control": write_list(folder, "control", range(1000, 1000 + SIZE)),
        "synthetic": write_list(folder, "made", [*range(30), *range(2000, 2030)], columns=()),
    }


def test_a_column_of_the_sets_makes_strata(sets, tmp_path):
    result = spolia.audit(**sets, out=tmp_path / "run")
    (age,) = result.summary.counting.columns
    assert (age.name, {one.value: one.identities for one in age.strata}) == (
        "age",
        {"adult": 40, "child": 20},
    )
    told = pq.read_table(tmp_path / "run" / "columns.parquet")
    assert told.column_names == ["set", "id", "age"]
    assert set(told["set"].to_pylist()) == {"train", "control"}
    verify(tmp_path / "run")


def test_a_column_of_the_sets_can_be_excluded(sets, tmp_path):
    options = spolia.Options(exclude=("age=child",))
    result = spolia.audit(**sets, out=tmp_path / "run", options=options)
    excluded = {one.role: one.records for one in result.summary.counting.excluded}
    assert excluded == {"train": 20, "control": 20}
    verify(tmp_path / "run")
    with pytest.raises(UsageError, match="values are 'adult', 'child'"):
        spolia.audit(**sets, options=spolia.Options(exclude=("age=old",)))


def test_a_file_of_columns_goes_before_what_the_sets_say(sets, tmp_path):
    path = tmp_path / "ages.csv"
    rows = [
        f"{role},{role}/{i:03d}.png,known" for role in ("train", "control") for i in range(SIZE)
    ]
    path.write_text("\n".join(["set,id,age", *rows]))
    result = spolia.audit(**sets, options=spolia.Options(columns=path))
    (age,) = result.summary.counting.columns
    assert [one.value for one in age.strata] == ["known"]


def test_sets_that_say_nothing_leave_no_columns(sets, tmp_path):
    spolia.audit(
        train=sets["synthetic"].parent / "train",
        control=sets["synthetic"].parent / "control",
        synthetic=sets["synthetic"],
        out=tmp_path / "run",
    )
    assert not (tmp_path / "run" / "columns.parquet").exists()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["ignored"] == {
        "train": 0,
        "control": 0,
        "synthetic": 0,
    }


@pytest.fixture(scope="module")
def stores(sets, tmp_path_factory):
    """The sets, embedded by the command."""
    folder = tmp_path_factory.mktemp("stores")
    for role, path in sets.items():
        call = ["embed", path, "--embedder", "dct", "--out", folder / role, "--quiet"]
        done = CliRunner().invoke(app, [str(one) for one in call])
        assert done.exit_code == 0, done.output
    return {role: folder / role for role in sets}


def test_a_store_keeps_what_its_set_says(sets, stores):
    kept = pq.read_table(stores["train"] / "columns.parquet")
    assert kept["id"].to_pylist() == list(open_source(sets["train"]).ids)
    assert kept["age"].to_pylist() == [AGES[i % 3 == 0] for i in range(SIZE)]
    assert not (stores["synthetic"] / "columns.parquet").exists()


@pytest.mark.parametrize("exclude", [(), ("age=child",)])
def test_stores_give_the_strata_and_exclusions_of_their_sets(sets, stores, tmp_path, exclude):
    options = spolia.Options(exclude=exclude)
    of_images = spolia.audit(**sets, options=options)
    of_stores = spolia.audit(
        **stores, embedder="precomputed", options=options, out=tmp_path / "run"
    )
    one, other = of_images.summary.counting, of_stores.summary.counting
    assert (one.columns, one.excluded) == (other.columns, other.excluded)
    assert of_images.identities.equals(of_stores.identities)
    verify(tmp_path / "run")


def test_columns_are_those_of_the_records_that_have_a_row(sets, tmp_path):
    rows = [("b", "old"), ("a", "young"), ("gone", "old")]
    (tmp_path / "store").mkdir()
    write_columns(tmp_path / "store", [name for name, _ in rows], {"age": [v for _, v in rows]})
    assert read_columns(tmp_path / "store", ["a", "b"]) == {"age": ("young", "old")}
    write_columns(tmp_path / "store", ["a"], {})
    assert read_columns(tmp_path / "store", ["a"]) == {}


@pytest.mark.parametrize("content", [b"", b"no table", None])
def test_columns_that_do_not_fit_their_store_are_refused(tmp_path, content):
    write_columns(tmp_path, ["a"], {"age": ["old"]})
    if content is not None:
        (tmp_path / "columns.parquet").write_bytes(content)
    with pytest.raises(UsageError, match="make the store again, or delete the file"):
        read_columns(tmp_path, ["a", "b"])


def test_purge_takes_the_columns_of_a_store(sets, tmp_path):
    path = sets["train"]
    call = ["embed", path, "--embedder", "dct", "--out", tmp_path / "store", "--quiet"]
    assert CliRunner().invoke(app, [str(one) for one in call]).exit_code == 0
    purge(find_personal(tmp_path / "store"))
    assert list((tmp_path / "store").iterdir()) == []
