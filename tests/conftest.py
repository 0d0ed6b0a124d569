"""Fixtures that every test folder shares."""

import contextlib
import io
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from spolia.cli.main import run

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("nightly", max_examples=2000, deadline=None)
settings.load_profile("ci")

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real images and models that development and CI have beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("needs the images in ../shared/data, which are not part of the repository")
    return SHARED.resolve()


class Demo(NamedTuple):
    """What ``spolia demo`` leaves and says, for tests that begin with one: copy, change nothing."""

    folder: Path
    said: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run the demo, once for all tests."""
    folder = tmp_path_factory.mktemp("demonstration") / "demo"
    said = io.StringIO()
    with contextlib.chdir(folder.parent), contextlib.redirect_stdout(said):
        assert run(["demo", "--out", "demo", "--quiet"]) == 0
    return Demo(folder, said.getvalue())
