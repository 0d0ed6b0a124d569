"""The browser that shows the pages."""

import shutil

import pytest


@pytest.fixture(scope="session")
def chromium():
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("needs chromium on the PATH")
    return found
