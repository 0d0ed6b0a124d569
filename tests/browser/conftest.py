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

FITS_A_PHONE = """(() => {
    const shown = (one) => style(one).display !== "none";
    const of = (name) => [...page.querySelectorAll(".chart." + name)].map(shown);
    return [page.documentElement.scrollWidth <= 375, of("wide"), of("narrow")];
})()"""
"""For `framed`: whether a page fits, and which of its wide and narrow charts are shown."""

IS_WHOLE = """(() => {
    const box = (one) => one.getBoundingClientRect();
    const marks = ["path", "circle", "line"].map((one) => ".chart.narrow " + one).join(", ");
    const inside = [...page.querySelectorAll(marks)].every(
        (one) => box(one).left >= box(one.closest("svg")).left - 1
            && box(one).right <= box(one.closest("svg")).right + 1
            && box(one).bottom <= box(one.closest("svg")).bottom + 1);
    const sections = [...page.querySelectorAll("section")];
    return [sections.length, sections.every((one) => one.querySelector("h2")), inside];
})()"""
"""For `framed`: sections, whether each has its heading, and whether no mark leaves its chart."""


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
