"""The page about identities in a real Chromium: it opens, stays silent, fits a phone, prints."""

import re
import subprocess

import pytest

from spolia.report.identity import render_identity
from tests import identity_samples as samples
from tests.browser.conftest import FITS_A_PHONE, FLAGS, IS_WHOLE
from tests.browser.test_report import framed

every_answer = pytest.mark.parametrize("answer", samples.ANSWERS)


def page(answer, profile):
    return render_identity(
        samples.ANSWERS[answer], profile=profile, named=samples.NAMED, details=samples.DETAILS
    )


@every_answer
def test_the_page_opens_with_its_answer_and_a_silent_console(browse, answer):
    document, console = browse(page(answer, "full"))
    assert samples.ANSWERS[answer].sentence in document.replace("&nbsp;", " ")
    assert "</footer>" in document
    assert console == []


@pytest.mark.parametrize("profile", ["public", "full"])
def test_the_page_is_no_wider_than_a_phone_and_shows_the_small_charts_there(browse, profile):
    document, _ = browse(framed(page("found", profile), FITS_A_PHONE))
    assert "<output>[true,[false,false,false],[true,true,true]]</output>" in document


def test_every_section_has_its_heading_and_no_line_of_a_chart_leaves_it(browse):
    document, _ = browse(framed(page("found", "full"), IS_WHOLE))
    assert "<output>[12,true,true]</output>" in document


@pytest.mark.parametrize("profile", ["public", "full"])
def test_the_page_asks_for_nothing_but_itself(chromium, tmp_path, profile):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    file = tmp_path / "page.html"
    file.write_text(page("found", profile), encoding="utf-8")
    asked, said = [], []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(color_scheme="dark")
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(file.as_uri())
        tab.mouse.wheel(0, 5000)
        tab.emulate_media(media="print")
        tab.wait_for_load_state("networkidle")
        browser.close()
    assert [one for one in asked if not one.startswith("data:")] == [file.as_uri()]
    assert said == []


@every_answer
def test_the_page_prints_on_a_few_sheets(chromium, tmp_path, answer):
    file, printed = tmp_path / "page.html", tmp_path / "page.pdf"
    file.write_text(page(answer, "public"), encoding="utf-8")
    command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"--print-to-pdf={printed}", "--no-pdf-header-footer", file.as_uri()]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes())) <= 9
