"""The report in a real Chromium: it opens, stays silent, fits a phone, and unveils by keyboard."""

import dataclasses
import html
import re
import subprocess

import numpy as np
import pytest
from PIL import Image

from spolia.report import render_html
from spolia.report.html import render_summary
from tests import report_samples as samples
from tests.browser.conftest import FLAGS


def framed(page, script):
    """``page`` in a frame as wide as a phone, and what ``script`` sees of its document there."""
    return f"""<iframe srcdoc="{html.escape(page)}" width="375" height="800"></iframe>
    <output></output><script>onload = () => {{
        const page = document.querySelector("iframe").contentDocument;
        const style = (element) => page.defaultView.getComputedStyle(element);
        document.querySelector("output").textContent = JSON.stringify({script});
    }}</script>"""


@pytest.mark.parametrize("outcome", samples.OUTCOMES)
def test_the_report_opens_with_its_verdict_and_a_silent_console(browse, outcome):
    summary = samples.OUTCOMES[outcome]
    document, console = browse(
        render_html(summary, samples.pairs(), profile="internal", details=samples.DETAILS)
    )
    assert summary.sentence in document.replace("&nbsp;", " ")
    assert "</footer>" in document
    assert console == []


def test_a_page_that_breaks_the_policy_would_be_noticed(browse):
    page = render_html(samples.LEAK, []).replace("</main>", "<script>1</script></main>")
    _, console = browse(page)
    assert any("Content Security Policy" in line for line in console)


@pytest.mark.parametrize("profile", ["public", "internal"])
def test_the_report_is_no_wider_than_a_phone(browse, profile):
    page = render_html(samples.LEAK, samples.pairs(), profile=profile, details=samples.DETAILS)
    document, _ = browse(framed(page, "page.documentElement.scrollWidth <= 375"))
    assert "<output>true</output>" in document


def test_an_image_is_blurred_until_it_is_asked_for_by_keyboard(browse):
    page = render_html(samples.LEAK, samples.pairs(1), profile="internal")
    script = """(() => {
        const box = page.querySelector("input"), image = page.querySelector("img");
        box.focus();
        const before = style(image).filter;
        box.click();
        return [page.activeElement === box, before, style(image).filter];
    })()"""
    document, _ = browse(framed(page, script))
    assert '<output>[true,"blur(14px)","none"]</output>' in document


def test_a_page_of_200_findings_is_small_and_opens_with_all_of_them(browse):
    """A second of waiting is a matter of benchmarks; five megabytes are not."""
    faces = [
        dataclasses.replace(
            samples.pairs(1)[0],
            number=i + 1,
            query_image=noisy(i),
            reference_image=noisy(i + 1000),
            difference_image=noisy(i + 2000),
            others=tuple(noisy(i + 3000 + j) for j in range(3)),
        )
        for i in range(200)
    ]
    page = render_html(samples.LEAK, faces, profile="full", details=samples.DETAILS)
    assert len(page.encode()) < 5_000_000
    document, console = browse(page)
    assert document.count("<article") == 200
    assert "Show the other 176" in document
    assert console == []


def noisy(seed):
    """A soft picture of the size and roughness of a face."""
    rng = np.random.default_rng(seed)
    soft = np.asarray(Image.fromarray(samples.picture(seed, 112)).resize((112, 112), 3))
    return np.clip(soft + rng.normal(0, 6, soft.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("outcome", samples.OUTCOMES)
def test_the_page_for_the_public_prints_on_one_page(chromium, tmp_path, outcome):
    file = tmp_path / "summary.html"
    file.write_text(render_summary(samples.OUTCOMES[outcome]), encoding="utf-8")
    printed = tmp_path / "summary.pdf"
    command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"--print-to-pdf={printed}", "--no-pdf-header-footer", file.as_uri()]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes())) == 1


@pytest.mark.parametrize("profile", ["public", "full"])
def test_a_page_asks_for_nothing_but_itself(chromium, tmp_path, profile):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    file = tmp_path / "page.html"
    page = render_html(samples.LEAK, samples.pairs(), profile=profile, details=samples.DETAILS)
    file.write_text(page, encoding="utf-8")
    asked, said = [], []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(color_scheme="dark")
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(file.as_uri())
        tab.locator("a[href^='#']").first.click()
        tab.mouse.wheel(0, 5000)
        tab.emulate_media(media="print")
        tab.wait_for_load_state("networkidle")
        browser.close()
    assert [one for one in asked if not one.startswith("data:")] == [file.as_uri()]
    assert said == []
