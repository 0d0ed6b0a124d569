"""Do the intervals of a review hold the truth as often as they say?

Reviewers whose errors are known answer decks whose truth is known; for each truth and reviewer the
table counts how often the interval of the estimate holds it.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pool

import numpy as np

from spolia.core.review import Answers, Estimate
from spolia.stats.rates import exact_rate
from spolia.stats.review import Known, Sampled, estimate

POPULATION = (60, 440, 2500, 7000)
"""Pairs of the strata: findings, the closest others, ..., the rest."""
DRAWN = (50, 17, 17, 16)
KNOWN = 20
"""Pairs of either kind whose truth is known."""

Estimator = Callable[[list[Sampled], Known], Estimate | None]


@dataclass(frozen=True)
class Truth:
    """How many pairs of each stratum are the same."""

    name: str
    same: tuple[int, ...]

    @property
    def share(self) -> float:
        return sum(self.same) / sum(POPULATION)


TRUTHS = (
    Truth("none", (0, 0, 0, 0)),
    Truth("5 of 10,000, all found", (5, 0, 0, 0)),
    Truth("5 of 10,000, 2 not found", (3, 2, 0, 0)),
    Truth("most findings", (48, 10, 0, 0)),
    Truth("half of all", (50, 300, 1500, 3150)),
    Truth("all", POPULATION),
)


@dataclass(frozen=True)
class Simulated:
    """A reviewer, or several together, whose errors are known."""

    sensitivity: float
    """Share of the pairs that are the same that is called so."""
    specificity: float
    """Share of the others that is called different."""
    unsure: float = 0.0
    """Share of all pairs that is called unsure instead."""

    def answers(self, same: int, different: int, rng: np.random.Generator) -> Answers:
        """Answer pairs of which so many are the same, and so many are not."""
        unsure = rng.binomial([same, different], self.unsure)
        hits, right = rng.binomial(
            [same - unsure[0], different - unsure[1]], [self.sensitivity, self.specificity]
        ).tolist()
        told_different = same - int(unsure[0]) - hits + right
        told_same = hits + different - int(unsure[1]) - right
        return Answers(told_same, told_different, int(unsure.sum()), 0)


REVIEWERS = (
    Simulated(1.0, 1.0),
    Simulated(0.9, 0.9),
    Simulated(0.8, 0.9),
    Simulated(0.8, 0.8),
    Simulated(0.9, 0.8, unsure=0.1),
)


def reviewed(
    truth: Truth, reviewer: Simulated, seed: int, estimator: Estimator = estimate
) -> Estimate:
    """Return what follows from one deck drawn at random, and its answers."""
    rng = np.random.default_rng(seed)
    strata = []
    for pairs, same, drawn in zip(POPULATION, truth.same, DRAWN, strict=True):
        hits = int(rng.hypergeometric(same, pairs - same, drawn))
        strata.append(Sampled(pairs, reviewer.answers(hits, drawn - hits, rng)))
    known = Known(reviewer.answers(KNOWN, 0, rng), reviewer.answers(0, KNOWN, rng))
    found = estimator(strata, known)
    assert found is not None
    return found


@dataclass(frozen=True)
class Held:
    """How often the intervals held the truth, of how many."""

    seen: int
    corrected: int
    given: int
    """Decks for which a correction was given."""
    n: int
    width: float
    """Mean of the corrected intervals."""


def held(truth: Truth, reviewer: Simulated, n: int, estimator: Estimator = estimate) -> Held:
    """Count over ``n`` decks."""
    found = [reviewed(truth, reviewer, seed, estimator) for seed in range(n)]
    corrected = [one.corrected for one in found if one.corrected is not None]
    return Held(
        sum(one.seen.low <= truth.share <= one.seen.high for one in found),
        sum(one.low <= truth.share <= one.high for one in corrected),
        len(corrected),
        n,
        float(np.mean([one.high - one.low for one in corrected])),
    )


DECKS = 1000
HEAD = (
    "| truth | sensitivity, specificity, unsure | as seen | corrected | width | not given |",
    "|---|---|---|---|---|---|",
)
CELLS = tuple((truth, reviewer) for truth in TRUTHS for reviewer in REVIEWERS)


def line(task: tuple[Truth, Simulated, int]) -> str:
    """Return one line of the table."""
    truth, one, decks = task
    cell = held(truth, one, decks)
    return (
        f"| {truth.name} | {one.sensitivity:.0%}, {one.specificity:.0%}, {one.unsure:.0%} | "
        f"{_covered(cell.seen, cell.n)} | {_covered(cell.corrected, cell.given)} | "
        f"{cell.width:.2f} | {(cell.n - cell.given) / cell.n:.1%} |"
    )


def _covered(count: int, n: int) -> str:
    rate = exact_rate(count, n)
    return f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})"


def table(decks: int, cells: tuple[tuple[Truth, Simulated], ...] = CELLS) -> str:
    return "\n".join([*HEAD, *(line((truth, one, decks)) for truth, one in cells)])


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks reviewing", description=__doc__)
    parser.add_argument("--decks", type=int, default=DECKS)
    asked = parser.parse_args(arguments)
    print("\n".join(HEAD))
    with Pool(2) as pool:
        for one in pool.imap(line, [(*cell, asked.decks) for cell in CELLS]):
            print(one, flush=True)
