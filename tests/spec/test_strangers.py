"""Strangers inside train, as an audit shows them: nothing, an indication, never a verdict."""

from dataclasses import replace

import numpy as np
import pytest

import spolia
from spolia.auditing.chance import MOST_PAIRED, one_each
from spolia.auditing.options import Options
from spolia.auditing.verify import verify
from spolia.cli.chance import chance_lines
from spolia.core.errors import VerificationFailed
from spolia.report import from_json, render_html, to_json
from spolia.report.tail_chart import draw_tail
from tests.planted import planted, shuffled

SIZE = 1200


@pytest.fixture(scope="module")
def clean():
    """Train and synthetic of one population, nothing leaked."""
    return planted(leaks=0, clean=1000, size=SIZE, control=600)


@pytest.fixture(scope="module")
def leaking():
    return planted(leaks=30, clean=1000, size=SIZE, control=600)


@pytest.fixture(scope="module")
def alone(clean):
    return spolia.audit(train=clean.train, synthetic=clean.synthetic)


@pytest.fixture(scope="module")
def found(leaking):
    return spolia.audit(train=leaking.train, synthetic=leaking.synthetic)


def test_the_outcome_stays_no_verdict(alone, found):
    for result in (alone, found):
        assert (result.summary.outcome, result.summary.exit_code) == ("no verdict", 4)


def test_where_nothing_leaked_as_many_are_seen_as_expected(alone):
    for one in alone.summary.strangers.chances:
        assert one.expected_low <= one.images + 3 * np.sqrt(one.images)
        assert one.expected_high >= one.images - 3 * np.sqrt(one.images)
    rate = alone.summary.strangers.above_median
    assert rate.low <= 0.5 <= rate.high


def test_copies_stand_out_from_what_chance_would_do(found):
    at_30 = max(
        (one for one in found.summary.strangers.chances if one.images <= 30),
        key=lambda one: one.images,
    )
    assert at_30.images >= 10
    assert at_30.expected_high < 3.0
    assert at_30.basis != "counted"


def test_with_a_control_there_are_thresholds_and_no_tail(leaking):
    result = spolia.audit(**leaking.sets())
    strangers = result.summary.strangers
    assert (strangers.draws, strangers.chances, strangers.curve, strangers.fit) == (0, (), (), None)
    assert all(one.to_control is not None for one in strangers.matching)
    without = spolia.audit(**leaking.sets(), seed=0).summary
    assert replace(without, strangers=None) == replace(result.summary, strangers=None)


def test_no_rate_under_three_in_n_is_stated(alone):
    strangers = alone.summary.strangers
    assert strangers.pairs == SIZE * (SIZE - 1) // 2
    for one in strangers.matching:
        assert min(one.level, one.rate.value) >= 3 / strangers.pairs
        assert one.certain == (one.rate.count >= 30)
    assert strangers.refused == (1e-6,)


def test_no_probability_is_less_than_the_draws_allow_unless_it_says_so(found):
    strangers = found.summary.strangers
    for one in (*strangers.chances, *strangers.curve):
        if one.basis == "counted":
            assert one.high >= 3 / strangers.draws
        assert one.p >= 1 / (10 * strangers.draws)


def test_strangers_do_not_depend_on_the_order_of_the_records(clean, alone):
    moved = spolia.audit(train=shuffled(clean.train, 1), synthetic=shuffled(clean.synthetic, 2))
    assert moved.summary.strangers == alone.summary.strangers


def test_strangers_do_not_depend_on_threads_memory_or_engine(clean, alone):
    options = Options(threads=1, memory=64 << 20, engine="library")
    again = spolia.audit(train=clean.train, synthetic=clean.synthetic, options=options)
    assert again.summary.strangers == alone.summary.strangers


def test_two_photos_of_one_identity_are_no_strangers():
    rng = np.random.default_rng(0)
    rows = spolia.normalise(rng.normal(size=(300, 32)))
    both = spolia.normalise(np.concatenate([rows, rows + 0.01 * rng.normal(size=rows.shape)]))
    names = [f"p{i}" for i in range(300)]
    synthetic = spolia.Embeddings(spolia.normalise(rng.normal(size=(50, 32))))
    known = spolia.audit(train=spolia.Embeddings(both, None, names + names), synthetic=synthetic)
    unknown = spolia.audit(train=spolia.Embeddings(both), synthetic=synthetic)
    assert known.summary.strangers.identities == 300
    assert max(one.similarity for one in known.summary.strangers.curve) < 0.95
    # Where nobody is known, the second photo is the best match of the first: chance looks huge.
    assert unknown.summary.strangers.identities > known.summary.strangers.identities
    assert max(one.similarity for one in unknown.summary.strangers.curve) > 0.99


def test_a_train_of_one_identity_has_no_strangers():
    rows = spolia.normalise(np.add(np.eye(3), [[0.0], [0.1], [0.2]]))
    result = spolia.audit(
        train=spolia.Embeddings(rows, None, ["ann"] * 3),
        synthetic=spolia.Embeddings(rows[:, ::-1].copy()),
    )
    assert result.summary.strangers is None
    assert chance_lines(None) == []
    assert "What chance would do" not in result.to_html()


def test_a_small_train_has_counts_and_no_tail():
    rows = spolia.normalise(np.add(np.eye(3), [[0.0], [0.1], [0.2]]))
    result = spolia.audit(
        train=spolia.Embeddings(rows), synthetic=spolia.Embeddings(rows[:, ::-1].copy())
    )
    strangers = result.summary.strangers
    assert (strangers.matching, strangers.fit, strangers.draws) == ((), None, 3)
    assert "Nothing is extrapolated" in result.to_html()


def test_images_are_drawn_by_name_alone(clean):
    from spolia.auditing.sets import prepare

    train = prepare("train", clean.train, None, fingerprint="")
    rows, identity = one_each(train, 0, 100)
    more, _ = one_each(train, 0, MOST_PAIRED)
    assert set(rows) <= set(more)
    assert train.identity[rows].tolist() == identity.tolist()
    assert rows.size == 100
    assert set(rows) != set(one_each(train, 1, 100)[0])


def test_verify_computes_strangers_anew(clean, tmp_path):
    result = spolia.audit(train=clean.train, synthetic=clean.synthetic, out=tmp_path / "run")
    assert verify(tmp_path / "run").searched > 0
    forged = replace(result.summary, strangers=replace(result.summary.strangers, pairs=1))
    (tmp_path / "run" / "report.json").write_text(to_json(forged), encoding="utf-8")
    with pytest.raises(VerificationFailed, match="strangers"):
        verify(tmp_path / "run")


def test_strangers_come_back_from_json(alone):
    assert from_json(alone.to_json()).strangers == alone.summary.strangers


def test_the_report_says_that_it_is_no_verdict(found):
    page = found.to_html()
    assert "an indication, no verdict" in page
    assert "Not the decision of this audit" in page
    assert "bound: beyond extrapolation" in page
    assert page.count('class="band"') == 2


def test_the_report_says_where_strangers_do_not_stand_for_the_set(alone):
    strangers = alone.summary.strangers
    for value, said in ((0.9, "closer to train than"), (0.1, "farther from train than")):
        rate = replace(strangers.above_median, value=value, low=value - 0.01, high=value + 0.01)
        summary = replace(alone.summary, strangers=replace(strangers, above_median=rate))
        assert said in render_html(summary, [])


def test_the_command_line_says_it_in_a_few_lines(found):
    lines = chance_lines(found.summary.strangers)
    assert "an indication, no verdict" in lines[0]
    assert any("not the decision" in line for line in lines)
    assert any("at most" in line for line in lines)
    assert len(lines) < 9


def test_the_curves_of_the_chart_stay_inside_it(found):
    summary = found.summary
    for width in (350.0, 720.0):
        chart = draw_tail(summary.strangers, 1030, width=width)
        for path in (chart.counted, chart.extrapolated, chart.band, chart.synthetic):
            for point in path.strip("MZ").split("L"):
                x, y = map(float, point.split())
                assert chart.left - 0.1 <= x <= chart.right + 0.1
                assert chart.top - 0.1 <= y <= chart.bottom + 0.1
