"""The report for a CI system: the questions as JUnit test cases.

Evidence of a leak is a failure, an inconclusive answer an error, and a question that was not tested
is skipped, so that only "nothing found" passes.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from spolia.core.membership import IdentitySummary
from spolia.core.results import Outcome, Summary
from spolia.core.review import Reviewed
from spolia.report.format import visible
from spolia.report.identity_questions import identity_questions
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
        root.append(_told(name, summary, questions(summary, reviewed)))
    return _written(root)


def identity_junit(summary: IdentitySummary) -> str:
    """Return a question about identities as JUnit XML, a suite with a test case for each answer.

    Examples
    --------
    >>> from tests.identity_samples import FOUND
    >>> print(identity_junit(FOUND).splitlines()[1])
    <testsuites name="spolia" tests="4" failures="2" errors="0" skipped="1">
    """
    root = ET.Element("testsuites", name="spolia")
    root.append(_told("identity", summary, identity_questions(summary)))
    return _written(root)


def _written(root: ET.Element) -> str:
    _count(root)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _told(
    name: str, summary: Summary | IdentitySummary, answered: Sequence[Answered]
) -> ET.Element:
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
    for one in answered:
        suite.append(_case(name, one))
    _count(suite)
    return suite


def _case(suite: str, one: Answered) -> ET.Element:
    case = ET.Element("testcase", classname=visible(f"spolia.{suite}"), name=one.asked)
    element = _ELEMENTS.get(one.light)
    if element is None:
        ET.SubElement(case, "system-out").text = visible(f"{one.answer}. {one.because}")
    else:
        said = ET.SubElement(case, element, message=visible(one.answer), type=one.name)
        said.text = visible(one.because)
    return case


def _count(element: ET.Element) -> None:
    element.set("tests", str(len(list(element.iter("testcase")))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(len(list(element.iter(tag)))))
