"""The reference of the run folder against the folders that are really left."""

import json
import re
from dataclasses import fields as dataclass_fields

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import spolia
from spolia.auditing.exchange import names_beside, write_exchange
from spolia.auditing.joining import join_to_folder
from spolia.core.results import EXIT_CODES
from spolia.core.review import Agreed, Answers, Estimate, Reviewed, Reviewer, Stratum
from spolia.review.decisions import FILE, Decision, append
from spolia.review.deck import write_deck
from spolia.review.export import TABLE
from spolia.search.plan import Wanted
from spolia.store.precomputed import open_precomputed
from tests.docs.pages import pages
from tests.judges import Blind, Pixels, write_study
from tests.review_decks import deck_of, shelves

PAGE = pages()["docs/reference/run-folder.md"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A run with a leak, and a join of its stores."""
    root = tmp_path_factory.mktemp("folders")
    rows = spolia.normalise(np.random.default_rng(0).normal(size=(180, 16)))
    sets = {
        "train": rows[:60],
        "control": rows[60:120],
        "synthetic": np.concatenate([rows[:30], rows[150:]]),
    }
    result = spolia.audit(
        **{
            role: spolia.Embeddings(some, [f"{role}-secret-{i}.png" for i in range(len(some))])
            for role, some in sets.items()
        },
        out=root / "run",
    )
    result.report(root / "run" / "report.html")
    stores = root / "run" / "embeddings"
    join_to_folder(stores / "synthetic", stores / "train", root / "join", Wanted(2, 0.5, 5, 10))
    return root


def files(folder):
    """Return the files of a folder as the page writes them."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield re.sub(r"^(control_a|control_b|train)_", "SIDE_", path.name), path


def columns(heading):
    """Return what the page says of a table: column to type."""
    section = PAGE.split(f"`{heading}`\n", 1)[1].split("\n#", 1)[0]
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE))


def test_every_file_is_described(folders):
    missing = {name for name, _ in files(folders) if name not in PAGE}
    assert missing == set()


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("findings.parquet`, `ranking.parquet", "findings.parquet"),
        ("findings.parquet`, `ranking.parquet", "ranking.parquet"),
        ("identities.parquet", "identities.parquet"),
        ("evidence.parquet", "evidence.parquet"),
        ("matches.parquet", "matches.parquet"),
        ("duplicates.parquet", "duplicates.parquet"),
        ("control_seen.parquet", "control_seen.parquet"),
        ("two_names.parquet", "two_names.parquet"),
        ("strata.parquet", "strata.parquet"),
    ],
)
def test_tables_of_a_run_have_the_columns_described(folders, heading, name):
    schema = pq.read_schema(folders / "run" / name)
    assert columns(heading) == {field.name: str(field.type) for field in schema}


@pytest.mark.parametrize("name", ["nearest", "above", "histogram"])
def test_tables_of_a_join_have_the_columns_described(folders, name):
    (line,) = re.findall(rf"^\| `{name}\.parquet` .*$", PAGE, re.MULTILINE)
    schema = pq.read_schema(folders / "join" / f"{name}.parquet")
    said = re.findall(r"`(\w+)` \((\w+)", line)
    assert said == [(field.name, str(field.type)) for field in schema]


def fields(value):
    """Return every key of a JSON value."""
    if isinstance(value, dict):
        return set(value).union(*map(fields, value.values()))
    return set().union(*map(fields, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize(
    "path",
    ["run/report.json", "run/embeddings/train/manifest.json", "join/join.json"],
)
def test_every_field_is_described(folders, path):
    written = json.loads((folders / path).read_text(encoding="utf-8"))
    missing = {field for field in fields(written) if f"`{field}`" not in PAGE}
    assert missing - {"nearest"} == set()  # a row count, under the table's own name


def test_every_top_field_of_run_json_is_described(folders):
    written = json.loads((folders / "run" / "run.json").read_text(encoding="utf-8"))
    assert {field for field in written if f"`{field}`" not in PAGE} == set()


def test_every_key_of_the_plan_is_described(folders):
    text = (folders / "run" / "plan.toml").read_text(encoding="utf-8")
    keys = re.findall(r"^(\w+) =", text, re.MULTILINE)
    assert keys
    assert [key for key in keys if f"`{key}`" not in PAGE] == []


@pytest.mark.parametrize("mode", ["estimate", "triage"])
def test_every_field_of_a_review_is_described(tmp_path, mode):
    deck = deck_of(shelves(2), mode=mode)
    write_deck(tmp_path, deck)
    written = json.loads((tmp_path / "review" / f"{mode}.json").read_text(encoding="utf-8"))
    heading = "### `review/estimate.json`, `review/triage.json`\n"
    decks = PAGE.split(heading, 1)[1].split("\n#", 1)[0]
    assert {field for field in fields(written) if f"`{field}`" not in decks} == set()
    assert f"`{written['schema']}`" in decks
    said = Decision(deck.key, deck.tasks[0].token, "Ann", "answer", "same", "2026-11-29", 1.0)
    append(tmp_path / FILE, said)
    line = json.loads((tmp_path / FILE).read_text(encoding="utf-8"))
    assert columns("decisions.jsonl").keys() == line.keys()
    assert {name for name, _ in files(tmp_path) if name not in PAGE} == set()
    assert all(path.stat().st_mode & 0o177 == 0 for _, path in files(tmp_path))


def test_what_may_be_published_holds_no_id(folders):
    found = pq.read_table(folders / "run" / "findings.parquet")["query"].to_pylist()
    assert found
    assert all("secret" in one for one in found)
    for name in ("report.json", "report.html"):
        text = (folders / "run" / name).read_text(encoding="utf-8")
        assert "secret" not in text
        assert str(folders) not in text


def test_new_folders_and_files_are_for_the_owner_alone(folders):
    for name in ("run", "join"):
        assert (folders / name).stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o177 == 0 for _, path in files(folders))


def test_exit_codes_are_those_of_the_code():
    said = PAGE.split("## Exit codes", 1)[1]
    assert set(EXIT_CODES.values()) | {2, 3} == set(
        map(int, re.findall(r"^\| (\d) \|", said, re.MULTILINE))
    )


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory):
    """A study of one set under a judge that sees and one that does not."""
    folder = tmp_path_factory.mktemp("study")
    sets = write_study(folder / "sets", size=60, leaks=50, clean=10)
    result = spolia.study(
        train=sets["train"],
        control=sets["control"],
        synthetic={"leaky": sets["leaky"], "clean": sets["clean"]},
        embedders=[Pixels(), Blind()],
        out=folder / "run",
    )
    result.report(folder / "run" / "report.html")
    return folder / "run"


def test_every_file_of_a_study_is_described(study_folder):
    said = PAGE.split("## A study\n", 1)[1].split("### ", 1)[0]
    for path in [*study_folder.iterdir(), *study_folder.glob("leaky/*")]:
        name = path.name if path.parent == study_folder else f"SET/{path.name}"
        name = {"leaky": "SET/", "clean": "SET/", "SET/pixels": "SET/JUDGE/"}.get(name, name)
        name = {"SET/blind": "SET/JUDGE/", "embeddings": "embeddings/JUDGE/train"}.get(name, name)
        assert name in said
    missing = {name for name, _ in files(study_folder) if name not in PAGE}
    assert missing == set()
    assert all(path.stat().st_mode & 0o177 == 0 for _, path in files(study_folder))


@pytest.mark.parametrize("name", ["combined", "disagreements"])
def test_tables_of_a_study_have_the_columns_described(study_folder, name):
    schema = pq.read_schema(study_folder / "leaky" / f"{name}.parquet")
    kinds = {field.name: str(field.type).split("<")[0] for field in schema}
    assert columns(f"{name}.parquet") == kinds


def test_every_field_of_a_study_is_described(study_folder):
    section = PAGE.split("## A study\n", 1)[1]
    written = json.loads((study_folder / "report.json").read_text(encoding="utf-8"))
    assert {field for field in fields(written) if f"`{field}`" not in PAGE} == set()
    assert {field for field in written if f"`{field}`" not in section} == set()
    keys = re.findall(r"^(\w+) =", (study_folder / "study.toml").read_text("utf-8"), re.MULTILINE)
    assert [key for key in keys if f"`{key}`" not in section] == []


def test_every_field_of_a_review_and_every_column_of_its_table_is_described():
    section = PAGE.split("## `review.json`", 1)[1].split("\n## ", 1)[0]
    records = (Reviewed, Reviewer, Answers, Estimate, Agreed, Stratum)
    names = {one.name for record in records for one in dataclass_fields(record)}
    assert {name for name in names | set(TABLE.names) if f"`{name}`" not in section} == set()


@pytest.fixture(scope="module")
def question(tmp_path_factory):
    """The folder of a question with members and queries."""
    folder = tmp_path_factory.mktemp("question") / "run"
    rows = spolia.normalise(np.random.default_rng(0).normal(size=(200, 16)))
    names = [f"{i // 2}" for i in range(100)]
    asked = spolia.Embeddings(rows[:20], identities=[f"m{i // 2}" for i in range(20)])
    spolia.identity(
        synthetic=spolia.Embeddings(rows[100:]),
        members=asked,
        queries=asked,
        nonmembers=spolia.Embeddings(rows[20:100], identities=names[20:]),
        train=spolia.Embeddings(rows[:1], identities=["m0"]),
        out=folder,
    )
    return folder


def test_everything_of_a_question_is_described(question):
    section = PAGE.split("## `spolia identity`\n", 1)[1].split("\n## ", 1)[0]
    assert {name for name, _ in files(question) if name not in PAGE} == set()
    assert {one.name for one in question.iterdir() if one.name not in section} == set()
    schema = pq.read_schema(question / "identities.parquet")
    said = columns("identities.parquet` of `spolia identity")
    assert said == {field.name: str(field.type) for field in schema}
    written = json.loads((question / "identity.json").read_text(encoding="utf-8"))
    assert {field for field in written if f"`{field}`" not in section} == set()
    assert {field for field in fields(written) if f"`{field}`" not in PAGE} == set()
    asked = re.findall(r"^(\w+) =", (question / "identity.toml").read_text("utf-8"), re.MULTILINE)
    assert [key for key in asked if f"`{key}`" not in section] == []
    assert all(path.stat().st_mode & 0o177 == 0 for _, path in files(question))


@pytest.fixture(scope="module")
def searches(tmp_path_factory):
    """Searches for one person, with and without non-members, and an exchange."""
    root = tmp_path_factory.mktemp("searches")
    rng = np.random.default_rng(0)
    for role, n in (("train", 40), ("control", 40), ("synthetic", 40), ("photos", 2)):
        (root / role).mkdir()
        for number in range(n):
            picture = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(picture).save(root / role / f"{number}.png")
    sets = {role: root / role for role in ("train", "control", "synthetic")}
    spolia.audit(**sets, out=root / "run")
    photo = root / "photos" / "0.png"
    spolia.search_for(photo, within=root / "run", out=root / "one")
    without = {"within": root / "synthetic", "embedder": "dct"}
    spolia.search_for(photo, **without, out=root / "without")
    spolia.search_for(
        people=root / "photos", nonmembers=root / "control", **without, out=root / "many"
    )
    write_exchange(open_precomputed(root / "run/embeddings/train"), root / "handed")
    return root


@pytest.mark.parametrize("name", ["one", "without", "many"])
def test_everything_of_a_search_is_described(searches, name):
    folder = searches / name
    section = PAGE.split("## `spolia search`\n", 1)[1].split("\n## ", 1)[0]
    assert {one for one, _ in files(folder) if one not in PAGE} == set()
    assert {one.name for one in folder.iterdir() if one.name not in section} == set()
    for heading, table in (
        ("people.parquet", "people.parquet"),
        ("near.parquet", "near.parquet"),
    ):
        schema = pq.read_schema(folder / table)
        assert columns(heading) == {field.name: str(field.type) for field in schema}
    written = json.loads((folder / "search.json").read_text(encoding="utf-8"))
    assert {field for field in written if f"`{field}`" not in section} == set()
    assert {field for field in fields(written) if f"`{field}`" not in PAGE} == set()
    asked = re.findall(r"^(\w+) =", (folder / "search.toml").read_text("utf-8"), re.MULTILINE)
    assert asked
    assert [key for key in asked if f"`{key}`" not in section] == []
    assert all(path.stat().st_mode & 0o177 == 0 for _, path in files(folder))


def test_everything_of_an_exchange_is_described(searches):
    section = PAGE.split("## A store\n", 1)[1].split("\n## ", 1)[0]
    assert {one for one, _ in files(searches / "handed") if one not in section} == set()
    head = names_beside(searches / "handed").read_text(encoding="utf-8").splitlines()[0]
    assert {one for one in head.split(",") if f"`{one}`" not in section} == set()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """The folder of an attack that finds something."""
    folder = tmp_path_factory.mktemp("attacked") / "run"
    rows = spolia.normalise(np.random.default_rng(0).normal(size=(160, 16)))
    spolia.membership(
        train=spolia.Embeddings(rows[:30]),
        control=spolia.Embeddings(rows[30:90]),
        reference=spolia.Embeddings(rows[90:120]),
        synthetic=spolia.Embeddings(rows[[*range(12), *range(120, 160)]]),
        out=folder,
    )
    return folder


def test_everything_of_an_attack_is_described(attacked):
    section = PAGE.split("## `spolia attack membership`\n", 1)[1].split("\n## ", 1)[0]
    assert {name for name, _ in files(attacked) if name not in PAGE} == set()
    told = {one.name for one in attacked.iterdir() if one.name not in section}
    assert told == set()
    schema = pq.read_schema(attacked / "records.parquet")
    assert columns("records.parquet") == {field.name: str(field.type) for field in schema}
    written = json.loads((attacked / "membership.json").read_text(encoding="utf-8"))
    assert {field for field in written if f"`{field}`" not in section} == set()
    assert {field for field in fields(written) if f"`{field}`" not in PAGE} == set()
    text = (attacked / "membership.toml").read_text("utf-8")
    asked = re.findall(r"^(\w+) =", text, re.MULTILINE)
    assert [key for key in asked if f"`{key}`" not in section] == []
    assert all(path.stat().st_mode & 0o177 == 0 for _, path in files(attacked))
