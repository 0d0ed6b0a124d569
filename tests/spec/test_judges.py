"""Laws of what several judges say together: calibration first, then what must not matter."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spolia.stats.agreement import overlap
from spolia.stats.combine import any_judge, combine, joint_scores
from spolia.stats.competition import decide
from tests.spec import judge_laws as laws

SCORES = st.sampled_from([-np.inf, 0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])


@st.composite
def both_sides(draw):
    """Train and control scores under the same one to four judges."""
    judges = draw(st.integers(1, 4))
    sizes = draw(st.integers(0, 25)), draw(st.integers(1, 25))
    return tuple(draw(arrays(np.float64, (n, judges), elements=SCORES)) for n in sizes)


def p_of(train, control):
    return combine(train, control, ratio=len(control) / len(train), fdr=0.05).p


def q_of(train, control):
    return combine(train, control, ratio=len(control) / max(1, len(train)), fdr=0.05).q


@pytest.mark.parametrize(
    ("law", "right"),
    [
        (laws.law_p_is_uniform_or_larger_however_judges_depend, p_of),
        (laws.law_the_false_share_is_kept, q_of),
        (laws.law_a_judge_that_sees_nothing_does_not_silence_one_that_does, p_of),
        (laws.law_a_judge_asked_twice_changes_nothing, p_of),
        (laws.law_lists_of_many_judges_share_one_rate, any_judge),
    ],
    ids=lambda one: one.__name__,
)
def test_law_holds(law, right):
    assert law(right) is None


@given(both_sides())
def test_the_joint_score_equals_its_definition(sides):
    assume(sides[0].shape[1] > 1)
    for ours, truth in zip(joint_scores(*sides), laws.joint_reference(*sides), strict=True):
        np.testing.assert_allclose(ours, truth, rtol=1e-9, atol=1e-12)


@given(both_sides(), st.randoms())
def test_the_order_of_judges_does_not_matter(sides, random):
    order = list(range(sides[0].shape[1]))
    random.shuffle(order)
    one = combine(sides[0][:, order], sides[1][:, order], ratio=0.7, fdr=0.05)
    other = combine(*sides, ratio=0.7, fdr=0.05)
    np.testing.assert_array_equal(one.p, other.p)
    np.testing.assert_array_equal(one.q, other.q)


@given(both_sides(), st.randoms())
def test_the_order_of_identities_does_not_matter(sides, random):
    train, control = sides
    order, others = (random.sample(range(len(one)), len(one)) for one in (train, control))
    np.testing.assert_array_equal(q_of(train[order], control[others]), q_of(train, control)[order])


@given(both_sides())
def test_the_joint_score_does_not_know_train_from_control(sides):
    """What makes the rate hold: exchanging the sets exchanges the scores."""
    train, control = joint_scores(*sides)
    other_control, other_train = joint_scores(*sides[::-1])
    np.testing.assert_array_equal(train, other_train)
    np.testing.assert_array_equal(control, other_control)


@given(both_sides())
def test_the_scale_of_a_judge_does_not_matter(sides):
    stretched = [4.0 * one for one in sides]
    np.testing.assert_array_equal(q_of(*stretched), q_of(*sides))


@given(both_sides())
def test_more_evidence_is_never_less(sides):
    train, control = sides
    joint = np.concatenate(joint_scores(train, control))
    pooled = np.concatenate([train, control])
    for one, score in zip(pooled, joint, strict=True):
        assert (joint[(pooled >= one).all(axis=1)] >= score).all()


@given(both_sides(), st.sampled_from([0.25, 0.7, 1.0, 2.0]))
def test_one_judge_together_is_the_judge_alone(sides, ratio):
    train, control = sides[0][:, 0], sides[1][:, 0]
    alone = decide(train, control, ratio=ratio, fdr=0.2)
    both = combine(train[:, None], control[:, None], ratio=ratio, fdr=0.2)
    np.testing.assert_array_equal(both.p, alone.p)
    np.testing.assert_array_equal(both.q, alone.q)
    assert both.threshold == alone.threshold


def test_no_leak_names_nobody():
    named = []
    for seed in range(200):
        scores = laws.two_judges(np.random.default_rng(seed), 400, 0.5)
        named.append((q_of(scores[:200], scores[200:]) <= 0.1).any())
    assert np.mean(named) <= 0.1


def test_what_both_judges_see_faintly_is_named_where_neither_names_it():
    alone, both = [], []
    for seed in range(40):
        scores = laws.two_judges(np.random.default_rng(seed), 1000, 0.0)
        scores[:60] = np.maximum(scores[:60], 0.0) + 2.5
        sides = scores[:500], scores[500:]
        q = decide(sides[0][:, 0], sides[1][:, 0], ratio=1.0, fdr=0.05).q
        alone.append(np.mean(q[:60] <= 0.05))
        both.append(np.mean(q_of(*sides)[:60] <= 0.05))
    assert np.mean(both) > np.mean(alone) + 0.1


NAMED = st.integers(0, 30).flatmap(
    lambda n: st.tuples(arrays(np.bool_, n), arrays(np.bool_, n)),
)


@given(NAMED)
def test_disagreement_is_symmetric(named):
    first, second = named
    one, other = overlap(first, second), overlap(second, first)
    assert (one.both, one.jaccard) == (other.both, other.jaccard)
    assert (one.only_first, one.only_second) == (other.only_second, other.only_first)
    assert one.both + one.only_first + one.only_second == np.count_nonzero(first | second)


def test_a_judge_agrees_with_itself_and_nobody_named_is_no_agreement():
    named = np.array([True, False, True])
    assert overlap(named, named).jaccard.value == 1.0
    assert overlap(named, ~named).jaccard.value == 0.0
    assert overlap(named, ~named).jaccard.high > 0.6
    assert overlap(~named & named, ~named & named).jaccard is None
