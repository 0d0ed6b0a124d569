"""Laws of the report about identities: what it must say, what it may not, what its charts show."""

import json
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spolia.core.errors import UsageError
from spolia.core.membership import (
    IDENTITY_SCHEMA,
    IdentitySummary,
    Queried,
    ScoreCounts,
    ScoreHistogram,
)
from spolia.core.rates import Bounded, Rate
from spolia.report import format as written
from spolia.report.identity import WORDS, command_of, identity_markdown, key_figures
from spolia.report.identity import render_identity as render
from spolia.report.identity_questions import identity_questions
from spolia.report.json_schema import json_schema
from spolia.report.junit import identity_junit
from spolia.report.p_chart import draw_p
from spolia.report.roc_chart import draw_roc
from spolia.report.score_chart import draw_scores
from spolia.report.summary_json import read_record, write_record
from spolia.stats.roc import Scored, separation, threshold_at
from tests import identity_samples as samples
from tests.spec.test_report import Reader, Sections, says

every_answer = pytest.mark.parametrize(
    "summary", samples.ANSWERS.values(), ids=list(samples.ANSWERS)
)
every_profile = pytest.mark.parametrize("profile", ["public", "internal", "full"])


def page(summary, profile="public"):
    return render(summary, profile=profile, named=samples.NAMED, details=samples.DETAILS)


@every_answer
@every_profile
def test_every_section_has_a_heading_and_one_column_beside_it(summary, profile):
    sections = Sections(page(summary, profile)).under
    assert len(sections) > 8
    assert all(one[0] == "h2" and len(one) == 2 for one in sections), sections


@every_answer
def test_the_sentence_stands_in_the_heading(summary):
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page(summary))
    assert heading.replace("\u00a0", " ") == summary.sentence.replace("\u00a0", " ")


def worths_of(found):
    for hits in found.hits if found is not None else ():
        for worth in hits.worth:
            yield from (written.percent(worth.ppv.value), written.span(worth.ppv))


def numbers_of(summary):
    """What a page must say, as it is written."""
    yield from (str(summary.seed), summary.version, summary.schema, written.level(summary.fdr))
    for one in filter(None, (summary.identities, summary.photos)):
        yield from (f"{one.auc.value:.3f}", written.ends(one.auc), written.ends(one.ap))
        for hits in one.hits:
            yield from (written.headline(hits.tpr), written.limits(hits.tpr))
        for level in one.refused:
            yield written.level(level)
    yield from worths_of(summary.identities)
    if summary.queries is not None:
        yield written.in_full(summary.queries.named)
        yield from (written.thousands(summary.queries.pool),)
        yield written.p_value(summary.queries.smallest_p)
    for one in summary.compared:
        yield from map(written.thousands, (one.photos, one.identities, one.single, one.most))
    for one in summary.sets:
        yield from map(written.thousands, (one.records, one.unreadable, one.no_face, one.blank))
    yield from (*summary.notes, summary.model.name, summary.model.licence)
    yield from (f"{name} {version}" for name, version in summary.packages)


@every_answer
def test_every_number_of_the_summary_appears(summary):
    text = says(page(summary))
    assert [one for one in numbers_of(summary) if " ".join(one.split()) not in text] == []


@every_answer
@every_profile
def test_the_same_input_gives_the_same_bytes(summary, profile):
    assert page(summary, profile) == page(summary, profile)


SECRETS = ["person-", "secret", "/home/ann", "truncated after"]


@every_answer
def test_what_is_public_holds_no_name_no_id_and_no_path(summary):
    texts = page(summary), identity_markdown(summary, named=samples.NAMED), identity_junit(summary)
    assert [(one, text) for one in SECRETS for text in texts if one in text] == []
    assert "<img" not in texts[0]


def test_a_page_for_inside_names_who_is_named_and_says_how_many_more_there_are():
    for profile in ("internal", "full"):
        text = says(page(samples.FOUND, profile))
        assert all(one.identity in text and one.nearest in text for one in samples.NAMED.rows)
        assert "9 of 11; all are in identities.parquet" in text
        assert all(one in text for one in SECRETS)
    nobody = render(samples.FOUND, profile="full", named=replace(samples.NAMED, rows=(), count=0))
    assert "Nobody." in says(nobody)


@every_answer
@every_profile
def test_a_page_asks_nothing_of_the_network(summary, profile):
    text = page(summary, profile)
    assert all(one.startswith("data:") for one in Reader(text).addresses)
    assert not re.search(r"<script|url\(|@import", text)
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in text


@every_answer
@pytest.mark.parametrize("word", ["anonymous", "anonymis", "anonymiz", "complian", "gdpr"])
def test_a_page_never_claims_what_no_figure_can_show(summary, word):
    assert word not in page(summary, "full").lower()


@every_answer
def test_every_label_of_a_section_or_picture_leads_to_one_heading(summary):
    text = page(summary, "full")
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    labels = " ".join(re.findall(r'aria-labelledby="([^"]+)"', text)).split()
    assert set(labels) <= set(ids)


def test_each_answer_has_its_own_word():
    words = {
        re.search(r"</svg>\s*(.*?)</p>", page(one), re.S)[1] for one in samples.ANSWERS.values()
    }
    assert words == {word for word, _, _ in WORDS.values()}
    assert "That is no proof of absence" in page(samples.ANSWERS["not found"])


def test_an_unknown_profile_is_refused():
    for write in (render, identity_markdown):
        with pytest.raises(UsageError, match="profile must be one of public, internal, full"):
            write(samples.FOUND, profile="secret")


def test_the_command_says_what_was_given():
    assert command_of(samples.FOUND).startswith(
        "spolia identity SYNTHETIC --nonmembers NONMEMBERS --members MEMBERS --queries QUERIES "
        "--train TRAIN --embedder EMBEDDER --duplicates 0.9"
    )
    assert "--duplicates off" in command_of(samples.ANSWERS["not found"])
    assert "--any-judge" in command_of(samples.ANSWERS["cannot tell"])


@every_answer
def test_a_small_plot_stays_inside_its_axis(summary):
    figures = key_figures(summary)
    assert figures
    for figure in figures:
        ends = [end for one in figure.whiskers for end in (one.low, one.value, one.high)]
        assert all(0.0 <= end <= 100.0 for end in ends)


# The questions


def light(summary, name):
    return next(one.light for one in identity_questions(summary) if one.name == name)


def test_lights_are_those_of_the_numbers():
    found, nothing, cannot = (samples.ANSWERS[one] for one in ("found", "not found", "cannot tell"))
    assert [light(one, "members-told") for one in (found, nothing, cannot)] == [
        "leak",
        "none",
        "no verdict",
    ]
    assert [light(one, "queries-named") for one in (found, nothing, cannot)] == [
        "leak",
        "none",
        "inconclusive",
    ]
    assert [light(one, "other-photos") for one in (found, nothing, cannot)] == [
        "none",
        "no verdict",
        "no verdict",
    ]
    lower = replace(found.identities, auc=Bounded(0.3, 0.2, 0.4))
    assert light(replace(found, identities=lower), "members-told") == "inconclusive"
    nobody = replace(cannot.queries, fewest=None)
    assert "too few non-members to name anybody" in says(page(replace(cannot, queries=nobody)))


@every_answer
def test_a_page_and_markdown_say_every_question(summary):
    text, marked = says(page(summary)), identity_markdown(summary)
    for one in identity_questions(summary):
        assert " ".join(f"{one.asked} {one.answer}".split()) in text
        assert f"**{written.markdown(one.answer)}**" in marked


@every_answer
def test_a_test_case_fails_for_evidence_and_passes_only_where_nothing_was_found(summary):
    suite = ET.fromstring(identity_junit(summary)).find("testsuite")
    said = {"leak": "failure", "inconclusive": "error", "no verdict": "skipped"}
    for case, one in zip(suite.findall("testcase"), identity_questions(summary), strict=True):
        others = {"failure", "error", "skipped"} & {child.tag for child in case}
        assert others == ({said[one.light]} if one.light in said else set())


@every_answer
def test_every_row_of_a_table_in_markdown_has_as_many_cells_as_its_head(summary):
    text = identity_markdown(summary, profile="full", named=samples.NAMED)
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) >= 2
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block if line}) == 1, block


# The summary


@every_answer
def test_a_summary_comes_back_from_json_as_it_was(summary):
    text = write_record(summary)
    assert read_record(text, IdentitySummary, IDENTITY_SCHEMA) == summary
    schema = json.loads(json_schema(IdentitySummary, IDENTITY_SCHEMA))
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(text))
    assert list(validator.iter_errors({**json.loads(text), "more": 1}))


# The charts


def places(path):
    """The points of a path of lines, in pixels."""
    return [tuple(map(float, one.split())) for one in re.split("[ML]", path.strip("Z")) if one]


WIDTHS = (720.0, 350.0)


def drawn(members, others, resamples=40):
    sides = (Scored.of_identities(np.asarray(one, dtype=float)) for one in (members, others))
    return separation(*sides, resamples=resamples, rng=np.random.default_rng(0))


@pytest.mark.parametrize("width", WIDTHS)
@given(
    members=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    others=st.lists(st.integers(0, 9), min_size=1, max_size=40),
)
@settings(max_examples=30, deadline=None)
def test_a_curve_rises_and_stays_in_its_picture(width, members, others):
    found = drawn(members, others, resamples=5)
    chart = draw_roc(found, found, width=width)
    assert chart.curve == chart.photos
    for path in (chart.curve, chart.band, chart.diagonal):
        for x, y in places(path):
            assert chart.left <= x <= chart.right
            assert chart.top <= y <= chart.bottom
    curve = places(chart.curve)
    assert curve == sorted(curve, key=lambda one: (one[0], -one[1]))
    assert curve[-1] == (chart.right, chart.top)
    assert curve[0][0] == chart.refused_x


def height_at(chart, x):
    """How high the curve lies at a place where it is a step."""
    before = [y for at, y in places(chart.curve) if at <= x + 1e-9]
    return before[-1]


def test_the_curve_shows_what_the_table_says():
    rng = np.random.default_rng(3)
    members, others = rng.normal(1.5, 1.0, 150), rng.normal(0.0, 1.0, 400)
    found = drawn(members, others)
    chart = draw_roc(found, None, width=720.0)
    (mark,) = chart.marks
    hit = np.mean(members > threshold_at(others, 0.01))
    assert found.hits[0].tpr.value == hit
    decades = round(math.log10(1.0 / 0.001))
    scale = (chart.bottom - chart.top) / decades
    assert mark.y == pytest.approx(chart.top - scale * math.log10(hit), abs=0.1)
    assert height_at(chart, mark.x) == pytest.approx(mark.y, abs=0.6)
    assert chart.refused_x == pytest.approx(
        chart.left + (chart.right - chart.left) * (1 - math.log10(400) / decades), abs=0.1
    )
    assert "400 non-members are too few to tell" in chart.description


def test_where_all_tie_the_curve_is_chance():
    chart = draw_roc(drawn([1.0] * 20, [1.0] * 20), None, width=720.0)
    low, high = places(chart.diagonal)
    slope = (high[1] - low[1]) / (high[0] - low[0])
    for x, y in places(chart.curve):
        assert y == pytest.approx(low[1] + slope * (x - low[0]), abs=0.5)


def test_the_band_holds_the_curve():
    found = samples.FOUND.identities
    for one in found.band:
        shares = [tpr for fpr, tpr in found.curve if fpr <= one.fpr + 1e-12]
        assert one.low <= shares[-1] <= one.high
    chart = draw_roc(found, None, width=720.0)
    assert chart.band.endswith("Z")


def test_a_single_non_member_has_no_band():
    chart = draw_roc(drawn([1.0, 2.0], [0.0]), None, width=720.0)
    assert (chart.band, chart.marks) == ("", ())


@pytest.mark.parametrize("width", WIDTHS)
def test_shares_of_unequal_sets_are_drawn_alike(width):
    few, many = ScoreCounts("members", (1, 3)), ScoreCounts("nonmembers", (100, 300))
    chart = draw_scores(ScoreHistogram("score", (0.0, 1.0, 2.0), (few, many)), width=width)
    one, other = chart.sides
    assert one.path == other.path
    assert (one.style, other.style) == ("filled", "outline")
    ends = [float(end) for end in re.findall(r"[MH]([\d.]+)", one.path)]
    assert min(ends) >= chart.left
    assert max(ends) <= chart.right
    assert "Members score from 0.00 to 2.00, most often between 1.00 and 2.00." in chart.description


def test_a_single_identity_is_seen_beside_ten_thousand():
    counts = ScoreCounts("nonmembers", (1, 9_999)), ScoreCounts("queries", (0, 3))
    chart = draw_scores(ScoreHistogram("similarity", (0.0, 0.5, 1.0), counts), width=720.0)
    heights = [float(one) for one in re.findall(r"V([\d.]+)", chart.sides[0].path)]
    assert chart.bottom - heights[0] >= 2.0
    assert [one.style for one in chart.sides] == ["outline", "filled"]
    assert "cosine" in chart.axis


@pytest.mark.parametrize("width", WIDTHS)
def test_who_is_named_lies_under_the_line_and_stays_in_the_picture(width):
    asked = samples.FOUND.queries
    chart = draw_p(asked, samples.FDR, width=width)
    assert sum(one.named for one in chart.points) == sum(
        rank <= asked.named.count for _, rank in asked.ranked
    )
    for one in chart.points:
        assert chart.left <= one.first <= one.last <= chart.right
        assert chart.top <= one.y <= chart.floor_y
    (x0, y0), (x1, y1) = places(chart.rule)
    last = [one for one in chart.points if one.named][-1]
    assert last.y >= y0 + (y1 - y0) * (last.last - x0) / (x1 - x0)


def test_the_line_lies_under_the_smallest_p_where_nobody_can_be_named_alone():
    chart = draw_p(samples.ANSWERS["cannot tell"].queries, samples.FDR, width=720.0)
    assert places(chart.rule)[0][1] > chart.floor_y
    assert chart.floor == "30 non-members give no p under 0.032"
    assert not any(one.named for one in chart.points)


def test_many_non_members_and_few_queries_have_room_for_less():
    few = Queried(Rate(0.0, 0.0, 0.8, 2, 0), 10, 0.09, 2, ((0.2, 1), (0.9, 2)))
    assert draw_p(few, 0.05, width=720.0) is None
    nothing = replace(samples.FOUND, queries=few)
    assert "queries by rank" not in page(nothing)
    many = replace(samples.FOUND.queries, pool=10**6, smallest_p=1e-6)
    assert draw_p(many, 0.05, width=350.0).floor == ""
