"""Laws of the other forms of a report: questions, Markdown, JUnit, SARIF, one page, JSON Schema."""

import dataclasses
import json
import re
import xml.etree.ElementTree as ET

import jsonschema
import pytest

from spolia.core.errors import UsageError
from spolia.core.hits import Bars, KindCount, Kinds
from spolia.core.rates import Rate
from spolia.core.results import Lean, NegativeControl, Summary, Symmetry
from spolia.core.review import REVIEW_SCHEMA, Answers, Estimate, Reviewed, Reviewer
from spolia.report import format as written
from spolia.report import to_json
from spolia.report.formats import Form, file_name
from spolia.report.html import render_html, render_summary
from spolia.report.json_schema import json_schema
from spolia.report.junit import render_junit
from spolia.report.markdown import render_markdown
from spolia.report.questions import questions
from spolia.report.sarif import render_sarif
from spolia.report.standards import standards
from tests import report_samples as samples

every_outcome = pytest.mark.parametrize("summary", samples.OUTCOMES.values(), ids=samples.OUTCOMES)


def reviewed(*, low=0.02, corrected=True):
    """A review in which a few of the pairs were seen as the same."""
    seen = Rate(0.06, 0.03, 0.11, 100, 9)
    right = Rate(0.05, low, 0.12, 100, 9) if corrected else None
    estimate = Estimate(50_000, 100, seen, right)
    reviewer = Reviewer("reviewer 1", Answers(9, 85, 6, 0), None, None)
    nothing = Answers(0, 0, 0, 0)
    return Reviewed(
        REVIEW_SCHEMA,
        "0.1.0",
        "person",
        (reviewer,),
        (),
        None,
        estimate,
        (),
        None,
        0,
        100,
        100,
        nothing,
        ("The known pairs may be easier.",),
    )


def lights(summary, review=None):
    return {one.name: one.light for one in questions(summary, review)}


# Questions


@every_outcome
def test_a_question_that_rests_on_the_verdict_never_contradicts_it(summary):
    assert lights(summary)["found-again"] == summary.outcome


@every_outcome
def test_a_failed_negative_control_leaves_no_light_but_inconclusive(summary):
    if summary.negative_control is None:
        pytest.skip("needs a control")
    failed = NegativeControl(7, 100, 0.2, False, 0.01)
    broken = dataclasses.replace(summary, negative_control=failed, outcome="inconclusive")
    assert set(lights(broken).values()) == {"inconclusive", "no verdict"}
    assert lights(broken)["self-checks"] == "inconclusive"


def test_a_lean_is_evidence_only_beside_a_leak():
    """Alone it may as well come from a control of another population."""
    lean = Lean(Rate(0.6, 0.55, 0.65, 500, 300), 0.5, 1e-5, 0.2)
    for summary, light in ((samples.LEAK, "leak"), (samples.INCONCLUSIVE, "inconclusive")):
        assert lights(dataclasses.replace(summary, lean=lean))["as-a-whole"] == light


def test_a_bulk_that_is_not_symmetric_fails_the_checks():
    skewed = Symmetry(Rate(0.7, 0.6, 0.8, 100, 70), 0.5, 0.001)
    summary = dataclasses.replace(samples.LEAK, symmetry=skewed)
    assert lights(summary)["self-checks"] == "inconclusive"


@pytest.mark.parametrize(("copies", "light"), [(3, "leak"), (0, "none")])
def test_copies_are_evidence_where_there_are_any(copies, light):
    counts = tuple(
        KindCount(kind, n, Rate(n / 212, 0.0, 0.1, 212, n))
        for kind, n in (("photo copy", copies), ("near duplicate", 0), ("same identity", 209))
    )
    kinds = Kinds(counts, 212, 212, Bars(0.9, 0.9, 0.1), Rate(0.0, 0.0, 0.02, 200, 0), None)
    assert lights(dataclasses.replace(samples.LEAK, kinds=kinds))["copies"] == light
    unseen = dataclasses.replace(kinds, bars=None)
    assert lights(dataclasses.replace(samples.LEAK, kinds=unseen))["copies"] == "no verdict"


def test_people_see_a_leak_only_where_the_corrected_interval_excludes_none():
    assert lights(samples.LEAK, reviewed())["people"] == "leak"
    assert lights(samples.LEAK, reviewed(low=0.0))["people"] == "none"
    assert lights(samples.LEAK, reviewed(corrected=False))["people"] == "inconclusive"
    assert lights(samples.LEAK)["people"] == "no verdict"


def test_what_is_missing_is_said_as_a_number():
    short = dataclasses.replace(
        samples.INCONCLUSIVE, negative_control=NegativeControl(0, 30, 0.4, True, 0.01)
    )
    # 40 synthetic images can show 40 people: 5 % of them must be one: half of train, 2,500.
    assert "needs about 2,440 more control identities" in questions(short)[0].answer
    bound = Lean(Rate(0.5, 0.4, 0.6, 40, 20), 0.5, 0.5, 0.75)
    few = dataclasses.replace(short, smallest=1, lean=bound)
    assert "needs about 50 more synthetic images" in questions(few)[0].answer
    leaning = dataclasses.replace(few, lean=dataclasses.replace(bound, unseen=0.2, p=1e-4))
    assert "leans" in questions(leaning)[0].answer


@every_outcome
def test_every_answer_about_a_rate_carries_its_interval_and_its_n(summary):
    for one in questions(summary, reviewed()):
        if one.light in ("leak", "none") and "No finding" not in one.because:
            assert re.search(r"interval|p\W", one.because), one
            assert re.search(r"of [\d,]+|from [\d,]+ judged", one.because.replace("\u00a0", " "))


@every_outcome
def test_the_page_and_the_page_for_the_public_say_every_answer(summary):
    for page in (
        render_html(summary, [], reviewed=reviewed()),
        render_summary(summary, reviewed()),
    ):
        for one in questions(summary, reviewed()):
            assert f"<strong>{one.answer}</strong>" in page


# The review and the standards on the page


def test_a_review_stands_on_the_page_with_what_it_was_corrected_by():
    page = render_html(samples.LEAK, [], reviewed=reviewed())
    text = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert "100 of 100 pairs, drawn by chance with known probabilities" in text
    assert "Nobody has judged a sample" not in text
    assert written.interval(Rate(0.05, 0.02, 0.12, 100, 9)) in page
    assert "The known pairs may be easier." in text
    assert "Nobody has judged a sample" in render_html(samples.LEAK, [])


def test_every_section_that_a_standard_points_at_is_on_a_page_of_a_leak():
    kinds = Kinds((), 0, 0, None, None, None)
    page = render_html(dataclasses.replace(samples.LEAK, kinds=kinds), samples.pairs())
    points = [point for document in standards().documents for point in document.points]
    assert points
    missing = [one.section for one in points if f'id="{one.section}"' not in page]
    assert missing == []


@every_outcome
def test_no_link_on_a_page_leads_nowhere(summary):
    page = render_html(summary, samples.pairs(), reviewed=reviewed())
    wanted = set(re.findall(r'href="#([^"]+)"', page))
    assert wanted
    assert wanted <= set(re.findall(r'id="([^"]+)"', page))


# Markdown


@every_outcome
def test_markdown_says_the_sentence_and_every_answer(summary):
    text = render_markdown(summary, samples.pairs(), reviewed=reviewed())
    assert written.markdown(summary.sentence) in text
    for one in questions(summary, reviewed()):
        assert f"**{written.markdown(one.answer)}**" in text


def test_every_row_of_a_table_in_markdown_has_as_many_cells_as_its_head():
    text = render_markdown(samples.LEAK, samples.pairs(), profile="internal", reviewed=reviewed())
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) >= 5
    for block in blocks:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block if line}
        assert len(cells) == 1, block


def test_markdown_names_records_only_where_asked():
    public = render_markdown(samples.LEAK, samples.pairs())
    assert "secret" not in public
    assert "person" not in public.replace("person.", "")
    assert "secret-00000" in render_markdown(samples.LEAK, samples.pairs(), profile="internal")


# JUnit


@every_outcome
def test_a_test_case_fails_for_evidence_and_passes_only_where_nothing_was_found(summary):
    suite = ET.fromstring(render_junit({"one": (summary, None)})).find("testsuite")
    said = {"leak": "failure", "inconclusive": "error", "no verdict": "skipped", "none": None}
    cases = suite.findall("testcase")
    for case, one in zip(cases, questions(summary), strict=True):
        others = {"failure", "error", "skipped"} & {child.tag for child in case}
        assert others == ({said[one.light]} if said[one.light] else set())


def test_junit_counts_what_it_holds():
    audits = {name: (summary, None) for name, summary in samples.OUTCOMES.items()}
    root = ET.fromstring(render_junit(audits))
    assert [one.get("name") for one in root] == list(samples.OUTCOMES)
    for element in (root, *root):
        for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert int(element.get(attribute)) == len(list(element.iter(tag)))


# SARIF


def test_only_what_was_named_is_a_result():
    assert (
        json.loads(render_sarif({"a": (samples.NONE, samples.pairs())}))["runs"][0]["results"] == []
    )
    found = json.loads(render_sarif({"a": (samples.LEAK, samples.pairs())}))["runs"][0]
    named = [one for one in samples.pairs() if one.q <= samples.LEAK.fdr]
    assert len(found["results"]) == len(named) < len(samples.pairs()) + 1
    assert found["properties"]["findings"] == samples.LEAK.flagged.train.count
    rules = {rule["id"] for rule in found["tool"]["driver"]["rules"]}
    assert {one["ruleId"] for one in found["results"]} <= rules


def test_a_public_sarif_names_records_by_their_codes():
    pair = dataclasses.replace(samples.pairs(1)[0], query_code="AAAAA-BBBBB", reference_code="C-D")
    text = render_sarif({"a": (samples.LEAK, [pair])})
    assert "secret" not in text
    assert "person" not in text
    (result,) = json.loads(text)["runs"][0]["results"]
    assert result["partialFingerprints"] == {"records/v1": "AAAAA-BBBBB:C-D"}
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "synthetic/AAAAA-BBBBB"


def test_an_address_in_sarif_is_an_address():
    pair = dataclasses.replace(samples.pairs(1)[0], query="a b\x1b?#\u202e.png")
    text = render_sarif({"a": (samples.LEAK, [pair])}, profile="internal")
    (result,) = json.loads(text)["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[\w/.%~-]+", uri, re.ASCII)


# JSON Schema


@every_outcome
def test_every_report_follows_the_published_schema(summary):
    schema = json.loads(json_schema(Summary, summary.schema))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    record = json.loads(to_json(summary))
    validator.validate(record)
    for broken in (
        {**record, "more": 1},
        {**record, "outcome": "clean"},
        {**record, "schema": "x"},
    ):
        assert list(validator.iter_errors(broken))
    assert list(validator.iter_errors({k: v for k, v in record.items() if k != "exposed"}))


def test_the_schema_says_what_the_fields_mean():
    schema = json.loads(json_schema(Summary, "x/1"))
    assert "one sentence" in schema["properties"]["sentence"]["description"]
    assert schema["$defs"]["Rate"]["required"] == [f.name for f in dataclasses.fields(Rate)]


def test_a_type_without_a_json_form_has_no_schema():
    @dataclasses.dataclass
    class Odd:
        what: set

    with pytest.raises(TypeError, match="no JSON form"):
        json_schema(Odd, "odd/1")


# Names of files


def test_a_private_form_never_takes_the_name_of_a_public_one():
    public = {file_name(form, "public") for form in Form.__args__}
    private = {file_name(f, p) for f in ("html", "md", "sarif") for p in ("internal", "full")}
    assert len(public) == len(Form.__args__)
    assert not public & private


@pytest.mark.parametrize(
    ("form", "profile", "message"),
    [
        ("pdf", "public", "format must be one of html, summary, md, junit, sarif, but is 'pdf'"),
        ("summary", "full", "summary is public"),
        ("junit", "internal", "junit is public"),
        ("html", "open", "profile must be one of"),
    ],
)
def test_a_form_that_there_is_not_is_refused(form, profile, message):
    with pytest.raises(UsageError, match=message):
        file_name(form, profile)
