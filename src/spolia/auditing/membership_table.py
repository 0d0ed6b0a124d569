"""Every method in numbers: with train, with what was held out, and how much more that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import ceil

import numpy as np

from spolia.auditing.membership_arrays import Arrays
from spolia.auditing.membership_methods import (
    RECORDS,
    SETS,
    About,
    Contest,
    Exchange,
    Flagged,
    both_ways,
    exchange_all,
    likelihoods,
    record_scores,
)
from spolia.auditing.membership_near import Flags
from spolia.auditing.membership_planted import Plantings, why_blind
from spolia.core.membership import Separation
from spolia.core.rates import Bounded, Rate
from spolia.core.seeds import stream
from spolia.core.set_membership import Concord, Method, Seen
from spolia.core.types import Float64, Int64
from spolia.stats.exchange import (
    apart,
    effective_number,
    holm,
    mean_of,
    rank_correlation,
    spread_interval,
)
from spolia.stats.lean import kish
from spolia.stats.rates import exact_rate
from spolia.stats.roc import RESAMPLES, Scored, area, newcombe, separation

_EXCHANGES = 999
"""How often identities change places at least."""
_TOP = 0.05
"""Share of the train records that a score puts on top."""


@dataclass(frozen=True, eq=False)
class Told:
    """What all methods show, before it is known which of them are blind."""

    arrays: Arrays
    scores: Mapping[str, Float64]
    likelihood: Float64
    exchange: Mapping[str, Exchange]
    adjusted: Mapping[str, float]
    """p-values, corrected for all methods."""


@dataclass(frozen=True, eq=False)
class _Figures:
    value: Bounded
    control: Bounded
    excess: Bounded
    separation: Separation | None = None


def exchanges_for(level: float) -> int:
    """Return how often identities must change places, so that half of the level can be told.

    >>> exchanges_for(0.05), exchanges_for(0.001)
    (999, 22000)
    """
    return max(_EXCHANGES, ceil(2 * len(RECORDS | SETS) / level))


def tell(arrays: Arrays, seed: int, *, exchanges: int = _EXCHANGES) -> Told:
    """Compute all methods, and their p-values from so many exchanges."""
    scores, likelihood = record_scores(arrays), likelihoods(arrays)
    contest = Contest.of(arrays, scores, likelihood)
    found = exchange_all(contest, exchanges=exchanges, rng=stream(seed, "exchange"))
    adjusted = dict(zip(found, holm([one.p for one in found.values()]), strict=True))
    return Told(arrays, scores, likelihood, found, adjusted)


def methods_of(
    told: Told, plantings: Plantings, level: float, seed: int, *, resamples: int = RESAMPLES
) -> tuple[Method, ...]:
    """Return all methods with their figures and verdicts."""
    figures = _of_records(told, seed, resamples) | _of_sets(told)
    return tuple(
        _method(name, about, figures[name], told, plantings, level)
        for name, about in (RECORDS | SETS).items()
    )


def _method(
    name: str, about: About, figures: _Figures, told: Told, plantings: Plantings, level: float
) -> Method:
    exchange = told.exchange[name]
    verdict: Seen = "sees a leak" if told.adjusted[name] <= level else "sees none"
    reason = None
    if verdict == "sees none" and plantings.blind(name):
        verdict, reason = "blind here", why_blind(name, plantings)
    return Method(
        name=about.name,
        paper=about.paper,
        measure=about.measure,
        value=figures.value,
        control=figures.control,
        excess=figures.excess,
        spread=float(exchange.drawn.std(ddof=1)),
        p=exchange.p,
        p_adjusted=told.adjusted[name],
        verdict=verdict,
        reason=reason,
        # On top of a leak that is seen, a planted one would tell nothing.
        planted=() if verdict == "sees a leak" else plantings.seen[name],
        separation=figures.separation,
    )


def _of_records(told: Told, seed: int, resamples: int) -> dict[str, _Figures]:
    """Return the areas; beside each that of half of the held-out identities against the others."""
    fixed = told.arrays.fixed
    member, identity = fixed.member, fixed.identity
    _, others = np.unique(identity[~member], return_inverse=True)
    n = int(others.max()) + 1
    half = (stream(seed, "halves").permutation(n) < n // 2)[others]
    found = {}
    for name, score in told.scores.items():
        one = separation(
            Scored(score[member], identity[member]),
            Scored(score[~member], others.astype(np.int64)),
            unit="records",
            resamples=resamples,
            rng=stream(seed, "separation", name),
        )
        beside = area(score[~member][half], score[~member][~half])
        found[name] = _Figures(
            value=one.auc,
            control=Bounded(beside, *newcombe(beside, n // 2, n - n // 2)),
            excess=_less(one.auc, 0.5),
            separation=one,
        )
    return found


def _of_sets(told: Told) -> dict[str, _Figures]:
    arrays = told.arrays
    member = arrays.fixed.equal_member
    with_train, without = both_ways(arrays, member)
    pairs = {
        "unique_score": [
            _recovered(arrays, with_train, member),
            _recovered(arrays, without, ~member),
        ],
        "likelihood_gap": [_mean_likelihood(told, side) for side in (member, ~member)],
    }
    copying = _copying(with_train), _copying(without)
    exchange = told.exchange["data_copying"]
    return {
        "authenticity": _shares(arrays, with_train, without, "not_authentic"),
        "third_ratio": _shares(arrays, with_train, without, "third"),
        "average_score": _shares(arrays, with_train, without, "average"),
        "data_copying": _Figures(*copying, spread_interval(exchange.excess, exchange.drawn)),
    } | {name: _Figures(one, beside, apart(beside, one)) for name, (one, beside) in pairs.items()}


def _shares(arrays: Arrays, with_train: Flagged, without: Flagged, what: str) -> _Figures:
    """Return shares of the samples, which are the same on both sides."""
    flags: list[Flags] = [getattr(one, what) for one in (with_train, without)]
    value, control = (
        _share(arrays, one, flag) for one, flag in zip((with_train, without), flags, strict=True)
    )
    varies = all(flag.any() and not flag.all() for flag in flags)
    alike = _correlation(*flags) if varies else 0.0
    return _Figures(value, control, apart(control, value, correlation=alike))


def _correlation(first: Flags, second: Flags) -> float:
    one, other = (side - side.mean() for side in (first, second))
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def _share(arrays: Arrays, one: Flagged, flags: Flags) -> Bounded:
    """Return a share of samples; those next to one identity count as they are worth together."""
    nearest = np.where(one.nearest >= 0, arrays.fixed.equal_identity[one.nearest], -1)
    worth = effective_number(flags, nearest)
    rate = exact_rate(int(flags.sum()), flags.size, effective_n=worth)
    return Bounded(rate.value, rate.low, rate.high, rate.confidence)


def _recovered(arrays: Arrays, one: Flagged, base: Flags) -> Bounded:
    sizes = np.unique(arrays.fixed.equal_identity[base], return_counts=True)[1]
    hit = one.recovered
    rate = exact_rate(int(hit.sum()), hit.size, effective_n=kish(sizes))
    each = hit.size / arrays.samples
    return Bounded(rate.value * each, rate.low * each, rate.high * each)


def _mean_likelihood(told: Told, base: Flags) -> Bounded:
    return mean_of(_by_identity(told.likelihood[base], told.arrays.fixed.equal_identity[base]))


def _by_identity(values: Float64, identity: Int64) -> Float64:
    _, number, count = np.unique(identity, return_inverse=True, return_counts=True)
    means: Float64 = np.bincount(number, weights=values) / count
    return means


def _copying(one: Flagged) -> Bounded:
    found = one.copying
    half = 1.959964 * found.deviation
    return Bounded(found.value, found.value - half, found.value + half)


def _less(one: Bounded, by: float) -> Bounded:
    return Bounded(one.value - by, one.low - by, one.high - by, one.confidence)


def concord_of(told: Told) -> tuple[Concord, ...]:
    """Return how far every two scores of records, and every two flags of samples, agree."""
    member = told.arrays.fixed.member
    of_train = {name: score[member] for name, score in told.scores.items()}
    found = [
        Concord(
            RECORDS[first].name,
            RECORDS[second].name,
            rank_correlation(of_train[first], of_train[second]),
            _both(_top(of_train[first]), _top(of_train[second])),
        )
        for first, second in combinations(RECORDS, 2)
    ]
    one = both_ways(told.arrays, told.arrays.fixed.equal_member)[0]
    flags = {
        "authenticity": one.not_authentic,
        "third_ratio": one.third,
        "average_score": one.average,
    }
    found += [
        Concord(SETS[a].name, SETS[b].name, None, _both(flags[a], flags[b]))
        for a, b in combinations(flags, 2)
    ]
    return tuple(found)


def _top(score: Float64) -> Flags:
    """Return the highest twentieth; of equal scores none where not all are in it."""
    k = max(1, round(_TOP * score.size))
    top: Flags = score > np.sort(score)[::-1][min(k, score.size - 1)]
    return top


def _both(first: Flags, second: Flags) -> Rate | None:
    either = int((first | second).sum())
    return exact_rate(int((first & second).sum()), either) if either else None
