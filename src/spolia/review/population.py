"""The pairs that a review speaks of: one for each synthetic record of a run."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spolia.auditing.result import AuditResult
from spolia.core.errors import RunIncomplete
from spolia.core.types import Float64, Int64
from spolia.review.deck import Part, Shown, Task

SPLIT_FINDINGS = 40
"""Findings from which on they are two strata."""
SMALLEST_STRATUM = 20
"""Pairs that a stratum of the others must have, or it is not cut off."""
CUTS = (0.05, 0.3)
"""Where the pairs that are no findings are cut, as shares from the most similar on."""

_TOKEN = 8


@dataclass(frozen=True, eq=False)
class Population:
    """One pair for each synthetic record, in the order of their ids."""

    query: Sequence[str]
    reference: Sequence[str]
    similarity: Float64
    score: Float64
    """Of the audit; NaN where the run does not keep it."""
    finding: npt.NDArray[np.bool_]

    def part(self, rows: Int64) -> Part:
        """Return what a deck keeps of the stratum of some rows."""
        similarity = self.similarity[rows]
        return Part(
            findings=bool(self.finding[rows[0]]),
            low=float(similarity.min()),
            high=float(similarity.max()),
            population=rows.size,
        )


def nearest_of(run: Path, role: str) -> pa.Table:
    """Return query, reference and similarity of the nearest record of a set for every query.

    Raises
    ------
    RunIncomplete
        If the run keeps no matches.
    """
    path = run / "matches.parquet"
    if not path.exists():
        raise RunIncomplete(f"{run} has no matches.parquet; run the audit again")
    asked = (pc.field("rank") == 1) & (pc.field("set") == role)
    return pq.read_table(path, columns=["query", "reference", "similarity"], filters=asked)


def read_population(run: Path, result: AuditResult) -> Population:
    """Return the pairs of a run.

    Raises
    ------
    RunIncomplete
        If the run keeps no matches.
    """
    nearest = nearest_of(run, "train")
    query, reference = nearest["query"].to_pylist(), nearest["reference"].to_pylist()
    similarity = nearest["similarity"].to_numpy().copy()
    row_of = {name: i for i, name in enumerate(query)}
    score, finding = np.full(len(query), np.nan), np.zeros(len(query), dtype=np.bool_)
    if result.summary.distribution.scale == "similarity" and result.plan.control is not None:
        score = similarity.copy()
    for found, rows in ((False, result.ranking), (True, result.findings)):
        for one in rows.to_pylist():
            i = row_of[one["query"]]
            reference[i], similarity[i] = one["reference"], one["similarity"]
            score[i] = np.nan if one["score"] is None else one["score"]
            finding[i] = found
    return Population(query, reference, similarity, score, finding)


def cut_strata(population: Population) -> list[Int64]:
    """Return the rows of every stratum: findings first, and from the most similar on.

    Findings are cut into halves where there are 40; the others after the closest 5 % and 30 %,
    where that leaves at least 20 pairs.

    Examples
    --------
    >>> n = 1000
    >>> found = np.arange(n) < 50
    >>> one = Population([""] * n, [""] * n, -np.arange(n) / n, np.zeros(n), found)
    >>> [rows.size for rows in cut_strata(one)]
    [25, 25, 48, 237, 665]
    """
    order = np.argsort(-population.similarity, kind="stable")
    found, others = order[population.finding[order]], order[~population.finding[order]]
    halves = [found.size // 2] if found.size >= SPLIT_FINDINGS else []
    places = [round(share * others.size) for share in CUTS]
    steps = np.diff([0, *places])
    kept = [place for place, step in zip(places, steps, strict=True) if step >= SMALLEST_STRATUM]
    strata = [*np.split(found, halves), *np.split(others, kept)]
    return [rows for rows in strata if rows.size]


def task_of(
    population: Population, row: int, stratum: int | None, rng: np.random.Generator
) -> Task:
    """Return the pair of a row, to be told by the reviewers."""
    score = float(population.score[row])
    return Task(
        token=new_token(),
        truth="open",
        query=Shown(new_token(), "synthetic", population.query[row]),
        reference=Shown(new_token(), "train", population.reference[row]),
        swapped=bool(rng.random() < 0.5),
        stratum=stratum,
        similarity=float(population.similarity[row]),
        score=None if np.isnan(score) else score,
    )


def new_token() -> str:
    """Return 16 hexadecimal digits, made by chance, that tell nothing."""
    return secrets.token_hex(_TOKEN)
