"""A finished question about membership is checked: what was changed since is noticed."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import spolia
from spolia.auditing import membership_verify
from spolia.auditing.membership import membership
from spolia.auditing.membership_plan import REPORT, ROLES, TABLE
from spolia.auditing.membership_verify import verify_membership
from spolia.auditing.options import Options
from spolia.auditing.seal import digests_of
from spolia.auditing.stages import reopen
from spolia.core.errors import RunIncomplete, UsageError, VerificationFailed
from tests.judges import Pixels, images

DIM, SIZE, SAMPLES = 12, 40, 60


def sets(copied=20, size=SIZE):
    rng = np.random.default_rng(0)

    def embedded(role, rows):
        ids = [f"{role}{i:03d}" for i in range(len(rows))]
        return spolia.Embeddings(spolia.normalise(rows), ids)

    train, control, fresh = (rng.normal(size=(n, DIM)) for n in (size, 2 * size, SAMPLES - copied))
    samples = np.concatenate([train[:copied] + 0.01 * rng.normal(size=(copied, DIM)), fresh])
    rows = {"train": train, "control": control, "synthetic": samples}
    return {role: embedded(role, one) for role, one in rows.items()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    found = membership(**sets(), out=folder)
    assert found.summary.outcome == "leak"
    return folder, found


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "run")


@pytest.fixture
def quick(monkeypatch, finished):
    """Do not make the answer again for every forgery that is compared with it."""
    monkeypatch.setattr(membership_verify, "answer", lambda *_: finished[1])


def test_a_run_that_nobody_touched_is_verified(run):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    checked = verify_membership(run)
    assert checked.files == 5 + 3 * 3
    assert (checked.records, checked.pairs) == (50, 50 * (SAMPLES + SIZE))
    assert (checked.areas, checked.methods) == (5, 11)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_one_byte_changed_in_any_file_is_noticed(run):
    rng = np.random.default_rng(0)
    names = json.loads((run / "run.json").read_text(encoding="utf-8"))["files"]
    assert len(names) == 14
    for name in names:
        path = run / name
        whole = path.read_bytes()
        place = int(rng.integers(0, len(whole)))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises((VerificationFailed, UsageError)):
            verify_membership(run)
        path.write_bytes(whole)


def sealed(run):
    """Write the digests anew, as who wants to deceive would."""
    opened = reopen(run, dict.fromkeys(ROLES[:3], "memory:"), embedded=True)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    text = json.dumps({**record, **digests_of(run, opened)})
    (run / "run.json").write_text(text, encoding="utf-8")


def forge_table(run, change):
    table = pq.read_table(run / TABLE)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), run / TABLE)
    sealed(run)


def forge_summary(run, change):
    said = json.loads((run / REPORT).read_text(encoding="utf-8"))
    change(said)
    (run / REPORT).write_text(json.dumps(said), encoding="utf-8")
    sealed(run)


def put(name, value, method=None):
    def change(said):
        (said if method is None else said["methods"][method])[name] = value

    return change


def moved(name, by):
    def change(said):
        said["methods"][9][name]["value"] += by

    return change


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["gan_leaks", "gan_leaks_calibrated", "distance_ratio"])
def test_a_score_of_a_single_record_that_is_another_is_noticed(run, name, monkeypatch):
    """In the last bits, where neither an area nor the table made again would tell."""
    monkeypatch.setattr(membership_verify, "_MOST_SAMPLED", 10**9)
    rows = pq.read_table(run / TABLE).to_pylist()
    nudged = np.nextafter(rows[3][name], 9.0)
    forge_table(run, lambda rows: rows[3].update({name: float(nudged)}))
    with pytest.raises(VerificationFailed, match=f"{name} of train003 in train is"):
        verify_membership(run)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.reverse(), "set in records.parquet does not follow"),
        (lambda rows: rows.pop(), "the area of "),
        (lambda rows: [one.update(id="nobody") for one in rows], "nobody is not in "),
        (lambda rows: [one.update(set="train") for one in rows], "has no record of "),
        (lambda rows: rows[0].update(identity="x"), "identity in records.parquet does not"),
        (lambda rows: rows[0].update(domias=rows[0]["domias"] + 2e-5), "domias in records.parq"),
    ],
)
def test_a_table_that_does_not_follow_from_the_sets_is_noticed(run, change, said):
    forge_table(run, change)
    with pytest.raises(VerificationFailed, match=said):
        verify_membership(run)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("value", {"value": 0.5, "low": 0.4, "high": 0.6, "confidence": 0.95}, 0), "the area"),
        (put("p_adjusted", 0.9, 1), "the corrected p of "),
        (put("verdict", "sees none", 7), "says that it sees none"),
        (put("level", 1e-3), "at a level of 0.001"),
        (moved("value", 0.01), "says methods = "),
        (moved("control", 2e-6), "says methods = "),
        (put("compared", 41), "says compared = 41"),
        (put("packages", []), "run.json says packages = "),
        (put("seed", 1), "run.json says seed = 0, but membership.json 1"),
        (put("outcome", "none"), "says outcome = 'none'"),
        (put("sentence", "No leak."), "says sentence = 'No leak.'"),
        (put("concord", []), r"says concord = \(\)"),
    ],
)
def test_a_summary_that_does_not_follow_from_the_sets_is_noticed(run, change, said):
    forge_summary(run, change)
    with pytest.raises(VerificationFailed, match=said):
        verify_membership(run)


@pytest.mark.usefixtures("quick")
def test_what_processors_do_otherwise_and_other_words_of_another_version_are_no_difference(run):
    def change(said):
        moved("value", 1e-9)(said)
        said.update(version="0", sentence="In other words.")

    forge_summary(run, change)
    assert verify_membership(run).methods == 11


@pytest.mark.usefixtures("quick")
def test_too_many_pairs_are_not_counted_one_by_one(run, monkeypatch):
    monkeypatch.setattr(membership_verify, "_COUNTED", SIZE * SIZE - 1)
    assert verify_membership(run).areas == 0


def test_a_sample_more_in_the_sets_is_noticed(run, tmp_path):
    """Embeddings of another question, with the digests made anew."""
    other = tmp_path / "other"
    membership(**sets(copied=19), out=other)
    shutil.rmtree(run / "embeddings" / "synthetic")
    shutil.copytree(other / "embeddings" / "synthetic", run / "embeddings" / "synthetic")
    with pytest.raises(VerificationFailed, match="is not what the run left"):
        verify_membership(run)
    sealed(run)
    with pytest.raises(VerificationFailed):
        verify_membership(run)


def test_what_cannot_be_told_is_verified_too(tmp_path):
    found = membership(**sets(copied=2, size=18), out=tmp_path / "run")
    assert found.summary.outcome == "inconclusive"
    checked = verify_membership(tmp_path / "run")
    assert (checked.records, checked.areas, checked.methods) == (0, 0, 0)


def test_images_that_cannot_be_read_are_part_of_it(tmp_path):
    rng = np.random.default_rng(0)
    given = {}
    for role, n in (("train", 22), ("control", 44), ("synthetic", 9)):
        given[role] = tmp_path / role
        given[role].mkdir()
        for number, picture in enumerate(images(rng, n)):
            Image.fromarray(picture).save(given[role] / f"{number:02d}.png")
    (tmp_path / "train" / "broken.png").write_bytes(b"no image")
    options = Options(max_bad=0.5, duplicates="off")
    membership(**given, embedder=Pixels(), out=tmp_path / "run", options=options)
    assert verify_membership(tmp_path / "run").files == 14
    (tmp_path / "run" / "quarantine.csv").write_text("set,id,reason\n", encoding="utf-8")
    sealed(tmp_path / "run")
    with pytest.raises(VerificationFailed, match=r"quarantine\.csv does not follow"):
        verify_membership(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "embeddings")
    with pytest.raises(RunIncomplete, match="holds no embeddings any more"):
        verify_membership(tmp_path / "run")


def test_a_run_that_is_not_finished_is_said_to_be(run, tmp_path):
    with pytest.raises(RunIncomplete, match="is no run of `spolia attack membership`"):
        verify_membership(tmp_path / "nowhere")
    (run / TABLE).write_bytes(b"PAR1")
    sealed(run)
    with pytest.raises(UsageError, match="cannot be read"):
        verify_membership(run)
    (run / TABLE).unlink()
    with pytest.raises(RunIncomplete, match=r"records\.parquet is missing"):
        verify_membership(run)
