"""Fixtures that every test folder shares."""

from pathlib import Path

import pytest
from hypothesis import settings

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
