"""Laws that the right version passes and a known wrong version breaks (see ``tests/mutants``)."""

import numpy as np

from spolia.stats.competition import Nearest


def decide_reference(train, control, ratio, fdr):
    """The decision by its definition, threshold by threshold."""
    n = len(train)

    def false(t):
        return (1 + np.sum(control >= t)) / ratio

    def estimate(t):
        return false(t) / np.sum(train >= t)

    p = np.array([min(1.0, false(a) / n) if a > -np.inf else 1.0 for a in train])

    thresholds = [t for t in train if t > -np.inf]
    q = np.ones(n)
    for i, score in enumerate(train):
        q[i] = min([estimate(t) for t in thresholds if t <= score] + [1.0])
    good = [t for t in thresholds if estimate(t) <= fdr]
    threshold = min(good) if good else None
    found = np.array([threshold is not None and a >= threshold for a in train])
    return found, q, p, threshold


def law_no_leak_no_finding(decide):
    """Without a leak, a finding of any size occurs in at most the asked share of runs."""
    any_found = []
    for seed in range(300):
        scores = np.random.default_rng(seed).normal(size=400)
        any_found.append(decide(scores[:200], scores[200:], ratio=1.0, fdr=0.1).found.any())
    assert np.mean(any_found) <= 0.1


def law_small_control_is_corrected(decide):
    """A control a quarter as large as train does not raise the false share."""
    shares = []
    for seed in range(100):
        scores = np.random.default_rng(seed).normal(size=1000)
        train, control = scores[:800], scores[800:]
        train[:100] += 3.0
        found = np.flatnonzero(decide(train, control, ratio=0.25, fdr=0.05).found)
        shares.append(np.mean(found >= 100) if found.size else 0.0)
    assert np.mean(shares) <= 0.05


def law_few_discoveries_are_never_named(decide):
    """With an equal control nothing under 1/q identities is named, however similar."""
    assert not decide(np.full(19, 0.99), np.zeros(50), ratio=1.0, fdr=0.05).found.any()
    assert decide(np.full(20, 0.99), np.zeros(50), ratio=1.0, fdr=0.05).found.all()


def law_control_beats_a_tie(compete):
    """A synthetic record exactly as near to control as to train is no evidence against train."""
    side = Nearest(np.array([0.9, 0.8]), np.array([0, 1]))
    contest = compete(side, side, n_train=2, n_control=2)
    assert not contest.won_by_train.any()
    assert np.isneginf(contest.train_scores).all()


def law_hubs_do_not_make_evidence(lean_to_train):
    """Many units that name the same identity are one coin, not many."""
    rejected = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        wins = rng.geometric(0.05, size=60).astype(np.int64)  # 20 units each on average
        is_train = rng.random(60) < 0.5
        lean = lean_to_train(wins * is_train, wins * ~is_train, ratio=1.0)
        rejected.append(lean.p <= 0.01)
    assert np.mean(rejected) <= 0.03
