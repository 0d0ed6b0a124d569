"""The page of set-only methods: what it says, and where the marks of its plot stand."""

from dataclasses import replace

import pytest

from spolia.core.rates import Bounded
from spolia.core.results import ModelSummary
from spolia.core.set_membership import (
    MEMBERSHIP_SCHEMA,
    Concord,
    Method,
    SeenFrom,
    SetMembership,
    Used,
)
from spolia.report.membership import draw, ends, number, render_membership
from tests.spec.test_report import Reader, Sections

PLANTED = (SeenFrom("exact copy", 0.05), SeenFrom("faint copy (0.1)", None))


def method(name, excess, spread, verdict, planted=(), reason=None):
    return Method(
        name=name,
        paper="arXiv:0000.00000",
        measure="share of samples",
        value=Bounded(0.2, 0.1, 0.3),
        control=Bounded(0.1, 0.05, 0.2),
        excess=excess,
        spread=spread,
        p=0.001,
        p_adjusted=0.011,
        verdict=verdict,
        reason=reason,
        planted=planted,
        separation=None,
    )


METHODS = (
    method("first", Bounded(0.4, 0.3, 0.5), 0.05, "sees a leak"),
    method("second", Bounded(0.0, -0.1, 0.1), 0.05, "sees none", PLANTED),
    method("third", Bounded(-0.1, -9.0, 0.0), 0.05, "blind here", PLANTED, "it has <no> eyes"),
    method("fourth", Bounded(0.0, -0.1, 0.1), 0.0, "sees none", PLANTED),
)
SUMMARY = SetMembership(
    schema=MEMBERSHIP_SCHEMA,
    version="0",
    outcome="leak",
    sentence="One sees it <b>.",
    notes=("Membership inference is no proof.",),
    level=0.05,
    seed=0,
    exchanges=999,
    duplicates=None,
    reference="given",
    sets=(),
    used=(Used("train", 10, 1, 2, 3, 4, 4),),
    compared=4,
    synthetic=9,
    model=ModelSummary("m", "copy", "free", True, "here", (), "f" * 64),
    methods=METHODS,
    concord=(Concord("first", "second", None, None),),
    packages=(("numpy", "2"),),
)


def test_a_page_says_what_each_method_says_and_escapes_it():
    page = render_membership(SUMMARY)
    assert page == render_membership(SUMMARY)
    text = " ".join(Reader(page).text)
    for said in ("first", "sees a leak", "blind here", "not at 50", "from 5", "no proof"):
        assert said in text
    assert "it has &lt;no&gt; eyes" in page
    assert "One sees it &lt;b&gt;." in page
    assert "neither flags any" in text


def test_a_page_asks_for_nothing_and_runs_nothing():
    page = render_membership(SUMMARY)
    assert all(one.startswith("data:") for one in Reader(page).addresses)
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_every_section_has_a_heading_and_one_element_beside_it():
    for summary in (SUMMARY, replace(SUMMARY, methods=(), concord=(), outcome="inconclusive")):
        under = Sections(render_membership(summary)).under
        assert under
        for one in under:
            assert one[0] == "h2"
            assert len(one) == 2


def test_methods_stand_at_their_excess_in_units_of_its_spread():
    chart = draw(METHODS, width=720.0)
    first, second, third, fourth = chart.rows
    unit = (first.value - second.value) / 8.0
    assert second.value == pytest.approx(chart.zero_x)
    assert first.low == pytest.approx(chart.zero_x + 6.0 * unit, abs=0.2)
    assert first.high == pytest.approx(chart.zero_x + 10.0 * unit, abs=0.2)
    assert chart.high_x == pytest.approx(chart.zero_x + 1.96 * unit, abs=0.2)
    assert third.low == chart.left  # cut off, without a cap
    assert len(third.caps) == 1
    assert fourth.value is None
    assert [one.status for one in chart.rows] == ["leak", "none", "no-verdict", "none"]
    assert "first: 0.400, sees a leak" in chart.description


@pytest.mark.parametrize("width", [720.0, 350.0])
def test_all_marks_are_inside_the_picture(width):
    chart = draw(METHODS, width=width)
    for row in chart.rows:
        for x in (row.low, row.high, *row.caps, row.value or row.low):
            assert chart.left <= x <= chart.right
        assert chart.top <= row.y <= chart.bottom
        assert 0.0 <= row.name_y <= chart.height
    assert draw((), width=width) is None


def test_figures_are_rounded_outward_and_zero_has_no_sign():
    assert ends(Bounded(0.0, -0.001, 0.001)) == "−0.01 to 0.01"
    assert ends(Bounded(0.0, 0.0, 0.0)) == "0.00 to 0.00"
    assert number(-0.0004) == "0.000"
    assert number(-12.345) in ("−12.35", "−12.34")
