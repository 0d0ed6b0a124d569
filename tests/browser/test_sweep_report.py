"""The page of a study of models in a real Chromium: it opens, stays silent, fits a phone."""

from spolia.report.sweep import render_sweep
from tests.browser.test_report import framed
from tests.sweep_samples import STUDY


def test_the_page_opens_with_its_sentences_and_a_silent_console(browse):
    document, console = browse(render_sweep(STUDY))
    for swept in STUDY.sweeps:
        assert swept.sentence in document
    assert "</footer>" in document
    assert console == []


def test_the_page_is_no_wider_than_a_phone_and_shows_the_small_charts_there(browse):
    script = """(() => {
        const shown = (one) => style(one).display !== "none";
        const of = (name) => [...page.querySelectorAll(".chart." + name)].map(shown);
        return [page.documentElement.scrollWidth <= 375, of("wide"), of("narrow")];
    })()"""
    document, _ = browse(framed(render_sweep(STUDY), script))
    assert "<output>[true,[false,false],[true,true]]</output>" in document


def test_no_mark_of_a_chart_leaves_it_and_every_section_has_its_heading(browse):
    script = """(() => {
        const box = (one) => one.getBoundingClientRect();
        const inside = [...page.querySelectorAll(".chart.narrow circle, .chart.narrow line")].every(
            (one) => box(one).left >= box(one.closest("svg")).left - 1
                && box(one).right <= box(one.closest("svg")).right + 1
                && box(one).bottom <= box(one.closest("svg")).bottom + 1);
        const sections = [...page.querySelectorAll("section")];
        return [sections.length, sections.every((one) => one.querySelector("h2")), inside];
    })()"""
    document, _ = browse(framed(render_sweep(STUDY), script))
    assert "<output>[5,true,true]</output>" in document
