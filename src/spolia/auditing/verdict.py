"""From nearest neighbours to a verdict: pure functions of arrays."""

from dataclasses import dataclass, replace

import numpy as np

from spolia.auditing import checks, strangers
from spolia.auditing.closest import Scale, Scored
from spolia.auditing.match import Neighbours
from spolia.auditing.matching import MatchedControl
from spolia.auditing.rates import named_rates
from spolia.auditing.sets import AuditSet
from spolia.core.results import (
    LEAN_LEVEL,
    MOST_UNSEEN,
    BoundPoint,
    Compared,
    Lean,
    Level,
    NegativeControl,
    Outcome,
    Power,
    Rule,
    Symmetry,
)
from spolia.core.types import Float64, Int64
from spolia.stats.background import Borrowed, NotBorrowed, borrow, pair_scores
from spolia.stats.bounds import Curve, curve
from spolia.stats.competition import Contest, Decision, compete, decide, smallest_discovery
from spolia.stats.conformal import benjamini_yekutieli
from spolia.stats.lean import lean_to_train

LEVELS = (0.01, 0.05, 0.1, 0.2)
"""False discovery rates at which it is told what else would be named."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """The decision of one audit with everything that stands beside it."""

    outcome: Outcome
    scored: Scored
    contest: Contest
    decision: Decision
    borrowed: Borrowed | None
    rule: Rule
    ratio: float
    smallest: int
    exposed: Compared
    flagged: Compared
    lean: Lean
    lean_to_control: Lean
    """The same test in the other direction: the control may be nearer than a control should."""
    negative_control: NegativeControl | None
    symmetry: Symmetry
    power: tuple[Power, ...]
    curve: tuple[BoundPoint, ...]
    """How many of the named may be false, from the highest score down."""
    levels: tuple[Level, ...]
    named_any_dependence: int


def judge(
    synthetic: AuditSet,
    train: AuditSet,
    control: AuditSet,
    *,
    to_train: Neighbours,
    beside: MatchedControl,
    fdr: float,
) -> Verdict:
    """Decide which train identities were found again, and check the decision on the control."""
    scale = Scale.of(train, control)
    scored = scale.score(synthetic.rows, to_train, beside.to_control)
    contest = compete(
        *scored.nearest(), n_train=len(train.identities), n_control=len(control.identities)
    )
    ratio, reverse = size_ratio(train, control), size_ratio(control, train)
    background, of_control = _background(scale, beside)
    lent = borrow(contest.control_scores, background, ratio=ratio)
    borrowed = None if isinstance(lent, NotBorrowed) else lent
    decision = decide(
        contest.train_scores, contest.control_scores, ratio=ratio, fdr=fdr, borrowed=borrowed
    )
    decision = replace(decision, threshold=_lowest_threshold(decision.threshold, contest))
    wins = contest.train_wins, contest.control_wins
    lean = lean_to_train(*wins, ratio=ratio, largest_ratio=1.0 / reverse)
    lean_to_control = lean_to_train(*wins[::-1], ratio=reverse, largest_ratio=1.0 / ratio)
    check = checks.negative_control(scale, synthetic.rows, scored, beside, of_control, fdr=fdr)
    smallest = smallest_discovery(ratio, fdr, borrowed)
    exposed, flagged = named_rates(
        contest, decision, lean, background, ratio=ratio, fdr=fdr, borrowed=borrowed
    )
    points = curve(contest.train_scores, contest.control_scores, ratio=ratio, borrowed=borrowed)
    return Verdict(
        outcome=_outcome(contest, decision, (lean, lean_to_control), check, smallest),
        scored=scored,
        contest=contest,
        decision=decision,
        borrowed=borrowed,
        rule=_rule(lent, asked=len(beside.asking.records), ratio=ratio),
        ratio=ratio,
        smallest=smallest,
        exposed=Compared(*exposed, train.noun),
        flagged=Compared(*flagged, "images"),
        lean=lean,
        lean_to_control=lean_to_control,
        negative_control=check,
        symmetry=checks.symmetry(contest, scored, ratio=ratio, reverse=reverse),
        power=checks.power(
            scale, contest, decision, beside, ratio=ratio, fdr=fdr, borrowed=borrowed
        ),
        curve=_points(points, decision),
        levels=levels(contest, decision, fdr),
        named_any_dependence=int(np.count_nonzero(benjamini_yekutieli(decision.p) <= fdr)),
    )


def levels(contest: Contest, decision: Decision, fdr: float) -> tuple[Level, ...]:
    """Return what the decision would have named at other false discovery rates too."""
    told = []
    for level in sorted({*LEVELS, fdr}):
        named = decision.q <= level
        lowest = contest.train_scores[named].min(initial=np.inf)
        above = np.count_nonzero(contest.control_scores >= lowest)
        told.append(Level(level, int(np.count_nonzero(named)), int(above)))
    return tuple(told)


def size_ratio(train: AuditSet, control: AuditSet) -> float:
    """Return |control| / |train|: the smaller of the ratios of records and of identities.

    Near-duplicates count as one record, where they are known: a second copy of an image gives its
    set no further chance to be nearest.

    The chance that a synthetic record without a leak is nearest to train lies between what the two
    ratios say; the smaller one asks for more evidence.
    """
    return min(control.images / train.images, len(control.identities) / len(train.identities))


def _background(scale: Scale, beside: MatchedControl) -> tuple[Float64, Float64]:
    """Return the scores of pairs of strangers: in train and control, and in control alone."""
    asking = beside.asking
    to_train, to_control = beside.strangers
    train, control = scale.train.set, scale.control.set
    n = len(train.identities)
    own = strangers.own_similarity(asking, train.rows, control.rows)
    scored = scale.score(asking.records, to_train, to_control, leave_out=own)
    who = np.concatenate([train.identity[asking.train], n + control.identity[asking.control]])
    in_train = scored.train.score >= scored.control.score
    whom = np.where(in_train, scored.train.identity, n + scored.control.identity)
    score = np.where(in_train, scored.train.score, scored.control.score)
    of_control = slice(asking.train.size, None)
    return (
        _finite_pairs(who, whom, score),
        _finite_pairs(
            who[of_control],
            n + scored.control.identity[of_control],
            scored.control.score[of_control],
        ),
    )


def _finite_pairs(who: Int64, whom: Int64, score: Float64) -> Float64:
    met = np.isfinite(score)
    return pair_scores(who[met], whom[met], score[met])


def _outcome(
    contest: Contest,
    decision: Decision,
    leans: tuple[Lean, Lean],
    negative_control: NegativeControl | None,
    smallest: int,
) -> Outcome:
    if negative_control is not None and negative_control.passed is False:
        return "inconclusive"
    if decision.found.any():
        return "leak"
    # Where even a leak of every record could not be named, silence says nothing.
    can_be_named = min(contest.won_by_train.size, decision.found.size)
    if can_be_named < smallest or negative_control is None:
        return "inconclusive"
    if min(lean.p for lean in leans) <= LEAN_LEVEL or leans[0].unseen > MOST_UNSEEN:
        return "inconclusive"
    return "none"


def _lowest_threshold(found_from: float | None, contest: Contest) -> float | None:
    """Return the lowest score of a record that the decision's estimate holds for.

    The estimate changes at scores of identities only. Below the lowest score found and above the
    next one, it is the same: further records of the identities found count as well.
    """
    if found_from is None:
        return None
    scores = np.concatenate([contest.train_scores, contest.control_scores])
    below = np.max(scores[scores < found_from], initial=-np.inf)
    return float(contest.to_train[contest.won_by_train & (contest.to_train > below)].min())


def _rule(lent: Borrowed | NotBorrowed, *, asked: int, ratio: float) -> Rule:
    if isinstance(lent, NotBorrowed):
        return Rule(False, lent.reason, 1.0 / ratio, asked, None, None, None, lent.trend_p)
    return Rule(
        True, None, lent.odds, asked, lent.floor, lent.control, lent.background, lent.trend_p
    )


def _points(found: Curve, decision: Decision) -> tuple[BoundPoint, ...]:
    """Return at most some 40 points of a curve, the decision's among them."""
    n = found.named.size
    if n == 0:
        return ()
    kept = set(np.unique(np.geomspace(1, n, num=min(n, 40)).round().astype(int) - 1).tolist())
    named = int(np.count_nonzero(decision.found))
    kept |= set(np.flatnonzero(found.named == named).tolist())
    return tuple(
        BoundPoint(
            float(found.thresholds[i]),
            int(found.named[i]),
            float(found.expected_false[i]),
            int(found.false_at_most[i]),
        )
        for i in sorted(kept)
    )
