"""The browser that shows the pages."""

import shutil
import subprocess

import pytest

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--enable-logging=stderr",
]


@pytest.fixture(scope="session")
def chromium():
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("needs chromium on the PATH")
    return found


@pytest.fixture
def browse(chromium, tmp_path):
    """Open a page; return its document as the browser made it, and what the console said."""

    def run(page):
        file = tmp_path / "page.html"
        file.write_text(page, encoding="utf-8")
        command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
        done = subprocess.run(
            [*command, file.as_uri()], capture_output=True, timeout=120, check=True
        )
        said = done.stderr.decode(errors="replace").splitlines()
        return done.stdout.decode(), [line for line in said if "CONSOLE" in line]

    return run
