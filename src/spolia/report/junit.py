"""The report for a CI system: the questions as JUnit test cases.

Evidence of a leak is a failure, an inconclusive answer an error, and a question that was not tested
is skipped, so that only "nothing found" passes.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from spolia.core.results import Outcome, Summary
from spolia.core.review import Reviewed
from spolia.report.format import visible
from spolia.report.questions import Answered, questions

_ELEMENTS: dict[Outcome, str] = {
    "leak": "failure",
    "inconclusive": "error",
    "no verdict": "skipped",
}


def render_junit(audits: Mapping[str, tuple[Summary, Reviewed | None]]) -> str:
    """Return audits as JUnit XML, a test suite for each, by their names.

    Examples
    --------
    >>> from tests.report_samples import NONE
    >>> print(render_junit({"release 3": (NONE, None)}).splitlines()[1])
    <testsuites name="spolia" tests="5" failures="0" errors="0" skipped="1">
    """
    root = ET.Element("testsuites", name="spolia")
    for name, (summary, reviewed) in audits.items():
        root.append(_suite(name, summary, reviewed))
    _count(root)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _suite(name: str, summary: Summary, reviewed: Reviewed | None) -> ET.Element:
    suite = ET.Element("testsuite", name=visible(name))
    told = {
        "spolia": summary.version,
        "outcome": summary.outcome,
        "sentence": summary.sentence,
        "false discovery rate": str(summary.fdr),
        "model": summary.model.name,
        **{f"fingerprint of {one.role}": one.fingerprint for one in summary.sets},
    }
    properties = ET.SubElement(suite, "properties")
    for key, value in told.items():
        ET.SubElement(properties, "property", name=key, value=visible(value))
    for one in questions(summary, reviewed):
        suite.append(_case(name, one))
    _count(suite)
    return suite


def _case(suite: str, one: Answered) -> ET.Element:
    case = ET.Element("testcase", classname=visible(f"spolia.{suite}"), name=one.asked)
    element = _ELEMENTS.get(one.light)
    if element is None:
        ET.SubElement(case, "system-out").text = f"{one.answer}. {one.because}"
    else:
        said = ET.SubElement(case, element, message=visible(one.answer), type=one.name)
        said.text = visible(one.because)
    return case


def _count(element: ET.Element) -> None:
    element.set("tests", str(len(list(element.iter("testcase")))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(len(list(element.iter(tag)))))
