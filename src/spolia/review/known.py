"""Pairs whose truth is known: mixed into a deck, they tell how often reviewers err.

The same: two photos of one training identity, where identities are known and the question is the
person; else a training photo and itself, edited. Different: a synthetic record and its nearest
control record, which the generator never saw; chosen so that they are about as similar as the
findings of the deck, because that is what reviewers mistake. Without a control, two training
records of different identities.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spolia.auditing.attributes import asked_again
from spolia.auditing.exclude import read_asked, set_aside
from spolia.auditing.result import AuditResult
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import reopen_all
from spolia.auditing.told import told_again
from spolia.core.types import Float64, Int64
from spolia.review.deck import Shown, Task, Truth
from spolia.review.population import nearest_of, new_token


@dataclass(frozen=True)
class _Pair:
    truth: Truth
    query: Shown
    reference: Shown


def known_tasks(
    run: Path,
    result: AuditResult,
    drawn: list[Task],
    wanted: Float64,
    known: int,
    rng: np.random.Generator,
) -> list[Task]:
    """Return pairs whose truth is known, at most ``known`` of either kind.

    Parameters
    ----------
    run, result
        The finished run.
    drawn
        The pairs of the deck that reviewers are to tell.
    wanted
        Similarities that those should have that cannot be the same.
    known
        How many of either kind are wanted.
    rng
        Chooses them and their sides.

    Raises
    ------
    RunIncomplete
        If the embeddings of the run are gone.
    """
    if known == 0:
        return []
    train = _train_of(run, result)
    alone = _without_duplicates(train, result)
    persons = result.summary.model.kind == "identity"
    pairs = _photos_of_one(train, alone, known, rng) if persons else []
    pairs = pairs or _edited(train, known, rng)
    if result.plan.control is None:
        pairs += _strangers(train, alone, known, rng)
    else:
        pairs += _unlike(run, drawn, wanted, known)
    return [
        Task(
            token=new_token(),
            truth=one.truth,
            query=one.query,
            reference=one.reference,
            swapped=bool(rng.random() < 0.5),
            stratum=None,
            similarity=None,
            score=None,
        )
        for one in pairs
    ]


def _train_of(run: Path, result: AuditResult) -> AuditSet:
    """Return the training records of the audit, without what its plan excludes."""
    plan = result.plan
    asked = replace(asked_again(run, plan, read_asked(plan)), told=told_again(run))
    return set_aside(reopen_all(run, plan), asked, plan)[0]["train"]


def _without_duplicates(train: AuditSet, result: AuditResult) -> Int64:
    """Return the rows of records that are the first of their near-duplicates."""
    table = result.counted.get("duplicates")
    seen: set[tuple[str, int]] = set()
    later = set()
    for one in [] if table is None else table.to_pylist():
        cluster = (one["set"], one["cluster"])
        if one["set"] == "train" and cluster in seen:
            later.add(one["id"])
        seen.add(cluster)
    return np.array([i for i, name in enumerate(train.ids) if name not in later], dtype=np.int64)


def _photos_of_one(
    train: AuditSet, alone: Int64, known: int, rng: np.random.Generator
) -> list[_Pair]:
    """Return two different photos each of some identities; none where none has two."""
    rows = rng.permutation(alone)
    photos: dict[int, list[int]] = {}
    for row in rows.tolist():
        photos.setdefault(int(train.identity[row]), []).append(row)
    several = [some[:2] for some in photos.values() if len(some) > 1][:known]
    return [_Pair("same", _shown(train, one), _shown(train, other)) for one, other in several]


def _edited(train: AuditSet, known: int, rng: np.random.Generator) -> list[_Pair]:
    """Return photos with themselves, edited as a copy may be."""
    rows = rng.permutation(len(train))[:known].tolist()
    return [
        _Pair("same", replace(_shown(train, row), edited=True), _shown(train, row)) for row in rows
    ]


def _strangers(train: AuditSet, alone: Int64, known: int, rng: np.random.Generator) -> list[_Pair]:
    """Return pairs of training records of different identities, each record once."""
    rows = rng.permutation(alone)
    pairs = rows[: rows.size // 2 * 2].reshape(-1, 2)
    different = pairs[train.identity[pairs[:, 0]] != train.identity[pairs[:, 1]]]
    return [
        _Pair("different", _shown(train, one), _shown(train, other))
        for one, other in different[:known].tolist()
    ]


def _unlike(run: Path, drawn: list[Task], wanted: Float64, known: int) -> list[_Pair]:
    """Return synthetic records with their nearest control record, about as similar as wanted."""
    table = nearest_of(run, "control")
    query, reference = table["query"].to_pylist(), table["reference"].to_pylist()
    # Who sees a synthetic image twice may guess which of the two pairs is which.
    shown = {one.query.id for one in drawn}
    free = np.array([name not in shown for name in query])
    if np.count_nonzero(free) < known:
        free[:] = True
    rows = alike_rows(table["similarity"].to_numpy(), free, wanted, known)
    return [
        _Pair(
            "different",
            Shown(new_token(), "synthetic", query[row]),
            Shown(new_token(), "control", reference[row]),
        )
        for row in rows
    ]


def alike_rows(
    similarity: Float64, free: npt.NDArray[np.bool_], wanted: Float64, number: int
) -> list[int]:
    """Return rows, each once, whose similarities are as near as can be to those wanted.

    Parameters
    ----------
    similarity
        ``(m,)``.
    free
        ``(m,)`` which of them may be taken.
    wanted
        Similarities whose distribution is to be met, at least one.
    number
        How many rows to return; all that are free, where these are fewer.

    Examples
    --------
    >>> similarity = np.array([0.1, 0.2, 0.5, 0.6, 0.9])
    >>> alike_rows(similarity, np.ones(5, dtype=bool), np.array([0.55, 0.95]), 2)
    [3, 4]
    """
    number = min(number, int(np.count_nonzero(free)))
    aims = np.quantile(wanted, (np.arange(number) + 0.5) / number)
    left = np.where(free, similarity, np.inf)
    rows = []
    for aim in aims.tolist():
        row = int(np.argmin(np.abs(left - aim)))
        left[row] = np.inf
        rows.append(row)
    return rows


def _shown(one: AuditSet, row: int) -> Shown:
    return Shown(new_token(), one.role, one.ids[row])
