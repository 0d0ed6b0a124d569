"""From nearest neighbours to a verdict: pure functions of arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spolia.auditing.match import Neighbours
from spolia.auditing.sets import AuditSet
from spolia.core.results import (
    Compared,
    Distribution,
    Lean,
    NegativeControl,
    Outcome,
    Rate,
)
from spolia.core.seeds import digest_key
from spolia.core.types import Float64, Int64
from spolia.stats.competition import (
    Contest,
    Decision,
    Nearest,
    compete,
    decide,
    smallest_discovery,
)
from spolia.stats.lean import lean_to_train
from spolia.stats.rates import exact_rate

LEAN_LEVEL = 0.01
"""Level of the set-level test: under it, a set without findings is inconclusive, not clean."""

MOST_UNSEEN = 0.5
"""A set of which more than this share could be leaks unseen is inconclusive, not clean."""

_BIN_WIDTHS = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
_MOST_BINS = 60
_TOP_LINES = (1, 10, 100, 1000, 10000)


@dataclass(frozen=True, eq=False)
class Verdict:
    """The decision of one audit with everything that stands beside it."""

    outcome: Outcome
    contest: Contest
    decision: Decision
    ratio: float
    smallest: int
    exposed: Compared
    flagged: Compared
    lean: Lean
    lean_to_control: Lean
    """The same test in the other direction: the control may be nearer than a control should."""
    negative_control: NegativeControl | None


@dataclass(frozen=True, eq=False)
class Halves:
    """The control split by identity into two parts of the same population."""

    rows: tuple[Int64, Int64]
    """Row numbers of each half within the control, ascending."""
    first: int
    """Identities in the first half, which plays train."""
    second: int
    """Identities in the second half."""


def split_control(control: AuditSet, seed: int) -> Halves:
    """Split the control's identities in two equal parts, by a draw that names decide.

    The draw depends on the seed and the identities' names, not on their order.
    """
    keys = [digest_key(seed, "control half", name) for name in control.identities]
    by_key = sorted(range(len(keys)), key=keys.__getitem__)
    middle = len(by_key) // 2
    in_first = np.zeros(len(keys), dtype=np.bool_)
    in_first[by_key[:middle]] = True
    of_row = in_first[control.identity]
    return Halves((np.flatnonzero(of_row), np.flatnonzero(~of_row)), middle, len(by_key) - middle)


def judge(
    train: AuditSet,
    control: AuditSet,
    *,
    halves: Halves,
    to_train: Neighbours,
    to_control: Neighbours,
    to_halves: tuple[Neighbours, Neighbours],
    fdr: float,
) -> Verdict:
    """Decide which train identities were found again, and check the decision on the control.

    ``to_halves`` holds the nearest rows of each half of the control, numbered as in the control;
    ``to_control`` the nearer of both.
    """
    contest = compete(
        _nearest(to_train, train.identity),
        _nearest(to_control, control.identity),
        n_train=len(train.identities),
        n_control=len(control.identities),
    )
    ratio, reverse = size_ratio(train, control), size_ratio(control, train)
    decision = decide(contest.train_scores, contest.control_scores, ratio=ratio, fdr=fdr)
    decision = replace(decision, threshold=_lowest_threshold(decision.threshold, contest))
    wins = contest.train_wins, contest.control_wins
    lean = lean_to_train(*wins, ratio=ratio, largest_ratio=1.0 / reverse)
    lean_to_control = lean_to_train(*wins[::-1], ratio=reverse, largest_ratio=1.0 / ratio)
    negative_control = _negative_control(control, halves, to_halves, fdr)
    smallest = smallest_discovery(ratio, fdr)
    exposed, flagged = _rates(contest, decision, lean, ratio, fdr)
    return Verdict(
        _outcome(contest, decision, (lean, lean_to_control), negative_control, smallest),
        contest,
        decision,
        ratio,
        smallest,
        Compared(*exposed, train.noun),
        Compared(*flagged, "images"),
        lean,
        lean_to_control,
        negative_control,
    )


def size_ratio(train: AuditSet, control: AuditSet) -> float:
    """Return |control| / |train|: the smaller of the ratios of records and of identities.

    The chance that a synthetic record without a leak is nearest to train lies between what the two
    ratios say; the smaller one asks for more evidence.
    """
    return min(len(control) / len(train), len(control.identities) / len(train.identities))


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


def _nearest(neighbours: Neighbours, identity: Int64) -> Nearest:
    return Nearest(neighbours.similarities[:, 0], identity[neighbours.indices[:, 0]])


def _lowest_threshold(found_from: float | None, contest: Contest) -> float | None:
    """Return the lowest similarity of a record that the decision's estimate holds for.

    The estimate changes at scores of identities only. Below the lowest score found and above the
    next one, it is the same: further records of the identities found count as well.
    """
    if found_from is None:
        return None
    scores = np.concatenate([contest.train_scores, contest.control_scores])
    below = np.max(scores[scores < found_from], initial=-np.inf)
    return float(contest.to_train[contest.won_by_train & (contest.to_train > below)].min())


def _rates(
    contest: Contest, decision: Decision, lean: Lean, ratio: float, fdr: float
) -> tuple[tuple[Rate, Rate], tuple[Rate, Rate]]:
    """Return the rates of exposed identities and of flagged records, each train's and control's."""
    at = decision.threshold
    # Where nothing is found, the control beside it is the same rule with the roles exchanged.
    swapped = decide(contest.control_scores, contest.train_scores, ratio=1.0 / ratio, fdr=fdr)
    control_at = at if at is not None else swapped.threshold
    n_train, m = decision.found.size, contest.won_by_train.size
    by_train = contest.won_by_train & _at_least(contest.to_train, at)
    by_control = ~contest.won_by_train & _at_least(contest.to_control, control_at)
    exposed = exact_rate(int(np.count_nonzero(decision.found)), n_train)
    flagged = exact_rate(int(np.count_nonzero(by_train)), m)
    if at is None:
        # Nothing named is not nothing leaked: the bound is what the set-level test leaves open, and
        # never less than what the rule is blind to.
        blind = smallest_discovery(ratio, fdr) - 1
        exposed = replace(exposed, high=min(1.0, max(lean.unseen * m, blind) / n_train))
        flagged = replace(flagged, high=min(1.0, max(lean.unseen, blind / m)))
    control_found = int(np.count_nonzero(_at_least(contest.control_scores, control_at)))
    exposed_control = exact_rate(control_found, contest.control_scores.size)
    flagged_control = exact_rate(int(np.count_nonzero(by_control)), m)
    return (exposed, exposed_control), (flagged, flagged_control)


def _at_least(values: Float64, threshold: float | None) -> npt.NDArray[np.bool_]:
    return values >= (np.inf if threshold is None else threshold)


def _negative_control(
    control: AuditSet,
    halves: Halves,
    to_halves: tuple[Neighbours, Neighbours],
    fdr: float,
) -> NegativeControl | None:
    n = len(control.identities)
    if n < 2:
        return None
    ratio = min(halves.rows[1].size / halves.rows[0].size, halves.second / halves.first)
    # The halves' identities keep the control's numbers: those of the other half score -inf.
    played = compete(
        _nearest(to_halves[0], control.identity),
        _nearest(to_halves[1], control.identity),
        n_train=n,
        n_control=n,
    )
    decision = decide(played.train_scores, played.control_scores, ratio=ratio, fdr=fdr)
    lean = lean_to_train(played.train_wins, played.control_wins, ratio=ratio)
    found = int(np.count_nonzero(decision.found))
    can_find = min(played.won_by_train.size, halves.first) >= smallest_discovery(ratio, fdr)
    passed = found == 0 if can_find else None
    return NegativeControl(found=found, n=halves.first, p=lean.p, passed=passed)


def distribution(to_train: Float64, to_control: Float64 | None) -> Distribution:
    """Count the best similarities of the synthetic records in at most 60 bins of a round width.

    >>> d = distribution(np.array([0.11, 0.52]), np.array([0.12, 0.13]))
    >>> d.edges[0], d.edges[-1], sum(d.train), sum(d.control)
    (0.11, 0.52, 2, 2)
    """
    seen = to_train if to_control is None else np.concatenate([to_train, to_control])
    seen = seen[np.isfinite(seen)]
    low, high = float(seen.min()), float(seen.max())
    width = min(
        (one for one in _BIN_WIDTHS if (high - low) / one < _MOST_BINS - 1),
        default=_BIN_WIDTHS[0],
    )
    first = int(np.floor(low / width))
    # The last bin holds its upper edge; rows are unit but for rounding, so 1 stays the last edge.
    last = max(first + 1, int(np.ceil((high - 1e-6) / width)))
    edges = [round(i * width, 6) for i in range(first, last + 1)]
    best = np.sort(to_train)[::-1]
    return Distribution(
        edges=tuple(edges),
        train=_counts(to_train, edges),
        control=() if to_control is None else _counts(to_control, edges),
        top_lines=tuple((k, float(best[k - 1])) for k in _TOP_LINES if k <= best.size),
    )


def _counts(values: Float64, edges: Sequence[float]) -> tuple[int, ...]:
    # The outer edges are rounded; clipping keeps every value in a bin.
    inside = np.clip(values[np.isfinite(values)], edges[0], edges[-1])
    return tuple(np.histogram(inside, np.array(edges))[0].tolist())
