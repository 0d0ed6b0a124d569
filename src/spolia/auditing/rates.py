"""How many were named, of how many, and beside them what chance names on the control."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spolia.core.rates import Rate
from spolia.core.results import Lean
from spolia.core.types import Float64
from spolia.stats.background import Borrowed, NotBorrowed, borrow
from spolia.stats.competition import Contest, Decision, decide, smallest_discovery
from spolia.stats.lean import kish
from spolia.stats.rates import exact_rate

Pair = tuple[Rate, Rate]
"""A rate of train and the control's."""


def named_rates(
    contest: Contest,
    decision: Decision,
    lean: Lean,
    background: Float64,
    *,
    ratio: float,
    fdr: float,
    borrowed: Borrowed | None,
) -> tuple[Pair, Pair]:
    """Return the rates of exposed identities and of flagged records, each train's and control's."""
    at = decision.threshold
    # Where nothing is found, the control beside it is the same rule with the roles exchanged.
    swapped = exchanged(contest, background, ratio=ratio, fdr=fdr)
    control_at = at if at is not None else swapped.threshold
    n_train, m = decision.found.size, contest.won_by_train.size
    by_train = contest.won_by_train & _at_least(contest.to_train, at)
    by_control = ~contest.won_by_train & _at_least(contest.to_control, control_at)
    # Records that name one identity are one piece of evidence, which Kish's number counts.
    wins = np.concatenate([contest.train_wins, contest.control_wins])
    worth = kish(wins[wins > 0])
    exposed = exact_rate(int(np.count_nonzero(decision.found)), n_train)
    flagged = exact_rate(int(np.count_nonzero(by_train)), m, effective_n=worth)
    if at is None:
        # Nothing named is not nothing leaked: the bound is what the set-level test leaves open, and
        # never less than what the rule is blind to.
        blind = smallest_discovery(ratio, fdr, borrowed) - 1
        exposed = replace(exposed, high=min(1.0, max(lean.unseen * m, blind) / n_train))
        flagged = replace(flagged, high=min(1.0, max(lean.unseen, blind / m)))
    control_found = int(np.count_nonzero(_at_least(contest.control_scores, control_at)))
    exposed_control = exact_rate(control_found, contest.control_scores.size)
    flagged_control = exact_rate(int(np.count_nonzero(by_control)), m, effective_n=worth)
    return (exposed, exposed_control), (flagged, flagged_control)


def exchanged(contest: Contest, background: Float64, *, ratio: float, fdr: float) -> Decision:
    """Return the decision with train and control exchanged."""
    lent = borrow(contest.train_scores, background, ratio=1.0 / ratio)
    return decide(
        contest.control_scores,
        contest.train_scores,
        ratio=1.0 / ratio,
        fdr=fdr,
        borrowed=None if isinstance(lent, NotBorrowed) else lent,
    )


def _at_least(values: Float64, threshold: float | None) -> npt.NDArray[np.bool_]:
    return values >= (np.inf if threshold is None else threshold)
