"""Names and texts that try to break out of the page or the JSON."""

import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import UsageError
from spolia.report import Details, from_json, render_html, to_json
from spolia.report.format import visible
from spolia.report.html import render_summary
from spolia.report.junit import render_junit
from spolia.report.markdown import render_markdown
from spolia.report.sarif import render_sarif
from tests import report_samples as samples

NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</style></title></pre>-->]]>",
    "\x1b[31mred\x1b[0m\x00\x07\r\n",
    "ann\u202egnp.exe\u2066\u200b\ufeff",
    "lone \ud800 and \udc80",
    "\uffff\U000e0041",
    "A" * 5000,
    "",
]

every_name = pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))


class Tags(HTMLParser):
    """Every tag with the names of its attributes."""

    def __init__(self, page):
        super().__init__()
        self.seen = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, *(key for key, _ in attrs)))


def texts_with(name):
    """A pair and a summary in which every foreign text is ``name``."""
    pair = dataclasses.replace(
        samples.pairs(1)[0], query=name, reference=name, identity=name, kind=name
    )
    model = dataclasses.replace(
        samples.MODEL, name=name, licence=name, source=name, trained_on=(name,), fingerprint=name
    )
    sets = tuple(dataclasses.replace(one, fingerprint=name) for one in samples.SETS)
    summary = dataclasses.replace(
        samples.LEAK, sentence=name, notes=(name,), tested=(name,), model=model, sets=sets
    )
    return pair, summary


def page_with(name, profile="internal"):
    pair, summary = texts_with(name)
    details = Details({"train": name}, (("train", name, name),), f"x = '''{name}'''")
    return render_html(summary, [pair], profile=profile, details=details)


@every_name
def test_no_name_adds_a_tag_or_an_attribute(name):
    assert Tags(page_with(name)).seen == Tags(page_with("harmless")).seen


@every_name
def test_no_name_breaks_out_of_the_page_for_the_public(name):
    _, summary = texts_with(name)
    _, harmless = texts_with("harmless")
    assert Tags(render_summary(summary)).seen == Tags(render_summary(harmless)).seen


@every_name
def test_no_name_breaks_a_table_or_opens_a_tag_in_markdown(name):
    pair, summary = texts_with(name)
    text = render_markdown(summary, [pair], profile="internal")
    assert text.encode("utf-8").decode("utf-8") == text
    assert re.search(r"(?<!\\)[<`]", text) is None
    rows = [line for line in text.split("\n") if line.startswith("| 1 |")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [8]


@every_name
def test_every_name_leaves_junit_well_formed(name):
    _, summary = texts_with(name)
    text = render_junit({name: (summary, None)})
    suite = ET.fromstring(text.encode("utf-8")).find("testsuite")
    assert suite.get("name") == visible(name)
    assert [one.tag for one in suite] == ["properties"] + ["testcase"] * 5


@every_name
def test_every_name_leaves_sarif_json_of_ascii(name):
    pair, summary = texts_with(name)
    text = render_sarif({name: (summary, [pair])}, profile="internal")
    assert text.isascii()
    (run,) = json.loads(text)["runs"]
    assert len(run["results"]) == 1


@every_name
def test_every_page_can_be_written_as_utf8(name):
    page = page_with(name)
    assert page.encode("utf-8").decode("utf-8") == page


@every_name
def test_no_character_that_cannot_be_seen_reaches_the_page(name):
    page = page_with(name)
    assert visible(page.replace("\n", "")) == page.replace("\n", "")


@given(st.text(alphabet=st.characters(), max_size=30))
def test_what_is_made_visible_is_printable_and_stays_so(text):
    shown = visible(text)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert visible(shown) == shown


def test_a_name_that_can_be_seen_stays_as_it_is():
    for name in ("Zoë O’Hara", "李小龍", "محمد", "a b\\c.png", "100 %"):
        assert visible(name) == name


def test_a_template_in_a_name_is_not_run():
    assert "49" not in Tags(page_with("{{ 7 * 7 }}")).rawdata
    assert "{{ 7 * 7 }}" in page_with("{{ 7 * 7 }}")


@every_name
def test_every_text_survives_json(name):
    summary = dataclasses.replace(samples.LEAK, sentence=name, notes=(name,))
    text = to_json(summary)
    assert text.isascii()
    assert from_json(text) == summary


def test_a_number_that_is_missing_is_called_so():
    nan = float("nan")
    rate = dataclasses.replace(samples.LEAK.lean.share, value=nan, low=nan, high=nan)
    lean = dataclasses.replace(samples.LEAK.lean, share=rate, p=nan, unseen=nan)
    summary = dataclasses.replace(samples.LEAK, lean=lean)
    assert render_html(from_json(to_json(summary)), []).count("not known") >= 4


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '{"schema": NaN}', "[" * 100_000, "9" * 10_000, '{"schema": []}'],
)
def test_what_is_no_report_is_refused(text):
    with pytest.raises(UsageError):
        from_json(text)
