"""Laws of the evidence that a verdict stands on; mutants in ``tests/mutants`` break them."""

import numpy as np

from spolia.stats.background import NotBorrowed
from spolia.stats.competition import decide


def draws(runs, *, leaks=0, train=300, control=300, pairs=1500, heavier=0.0):
    """Scores without a leak from one law; leaks on top; a background of another size."""
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        train_scores = rng.gumbel(size=train)
        train_scores[:leaks] += 12.0
        control_scores = rng.gumbel(size=control) * (1.0 + heavier)
        yield train_scores, control_scores, rng.gumbel(size=pairs)


def named(lent, train, control, *, ratio, fdr):
    borrowed = None if isinstance(lent, NotBorrowed) else lent
    return decide(train, control, ratio=ratio, fdr=fdr, borrowed=borrowed).found


def law_a_borrowed_tail_keeps_the_false_share(borrow):
    """Ten leaks, too few for the control alone, with at most the asked share of false ones."""
    shares, right = [], []
    for train, control, background in draws(300, leaks=10):
        lent = borrow(control, background, ratio=1.0)
        found = np.flatnonzero(named(lent, train, control, ratio=1.0, fdr=0.1))
        shares.append(np.mean(found >= 10) if found.size else 0.0)
        right.append(np.count_nonzero(found < 10))
    assert np.mean(shares) <= 0.1 + 2.0 * np.std(shares) / np.sqrt(300)
    assert np.mean(right) > 9.0


def law_a_small_control_is_corrected_in_the_tail(borrow):
    """A control a quarter as large as train does not raise the false share."""
    shares = []
    for train, control, background in draws(200, leaks=30, train=800, control=200, pairs=2000):
        lent = borrow(control, background, ratio=0.25)
        found = np.flatnonzero(named(lent, train, control, ratio=0.25, fdr=0.1))
        shares.append(np.mean(found >= 30) if found.size else 0.0)
    assert np.mean(shares) <= 0.1 + 2.0 * np.std(shares) / np.sqrt(200)


def law_nothing_is_borrowed_of_another_shape(borrow):
    """A control that falls off more slowly than the background is not judged by it."""
    lent = [borrow(c, b, ratio=1.0) for _, c, b in draws(20, heavier=2.0, control=900, pairs=9000)]
    assert sum(isinstance(one, NotBorrowed) for one in lent) >= 18


def law_a_control_that_falls_off_faster_is_judged_too(borrow):
    """Ten leaks are named, and fewer false ones than asked: strangers are closer than chance is."""
    shares, right = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        train, control = 0.25 * rng.gumbel(size=(2, 600))
        train[:10] += 9.0
        lent = borrow(control, rng.gumbel(size=1200), ratio=1.0)
        found = np.flatnonzero(named(lent, train, control, ratio=1.0, fdr=0.05))
        shares.append(np.mean(found >= 10) if found.size else 0.0)
        right.append(np.count_nonzero(found < 10))
    assert np.mean(shares) <= 0.05
    assert np.mean(right) > 9.0


def law_a_few_that_are_close_to_everything_are_not_missed(borrow):
    """Most scores fall off faster than strangers', and some of train and control lie on top.

    A generator of blurred images with a few prototypes among them makes such scores.
    """
    some = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        train, control = 0.5 * rng.gumbel(size=(2, 900))
        for side in (train, control):
            on_top = rng.poisson(8)
            side[:on_top] = 6.0 + 0.1 * rng.normal(size=on_top)
        lent = borrow(control, rng.gumbel(size=1800), ratio=1.0)
        some.append(named(lent, train, control, ratio=1.0, fdr=0.1).any())
    assert np.mean(some) <= 0.1


def law_a_pair_of_strangers_counts_once(pair_scores):
    """Two identities that are closest to each other are one pair, with the closer direction."""
    found = pair_scores(np.array([0, 1, 2]), np.array([1, 0, 0]), np.array([0.5, 0.7, 0.1]))
    assert sorted(found.tolist()) == [0.1, 0.7]


def law_bounds_hold_at_every_threshold_at_once(false_at_most):
    """In 95 of 100 walks no threshold has more false ones than its bound."""
    for odds in (0.2, 1.0):
        held = []
        for seed in range(400):
            rng = np.random.default_rng(seed)
            is_false = rng.random(300) < odds / (1.0 + odds)
            leaks = np.zeros(340, dtype=bool)
            leaks[:40] = True  # above everything: they are named and not false
            false = np.concatenate([np.zeros(40, dtype=bool), is_false])
            witness = ~leaks & ~false
            at = np.flatnonzero(~witness)
            bound = false_at_most(np.cumsum(~witness)[at], np.cumsum(witness)[at], odds=odds)
            held.append(np.all(np.cumsum(false)[at] <= bound))
        assert np.mean(held) >= 0.95 - 2.0 * np.sqrt(0.05 * 0.95 / 400)


def law_a_single_case_is_uniform(single_case_p):
    """Also where train is four times as large as the control, or half as large."""
    for ratio, of_train in ((0.25, 100), (1.0, 25), (2.5, 10)):
        p = single_cases(single_case_p, ratio, of_train, unlike=0.0)
        for level in (0.1, 0.3, 0.5, 0.8):
            assert abs(np.mean(p <= level) - level) <= 0.1 * level + 0.04


def law_a_single_case_is_not_rare_by_chance(single_case_p):
    """Where some records are closer to everything than others, p is uniform or larger."""
    for ratio, of_train in ((0.25, 100), (1.0, 25), (2.5, 10)):
        p = single_cases(single_case_p, ratio, of_train, unlike=3.0)
        for level in (0.1, 0.3, 0.5, 0.8):
            assert np.mean(p <= level) <= level + 0.03


def single_cases(single_case_p, ratio, of_train, *, unlike):
    """The p of one record in each of 2,000 draws; nothing leaked."""
    p = []
    for seed in range(2000):
        rng = np.random.default_rng(seed)
        level = unlike * rng.normal(size=61)
        null = np.sort(level[:60, None] + rng.normal(size=(60, 25)), axis=1)[:, ::-1][:, :5]
        case = level[60] + rng.normal(size=of_train).max()
        p.append(single_case_p(np.array([case]), null, ratio=ratio)[0])
    return np.array(p)


def law_a_score_says_nothing_of_who_is_in_train(score):
    """Exchanging train and control, or the order of rows, changes no score."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(90, 12)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    train, control, records = rows[:30], rows[30:60], rows[60:]
    assert np.array_equal(score(records, train, control), score(records, control, train))
    assert np.array_equal(score(records, train, control), score(records, train[::-1], control))


def law_planting_sees_what_the_rule_can_name(smallest_seen_of):
    """Far leaks are seen from the smallest discovery on; leaks that always lose, never."""
    assert smallest_seen_of(won=True) == 20
    assert smallest_seen_of(won=False) is None
