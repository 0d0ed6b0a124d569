"""The real program: exit codes, streams, and what it says when something is wrong."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import spolia
from spolia.cli.main import app, run, unexpected
from spolia.search.engines import kernel_name
from spolia.search.native.binding import chosen_kernel, kernels
from tests.planted import planted

SPOLIA = [sys.executable, "-c", "from spolia.cli.main import main; main()"]


def spolia_cli(*arguments, cwd=None, env=None):
    return subprocess.run(
        [*SPOLIA, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | (env or {}),
    )


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Planted embeddings as .npy files with their names beside."""
    import pyarrow as pa

    folder = tmp_path_factory.mktemp("stores")
    sets = planted(leaks=60, clean=240).sets() | {"null": planted(leaks=0, clean=300).synthetic}
    for role, one in sets.items():
        np.save(folder / f"{role}.npy", one.vectors[:])
        pq.write_table(pa.table({"id": one.ids}), folder / f"{role}.parquet")
    return folder


def audit_arguments(stores, synthetic="synthetic", *more):
    return (
        "audit",
        stores / "train.npy",
        stores / f"{synthetic}.npy",
        "--control",
        stores / "control.npy",
        "--embedder",
        "precomputed",
        *more,
    )


def test_a_leak_exits_with_1_and_says_so(stores):
    done = spolia_cli(*audit_arguments(stores))
    assert done.returncode == 1
    assert done.stdout.startswith("Leak found: ")
    assert "Negative control: 0 of 150 found" in done.stdout
    assert "match: 180,000 of 180,000 (100%)" in done.stderr


def test_no_leak_exits_with_0(stores):
    done = spolia_cli(*audit_arguments(stores, "null"))
    assert done.returncode == 0
    assert done.stdout.startswith("No leak found: ")


def test_no_control_exits_with_4_and_gives_no_verdict(stores):
    done = spolia_cli(
        "audit", stores / "train.npy", stores / "synthetic.npy", "--embedder", "precomputed"
    )
    assert done.returncode == 4
    assert done.stdout.startswith("No verdict: ")
    assert "Ranking, no verdict (5 of 100)" in done.stdout


def test_json_is_the_report_and_nothing_else(stores, tmp_path):
    done = spolia_cli(*audit_arguments(stores, "synthetic", "--json", "--out", tmp_path / "run"))
    record = json.loads(done.stdout)
    assert record["outcome"] == "leak"
    assert record["schema"] == "spolia-report/3"
    assert done.stdout == (tmp_path / "run" / "report.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["audit", "a"], "SYNTHETIC"),
        (["audit", "a", "b", "--contorl", "c"], "--control"),
        (["audit", "nowhere", "neither"], "nowhere"),
        (["audit", ".", ".", "--embedder", "dtc"], "did you mean dct"),
        (["audit", ".", ".", "--memory", "much"], "512MiB"),
        (["join", "a.npy", "b.npy", "--out", "o"], "asked for k, above, top or histogram"),
        (["join", "a.npy", "b.npy", "--out", "o", "--k", "1"], "a.npy does not exist"),
        (["join", "a.npy", "--out", "o", "--k", "1", "--engine", "fast"], "engine must be auto"),
        (["embed", "x.npy", "--embedder", "precomputed", "--out", "o"], "does not exist"),
        (["card", "check", "none.toml"], "none.toml"),
        (["no-such-command"], "no-such-command"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_a_wrong_call_exits_with_2_and_says_what_to_do(arguments, message, tmp_path):
    done = spolia_cli(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["report", "verify"])
def test_a_folder_that_is_no_run_exits_with_3(command, tmp_path):
    done = spolia_cli(command, tmp_path)
    assert done.returncode == 3
    assert "is not a run" in done.stderr


@pytest.mark.parametrize("out", ["file/run", "file"])
def test_a_refusal_of_the_system_never_looks_like_a_finding(stores, tmp_path, out):
    (tmp_path / "file").write_text("")
    done = spolia_cli(*audit_arguments(stores, "synthetic", "--out", tmp_path / out))
    assert done.returncode == 3
    assert "the system refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unexpected_failure_never_looks_like_a_finding(capsys):
    assert unexpected(ZeroDivisionError("a bug")) == 3
    assert "this is a bug in spolia" in capsys.readouterr().err


def test_an_unset_variable_is_no_path(stores, tmp_path):
    for sets in (["", "x"], ["x", ""], [str(stores / "train.npy")] * 2 + ["--control", ""]):
        done = spolia_cli("audit", *sets, cwd=tmp_path)
        assert done.returncode == 2
        assert "an empty one is given" in done.stderr


def test_overwrite_never_deletes_what_is_audited(tmp_path):
    out = tmp_path / "run"
    for name in ("train", "control", "synthetic"):
        (tmp_path / name).mkdir()
        rng = np.random.default_rng(len(name))
        for i in range(5):
            image = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / name / f"{i}.png")
    call = ("audit", tmp_path / "train", tmp_path / "synthetic", "--out", out)
    assert spolia_cli(*call).returncode == 4
    (tmp_path / "synthetic").rename(out / "samples")
    done = spolia_cli("audit", tmp_path / "train", out / "samples", "--out", out, "--overwrite")
    assert done.returncode == 2
    assert "would be deleted with it" in done.stderr
    assert len(list((out / "samples").iterdir())) == 5


def test_a_report_never_shows_other_images_than_were_audited(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("train", "synthetic"):
        np.save(tmp_path / f"{name}.npy", rng.integers(0, 256, (30, 9, 9), dtype=np.uint8))
    out = tmp_path / "run"
    spolia_cli("audit", tmp_path / "train.npy", tmp_path / "synthetic.npy", "--out", out)
    assert spolia_cli("report", out, "--profile", "internal").returncode == 0
    np.save(tmp_path / "train.npy", rng.integers(0, 256, (30, 9, 9), dtype=np.uint8))
    done = spolia_cli("report", out, "--profile", "internal")
    assert done.returncode == 2
    assert "no longer holds the images" in done.stderr
    assert spolia_cli("report", out).returncode == 0


def test_an_interrupt_never_looks_like_a_finding(stores, tmp_path):
    script = (
        "import signal\n"
        "from spolia.cli.main import main\n"
        "signal.signal(signal.SIGALRM, signal.default_int_handler)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001)\n"
        "main()\n"
    )
    arguments = [str(one) for one in audit_arguments(stores)]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "interrupted" in done.stderr


def test_a_run_folder_holds_what_the_documentation_names(stores, tmp_path):
    out = tmp_path / "run"
    spolia_cli(*audit_arguments(stores, "synthetic", "--out", out))
    names = {path.name for path in out.iterdir()}
    assert names == {
        "plan.toml",
        "run.json",
        "codes.key",
        "matches",
        "matches.parquet",
        "comparisons.parquet",
        "control_seen.parquet",
        "duplicates",
        "duplicates.parquet",
        "strata.parquet",
        "two_names.parquet",
        "findings.parquet",
        "identities.parquet",
        "ranking.parquet",
        "evidence.parquet",
        "quarantine.csv",
        "report.json",
        "report.html",
    }
    record = json.loads((out / "run.json").read_text())
    assert set(record["inputs"]) == {"train", "control", "synthetic"}
    assert record["seconds"]["match"] >= 0
    assert pq.read_table(out / "findings.parquet").column_names == [
        "query",
        "reference",
        "identity",
        "similarity",
        "control_similarity",
        "score",
        "p",
        "q",
        "kind",
    ]


def test_verify_accepts_a_run_and_names_what_was_changed(stores, tmp_path):
    out = tmp_path / "run"
    spolia_cli(*audit_arguments(stores, "synthetic", "--out", out))
    fine = spolia_cli("verify", out)
    assert fine.returncode == 0
    assert "equal the reference" in fine.stdout

    findings = pq.read_table(out / "findings.parquet")
    column = findings["similarity"].to_numpy().copy()
    column[0] = np.nextafter(column[0], 0)
    place = findings.column_names.index("similarity")
    pq.write_table(findings.set_column(place, "similarity", [column]), out / "findings.parquet")
    changed = spolia_cli("verify", out)
    assert changed.returncode == 3
    assert "have similarity" in changed.stderr


def test_verify_notices_whatever_was_changed(stores, tmp_path):
    out = tmp_path / "run"
    spolia_cli(*audit_arguments(stores, "synthetic", "--out", out))

    def refused():
        done = spolia_cli("verify", out)
        assert done.returncode == 3
        return done.stderr

    for name in ("identities", "findings", "ranking", "evidence"):
        whole = (out / f"{name}.parquet").read_bytes()
        pq.write_table(pq.read_table(out / f"{name}.parquet").slice(1), out / f"{name}.parquet")
        assert f"{name}.parquet does not follow" in refused()
        (out / f"{name}.parquet").write_bytes(whole)

    report = (out / "report.json").read_text()
    for old, new in (('"outcome": "leak"', '"outcome": "none"'), ('"count": 0', '"count": 1')):
        assert old in report
        (out / "report.json").write_text(report.replace(old, new, 1))
        assert "report.json says" in refused()
    (out / "report.json").write_text(report)

    matches = pq.read_table(out / "matches.parquet")
    moved = matches["similarity"].to_numpy() * 0.999
    place = matches.column_names.index("similarity")
    pq.write_table(matches.set_column(place, "similarity", [moved]), out / "matches.parquet")
    assert "matches.parquet says" in refused()


def test_join_never_mixes_embedders_and_never_shows_old_results(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", rng.integers(0, 256, (20, 9, 9), dtype=np.uint8))
    for name in ("a", "b"):
        store = tmp_path / name
        spolia_cli("embed", tmp_path / "images.npy", "--embedder", "dct", "--out", store)
    call = ("join", tmp_path / "a", tmp_path / "b", "--k", 1, "--out", tmp_path / "joined")
    assert spolia_cli(*call).returncode == 0
    for name in ("a", "b"):
        path = tmp_path / name / "manifest.json"
        fields = json.loads(path.read_text())
        fields["model"]["fingerprint"] = "another version"
        path.write_text(json.dumps(fields))
        done = spolia_cli(*call)
        assert done.returncode == 2
        wanted = "must come from one embedder" if name == "a" else "holds another join"
        assert wanted in done.stderr
    shutil.rmtree(tmp_path / "joined")
    assert spolia_cli(*call).returncode == 0


def test_identities_that_change_in_a_store_change_the_audit(tmp_path):
    """The matches of the control are kept by its halves, which identities decide."""
    rng = np.random.default_rng(0)
    for name in ("train", "control", "synthetic"):
        (tmp_path / "sets" / name).mkdir(parents=True)
        for i in range(60):
            image = rng.integers(0, 256, (9, 9), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "sets" / name / f"p{i // 2:02d}_{i}.png")

    def audit_stores(rule, out):
        shutil.rmtree(tmp_path / "stores", ignore_errors=True)
        for name in ("train", "control", "synthetic"):
            call = ["embed", tmp_path / "sets" / name, "--embedder", "dct"]
            call += ["--identities", rule, "--out", tmp_path / "stores" / name]
            assert spolia_cli(*call).returncode == 0
        stores = tmp_path / "stores"
        spolia_cli(
            *("audit", stores / "train", stores / "synthetic", "--control", stores / "control"),
            *("--embedder", "precomputed", "--out", out),
        )
        return (out / "report.json").read_text()

    audit_stores("none", tmp_path / "run")
    resumed = audit_stores(r"regex:^(p\d+)_", tmp_path / "run")
    assert resumed == audit_stores(r"regex:^(p\d+)_", tmp_path / "fresh")
    assert spolia_cli("verify", tmp_path / "run").returncode == 0


def test_a_demo_never_mixes_with_another(demo, tmp_path):
    out = shutil.copytree(demo.folder, tmp_path / "demo")
    before = (out / "sets" / "train.npy").read_bytes()
    done = spolia_cli("demo", "--out", out, "--seed", 1, "--quiet")
    assert done.returncode == 2
    assert "another demo" in done.stderr
    assert (out / "sets" / "train.npy").read_bytes() == before


def test_join_writes_every_table_and_equals_the_reference(stores, tmp_path):
    from spolia.search.reference import join_reference

    for name in ("train", "synthetic"):
        rows = np.load(stores / f"{name}.npy")[:40]
        np.save(tmp_path / f"{name}.npy", rows)
    out = tmp_path / "joined"
    options = ("--k", 3, "--above", 0.3, "--top", 7, "--histogram", 20, "--json")
    call = ("join", tmp_path / "synthetic.npy", tmp_path / "train.npy", "--out", out, *options)
    done = spolia_cli(*call)
    assert done.returncode == 0
    truth = join_reference(
        np.load(tmp_path / "synthetic.npy"),
        np.load(tmp_path / "train.npy"),
        k=3,
        above=0.3,
        top=7,
        histogram=20,
    )
    nearest = pq.read_table(out / "nearest.parquet")
    assert nearest["similarity"].to_pylist() == truth.similarities.ravel().tolist()
    assert [int(name) for name in nearest["base"].to_pylist()] == truth.indices.ravel().tolist()
    assert pq.read_table(out / "above.parquet").num_rows == len(truth.pairs)
    assert pq.read_table(out / "top.parquet")["similarity"].to_pylist() == list(
        truth.top.similarity
    )
    assert pq.read_table(out / "histogram.parquet")["count"].to_pylist() == list(
        truth.histogram.counts
    )
    assert json.loads(done.stdout)["rows"] == {
        "nearest": 120,
        "above": len(truth.pairs),
        "top": 7,
        "histogram": 20,
    }
    assert json.loads(done.stdout)["histogram_rows"] == truth.histogram.rows == 40
    assert json.loads(done.stdout)["engine"] == kernel_name()
    again = spolia_cli(*call)
    assert again.stdout == done.stdout
    other = spolia_cli(*call[:-1], "--k", 4)
    assert other.returncode == 2
    assert "holds another join" in other.stderr


def test_embed_then_audit_equals_the_audit_of_the_images_but_for_the_kinds(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("train", "control", "synthetic"):
        images = rng.integers(0, 256, (60, 9, 9), dtype=np.uint8)
        if name == "synthetic":
            images[:30] = np.load(tmp_path / "train.npy")[:30]
        np.save(tmp_path / f"{name}.npy", images)
        done = spolia_cli(
            "embed", tmp_path / f"{name}.npy", "--embedder", "dct", "--out", tmp_path / name
        )
        assert done.returncode == 0
        assert "60 rows of 559" in done.stdout
    direct, stored = (
        spolia.audit(
            train=tmp_path / f"train{suffix}",
            control=tmp_path / f"control{suffix}",
            synthetic=tmp_path / f"synthetic{suffix}",
            embedder=embedder,
        )
        for suffix, embedder in ((".npy", "dct"), ("", "precomputed"))
    )
    unlike = {"kinds": None, "counting": None, "instruments": None}  # These need images.
    assert replace(direct.summary, **unlike) == replace(stored.summary, **unlike)
    assert direct.findings.drop_columns("kind").equals(stored.findings.drop_columns("kind"))
    kinds = [set(one.findings["kind"].to_pylist()) for one in (direct, stored)]
    assert kinds == [{"photo copy"}, {"unresolved"}]
    assert direct.identities.num_rows >= 30


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run folder of images named after persons, with copies of 30 training images."""
    tmp_path = tmp_path_factory.mktemp("finished")
    rng = np.random.default_rng(0)
    for name in ("train", "control", "synthetic"):
        (tmp_path / name).mkdir()
        for i in range(40):
            image = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
            if name == "synthetic" and i < 30:
                image = np.array(Image.open(tmp_path / "train" / f"person-{i}.png"))
            Image.fromarray(image).save(tmp_path / name / f"person-{i}.png")
    out = tmp_path / "run"
    done = spolia_cli(
        "audit",
        tmp_path / "train",
        tmp_path / "synthetic",
        "--control",
        tmp_path / "control",
        "--out",
        out,
    )
    assert done.returncode == 1
    return out


def test_profiles_differ_in_what_they_show(finished, tmp_path):
    out = finished
    public = (out / "report.html").read_text()
    assert "person-" not in public
    assert "data:image" not in public
    assert str(out.parent) not in public
    for profile in ("internal", "full"):
        done = spolia_cli(
            "report", out, "--profile", profile, "--out", tmp_path / f"{profile}.html"
        )
        assert done.returncode == 0
        page = (tmp_path / f"{profile}.html").read_text()
        assert "person-3.png" in page
        kinds = pq.read_table(out / "findings.parquet")["kind"].to_pylist()
        # A copy has its difference beside it.
        assert page.count('src="data:image/') == 2 * len(kinds) + kinds.count("photo copy")
        assert kinds.count("photo copy") == 30
    spolia_cli("report", out)
    assert (out / "report.html").read_text() == public


def test_every_form_of_a_report_is_written_and_public_ones_name_nobody(finished):
    for form, name in (
        ("summary", "summary.html"),
        ("md", "report.md"),
        ("junit", "junit.xml"),
        ("sarif", "report.sarif"),
    ):
        done = spolia_cli("report", finished, "--format", form)
        assert done.returncode == 0, done.stderr
        text = (finished / name).read_text()
        assert "Leak found" in text or "Evidence" in text or '"leak"' in text
        assert "person-" not in text
        assert str(finished.parent) not in text
    internal = spolia_cli("report", finished, "--format", "sarif", "--profile", "internal")
    assert internal.returncode == 0
    assert "person-" in (finished / "report-internal.sarif").read_text()
    assert "person-" not in (finished / "report.sarif").read_text()
    refused = spolia_cli("report", finished, "--format", "junit", "--profile", "full")
    assert refused.returncode == 2
    assert "leave the profile out" in refused.stderr


def test_an_engine_that_is_not_there_stops_an_audit_before_anything_is_embedded(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("train", "synthetic"):
        np.save(tmp_path / f"{name}.npy", rng.integers(0, 256, (20, 9, 9), dtype=np.uint8))
    call = ("audit", tmp_path / "train.npy", tmp_path / "synthetic.npy", "--out", tmp_path / "run")
    done = spolia_cli(*call, "--engine", "fast")
    assert done.returncode == 2
    assert "engine must be auto, kernel, library or gpu, but is 'fast'" in done.stderr
    assert not (tmp_path / "run" / "embeddings").exists()
    assert spolia_cli(*call, "--engine", "library").returncode == 4


@pytest.mark.parametrize("command", ["join", "audit"])
def test_a_kernel_that_is_not_there_is_refused(stores, tmp_path, command):
    calls = {
        "join": ("join", stores / "train.npy", "--k", 1, "--out", tmp_path / "out"),
        "audit": audit_arguments(stores),
    }
    done = spolia_cli(*calls[command], env={"SPOLIA_KERNEL": "avx1024"})
    assert done.returncode == 2
    assert "SPOLIA_KERNEL must name a kernel that was built" in done.stderr
    assert "but is 'avx1024'" in done.stderr
    assert "Traceback" not in done.stderr


def test_identities_that_are_not_known_cannot_be_excluded(stores, tmp_path):
    call = ("join", stores / "train.npy", "--k", 1, "--out", tmp_path / "out")
    done = spolia_cli(*call, "--exclude-identities")
    assert done.returncode == 2
    assert "to exclude identities, both sides must have them" in done.stderr


def test_doctor_names_versions_and_what_is_missing():
    done = spolia_cli("doctor", "--json")
    record = json.loads(done.stdout)
    assert done.returncode == 0
    assert record["packages"]["numpy"] == np.__version__
    assert record["extras"]["onnxruntime"]["install"].endswith("pip install 'spolia[onnx]'")
    assert "exact" in record["join"]["says"]
    assert set(record["join"]["torch"]) >= {"torch", "gpu"}


def join_of_doctor(**variables):
    done = spolia_cli("doctor", "--json", env={"SPOLIA_KERNEL": "auto"} | variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["join"]


def test_doctor_names_the_kernel_in_use_and_the_others():
    chosen = chosen_kernel()
    join = join_of_doctor(SPOLIA_KERNEL="auto" if chosen is None else chosen.name)
    assert join["in_use"] == ("library" if chosen is None else chosen.name)
    assert list(join["kernels"]) == [one.name for one in kernels()]
    for one in kernels():
        said = join["kernels"][one.name]
        assert one.runs or said == "this CPU lacks it"
        assert (said == "in use") == (one.name == join["in_use"])


def test_doctor_says_what_a_variable_costs():
    if not kernels():
        pytest.skip("no kernel was built")
    join = join_of_doctor(SPOLIA_KERNEL="library")
    fastest = next(one.name for one in kernels() if one.runs)
    assert join["in_use"] == "library"
    assert f"{fastest} is faster: unset SPOLIA_KERNEL" in join["says"]
    assert "in use" not in join["kernels"].values()


def test_doctor_shows_what_is_wrong_with_a_variable():
    join = join_of_doctor(SPOLIA_KERNEL="avx1024")
    assert join["in_use"] is None
    assert "but is 'avx1024'" in join["problem"]
    shown = spolia_cli("doctor", env={"SPOLIA_KERNEL": "avx1024"})
    assert shown.returncode == 0
    assert join["problem"] in shown.stdout


def test_an_installation_without_a_compiler_joins_and_says_what_it_lacks(stores, tmp_path):
    package = Path(spolia.__file__).parent
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "*.dylib", "__pycache__")
    shutil.copytree(package, tmp_path / "without" / "spolia", ignore=ignored)
    without = {"PYTHONPATH": str(tmp_path / "without"), "SPOLIA_KERNEL": "auto"}
    join = join_of_doctor(**without)
    assert (join["in_use"], join["kernels"]) == ("library", {})
    assert "without a C++ compiler" in join["problem"]
    assert "install g++ (or clang) and reinstall" in join["problem"]
    written = []
    for name, variables in (("with", {}), ("without", without)):
        call = ("join", stores / "train.npy", "--k", 3, "--out", tmp_path / f"out-{name}")
        assert spolia_cli(*call, env=variables).returncode == 0
        written.append((tmp_path / f"out-{name}" / "nearest.parquet").read_bytes())
    assert written[0] == written[1]
    call = ("join", stores / "train.npy", "--k", 3, "--engine", "kernel", "--out", tmp_path / "no")
    done = spolia_cli(*call, env=without)
    assert done.returncode == 2
    assert "engine kernel must have been built" in done.stderr


def test_demo_finds_the_planted_truth(tmp_path):
    done = spolia_cli("demo", "--out", tmp_path / "demo", "--json", "--quiet")
    record = json.loads(done.stdout)
    assert done.returncode == 0
    assert done.stderr == ""
    leaky, clean = record["leaky"], record["clean"]
    assert leaky["outcome"] == "leak"
    assert leaky["found_and_copied"] >= 0.95 * leaky["copied"]
    assert leaky["found"] - leaky["found_and_copied"] <= 0.08 * leaky["found"]
    assert (clean["outcome"], clean["copied"], clean["found"]) == ("none", 0, 0)
    assert all(Path(one["report"]).stat().st_size > 20_000 for one in record.values())


@pytest.mark.parametrize(
    "command",
    [[], ["demo"], ["audit"], ["embed"], ["join"], ["report"], ["verify"], ["doctor"], ["card"]],
    ids=lambda one: one[0] if one else "spolia",
)
def test_every_command_explains_itself_with_an_example(command, capsys):
    assert run([*command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Usage" in text
    assert "Example" in text or command == ["card"]


def test_public_names_are_what_they_say():
    assert set(spolia.__all__) == set(dir(spolia))
    for name in spolia.__all__:
        assert getattr(spolia, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'audits'"):
        spolia.audits  # noqa: B018
    assert app.info.name == "spolia"


def test_importing_spolia_loads_no_heavy_library():
    heavy = ("onnxruntime", "pyarrow", "PIL", "torch", "scipy", "typer", "rich", "numpy")
    script = f"import sys, spolia; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
