"""The checks, the same on a laptop and in CI; every session runs in the environment it is called from."""

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["check"]


@nox.session
def check(session: nox.Session) -> None:
    """Lint, types, import contracts and all tests that take seconds: what CI runs."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
    session.run("coverage", "run", "-m", "pytest", "-m", "not slow", *session.posargs)
    session.run("coverage", "report")


@nox.session
def mutants(session: nox.Session) -> None:
    """Run the known wrong versions; each must be killed by a law."""
    session.run("pytest", "tests/mutants", "-v")


@nox.session
def nightly(session: nox.Session) -> None:
    """Run everything, with many more random examples."""
    session.run("pytest", "--hypothesis-profile=nightly", *session.posargs)


@nox.session
def paper(session: nox.Session) -> None:
    """Print the tables of the docs: faces need MODEL_CARD and FACES.zip as arguments."""
    session.run("python", "-m", "benchmarks", "hubs")
    if session.posargs:
        session.run("python", "-m", "benchmarks", "faces", *session.posargs)
