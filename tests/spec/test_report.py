"""Laws of the report: what it must say, what it may not, and that it says it the same way again."""

import dataclasses
import io
import json
import math
import re
from base64 import b64decode
from decimal import ROUND_CEILING, ROUND_FLOOR
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spolia.core.errors import UsageError
from spolia.core.instruments import Filled, Instruments, Tool
from spolia.core.results import Distribution, Summary
from spolia.report import Pair, from_json, redact, render_html, to_json
from spolia.report import format as written
from spolia.report.figures import key_figures
from spolia.report.histogram import draw
from spolia.report.thumbnails import thumbnail
from tests import report_samples as samples

EMPTY = Distribution((), (), (), ())
every_outcome = pytest.mark.parametrize("summary", samples.OUTCOMES.values(), ids=samples.OUTCOMES)


class Reader(HTMLParser):
    """What a page says, and every address in it."""

    def __init__(self, page):
        super().__init__()
        self.text, self.addresses, self.headings = [], [], []
        self.feed(page)

    def handle_starttag(self, _tag, attrs):
        self.addresses += [v for k, v in attrs if k in {"src", "href", "srcset", "action", "data"}]

    def handle_data(self, data):
        if self.lasttag == "h2" and data.strip():
            self.headings.append(data)
        if self.lasttag != "style":
            self.text.append(data)


class Sections(HTMLParser):
    """The tags right under each section of a page."""

    EMPTY = frozenset(("meta", "input", "img", "br", "hr", "link", "col"))

    def __init__(self, page):
        super().__init__()
        self.open, self.under = [], []
        self.feed(page)

    def handle_starttag(self, tag, _attrs):
        if tag == "section":
            self.under.append([])
        elif self.open and self.open[-1] == "section":
            self.under[-1].append(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def says(page):
    return " ".join("".join(Reader(page).text).split())


# The page


@every_outcome
@pytest.mark.parametrize("profile", ["public", "internal"])
def test_every_section_has_a_heading_and_one_column_beside_it(summary, profile):
    """A second thing beside the heading would stand under it, in the narrow column."""
    tool = Tool("finder", "MIT", None, "here", (), "0" * 64)
    beside = Instruments("none", tool, "largest", (Filled("age", tool),), ())
    whole = dataclasses.replace(summary, instruments=beside)
    sections = Sections(render_html(whole, samples.pairs(), profile=profile)).under
    assert len(sections) > 8
    assert all(one[0] == "h2" and len(one) == 2 for one in sections), sections


@every_outcome
def test_the_sentence_stands_in_the_heading(summary):
    (heading,) = re.findall(r"<h1>(.*?)</h1>", render_html(summary, []))
    assert heading.replace("\u00a0", " ") == summary.sentence


@every_outcome
def test_every_number_of_the_summary_appears(summary):
    text = says(render_html(summary, samples.pairs()))
    rates = [
        rate
        for compared in (summary.exposed, summary.flagged)
        if compared is not None
        for rate in (compared.train, compared.control)
    ]
    wanted = [str(summary.seed), summary.version, summary.schema, written.level(summary.fdr)]
    if summary.lean is not None:
        rates.append(summary.lean.share)
        wanted += [written.percent(summary.lean.expected), written.p_phrase(summary.lean.p)]
        wanted.append(written.at_most(summary.lean.unseen))
    for rate in rates:
        wanted += [written.headline(rate), written.out_of(rate), written.interval(rate)]
    if summary.negative_control is not None:
        check = summary.negative_control
        wanted += [f"{check.found} of {check.n:,}", written.p_phrase(check.p)]
        wanted.append(written.check_word(check))
    for one in summary.sets:
        numbers = (one.records, one.identities, one.unreadable, one.blank)
        wanted += [one.role, *map(written.thousands, numbers)]
    wanted += [written.ratio(summary.ratio)] if summary.ratio else []
    wanted += [written.thousands(summary.smallest)] if summary.smallest else []
    wanted += [written.similarity(summary.threshold)] if summary.threshold else []
    wanted += [f"top {k:,}: similarity {at:.3f}" for k, at in summary.distribution.top_lines]
    wanted += [*summary.notes, *summary.tested, *summary.not_tested, summary.model.name]
    missing = [one for one in wanted if " ".join(one.split()) not in text]
    assert missing == []


@every_outcome
@pytest.mark.parametrize("profile", ["public", "internal", "full"])
def test_the_same_input_gives_the_same_bytes(summary, profile):
    once, again = (
        render_html(summary, samples.pairs(), profile=profile, details=samples.DETAILS)
        for _ in range(2)
    )
    assert once.encode() == again.encode()


def test_a_public_page_holds_no_id_no_path_and_no_image():
    page = render_html(samples.LEAK, samples.pairs(), details=samples.DETAILS)
    secrets = [samples.DETAILS.plan.splitlines()[1], *samples.DETAILS.locations.values()]
    for _role, record, reason in samples.DETAILS.quarantine:
        secrets += [record, reason]
    for pair in samples.pairs():
        secrets += [pair.query, pair.reference, pair.identity]
    assert [one for one in secrets if one in page] == []
    assert "<img" not in page
    assert "base64" not in page


def test_a_redacted_pair_keeps_its_numbers_alone():
    numbers = {"number", "similarity", "control_similarity", "p", "q", "kind"}
    pair = samples.pairs(1)[0]
    kept = {
        field.name
        for field in dataclasses.fields(Pair)
        if getattr(redact(pair), field.name) not in (None, ())
    }
    assert kept == numbers
    assert all(getattr(redact(pair), name) == getattr(pair, name) for name in numbers)


def test_an_internal_page_shows_what_a_public_one_leaves_out():
    page = render_html(samples.LEAK, samples.pairs(), profile="internal", details=samples.DETAILS)
    text = says(page)
    assert all(pair.query in text and pair.identity in text for pair in samples.pairs())
    assert "truncated after 1,024 bytes" in text
    assert 'train = "/home/ann/train.zip"' in text
    assert page.count("<img") == 18
    assert page.count('type="checkbox"') == 6


def test_a_full_page_is_not_blurred():
    page = render_html(samples.LEAK, samples.pairs(), profile="full")
    assert page.count("<img") == 18
    assert 'type="checkbox"' not in page
    assert "veiled" not in page.split("</style>")[1]


@pytest.mark.parametrize("profile", ["public", "internal", "full"])
def test_a_page_asks_nothing_of_the_network(profile):
    page = render_html(samples.LEAK, samples.pairs(), profile=profile, details=samples.DETAILS)
    assert all(one.startswith(("data:", "#")) for one in Reader(page).addresses)
    assert "<script" not in page
    assert "url(" not in page
    assert "@import" not in page
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in page


@every_outcome
@pytest.mark.parametrize("word", ["anonymous", "anonymis", "anonymiz", "complian", "gdpr"])
def test_a_page_never_claims_what_no_audit_can_show(summary, word):
    assert word not in render_html(summary, samples.pairs(), profile="full").lower()


def test_each_outcome_has_its_own_word_and_shape():
    pages = [render_html(summary, []) for summary in samples.OUTCOMES.values()]
    words = [re.search(r'class="status">.*?</svg>\s*(.*?)</p>', page, re.S)[1] for page in pages]
    shapes = [re.search(r'class="status">.*?(<svg.*?</svg>)', page, re.S)[1] for page in pages]
    assert words == ["Leak found", "Nothing found", "Inconclusive", "No verdict"]
    assert len(set(shapes)) == 4


def test_an_order_without_verdict_is_called_a_ranking():
    page = render_html(samples.NO_VERDICT, samples.pairs(judged=False))
    assert "Ranking, no verdict" in Reader(page).headings
    assert "no evidence of a leak" in says(page)


@pytest.mark.parametrize("outcome", ["none", "inconclusive"])
def test_pairs_are_called_findings_only_where_a_leak_was_found(outcome):
    page = render_html(samples.OUTCOMES[outcome], samples.pairs(found=outcome == "inconclusive"))
    assert "Closest pairs, not findings" in Reader(page).headings
    assert "Findings" in Reader(render_html(samples.LEAK, samples.pairs())).headings


def test_a_leak_of_the_set_alone_names_no_pair():
    page = render_html(samples.LEAK, samples.pairs(found=False))
    assert "Closest pairs, not findings" in Reader(page).headings


def test_no_finding_is_said_in_words():
    assert "There are none." in says(render_html(samples.NONE, []))


def test_an_unknown_profile_is_refused():
    with pytest.raises(UsageError, match="one of public, internal, full, but is 'open'"):
        render_html(samples.LEAK, [], profile="open")


def test_a_rate_of_zero_stands_with_its_upper_bound():
    first = key_figures(samples.NONE)[0]
    assert first.value == "0 of 5,000"
    assert [line.replace("\u00a0", " ") for line in first.lines] == [
        "0 of 5,000 identities, 95 % interval up to 0.074 %",
        "Control, at the same similarity: 0 of 5,000 (95 % interval up to 0.074 %)",
        "Fewer than 20 (0.40 %) exposed could not have been named",
    ]


def test_a_leak_that_no_control_of_this_size_could_name_is_admitted():
    summary = dataclasses.replace(samples.INCONCLUSIVE, smallest=8_000)
    assert key_figures(summary)[0].lines[-1] == "With this control, 8,000 would have to be exposed"


def test_a_lean_away_from_train_sets_no_bound():
    lean = dataclasses.replace(samples.NONE.lean, unseen=1.0)
    last = key_figures(dataclasses.replace(samples.NONE, lean=lean))[-1]
    assert last.value == written.MISSING
    assert "sets no bound" in last.lines[0]


@every_outcome
def test_a_small_plot_stays_inside_its_axis(summary):
    places = [
        place
        for figure in key_figures(summary)
        for whisker in figure.whiskers
        for place in (whisker.low, whisker.value, whisker.high, figure.mark or 0.0)
    ]
    assert all(0.0 <= place <= 100.0 for place in places)


# The histogram

counts = st.lists(st.integers(0, 10_000), min_size=1, max_size=400)


@given(counts, st.sampled_from([350.0, 720.0]))
def test_the_bars_add_up_to_every_synthetic_unit(train, width):
    edges = tuple(np.linspace(-1.0, 1.0, len(train) + 1).tolist())
    chart = draw(Distribution(edges, tuple(train), (), ()), None, width=width)
    assert (chart is None) == (sum(train) == 0)
    if chart is not None:
        assert sum(bar.count for bar in chart.bars) == sum(train)


@given(counts, st.sampled_from([350.0, 720.0]), st.floats(-1.0, 1.0))
def test_everything_is_drawn_inside_the_chart(train, width, threshold):
    edges = tuple(np.linspace(-1.0, 1.0, len(train) + 1).tolist())
    lines = ((1, 0.9), (10, 0.8), (1000, threshold))
    chart = draw(Distribution(edges, tuple(train), tuple(train), lines), threshold, width=width)
    if chart is None:
        return
    assert all(chart.left <= bar.x and bar.x + bar.width <= chart.right for bar in chart.bars)
    assert all(chart.top - 0.05 <= bar.y < chart.bottom for bar in chart.bars)
    assert all(chart.left <= line.x <= chart.right for line in chart.lines)
    assert all(0.0 < line.label_y < chart.top for line in chart.lines)
    assert all(chart.left <= tick.at <= chart.right for tick in chart.x_ticks)


def test_height_is_the_square_root_of_the_count():
    chart = draw(Distribution((0.0, 0.1, 0.2, 0.3), (100, 25, 4), (), ()), None, width=720)
    assert [bar.height for bar in chart.bars] == [240.0, 120.0, 48.0]


def test_a_single_unit_is_seen_beside_a_million():
    chart = draw(Distribution((0.0, 0.1, 0.2), (1_000_000, 1), (), ()), None, width=720)
    assert chart.bars[-1].height >= 1.5


def test_no_line_crosses_the_label_of_another():
    for width in (350.0, 720.0):
        for summary in (samples.LEAK, samples.NONE):
            chart = draw(summary.distribution, summary.threshold, width=width)
            for line in chart.lines:
                start = line.label_x - 6.4 * len(line.label)
                above = [one for one in chart.lines if one.label_y <= line.label_y]
                assert [one for one in above if start < one.x < line.label_x] == []


@pytest.mark.parametrize(
    ("distribution", "message"),
    [
        (Distribution((0.0, 1.0), (1,), (1, 2), ()), "one edge more than counts"),
        (Distribution((0.0, math.nan), (1,), (), ()), "finite and rise"),
        (Distribution((1.0, 0.0), (1,), (), ()), "finite and rise"),
        (Distribution((0.0, 1.0), (-1,), (), ()), "must not be negative"),
    ],
)
def test_what_is_no_histogram_is_refused(distribution, message):
    with pytest.raises(UsageError, match=message):
        draw(distribution, None, width=720)


def test_an_audit_without_synthetic_images_has_no_picture():
    page = render_html(dataclasses.replace(samples.NONE, distribution=EMPTY, curve=()), [])
    assert "No synthetic image could be compared." in says(page)
    assert 'class="chart' not in page


def test_the_picture_is_told_in_words():
    summary = samples.LEAK
    text = draw(summary.distribution, summary.threshold, width=720).description
    assert "Best similarity against train of 50,000 synthetic images" in text
    assert "Best similarity against control of 50,000 synthetic images" in text
    assert "Identities count as found from 0.612." in text


# Numbers


@given(st.floats(0.0, 1.0))
def test_a_percentage_rounds_the_way_it_was_asked(share):
    def number(text):
        return float(text.strip("<>%\u00a0"))

    up, down = written.percent(share, rounding=ROUND_CEILING), written.percent(share)
    assert number(up) >= share * 100 * (1 - 1e-12)
    if down[0] not in "<>":
        floor = number(written.percent(share, rounding=ROUND_FLOOR))
        assert floor <= share * 100 * (1 + 1e-12)
        assert number(down) in {floor, number(up)}


@given(st.floats(0.0, 1.0, exclude_min=True, exclude_max=True))
def test_what_is_not_quite_nothing_or_all_never_reads_so(share):
    assert written.percent(share) not in {"0\u00a0%", "0.0\u00a0%", "100\u00a0%", "100.0\u00a0%"}
    assert written.p_value(share) not in {"0", "0.0", "1", "1.0"}


@given(st.floats(1e-300, 1.0))
def test_a_p_value_keeps_two_digits_or_its_bound(p):
    text = written.p_value(p)
    if "×" in text:
        mantissa, power = text.replace("\u00a0", "").split("×10")
        power = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
        assert math.isclose(float(f"{mantissa}e{power}"), p, rel_tol=0.051)
    elif text[0] in "<>":
        assert p <= 1e-10 or p >= 0.995
    else:
        assert math.isclose(float(text), p, rel_tol=0.051)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_written_as_one(value):
    assert written.percent(value) == written.p_value(value) == "not known"
    assert written.similarity(value) == written.MISSING


# The pictures


@pytest.mark.parametrize("side", [1, 8, 112, 160, 500])
@pytest.mark.parametrize("most", [80, 160])
def test_a_thumbnail_is_small_and_carries_nothing_but_pixels(side, most):
    address = thumbnail(samples.picture(1, side)[:, : side // 2 + 1], most)
    form, encoded = re.fullmatch(r"data:image/(png|webp);base64,(.*)", address).groups()
    picture = Image.open(io.BytesIO(b64decode(encoded)))
    assert picture.format.lower() == form == ("png" if side <= 32 else "webp")
    assert max(picture.size) <= most
    assert set(picture.info) <= {"loop", "background", "timestamp", "duration"}


def test_a_tiny_image_is_enlarged_pixel_by_pixel():
    pixels = np.random.default_rng(3).integers(0, 256, size=(8, 8, 3), dtype=np.uint8)
    encoded = b64decode(thumbnail(pixels).split(",")[1])
    shown = np.asarray(Image.open(io.BytesIO(encoded)))
    assert shown.shape == (160, 160, 3)
    assert np.array_equal(shown[::20, ::20], pixels)
    assert np.array_equal(shown[19::20, 19::20], pixels)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4), (0, 8, 3)])
def test_what_is_no_rgb_image_is_refused(shape):
    with pytest.raises(UsageError, match="must be uint8 RGB of shape"):
        thumbnail(np.zeros(shape, dtype=np.uint8))


# JSON


@every_outcome
def test_a_summary_comes_back_from_json_as_it_was(summary):
    assert from_json(to_json(summary)) == summary


def test_json_keeps_the_order_of_the_fields():
    names = [field.name for field in dataclasses.fields(Summary)]
    assert list(json.loads(to_json(samples.LEAK))) == names


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_json_never_holds_what_json_cannot_say(value):
    lean = dataclasses.replace(samples.LEAK.lean, p=value)
    text = to_json(dataclasses.replace(samples.LEAK, lean=lean))
    assert json.loads(text)["lean"]["p"] is None
    assert not re.search(r"NaN|Infinity", text)
    back = from_json(text)
    assert math.isnan(back.lean.p)
    assert to_json(back) == text


def altered(change):
    plain = json.loads(to_json(samples.LEAK))
    change(plain)
    return json.dumps(plain)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema="spolia-report/0"), "must have schema 'spolia-report/3'"),
        (lambda d: d.update(senntence="x"), "no field 'senntence'; did you mean 'sentence'"),
        (lambda d: d.pop("fdr"), "must have the field 'fdr'"),
        (lambda d: d.update(outcome="fine"), "report.outcome must be one of"),
        (lambda d: d.update(seed=True), "report.seed must be of type int"),
        (lambda d: d.update(fdr="5 %"), "report.fdr must be a number"),
        (lambda d: d.update(fdr=10**400), "report.fdr must be a number below"),
        (lambda d: d.update(sets={}), "report.sets must be a list"),
        (lambda d: d.update(model=[]), "report.model must be an object"),
        (lambda d: d["exposed"]["train"].update(n=1.5), "report.exposed.train.n must be of type"),
        (
            lambda d: d["distribution"].update(top_lines=[[1]]),
            r"top_lines\[0\] must be a list of 2",
        ),
    ],
)
def test_a_report_of_another_form_is_refused_by_name(change, message):
    with pytest.raises(UsageError, match=message):
        from_json(altered(change))
