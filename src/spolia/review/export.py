"""The standing answers of a review as a table for other tools."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from spolia.auditing.study_plan import refuse_no_audit
from spolia.core.errors import RunIncomplete
from spolia.core.review import Answer, Mode
from spolia.review.deck import Task
from spolia.review.said import Log, Said, read_log
from spolia.store.atomic import atomic_file

TABLE = pa.schema(
    [
        ("reviewer", pa.string()),
        ("mode", pa.string()),
        ("query", pa.string()),
        ("reference", pa.string()),
        ("answer", pa.string()),
        ("decided", pa.string()),
        ("truth", pa.string()),
        ("stratum", pa.int64()),
        ("probability", pa.float64()),
        ("similarity", pa.float64()),
        ("score", pa.float64()),
        ("at", pa.string()),
        ("seconds", pa.float64()),
    ]
)
"""One row per standing answer. ``decided`` is what settled the pair, ``probability`` that of every
pair of its stratum to be drawn."""


def export(run: Path, path: Path) -> Path:
    """Write one row per standing answer to a parquet file and return its path; it holds ids.

    Raises
    ------
    RunIncomplete
        If nobody has answered a pair of the run.
    UsageError
        If the run is none of `spolia audit`, or a deck or the log of decisions cannot be read.
    """
    log = read_log(run)
    rows = [row for mode, said in log.said.items() for row in _rows(log, mode, said)]
    if not rows:
        refuse_no_audit(run, "a review is of one audit")
        raise RunIncomplete(f"nobody has answered a pair of {run}; `spolia review {run}` asks")
    with atomic_file(path) as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=TABLE), file)
    return path


def _rows(log: Log, mode: Mode, said: Said) -> list[dict[str, Any]]:
    # What stands is what was answered last, so that its line is the last one.
    lines = {(one.reviewer, one.task): one for one in log.decisions if one.step == "answer"}
    tasks, names = {one.token: one for one in said.deck.tasks}, log.names
    return [
        {
            "reviewer": names[reviewer],
            "mode": mode,
            **_shown(said, tasks[token], answer),
            "at": lines[reviewer, token].at,
            "seconds": lines[reviewer, token].seconds,
        }
        for reviewer, words in said.by_reviewer.items()
        for token, answer in words.items()
    ]


def _shown(said: Said, task: Task, answer: Answer) -> dict[str, Any]:
    return {
        "query": task.query.id,
        "reference": task.reference.id,
        "answer": answer,
        "decided": said.decided.get(task.token),
        "truth": task.truth,
        "stratum": task.stratum,
        "probability": _probability(said, task),
        "similarity": task.similarity,
        "score": task.score,
    }


def _probability(said: Said, task: Task) -> float | None:
    if task.stratum is None:
        return None
    drawn = sum(one.stratum == task.stratum for one in said.deck.tasks)
    return drawn / said.deck.parts[task.stratum].population
