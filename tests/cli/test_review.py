"""``spolia review`` as a user calls it: a real program that is asked, answered, and interrupted."""

import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import spolia
from spolia.auditing.plan import read_plan
from spolia.auditing.study_plan import StudyPlan, places, write_study_plan
from spolia.cli.main import run
from spolia.review.decisions import FILE
from spolia.review.deck import write_deck
from spolia.review.drawing import make_deck
from spolia.review.guard import hosts_of
from spolia.review.opening import Wanted, open_deck
from spolia.review.server import Where
from tests.judges import write_study

SPOLIA = [sys.executable, "-c", "from spolia.cli.main import main; main()"]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("sets"), size=80, leaks=50, clean=30)


@pytest.fixture(scope="module")
def audited(sets, tmp_path_factory):
    """A run with a leak that nobody has looked at."""
    out = tmp_path_factory.mktemp("audited") / "run"
    roles = {"train": "train", "control": "control", "synthetic": "leaky"}
    spolia.audit(**{role: sets[name] for role, name in roles.items()}, out=out)
    return out


@pytest.fixture
def folder(audited, tmp_path):
    return shutil.copytree(audited, tmp_path / "run")


class Reviewing:
    """The program while it shows the page."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [*SPOLIA, *map(str, arguments), "--quiet"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = self.process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/(\?token=\S+)", self.said)
        assert found, self.said + self.process.stderr.read()
        self.port, self.token = int(found[1]), found[2]
        self.cookie = self.ask("GET", f"/{self.token}")[1]["set-cookie"].partition(";")[0]

    def ask(self, method, path, sent=None):
        host = f"127.0.0.1:{self.port}"
        headers = {"cookie": getattr(self, "cookie", ""), "origin": f"http://{host}"}
        body = None if sent is None else json.dumps(sent)
        headers |= {} if sent is None else {"content-type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path, body, headers)
        came = connection.getresponse()
        answer = came.status, dict(came.getheaders()), came.read()
        connection.close()
        return answer

    def state(self):
        return json.loads(self.ask("GET", "/api/answer")[2])

    def say(self, answer):
        task = self.state()["pairs"][0]["task"]
        sent = {"task": task, "answer": answer, "seconds": 1}
        return self.ask("POST", "/api/answer/say", sent)[0]

    def interrupt(self, by=signal.SIGINT):
        """Press Ctrl-C; return exit code, stdout and stderr."""
        self.process.send_signal(by)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def test_a_review_is_held_and_goes_on_where_it_was_left(folder):
    page = Reviewing("review", folder, "--pairs", 10, "--known", 2, "--json")
    assert [page.say(one) for one in ("same", "different", "unsure")] == [200] * 3
    pair = page.state()["pairs"][0]
    status, headers, body = page.ask("GET", f"/picture/{pair['task']}/{pair['left']}")
    assert (status, headers["content-type"], body[:4]) == (200, "image/png", b"\x89PNG")
    assert "server" not in {name.lower() for name in headers}
    code, out, err = page.interrupt()
    assert (code, err.count("Traceback")) == (0, 0)
    record = json.loads(out)
    assert (record["answered"], record["pairs"], record["question"]) == (3, 14, "photo")
    assert json.loads(Path(record["review"]).read_text())["schema"] == "spolia-review/1"
    assert len(Path(record["decisions"]).read_text().splitlines()) == 3
    again = Reviewing("review", folder)
    assert again.state()["said"] == 3
    code, out, _ = again.interrupt(signal.SIGTERM)
    assert code == 0
    assert out.startswith("3 of 14 pairs answered by reviewer\n")


def test_a_review_that_nobody_answered_leaves_no_numbers(folder):
    code, out, _ = Reviewing("review", folder, "--mode", "triage").interrupt()
    assert code == 0
    assert out.startswith("0 of ")
    assert not (folder / "review.json").exists()


def test_the_decisions_are_exported_without_a_page(folder, tmp_path, capsys):
    page = Reviewing("review", folder, "--pairs", 10)
    page.say("same")
    page.interrupt()
    assert run(["review", str(folder), "--export", str(tmp_path / "all.parquet"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"export": str(tmp_path / "all.parquet")}
    assert pq.read_table(tmp_path / "all.parquet")["answer"].to_pylist() == ["same"]


def test_a_deck_that_is_there_is_not_drawn_again_unless_asked(folder, capsys):
    Reviewing("review", folder, "--pairs", 10, "--known", 0).interrupt()
    assert run(["review", str(folder), "--pairs", "20"]) == 2
    assert "a deck of 10 pairs" in capsys.readouterr().err
    page = Reviewing("review", folder, "--pairs", 20, "--known", 0, "--overwrite")
    assert page.state()["total"] == 20
    page.interrupt()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "0.0.0.0"], "must be one address"),
        (["--host", ""], "must be one address"),
        (["--host", "192.0.2.1"], "leave out --host"),
        (["--port", "70000"], "0 to 65535"),
        (["--reviewer", " "], "a reviewer's name"),
        (["--reviewer", "a\x1b[31mb"], "a reviewer's name"),
        (["--pairs", "3"], "10 pairs or more"),
    ],
    ids=lambda one: (
        " ".join(one).encode("unicode_escape").decode() if isinstance(one, list) else ""
    ),
)
def test_a_wrong_call_is_refused_before_a_page_is_shown(folder, capsys, options, message):
    assert run(["review", str(folder), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken_is_refused(folder, capsys):
    page = Reviewing("review", folder, "--pairs", 10)
    assert run(["review", str(folder), "--port", str(page.port)]) == 2
    assert "choose another --port" in capsys.readouterr().err
    page.interrupt()


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("localhost", True),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("localhost.example", False),
    ],
)
def test_other_machines_see_pictures_only_where_asked(host, local):
    assert Where(host).pictures == local
    assert Where(host, images=True).pictures


def test_a_page_at_the_usual_port_is_reached_without_naming_it():
    assert {"127.0.0.1", "localhost:80", "[2001:db8::1]"} <= hosts_of("2001:db8::1", 80)
    assert "127.0.0.1" not in hosts_of("127.0.0.1", 8080)


def test_without_the_extra_it_says_what_to_install(folder):
    without = "import sys; sys.modules['uvicorn'] = None; from spolia.cli.main import main; main()"
    for arguments in (["review", folder], ["demo", "--review", "--out", folder / "demo"]):
        done = subprocess.run(
            [sys.executable, "-c", without, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "run: pip install 'spolia[review]'" in done.stderr
    assert not (folder / "review").exists()
    assert not (folder / "demo").exists()


def test_embeddings_without_images_are_refused(tmp_path, capsys):
    rows = spolia.normalise(np.random.default_rng(0).normal(size=(90, 8)))
    parts = [spolia.Embeddings(rows[i::3].copy()) for i in range(3)]
    roles = ("train", "control", "synthetic")
    spolia.audit(**dict(zip(roles, parts, strict=True)), out=tmp_path / "run")
    assert run(["review", str(tmp_path / "run")]) == 2
    assert "are embeddings" in capsys.readouterr().err


def test_a_study_names_the_audits_that_can_be_reviewed(folder, tmp_path, capsys):
    plan = StudyPlan(read_plan(folder), places(["leaky", "clean"], ["a", "b"]), places("d", "d"))
    (tmp_path / "study").mkdir()
    write_study_plan(tmp_path / "study", plan)
    assert run(["review", str(tmp_path / "study")]) == 2
    said = capsys.readouterr().err
    for name in ("leaky", "clean"):
        assert str(tmp_path / "study" / name / "d") in said


def test_images_that_changed_are_not_shown(folder, capsys):
    plan = (folder / "plan.toml").read_text()
    (folder / "plan.toml").write_text(plan.replace("leaky.npy", "clean.npy"))
    assert run(["review", str(folder)]) == 2
    assert "no longer holds the images that were audited as synthetic" in capsys.readouterr().err


def test_a_deck_of_what_the_run_held_before_is_not_shown(folder, capsys):
    assert make_deck(folder, "estimate").tasks
    write_deck(folder, replace(make_deck(folder, "estimate"), audit="of another audit"))
    assert run(["review", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "before it was made anew; use --overwrite" in " ".join(said.split())
    assert open_deck(folder, Wanted(overwrite=True)).audit != "of another audit"
    assert open_deck(folder, Wanted()).audit != "of another audit"


def test_a_run_with_answers_is_not_overwritten(folder, sets, capsys):
    (folder / FILE).write_text("")
    roles = {"control": sets["control"], "out": folder}
    asked = [f"--{name}={where}" for name, where in roles.items()]
    asked = ["audit", str(sets["train"]), str(sets["leaky"]), *asked, "--overwrite", "--quiet"]
    assert run(asked) == 2
    assert "holds what reviewers said" in " ".join(capsys.readouterr().err.split())
    assert (folder / FILE).exists()
