"""The README's two commands are the ones that are run, and say what it prints."""

import contextlib
import io
import re

from spolia.cli.main import run
from tests.docs.pages import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (python3\.11 -m venv .*)$", README, re.MULTILINE)


def test_there_is_one_command_to_try_it_and_one_to_check_it():
    assert len(COMMANDS) == 2
    assert COMMANDS[0].endswith("spolia demo --quiet")
    assert COMMANDS[1].endswith("nox -s check")


def test_ci_runs_the_command_that_checks():
    assert COMMANDS[1] in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_demo_prints_what_the_readme_shows(tmp_path, monkeypatch):
    shown = README.split(COMMANDS[0] + "\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert run(["demo", "--quiet"]) == 0
    assert printed.getvalue().strip() == shown.strip()
