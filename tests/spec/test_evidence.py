"""Background, bounds, conformal p-values, scores and power: laws, references, edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.stats.background import NotBorrowed, borrow, pair_scores
from spolia.stats.bounds import curve, false_at_most, largest_odds
from spolia.stats.competition import decide, expected_false, smallest_discovery
from spolia.stats.conformal import (
    benjamini_hochberg,
    benjamini_yekutieli,
    ranked,
    single_case_p,
)
from spolia.stats.power import PlantedScores, smallest_seen
from spolia.stats.scores import (
    adaptive_s_norm,
    moments,
    similarity_to_all,
    similarity_to_groups,
    standard_scores,
    template_lengths,
)
from tests.spec import evidence_laws as laws

P_VALUES = st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.02, 0.5, 1.0]), min_size=1, max_size=12)


def standard(records, train, control):
    mean, deviation = similarity_to_all(records, moments(train, control)).mean_and_deviation()
    return standard_scores((records @ train[:1].T)[:, 0] * 0 + 0.5, mean, deviation)


def seen_of(*, won):
    planted = PlantedScores(np.full(60, 9.0), np.full(60, won))
    quiet = np.zeros(100)
    return smallest_seen(planted, quiet, quiet, ratio=1.0, fdr=0.05).at_80


LAWS = [
    (laws.law_a_borrowed_tail_keeps_the_false_share, borrow),
    (laws.law_a_small_control_is_corrected_in_the_tail, borrow),
    (laws.law_nothing_is_borrowed_of_another_shape, borrow),
    (laws.law_a_control_that_falls_off_faster_is_judged_too, borrow),
    (laws.law_a_few_that_are_close_to_everything_are_not_missed, borrow),
    (laws.law_a_pair_of_strangers_counts_once, pair_scores),
    (laws.law_bounds_hold_at_every_threshold_at_once, false_at_most),
    (laws.law_a_single_case_is_uniform, single_case_p),
    (laws.law_a_single_case_is_not_rare_by_chance, single_case_p),
    (laws.law_a_score_says_nothing_of_who_is_in_train, standard),
    (laws.law_planting_sees_what_the_rule_can_name, seen_of),
]


@pytest.mark.parametrize(("law", "right"), LAWS, ids=lambda one: one.__name__)
def test_law_holds(law, right):
    assert law(right) is None


def test_without_a_leak_a_borrowed_tail_seldom_names_anybody():
    some = [
        laws.named(
            borrow(control, background, ratio=1.0), train, control, ratio=1.0, fdr=0.05
        ).any()
        for train, control, background in laws.draws(400)
    ]
    assert np.mean(some) <= 0.05


def test_too_small_a_tail_is_not_borrowed():
    rng = np.random.default_rng(0)
    few = borrow(rng.normal(size=60), rng.normal(size=500), ratio=1.0)
    assert isinstance(few, NotBorrowed)
    assert "too few" in few.reason
    far = borrow(10.0 + rng.normal(size=400), rng.normal(size=500), ratio=1.0)
    assert isinstance(far, NotBorrowed)
    assert "never as close" in far.reason


def test_equal_scores_at_the_floor_leave_no_trend():
    lent = borrow(np.full(400, 2.0), np.full(800, 2.0), ratio=1.0)
    assert (lent.trend_p, lent.background) == (1.0, 0)


def test_above_the_floor_strangers_count_and_below_the_control_alone():
    rng = np.random.default_rng(1)
    control = rng.normal(size=400)
    lent = borrow(control, rng.normal(size=4000), ratio=0.5)
    at = np.array([lent.floor - 1e-9, lent.floor + 1e-9])
    low, high = expected_false(control, at, ratio=0.5, borrowed=lent)
    assert low == (1 + np.count_nonzero(control >= at[0])) / 0.5
    count = np.count_nonzero(control >= at[1]) + lent.background
    assert high == pytest.approx(lent.odds * (1 + count))
    assert smallest_discovery(0.5, 0.05, lent) < smallest_discovery(0.5, 0.05)


def test_more_strangers_ask_for_fewer_leaks():
    rng = np.random.default_rng(2)
    control, background = rng.normal(size=600), rng.normal(size=20_000)
    least = [
        smallest_discovery(1.0, 0.05, borrow(control, background[:n], ratio=1.0))
        for n in (1000, 5000, 20_000)
    ]
    assert least == sorted(least, reverse=True)
    assert least[-1] == 1


@given(P_VALUES)
def test_step_up_rules_equal_their_definition(p):
    p = np.array(p)
    n = p.size
    q = [min(min(1.0, n * x / np.sum(p <= x)) for x in p[p >= one]) for one in p]
    np.testing.assert_allclose(benjamini_hochberg(p), q, rtol=1e-12)
    harmonic = np.sum(1 / np.arange(1, n + 1))
    np.testing.assert_allclose(
        benjamini_yekutieli(p), np.minimum(1.0, np.array(q) * harmonic), rtol=1e-12
    )


@given(P_VALUES)
def test_ranks_count_what_is_at_or_below(p):
    told = ranked(np.array(p), most=200)
    assert told == tuple((one, sum(other <= one for other in p)) for one in sorted(set(p)))


def test_of_many_ranks_the_smallest_and_the_last_are_kept():
    p = np.arange(1, 10_001) / 10_000
    told = ranked(p, most=200)
    assert len(told) <= 200
    assert [rank for _, rank in told[:10]] == list(range(1, 11))
    assert told[-1] == (1.0, 10_000)
    assert all(value == rank / 10_000 for value, rank in told)


def test_no_case_has_no_q():
    assert benjamini_yekutieli(np.empty(0)).size == 0


def test_the_decision_is_benjamini_hochberg_on_its_p():
    rng = np.random.default_rng(5)
    train, control = rng.normal(size=200), rng.normal(size=200)
    train[:40] += 5.0
    decision = decide(train, control, ratio=1.0, fdr=0.05)
    np.testing.assert_array_equal(decision.found, benjamini_hochberg(decision.p) <= 0.05)


def test_bounds_of_nothing_and_of_many():
    nothing = np.empty(0, dtype=np.int64)
    assert false_at_most(nothing, nothing, odds=1.0).size == 0
    many = false_at_most(np.array([10, 5000]), np.array([3, 2500]), odds=1.0)
    assert many.tolist()[1] == 5000 or many[1] <= 5000
    assert np.all(many >= 0)


def test_a_bound_never_exceeds_the_named_nor_falls_under_the_average():
    rng = np.random.default_rng(6)
    train, control = rng.normal(size=500), rng.normal(size=500)
    train[:50] += 6.0
    for lent in (None, borrow(control, rng.normal(size=4000), ratio=1.0)):
        found = curve(train, control, ratio=1.0, borrowed=lent)
        assert np.all(found.false_at_most <= found.named)
        assert np.all(np.diff(found.named) >= 1)
        assert found.false_at_most[49] <= 10
    assert largest_odds(20, 100, ratio=1.0, confidence=0.99) > 20 / 120


def test_a_standard_score_is_the_textbook_one():
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(50, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    records, pool = rows[:10], rows[10:]
    to_all = similarity_to_all(records, moments(pool[:13], pool[13:]))
    mean, deviation = to_all.mean_and_deviation()
    similarity = records.astype(float) @ pool.T.astype(float)
    np.testing.assert_allclose(mean, similarity.mean(axis=1), atol=1e-7)
    np.testing.assert_allclose(deviation, similarity.std(axis=1), atol=1e-7)
    groups = np.repeat(np.arange(4), [1, 2, 9, 28])  # of fewer rows than coordinates, and of more
    asked = np.tile([3, 1, 2], (10, 1))
    others = to_all.for_each() - similarity_to_groups(records, asked, pool, groups)
    mean, deviation = others.mean_and_deviation()
    for k, group in enumerate(asked[0]):
        others = similarity[:, groups != group]
        np.testing.assert_allclose(mean[:, k], others.mean(axis=1), atol=1e-7)
        np.testing.assert_allclose(deviation[:, k], others.std(axis=1), atol=1e-7)


def test_equally_close_rows_give_a_finite_score():
    row = np.array([[1.0, 0.0]], dtype=np.float32)
    mean, deviation = similarity_to_all(row, moments(row, row)).mean_and_deviation()
    assert np.isfinite(standard_scores(np.array([1.0]), mean, deviation)).all()


def test_rows_that_cancel_out_have_a_template_of_no_length():
    rows = np.array([[1, 0], [-1, 0], [0, 1]], dtype=np.float32)
    assert template_lengths(rows, np.array([0, 0, 2]), 3).tolist() == [0.0, 0.0, 1.0]


def test_adaptive_s_norm_equals_its_definition():
    rng = np.random.default_rng(8)
    similarity, to_cohort, from_cohort = (rng.normal(size=s) for s in ((3, 4), (3, 9), (4, 7)))
    found = adaptive_s_norm(similarity, to_cohort, from_cohort, nearest=5)
    for i in range(3):
        for j in range(4):
            x, y = (np.sort(side)[-5:] for side in (to_cohort[i], from_cohort[j]))
            z = (similarity[i, j] - x.mean()) / x.std() + (similarity[i, j] - y.mean()) / y.std()
            assert found[i, j] == pytest.approx(0.5 * z)


def test_faint_leaks_need_more_of_them():
    rng = np.random.default_rng(9)
    train, control = rng.normal(size=500), rng.normal(size=500)
    background = borrow(control, rng.normal(size=3000), ratio=1.0)
    seen = [
        smallest_seen(
            PlantedScores(rng.normal(size=120) + shift, rng.random(120) < share),
            train,
            control,
            ratio=1.0,
            fdr=0.05,
            borrowed=background,
        )
        for shift, share in ((6.0, 1.0), (3.0, 0.9), (0.0, 0.5))
    ]
    assert seen[0].at_95 <= seen[1].at_95
    assert seen[2].at_80 is None
    assert seen[0].named_share > seen[1].named_share > seen[2].named_share
