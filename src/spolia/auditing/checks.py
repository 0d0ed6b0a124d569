"""The self-checks of a verdict: negative control, symmetry of the bulk, power by planted leaks."""

import numpy as np

from spolia.auditing.closest import Scale, Scored
from spolia.auditing.matching import MatchedControl
from spolia.auditing.sets import AuditSet
from spolia.core.results import NegativeControl, Power, Symmetry
from spolia.core.types import Float64, Int64, Rows
from spolia.stats.background import Borrowed, NotBorrowed, borrow
from spolia.stats.competition import (
    Contest,
    Decision,
    Nearest,
    compete,
    decide,
    smallest_discovery,
)
from spolia.stats.lean import lean_to_train
from spolia.stats.power import PlantedScores, smallest_seen

NEGATIVE_FDR = 0.01
"""The negative control asks for this false discovery rate at most, so that chance seldom fails it:
where nothing leaked, something is named in at most this share of audits."""


def negative_control(
    scale: Scale,
    records: Rows,
    scored: Scored,
    beside: MatchedControl,
    background: Float64,
    *,
    fdr: float,
) -> NegativeControl | None:
    """Repeat the decision with one half of the control in the place of train.

    ``background`` is of strangers within the control alone.
    """
    control, halves = scale.control.set, beside.halves
    n = len(control.identities)
    if n < 2:
        return None
    level = min(fdr, NEGATIVE_FDR)
    ratio = min(halves.rows[1].size / halves.rows[0].size, halves.second / halves.first)
    first, second = (
        scale.closest(records, one, scale.control, scored.to_all) for one in beside.to_halves
    )
    # The halves' identities keep the control's numbers: those of the other half score -inf.
    played = compete(
        Nearest(first.score, first.identity),
        Nearest(second.score, second.identity),
        n_train=n,
        n_control=n,
    )
    lent = borrow(_of_half(played.control_scores, control, halves.rows[1]), background, ratio=ratio)
    borrowed = None if isinstance(lent, NotBorrowed) else lent
    decision = decide(
        played.train_scores, played.control_scores, ratio=ratio, fdr=level, borrowed=borrowed
    )
    lean = lean_to_train(played.train_wins, played.control_wins, ratio=ratio)
    found = int(np.count_nonzero(decision.found))
    least = smallest_discovery(ratio, level, borrowed)
    can_find = min(played.won_by_train.size, halves.first) >= least
    passed = found == 0 if can_find else None
    return NegativeControl(found=found, n=halves.first, p=lean.p, passed=passed, fdr=level)


def _of_half(scores: Float64, control: AuditSet, rows: Int64) -> Float64:
    return scores[np.unique(control.identity[rows])]


def symmetry(contest: Contest, scored: Scored, *, ratio: float, reverse: float) -> Symmetry:
    """Ask whether the less similar half of the records, where no leak shows, wins by chance.

    Which of train and control wins a record says nothing of how close the winner is, unless there
    is a leak, and leaks are close. So the lower half must be won by chance; if it is not, train and
    control differ, or the judge treats them differently.
    """
    best = np.maximum(contest.to_train, contest.to_control)
    low = best <= np.median(best)
    by_train = low & contest.won_by_train
    by_control = low & ~contest.won_by_train
    train_wins = np.bincount(
        scored.train.identity[by_train], minlength=contest.train_scores.size
    ).astype(np.int64)
    control_wins = np.bincount(
        scored.control.identity[by_control], minlength=contest.control_scores.size
    ).astype(np.int64)
    to_train = lean_to_train(train_wins, control_wins, ratio=ratio)
    to_control = lean_to_train(control_wins, train_wins, ratio=reverse)
    return Symmetry(
        to_train.share, to_train.expected, min(1.0, 2.0 * min(to_train.p, to_control.p))
    )


def power(
    scale: Scale,
    contest: Contest,
    decision: Decision,
    beside: MatchedControl,
    *,
    ratio: float,
    fdr: float,
    borrowed: Borrowed | None,
) -> tuple[Power, ...]:
    """Return for planted leaks of each strength how few would have been seen."""
    planted = beside.planted
    scored = scale.score(planted.records, *beside.planted_to, held_back=planted.held_back())
    own = scale.train.set.identity[planted.rows]
    won = (scored.train.score > scored.control.score) & (scored.train.identity == own)
    score = np.maximum(scored.train.score, scored.control.score)
    # What the audit has named already is not what it could have missed.
    unnamed = np.where(decision.found, -np.inf, contest.train_scores)
    powers = []
    for number, name in enumerate(planted.strengths):
        one = planted.strength == number
        seen = smallest_seen(
            PlantedScores(score[one], won[one]),
            unnamed,
            contest.control_scores,
            ratio=ratio,
            fdr=fdr,
            borrowed=borrowed,
        )
        powers.append(Power(name, seen.planted, seen.at_80, seen.at_95, seen.named_share))
    return tuple(powers)
