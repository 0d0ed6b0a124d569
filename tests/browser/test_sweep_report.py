"""The page of a study of models in a real Chromium: it opens, stays silent, fits a phone."""

from spolia.report.sweep import render_sweep
from tests.browser.conftest import FITS_A_PHONE, IS_WHOLE
from tests.browser.test_report import framed
from tests.sweep_samples import STUDY


def test_the_page_opens_with_its_sentences_and_a_silent_console(browse):
    document, console = browse(render_sweep(STUDY))
    for swept in STUDY.sweeps:
        assert swept.sentence in document
    assert "</footer>" in document
    assert console == []


def test_the_page_is_no_wider_than_a_phone_and_shows_the_small_charts_there(browse):
    document, _ = browse(framed(render_sweep(STUDY), FITS_A_PHONE))
    assert "<output>[true,[false,false],[true,true]]</output>" in document


def test_no_mark_of_a_chart_leaves_it_and_every_section_has_its_heading(browse):
    document, _ = browse(framed(render_sweep(STUDY), IS_WHOLE))
    assert "<output>[5,true,true]</output>" in document
