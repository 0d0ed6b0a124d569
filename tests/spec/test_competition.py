"""Laws of the decision: who competes, what is found, and how often it is wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import UsageError
from spolia.stats.competition import (
    Nearest,
    compete,
    decide,
    mean_of_best,
    smallest_discovery,
)
from spolia.stats.lean import lean_to_train, upper_tail
from spolia.stats.rates import exact_rate
from tests.spec.laws import (
    decide_reference,
    law_control_beats_a_tie,
    law_few_discoveries_are_never_named,
    law_hubs_do_not_make_evidence,
    law_no_leak_no_finding,
    law_small_control_is_corrected,
)

SCORES = st.lists(
    st.sampled_from([-np.inf, 0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9]), min_size=1, max_size=40
).map(np.array)


@pytest.mark.parametrize(
    ("law", "right"),
    [
        (law_no_leak_no_finding, decide),
        (law_small_control_is_corrected, decide),
        (law_few_discoveries_are_never_named, decide),
        (law_control_beats_a_tie, compete),
        (law_hubs_do_not_make_evidence, lean_to_train),
    ],
    ids=lambda one: one.__name__,
)
def test_law_holds(law, right):
    assert law(right) is None


@given(SCORES, SCORES, st.sampled_from([0.25, 0.5, 1.0, 2.0]), st.sampled_from([0.05, 0.2, 0.5]))
def test_decide_equals_its_definition(train, control, ratio, fdr):
    decision = decide(train, control, ratio=ratio, fdr=fdr)
    found, q, p, threshold = decide_reference(train, control, ratio, fdr)
    np.testing.assert_array_equal(decision.found, found)
    np.testing.assert_allclose(decision.q, q, rtol=1e-15)
    np.testing.assert_array_equal(decision.p, p)
    assert decision.threshold == threshold


@given(SCORES, SCORES)
def test_only_the_order_of_scores_matters(train, control):
    decision = decide(train, control, ratio=1.0, fdr=0.3)
    stretched = decide(np.exp(3 * train), np.exp(3 * control), ratio=1.0, fdr=0.3)
    seen = np.isfinite(train)
    np.testing.assert_array_equal(decision.p[seen], stretched.p[seen])
    np.testing.assert_array_equal(decision.q[seen] <= 0.3, decision.found[seen])
    # An identity that won nothing has score -inf (here exp(-inf) = 0) and is never found.
    assert not decision.found[~seen].any()


def test_planted_leaks_are_found_and_false_ones_stay_rare():
    shares, powers = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        scores = rng.normal(size=1200)
        train, control = scores[:600], scores[600:]
        train[:60] += 4.0
        found = np.flatnonzero(decide(train, control, ratio=1.0, fdr=0.1).found)
        shares.append(np.mean(found >= 60) if found.size else 0.0)
        powers.append(np.mean(np.isin(np.arange(60), found)))
    assert np.mean(shares) <= 0.1 + 2 * np.std(shares) / np.sqrt(200)
    assert np.mean(powers) > 0.9


def test_conformal_p_is_uniform_or_larger_without_a_leak():
    p = []
    for seed in range(400):
        scores = np.random.default_rng(seed).normal(size=40)
        p.append(decide(scores[:1], scores[1:], ratio=39.0, fdr=0.05).p[0])
    for level in (0.025, 0.05, 0.1, 0.25, 0.5):
        assert np.mean(np.array(p) <= level) <= level + 3 * np.sqrt(level * (1 - level) / 400)


@given(st.permutations(range(12)))
def test_contest_does_not_depend_on_the_order_of_records(order):
    rng = np.random.default_rng(0)
    order = np.array(order)
    train = Nearest(rng.random(12), rng.integers(0, 5, 12))
    control = Nearest(rng.random(12), rng.integers(0, 5, 12))
    one = compete(train, control, n_train=5, n_control=5)
    other = compete(
        Nearest(train.score[order], train.identity[order]),
        Nearest(control.score[order], control.identity[order]),
        n_train=5,
        n_control=5,
    )
    np.testing.assert_array_equal(one.train_scores, other.train_scores)
    np.testing.assert_array_equal(one.control_scores, other.control_scores)
    np.testing.assert_array_equal(one.train_wins, other.train_wins)


def test_a_record_won_again_raises_the_wins_and_not_the_score():
    train = Nearest(np.array([0.9, 0.8, 0.9]), np.array([1, 1, 1]))
    control = Nearest(np.array([0.1, 0.1, 0.1]), np.array([0, 0, 0]))
    contest = compete(train, control, n_train=2, n_control=1)
    assert contest.train_scores.tolist() == [-np.inf, 0.9]
    assert contest.train_wins.tolist() == [0, 3]


RECORDS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.1, 0.2, 0.5, 0.9])))


@given(RECORDS, st.integers(1, 4))
def test_the_mean_of_the_best_records_equals_its_definition(records, top):
    identity = np.array([one for one, _ in records], dtype=np.int64)
    score = np.array([one for _, one in records], dtype=np.float64)
    found = mean_of_best(identity, score, 5, top=top, least=0.1)
    for i in range(5):
        own = sorted((one for j, one in records if j == i), reverse=True)
        wanted = np.mean([*own, *[0.1] * top][:top]) if own else -np.inf
        assert found[i] == pytest.approx(wanted)


@given(RECORDS)
def test_the_mean_of_one_is_what_competes(records):
    identity = np.array([one for one, _ in records], dtype=np.int64)
    score = np.array([one for _, one in records], dtype=np.float64)
    nobody = Nearest(np.full(score.size, -np.inf), np.zeros(score.size, dtype=np.int64))
    contest = compete(Nearest(score, identity), nobody, n_train=5, n_control=1)
    found = mean_of_best(identity, score, 5, top=1, least=0.0)
    assert found.tolist() == contest.train_scores.tolist()


@given(st.floats(0.1, 10.0), st.floats(0.001, 0.5))
def test_the_smallest_discovery_is_found_and_one_fewer_is_not(ratio, fdr):
    least = smallest_discovery(ratio, fdr)

    def found(n):
        return decide(np.full(n, 0.9), np.array([0.1]), ratio=ratio, fdr=fdr).found.sum()

    assert found(least) == least
    assert least == 1 or found(least - 1) == 0


def test_lean_of_single_wins_is_the_binomial_sign_test():
    stats = pytest.importorskip("scipy.stats")
    for n, count, ratio in [(10, 7, 1.0), (450, 260, 1.0), (100, 70, 0.5), (20000, 10200, 1.0)]:
        ones = np.ones(n, dtype=np.int64)
        lean = lean_to_train(ones[:count], ones[count:], ratio=ratio)
        oracle = stats.binomtest(count, n, 1 / (1 + ratio), alternative="greater").pvalue
        assert lean.p == pytest.approx(oracle, abs=1e-12)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=7),
    st.integers(0, 30),
    st.floats(0.05, 0.95),
)
def test_upper_tail_equals_enumeration(sizes, count, probability):
    total = 0.0
    for outcome in range(2 ** len(sizes)):
        heads = [bool(outcome >> i & 1) for i in range(len(sizes))]
        if sum(size for size, head in zip(sizes, heads, strict=True) if head) >= count:
            total += np.prod([probability if head else 1 - probability for head in heads])
    assert upper_tail(np.array(sizes), probability, count) == pytest.approx(
        max(total, 1e-10), abs=1e-12
    )


def test_what_cannot_be_excluded_shrinks_with_more_units():
    def unseen(n):
        ones = np.ones(n // 2, dtype=np.int64)
        return lean_to_train(ones, ones, ratio=1.0).unseen

    assert unseen(100) > unseen(1000) > unseen(10000) > 0.0


def test_what_cannot_be_excluded_covers_the_planted_share():
    covered = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        leaked = rng.random(500) < 0.1
        to_train = leaked | (rng.random(500) < 0.5)
        ones = np.ones(500, dtype=np.int64)
        lean = lean_to_train(ones[to_train], ones[~to_train], ratio=1.0)
        covered.append(leaked.mean() <= lean.unseen)
    assert np.mean(covered) >= 0.95


def test_a_ratio_known_within_limits_never_lowers_the_bound():
    ones = np.ones(100, dtype=np.int64)
    at = {
        ratio: lean_to_train(ones, ones, ratio=0.8, largest_ratio=ratio).unseen
        for ratio in (0.8, 1.0, 1.2)
    }
    assert at[0.8] < at[1.0] < at[1.2]
    assert at[1.0] == lean_to_train(ones, ones, ratio=1.0).unseen


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_equals_an_independent_implementation(count_n):
    stats = pytest.importorskip("scipy.stats")
    count, n = count_n
    rate = exact_rate(count, n)
    oracle = stats.binomtest(count, n).proportion_ci(0.95, method="exact")
    assert rate.low == pytest.approx(oracle.low, abs=1e-12)
    assert rate.high == pytest.approx(oracle.high, abs=1e-12)
    assert rate.low <= rate.value <= rate.high


@pytest.mark.parametrize(("count", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_an_impossible_rate_is_refused(count, n):
    with pytest.raises(UsageError, match="0 <= count <= n"):
        exact_rate(count, n)
