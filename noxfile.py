"""The checks, the same on a laptop and in CI; they run in the environment nox is called from."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["check"]

PYTHON = sys.executable
LINT_IMPORTS, SPOLIA = (str(Path(PYTHON).with_name(name)) for name in ("lint-imports", "spolia"))

ONE_HALF = ("tests/acceptance", "tests/browser", "tests/cli", "tests/docs", "tests/mutants")
"""They take about as long as all others."""


@nox.session
def check(session: nox.Session) -> None:
    """Lint, types, import contracts, every test of seconds, coverage of the floors that decide."""
    session.run(PYTHON, "-m", "ruff", "check", ".")
    session.run(PYTHON, "-m", "ruff", "format", "--check", ".")
    session.run(PYTHON, "-m", "mypy")
    session.run(LINT_IMPORTS)
    session.run(PYTHON, "-m", "coverage", "erase")
    others = [f"--ignore={one}" for one in ONE_HALF]
    halves = [session.posargs] if session.posargs else [ONE_HALF, ["tests", "src", *others]]
    _side_by_side(session, [_tests(half) for half in halves])
    session.run(PYTHON, "-m", "coverage", "combine", "--quiet")
    session.run(PYTHON, "-m", "coverage", "report")


def _tests(chosen: Sequence[str]) -> list[str]:
    return [PYTHON, "-m", "coverage", "run", "-p", "-m", "pytest", "-m", "not slow", *chosen]


def _side_by_side(session: nox.Session, commands: list[list[str]]) -> None:
    """Run commands at once; the output of all but the first is shown when it has ended."""
    first, *others = commands
    with ExitStack() as stack:
        running = [subprocess.Popen(first)]
        outputs = [stack.enter_context(TemporaryFile()) for _ in others]
        for command, output in zip(others, outputs, strict=True):
            running.append(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT))
        for process in running:
            process.wait()
        for output in outputs:
            output.seek(0)
            sys.stdout.write(output.read().decode(errors="replace"))
    if any(process.returncode for process in running):
        session.error("tests failed")


@nox.session
def schemas(session: nox.Session) -> None:
    """Write the published JSON Schemas anew; do so after a change of what a report says."""
    session.run(PYTHON, "-m", "tests.docs.schemas")


@nox.session
def mutants(session: nox.Session) -> None:
    """Run the known wrong versions; each must be killed by a law."""
    session.run(PYTHON, "-m", "pytest", "tests/mutants", "-v")


@nox.session
def nightly(session: nox.Session) -> None:
    """Run everything, with many more random examples."""
    session.run(PYTHON, "-m", "pytest", "--hypothesis-profile=nightly", *session.posargs)


@nox.session
def paper(session: nox.Session) -> None:
    """Print the tables of the docs; those of faces need the images of ``../shared/data``.

    The studies train 56 models, which needs torch and takes two hours on one core.
    """
    names = ("hubs", "honesty", "statistics", "judges", "kinds", "mixtures", "membership")
    for name in (*names, "identity", "searching"):
        session.run(PYTHON, "-m", "benchmarks", name)
    for plan in sorted(Path("benchmarks/studies").glob("*.toml")):
        session.run(SPOLIA, "study", str(plan))
