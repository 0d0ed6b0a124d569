"""Laws of several judges that the right version passes and a known wrong version breaks."""

import numpy as np
from scipy.stats import norm

from spolia.stats.competition import decide


def joint_reference(train, control):
    """The joint score by its definition, identity by identity."""
    pooled = np.vstack([train, control])
    joint = np.zeros(len(pooled))
    for scores in pooled.T:
        seen = scores[scores > -np.inf]
        if not seen.size:
            continue
        low, high = np.quantile(seen, 0.05), np.quantile(seen, 0.25)
        z = norm.ppf([0.05, 0.25])
        deviation = (high - low) / (z[1] - z[0]) or seen.max() - seen.min() or 1.0
        for i, score in enumerate(scores):
            if score > -np.inf:
                joint[i] -= norm.logsf((score - high) / deviation + z[1])
    joint[[all(one == -np.inf) for one in pooled]] = -np.inf
    return joint[: len(train)], joint[len(train) :]


def two_judges(rng, n, rho):
    """Scores ``(n, 2)`` of two judges that correlate by ``rho``, with ties and empty hands."""
    common, own = rng.normal(size=(n, 1)), rng.normal(size=(n, 2))
    sign = np.array([1.0, 1.0 if rho >= 0 else -1.0])
    scores = np.sqrt(abs(rho)) * common * sign + np.sqrt(1.0 - abs(rho)) * own
    scores = np.round(scores, 1)
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    return scores


def law_p_is_uniform_or_larger_however_judges_depend(p_of):
    """One identity that did not leak, among 59 of control: P(p <= a) is at most a."""
    for rho in (-0.8, 0.0, 0.5, 0.9, 1.0):
        p = []
        for seed in range(2000):
            scores = two_judges(np.random.default_rng(seed), 60, rho)
            p.append(p_of(scores[:1], scores[1:])[0])
        for level in (0.02, 0.05, 0.1, 0.25):
            most = level + 3 * np.sqrt(level * (1 - level) / len(p))
            assert np.mean(np.array(p) <= level + 1e-12) <= most, (rho, level)


def law_the_false_share_is_kept(q_of):
    """Leaks seen by both, faintly by both, or by one alone, under judges of any dependence."""
    for rho in (-0.8, 0.0, 0.9):
        for leaks, raised in ((25, (6, 6)), (60, (3, 3)), (60, (6, 0)), (100, (4, 0))):
            false = []
            for seed in range(40):
                scores = two_judges(np.random.default_rng(seed), 800, rho)
                scores[:leaks] = np.where(np.isfinite(scores[:leaks]), scores[:leaks], 0.0) + raised
                named = np.flatnonzero(q_of(scores[:400], scores[400:]) <= 0.05)
                false.append(np.mean(named >= leaks) if named.size else 0.0)
            error = 2 * np.std(false) / np.sqrt(len(false))
            assert np.mean(false) <= 0.05 + error, (rho, leaks, raised)


def law_a_judge_that_sees_nothing_does_not_silence_one_that_does(p_of):
    control = np.stack([np.arange(99.0), np.arange(99.0)[::-1]], axis=1)
    p = p_of(np.array([[1000.0, -np.inf]]), control)
    assert p[0] == 1 / 99


def law_a_judge_asked_twice_changes_nothing(p_of):
    rng = np.random.default_rng(0)
    for copies in (1, 2, 3):
        train, control = (np.repeat(two_judges(rng, 50, 0.0)[:, :1], copies, 1) for _ in range(2))
        alone = decide(train[:, 0], control[:, 0], ratio=1.0, fdr=0.05).p  # 50 of each
        np.testing.assert_allclose(p_of(train, control), alone, rtol=1e-12)


def law_lists_of_many_judges_share_one_rate(any_judge):
    """Two judges that each name at rate q something else name at rate 2 q taken as one."""
    q = np.array([[0.02, 1.0], [1.0, 0.02], [0.9, 0.6]])
    np.testing.assert_allclose(any_judge(q), [0.04, 0.04, 1.0])
    assert any_judge(np.array([[0.02]]))[0] == 0.02
