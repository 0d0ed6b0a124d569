"""A finished question is checked by the definition: what was changed since is noticed."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import spolia
from spolia.auditing import identity_reference as truth
from spolia.auditing.identity import identity
from spolia.auditing.identity_result import load_identity
from spolia.auditing.identity_verify import verify_identity
from spolia.auditing.seal import digests_of
from spolia.auditing.stages import reopen
from spolia.core.errors import RunIncomplete, UsageError, VerificationFailed
from spolia.stats import pool, roc
from spolia.stats.conformal import benjamini_hochberg
from tests.judges import Pixels, images

DIM = 24


def embedded(rng, faces, each, name):
    who = np.repeat(np.arange(len(faces)), each)
    rows = spolia.normalise(faces[who] + 0.6 * rng.normal(size=(who.size, DIM)))
    ids = [f"{name}{i:04d}.jpg" for i in range(who.size)]
    return spolia.Embeddings(rows, ids, [f"{name}-{i:03d}" for i in who])


def sets(seed=0):
    rng = np.random.default_rng(seed)
    own, others, strangers = (rng.normal(size=(n, DIM)) for n in (12, 250, 20))
    members = embedded(rng, own, 2, "m")
    return {
        "synthetic": embedded(rng, np.concatenate([own[:6], strangers]), 1, "s"),
        "members": members,
        "queries": members,
        "nonmembers": embedded(rng, others, 2, "n"),
        "train": spolia.Embeddings(members.vectors[:1], ["t.jpg"], ["t"]),
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    found = identity(**sets(), out=folder)
    assert found.summary.outcome == "found"
    found.report(folder / "report.html")
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def test_a_run_that_nobody_touched_is_verified(run):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    checked = verify_identity(run)
    assert checked.files == 4 + 5 * 3
    assert checked.photos >= 50
    assert checked.pairs == checked.photos * 26
    assert checked.identities == 12 + 12 + 250
    assert (checked.queries, checked.areas) == (12, 2)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def files_of(run):
    """The files that say something of the result, as they are named in the run folder."""
    return json.loads((run / "run.json").read_text(encoding="utf-8"))["files"]


def test_one_byte_changed_in_any_file_is_noticed(run):
    rng = np.random.default_rng(0)
    assert len(files_of(run)) == 19
    for name in files_of(run):
        path = run / name
        whole = path.read_bytes()
        for place in rng.integers(0, len(whole), 3).tolist():
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(VerificationFailed, match="is not what the run left"):
                verify_identity(run)
        path.write_bytes(whole)
    assert verify_identity(run).files == 19


def test_a_file_that_is_new_or_gone_is_noticed(run):
    more = run / "embeddings" / "queries" / "more.npy"
    more.write_bytes(b"more")
    with pytest.raises(VerificationFailed, match=r"more\.npy is not what the run left"):
        verify_identity(run)
    more.unlink()
    (run / "identity.json").unlink()
    with pytest.raises(VerificationFailed, match=r"identity\.json is not what the run left"):
        verify_identity(run)


def sealed(run):
    """Write the digests anew, as who wants to deceive would."""
    asked = load_identity(run).asked
    roles = ("synthetic", "members", "queries", "nonmembers", "train")
    opened = reopen(run, {role: asked[role] for role in roles}, embedded=False)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    text = json.dumps({**record, **digests_of(run, opened)})
    (run / "run.json").write_text(text, encoding="utf-8")


def table_with(run, column, value):
    table = pq.read_table(run / "identities.parquet")
    rows = table.to_pylist()
    row = next(i for i, one in enumerate(rows) if one["set"] == "queries")
    rows[row][column] = value(rows[row][column])
    pq.write_table(pa.Table.from_pylist(rows, table.schema), run / "identities.parquet")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("identity", lambda _: "m-999"),
        ("photos", lambda one: one + 1),
        ("score", lambda one: one + 1e-9),
        ("p", lambda one: one + 1e-9),
        ("q", lambda one: one / 2),
        ("compared", lambda one: 3 - one),
        ("nearest", lambda _: "s0001.jpg"),
        ("similarity", lambda one: np.nextafter(one, 1.0)),
    ],
)
def test_a_row_that_does_not_follow_from_the_sets_is_noticed(run, column, value):
    table_with(run, column, value)
    sealed(run)
    with pytest.raises(VerificationFailed, match=r"identities\.parquet|the query"):
        verify_identity(run)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one.update(outcome="not found"), "outcome"),
        (lambda one: one.update(sentence="Nothing."), "sentence"),
        (lambda one: one.update(seed=1), "run.json says seed"),
        (lambda one: one["identities"]["auc"].update(value=0.5), "AUC by identities"),
        (lambda one: one["identities"]["auc"].update(low=0.5), "identities"),
        (lambda one: one["photos"]["hits"][0]["tpr"].update(value=0.5), "TPR at 0.01 by photos"),
        (lambda one: one["identities"]["band"][0].update(high=1.0), "identities"),
        (lambda one: one["queries"].update(pool=9_999), "queries"),
        (lambda one: one["scores"]["sides"][0]["counts"].__setitem__(0, 77), "scores"),
        (lambda one: one["compared"][0].update(single=3), "compared"),
        (lambda one: one["sets"][0].update(blank=3), "sets"),
        (lambda one: one["packages"].pop(), "run.json says packages"),
    ],
)
def test_a_summary_that_does_not_follow_from_the_sets_is_noticed(run, change, said):
    record = json.loads((run / "identity.json").read_text(encoding="utf-8"))
    change(record)
    (run / "identity.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    sealed(run)
    with pytest.raises(VerificationFailed, match=said):
        verify_identity(run)


def test_embeddings_that_are_others_are_noticed(run):
    path = run / "embeddings" / "queries" / "img_emb" / "img_emb_0000.npy"
    rows = np.load(path)
    rows[[0, 5]] = rows[[5, 0]]
    np.save(path, rows)
    sealed(run)
    with pytest.raises(VerificationFailed, match=r"but the run says|does not follow|the query"):
        verify_identity(run)


def test_a_part_of_a_search_that_was_changed_is_noticed(run):
    """It is what the next run would read."""
    path = run / "matches" / "nonmembers" / "synthetic_0000000000.npz"
    with np.load(path) as part:
        arrays = dict(part)
    arrays["indices"][:, 0] = np.roll(arrays["indices"][:, 0], 1)
    np.savez(path, **arrays)
    with pytest.raises(VerificationFailed, match="the sample nearest to"):
        verify_identity(run)
    path.write_bytes(path.read_bytes()[:-40])  # a part that cannot be read is searched anew
    assert verify_identity(run).queries == 12


def test_another_question_is_noticed(run):
    path = run / "identity.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("fdr = 0.05", "fdr = 0.2"), encoding="utf-8")
    sealed(run)
    with pytest.raises(VerificationFailed, match="a false discovery rate of 20 %"):
        verify_identity(run)
    path.write_text("fdr = 0.05\n", encoding="utf-8")
    with pytest.raises(VerificationFailed, match=r"identity\.toml"):
        verify_identity(run)


def test_a_quarantine_that_does_not_follow_is_noticed(run):
    with (run / "quarantine.csv").open("a", encoding="utf-8") as file:
        file.write("queries,x.jpg,broken\r\n")
    sealed(run)
    with pytest.raises(VerificationFailed, match=r"quarantine\.csv"):
        verify_identity(run)


@pytest.mark.parametrize("text", ["{", "[]", '{"files": 3}', "\udcff"])
def test_a_record_that_is_none_is_noticed(run, text):
    (run / "run.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(VerificationFailed, match=r"run\.json"):
        verify_identity(run)


def test_rows_that_lie_elsewhere_are_part_of_the_record(tmp_path):
    folder = tmp_path / "sets"
    folder.mkdir()
    for role, one in sets().items():
        np.save(folder / f"{role}.npy", one.vectors)
        names = {"id": one.ids, "identity": one.identities}
        pq.write_table(pa.table(names), folder / f"{role}.parquet")
    given = {role: folder / f"{role}.npy" for role in sets()}
    identity(**given, embedder="precomputed", out=tmp_path / "run")
    assert verify_identity(tmp_path / "run").files == 4
    rows = np.load(given["synthetic"])
    rows[3] = rows[4]
    np.save(given["synthetic"], rows)
    with pytest.raises(VerificationFailed, match="the embeddings are not those of the run"):
        verify_identity(tmp_path / "run")


def test_queries_alone_and_members_alone_are_verified(tmp_path):
    for role in ("members", "queries"):
        some = {k: v for k, v in sets().items() if k in (role, "synthetic", "nonmembers")}
        identity(**some, out=tmp_path / role)
    assert verify_identity(tmp_path / "members").queries == 0
    assert verify_identity(tmp_path / "queries").areas == 0


def test_standard_scores_are_verified_and_what_could_not_be_read_is_part_of_it(tmp_path):
    from PIL import Image

    class Faces(Pixels):
        kind = "identity"

    rng = np.random.default_rng(0)
    for role, n in (("synthetic", 30), ("members", 5), ("nonmembers", 12)):
        (tmp_path / role).mkdir()
        for number, picture in enumerate(images(rng, n)):
            Image.fromarray(picture).save(tmp_path / role / f"{number}.png")
    (tmp_path / "members" / "broken.png").write_bytes(b"no image")
    given = {role: tmp_path / role for role in ("synthetic", "members", "nonmembers")}
    options = spolia.Options(max_bad=0.5)
    found = identity(**given, embedder=Faces(), out=tmp_path / "run", options=options)
    assert found.summary.scores.scale == "score"
    assert found.quarantine[0][1] == "broken.png"
    checked = verify_identity(tmp_path / "run")
    assert (checked.photos, checked.pairs) == (17, 17 * 30)
    shutil.rmtree(tmp_path / "run" / "embeddings")
    with pytest.raises(RunIncomplete, match="holds no embeddings any more"):
        verify_identity(tmp_path / "run")


def test_a_run_that_is_not_finished_is_said_to_be(run, tmp_path):
    with pytest.raises(RunIncomplete, match="is no run of `spolia identity`"):
        load_identity(tmp_path / "nowhere")
    (run / "run.json").unlink()
    with pytest.raises(RunIncomplete, match=r"run\.json is missing"):
        verify_identity(run)
    (run / "identities.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="cannot be read"):
        load_identity(run)
    (run / "identities.parquet").unlink()
    with pytest.raises(RunIncomplete, match=r"identities\.parquet is missing"):
        load_identity(run)


def test_plain_counting_says_what_the_fast_way_says():
    rng = np.random.default_rng(0)
    for seed in range(20):
        members, others = (rng.integers(0, 9, n).astype(float) for n in (13, 21))
        assert truth.area_reference(members, others) == pytest.approx(roc.area(members, others))
        for rate in (0.05, 0.1, 0.29, 0.5, 0.999):
            threshold = roc.threshold_at(others, rate)
            assert truth.share_reference(members, others, rate) == np.mean(members > threshold)
        queries, beside = (
            [rng.integers(0, 5, rng.integers(1, 4)).astype(float) for _ in range(n)]
            for n in (7, 15 + seed)
        )
        found = pool.pooled_p(queries, beside)
        q = benjamini_hochberg(found.p)
        for i, one in enumerate(queries):
            assert truth.p_reference(one, beside, int(found.photos[i])) == found.p[i]
            assert truth.q_reference(found.p, i) == q[i]
