"""Names and texts that try to break out of the page about identities."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

from spolia.report import Details
from spolia.report.format import visible
from spolia.report.identity import Named, NamedList, identity_markdown, render_identity
from spolia.report.junit import identity_junit
from tests import identity_samples as samples
from tests.hostile.test_report import Tags, every_name
from tests.report_samples import MODEL


def summary_with(name):
    model = replace(MODEL, name=name, licence=name, source=name, trained_on=(name,))
    sets = tuple(replace(one, fingerprint=name) for one in samples.FOUND.sets)
    return replace(samples.FOUND, sentence=name, notes=(name,), model=model, sets=sets)


def named_with(name):
    return NamedList((Named(name, 1, 1, 9.0, 0.001, 0.01, name, 0.5),), 1)


def page_with(name, profile="full"):
    details = Details({"synthetic": name}, (("queries", name, name),))
    return render_identity(
        summary_with(name), profile=profile, named=named_with(name), details=details
    )


@every_name
def test_no_name_adds_a_tag_or_an_attribute(name):
    for profile in ("public", "full"):
        assert Tags(page_with(name, profile)).seen == Tags(page_with("harmless", profile)).seen


@every_name
def test_no_character_that_cannot_be_seen_reaches_the_page(name):
    page = page_with(name).replace("\n", "")
    assert visible(page) == page
    assert page.encode("utf-8").decode("utf-8") == page


@every_name
def test_no_name_breaks_a_table_or_opens_a_tag_in_markdown(name):
    text = identity_markdown(summary_with(name), profile="full", named=named_with(name))
    assert re.search(r"(?<!\\)[<`]", text) is None
    (row,) = re.findall(r"^\| .* \| 1 \| 1 \| 9\.00 .*$", text, re.MULTILINE)
    assert len(re.findall(r"(?<!\\)\|", row)) == 9


@every_name
def test_every_name_leaves_junit_well_formed(name):
    suite = ET.fromstring(identity_junit(summary_with(name)).encode("utf-8")).find("testsuite")
    assert [one.tag for one in suite] == ["properties"] + ["testcase"] * 4
