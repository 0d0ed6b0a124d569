"""The checks, the same on a laptop and in CI; they run in the environment nox is called from."""

import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["check"]

PYTHON = sys.executable
LINT_IMPORTS = str(Path(PYTHON).with_name("lint-imports"))


@nox.session
def check(session: nox.Session) -> None:
    """Lint, types, import contracts, every test of seconds, coverage of the floors that decide."""
    session.run(PYTHON, "-m", "ruff", "check", ".")
    session.run(PYTHON, "-m", "ruff", "format", "--check", ".")
    session.run(PYTHON, "-m", "mypy")
    session.run(LINT_IMPORTS)
    session.run(PYTHON, "-m", "coverage", "run", "-m", "pytest", "-m", "not slow", *session.posargs)
    session.run(PYTHON, "-m", "coverage", "report")


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
    """Print the tables of the docs; the faces need ``-- MODEL_CARD FACES.zip``."""
    session.run(PYTHON, "-m", "benchmarks", "hubs")
    if session.posargs:
        session.run(PYTHON, "-m", "benchmarks", "honesty", *session.posargs)
