"""Drawing a deck: which pairs of a run are shown.

A review asks of every synthetic image whether its training image shows the same. The population is
one pair for each synthetic record of the audit: the pair of its finding, or else the record with
its nearest training record. It is cut into strata, findings apart from others and both by
similarity, and each is drawn from without replacement: every pair of a stratum of N is drawn with
probability n / N. Half of the deck goes to the findings, which are few and matter most.
"""

import secrets
from pathlib import Path
from typing import Literal

import numpy as np

from spolia.auditing.result import load_result
from spolia.auditing.study_plan import refuse_no_audit
from spolia.core.errors import UsageError
from spolia.core.review import Mode, Question
from spolia.core.seeds import stream
from spolia.core.types import Int64
from spolia.review.deck import SCHEMA, Deck, Part, Task, digest_of_audit
from spolia.review.known import known_tasks
from spolia.review.population import Population, cut_strata, read_population, task_of

FEWEST_PAIRS = 10

First = Literal["uncertain", "highest"]
"""What a triage shows first: pairs whose score is nearest the threshold, or the highest scores."""


def make_deck(
    run: Path,
    mode: Mode,
    *,
    pairs: int = 100,
    known: int = 20,
    seed: int = 0,
    first: First = "uncertain",
) -> Deck:
    """Draw a deck from a finished run.

    Parameters
    ----------
    run
        The run folder of an audit of images.
    mode
        ``estimate``: at random, from all pairs. ``triage``: the most telling pairs among findings
        and ranking; no rate follows from it, so it has no pairs whose truth is known.
    pairs
        How many are drawn, at least 10; all, where there are fewer.
    known
        How many pairs that are the same are mixed in, and how many that cannot be; fewer where the
        run has fewer.
    seed
        Decides everything but the tokens and the key, which are made by chance.
    first
        Order of a triage.

    Raises
    ------
    UsageError
        If there are no images to show, or ``pairs`` or ``known`` are too few.
    RunIncomplete
        If the run is not finished, or its embeddings are gone.
    """
    _check(run, pairs, known)
    result = load_result(run)
    if result.plan.embedder == "precomputed":
        raise UsageError(
            f"a review needs images, but the sets of {run} are embeddings; audit the images, or "
            "look up the pairs of its findings.parquet"
        )
    question: Question = "person" if result.summary.model.kind == "identity" else "photo"
    population = read_population(run, result)
    rng = stream(seed, "review", mode)
    parts: list[Part] = []
    tasks: list[Task] = []
    if mode == "triage":
        rows = triaged(population, result.summary.threshold, first)[:pairs]
        tasks += [task_of(population, row, None, rng) for row in rows.tolist()]
    else:
        strata = cut_strata(population)
        parts += [population.part(rows) for rows in strata]
        drawn = draw(strata, [one.findings for one in parts], pairs, rng)
        for number, rows in enumerate(drawn):
            tasks += [task_of(population, row, number, rng) for row in rows.tolist()]
        # Reviewers mistake what is alike, so that their errors are measured on what is.
        like = [i for i, one in enumerate(parts) if one.findings] or [0]
        wanted = population.similarity[np.concatenate([drawn[i] for i in like])]
        tasks += known_tasks(run, result, tasks, wanted, known, rng)
    key = secrets.token_hex(8)
    audit = digest_of_audit(result.summary)
    return Deck(SCHEMA, mode, question, seed, audit, key, tuple(parts), tuple(tasks))


def _check(run: Path, pairs: int, known: int) -> None:
    refuse_no_audit(run, "a review is of one audit")
    if pairs < FEWEST_PAIRS:
        raise UsageError(
            f"a deck must have {FEWEST_PAIRS} pairs or more, but {pairs} are asked for; 100 are "
            "usual"
        )
    if known < 0:
        raise UsageError(
            f"known pairs cannot be fewer than 0, but {known} are asked for; 20 are usual"
        )


def allocate(total: int, sizes: list[int]) -> list[int]:
    """Return how many to take of each of some sizes: as equal as they allow, ``total`` in all.

    >>> allocate(10, [100, 100, 100]), allocate(10, [2, 100, 3]), allocate(10, [2, 3])
    ([4, 3, 3], [2, 5, 3], [2, 3])
    """
    taken = [0] * len(sizes)
    left = min(total, sum(sizes))
    while left:
        for i, size in enumerate(sizes):
            if left and taken[i] < size:
                taken[i] += 1
                left -= 1
    return taken


def draw(
    strata: list[Int64], findings: list[bool], pairs: int, rng: np.random.Generator
) -> list[Int64]:
    """Draw from every stratum without replacement.

    Half of the pairs are findings (all of them, where they are fewer), in equal numbers from each
    of their strata; the others are drawn in equal numbers from each of the rest.

    Examples
    --------
    >>> rows = [np.arange(30), np.arange(30, 100), np.arange(100, 1000)]
    >>> rng = np.random.default_rng(0)
    >>> [one.size for one in draw(rows, [True, False, False], 80, rng)]
    [30, 25, 25]
    """
    sizes = [rows.size for rows in strata]
    of_findings = [size if found else 0 for size, found in zip(sizes, findings, strict=True)]
    of_others = [size - found for size, found in zip(sizes, of_findings, strict=True)]
    half = min((pairs + 1) // 2, sum(of_findings))
    # Where the others are too few, findings fill the deck.
    others = allocate(pairs - half, of_others)
    found = allocate(pairs - sum(others), of_findings)
    return [
        rng.permutation(rows)[: a + b] for rows, a, b in zip(strata, found, others, strict=True)
    ]


def triaged(population: Population, threshold: float | None, first: First) -> Int64:
    """Return the rows of a population from the most telling on.

    Parameters
    ----------
    population
        Its pairs without a score come last, the most similar first.
    threshold
        Score from which pairs are findings; ``None``: the highest score is the least certain.
    first
        What to show first.
    """
    score = population.score
    if first == "uncertain" and threshold is not None:
        telling = -np.abs(score - threshold)
    else:
        telling = score
    telling = np.where(np.isnan(telling), -np.inf, telling)
    return np.lexsort((-population.similarity, -telling))
