"""Strangers inside train: what chance does, by the images of train alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from spolia.auditing.match import Neighbours
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.sets import AuditSet
from spolia.core.chance import Chance, FalseMatch, Strangers, TailFit
from spolia.core.progress import Progress
from spolia.core.rates import Rate
from spolia.core.rows import SubsetRows
from spolia.core.seeds import digest_key, stream
from spolia.core.types import Float64, Int64, Rows
from spolia.search.join import join
from spolia.search.result import Histogram, JoinResult, Pairs, histogram_edges
from spolia.stats.false_match import CERTAIN, LEVELS, false_match_rate, threshold_at
from spolia.stats.lean import kish
from spolia.stats.rates import exact_rate
from spolia.stats.tails import Draws, Tail, exceedance, fit_tail

MOST_PAIRED = 4096
"""Train identities that are compared with each other at most: 8.4 million pairs, enough for a false
match rate of 1e-5 by the rule of 30, and of 1e-6 by the rule of 3."""

MOST_DRAWN = 8192
"""Train identities whose best match in all of train is searched at most, at about the cost of
matching as many synthetic images."""

_BINS = 20_000
"""Bins on [-1, 1], so that thresholds are multiples of 0.0001."""

_ROWS = 256
"""Rows joined at once; bounds the pairs held together. It is at most what a histogram counts."""

_RANKS = (*range(1, 11), 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
_STEPS = 48


@dataclass(frozen=True, eq=False)
class Met:
    """One image of each of n train identities, compared with each other's and with all of train."""

    thresholds: tuple[tuple[float, float], ...]
    """False match rates with their thresholds."""
    matches: Int64
    """``(rates, n)`` how many other identities each one matches at each threshold."""
    draws: Draws | None
    """The best match of each in all of train; ``None`` where a control says it better."""


def meet_strangers(
    sets: dict[str, AuditSet], plan: Plan, options: Options, progress: Progress
) -> Met | None:
    """Compare strangers inside train; ``None`` where it has a single identity.

    A function of train and the seed; it is cheap, and done anew where a run goes on.
    """
    train = sets["train"]
    if len(train.identities) < 2:
        return None
    paired = _Joins(train, one_each(train, plan.seed, MOST_PAIRED), options, progress)
    # Each pair is met from both sides.
    counts, edges = paired.counts() // 2, histogram_edges(_BINS)
    asked = [(level, threshold_at(counts, edges, level)) for level in LEVELS]
    thresholds = tuple((level, at) for level, at in asked if at is not None)
    matches = paired.matches([at for _, at in thresholds])
    if "control" in sets:
        return Met(thresholds, matches, None)
    drawn = _Joins(train, one_each(train, plan.seed, MOST_DRAWN), options, progress)
    return Met(thresholds, matches, drawn.draws())


@dataclass(frozen=True, eq=False)
class _Joins:
    """The joins of some rows of train, one of each of as many identities."""

    train: AuditSet
    of: tuple[Int64, Int64]
    """Rows and identities."""
    options: Options
    progress: Progress

    def counts(self) -> Int64:
        """Return how the pairs of these rows are distributed, each met from both sides."""
        counts = np.zeros(_BINS, dtype=np.int64)
        for _, found in self._each(histogram=_BINS):
            counts += cast("Histogram", found.histogram).counts
        return counts

    def matches(self, thresholds: list[float]) -> Int64:
        """Return how many others each row matches at falling rates, ``(thresholds, rows)``."""
        matches = np.zeros((len(thresholds), self.of[0].size), dtype=np.int64)
        for start, found in self._each(above=thresholds[0]) if thresholds else ():
            pairs = cast("Pairs", found.pairs)
            for number, at in enumerate(thresholds):
                own = np.bincount(pairs.query[pairs.similarity >= at])
                matches[number, start : start + own.size] = own
        return matches

    def draws(self) -> Draws:
        """Return the best match of each row among all other identities of train."""
        rows, identity = self.of
        found = join(
            SubsetRows(self.train.rows, rows),
            self.train.rows,
            k=1,
            exclude=(identity, self.train.identity),
            memory=self.options.memory,
            threads=self.options.threads,
            engine=self.options.engine,
            progress=lambda _, done, of: self.progress("best strangers", done, of),
        )
        nearest = cast("Int64", found.indices)[:, 0]
        best = cast("Float64", found.similarities)[:, 0]
        return Draws(best, identity, self.train.identity[nearest])

    def _each(
        self, *, histogram: int | None = None, above: float | None = None
    ) -> Iterator[tuple[int, JoinResult]]:
        """Join the rows with each other in pieces of `_ROWS`, each under its first row."""
        rows, identity = self.of
        chosen: Rows = self.train.rows[rows]
        for start in range(0, rows.size, _ROWS):
            part = slice(start, start + _ROWS)
            yield (
                start,
                join(
                    chosen[part],
                    chosen,
                    histogram=histogram,
                    above=above,
                    exclude=(identity[part], identity),
                    memory=self.options.memory,
                    threads=self.options.threads,
                    engine=self.options.engine,
                ),
            )
            self.progress("pairs of strangers", min(start + _ROWS, rows.size), rows.size)


def one_each(train: AuditSet, seed: int, most: int) -> tuple[Int64, Int64]:
    """Return a row of each of at most ``most`` identities, and the identities, by a draw of names.

    The draw depends on the seed, the names, and the order of the ids within an identity.
    """
    keys = [digest_key(seed, "stranger", name) for name in train.identities]
    identity = np.array(sorted(range(len(keys)), key=keys.__getitem__)[:most], dtype=np.int64)
    identity = np.sort(identity)
    by_identity = np.argsort(train.identity, kind="stable")
    starts = np.searchsorted(train.identity[by_identity], np.arange(len(keys) + 1))
    images = np.diff(starts)[identity].tolist()
    pairs = zip(identity.tolist(), images, strict=True)
    drawn = np.array([int.from_bytes(keys[i], "little") % n for i, n in pairs], dtype=np.int64)
    return by_identity[starts[identity] + drawn], identity


def describe_strangers(
    met: Met | None,
    sets: dict[str, AuditSet],
    plan: Plan,
    to_train: Neighbours,
    to_control: Neighbours | None,
) -> Strangers | None:
    """Put what strangers say beside what the synthetic images do: a pure function of arrays."""
    if met is None:
        return None
    train, best = sets["train"], to_train.similarities[:, 0]
    n = met.matches.shape[1]
    stated = {level for level, _ in met.thresholds}
    draws = met.draws
    tail = None if draws is None else fit_tail(draws, rng=stream(plan.seed, "strangers"))
    return Strangers(
        identities=n,
        pairs=n * (n - 1) // 2,
        compared=best.size * len(train),
        matching=_matching(met, best, to_control),
        refused=tuple(level for level in LEVELS if level not in stated),
        draws=0 if draws is None else draws.similarity.size,
        above_median=None if draws is None else _above_median(draws, train, to_train),
        fit=_fit(tail),
        chances=() if draws is None else _chances(draws, tail, best, _ranked(best)),
        curve=() if draws is None else _chances(draws, tail, best, _even(draws, best)),
    )


def _matching(met: Met, best: Float64, to_control: Neighbours | None) -> tuple[FalseMatch, ...]:
    rows = []
    for (level, at), matches in zip(met.thresholds, met.matches, strict=True):
        rate = false_match_rate(matches)
        control = None if to_control is None else _at_least(to_control.similarities[:, 0], at)
        rows.append(
            FalseMatch(level, at, rate, rate.count >= CERTAIN, _at_least(best, at), control)
        )
    return tuple(rows)


def _above_median(draws: Draws, train: AuditSet, to_train: Neighbours) -> Rate:
    """Return the share of synthetic images above the median draw.

    Images that name one identity count together, as in the set-level test.
    """
    best = to_train.similarities[:, 0]
    named = np.bincount(train.identity[to_train.indices[:, 0]])
    middle = float(np.median(draws.similarity))
    return exact_rate(int(np.count_nonzero(best > middle)), best.size, effective_n=kish(named))


def _fit(tail: Tail | None) -> TailFit | None:
    if tail is None:
        return None
    return TailFit(
        tail.threshold, tail.exceedances, tail.clusters, tail.shape, tail.scale, tail.fit_p
    )


def _chances(draws: Draws, tail: Tail | None, best: Float64, at: list[float]) -> tuple[Chance, ...]:
    rows = []
    for similarity in at:
        one = exceedance(draws, tail, similarity)
        rows.append(
            Chance(
                similarity=similarity,
                images=_at_least(best, similarity),
                seen=one.seen,
                p=one.value,
                low=one.low,
                high=one.high,
                expected=best.size * one.value,
                expected_low=best.size * one.low,
                expected_high=best.size * one.high,
                basis=one.basis,
            )
        )
    return tuple(rows)


def _ranked(best: Float64) -> list[float]:
    """Return the similarities of the best synthetic images, each once."""
    down = np.sort(best)[::-1]
    return list(dict.fromkeys(float(down[k - 1]) for k in _RANKS if k == 1 or 2 * k <= down.size))


def _even(draws: Draws, best: Float64) -> list[float]:
    """Return even steps from the median draw to the highest similarity there is."""
    low = float(np.median(draws.similarity))
    high = max(float(best.max()), float(draws.similarity.max()))
    return [float(one) for one in np.linspace(low, high, _STEPS)]


def _at_least(similarity: Float64, at: float) -> int:
    return int(np.count_nonzero(similarity >= at))
