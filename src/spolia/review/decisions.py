"""The log of a review: one line a decision, appended and synced, never rewritten."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from spolia.auditing.folder import DECISIONS
from spolia.core.errors import UsageError
from spolia.core.review import Answer
from spolia.store.atomic import OWNER_ONLY

FILE = DECISIONS
"""In the run folder; personal."""

_CUT = b" <- cut off\n"
"""How a line ends that a crash left without its end."""

Step = Literal["answer", "decide", "undo"]
"""``decide``: settles a pair on which the reviewers differ. ``undo``: takes back what the reviewer
said of the pair last, be it an answer or a decision; an answer before a decision stands again."""


@dataclass(frozen=True)
class Decision:
    """One line."""

    deck: str
    """`Deck.key`."""
    task: str
    """`Task.token`."""
    reviewer: str
    """A name that the reviewer chose."""
    step: Step
    answer: Answer | None
    """``None`` for an undo."""
    at: str
    """UTC, ISO 8601, to the millisecond."""
    seconds: float
    """For how long the pair was looked at."""


def append(path: Path, decision: Decision) -> None:
    """Add one line to the log; it is on the disk when this returns.

    One write with ``O_APPEND`` under a lock of the file: lines of two writers never mix. A line
    that a power cut left without its end is marked so, and spoils no other.
    """
    line = json.dumps(asdict(decision), allow_nan=False).encode() + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, OWNER_ONLY)
    try:
        _lock(descriptor)
        end = os.lseek(descriptor, 0, os.SEEK_END)
        if end and os.pread(descriptor, 1, end - 1) != b"\n":
            line = _CUT + line
        written = os.write(descriptor, line)
        while written < len(line):
            written += os.write(descriptor, line[written:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> list[Decision]:
    """Return all decisions in the order in which they were written; none where there is no log.

    Raises
    ------
    UsageError
        If a line is not a decision; names it. A line that a crash cut off is left out.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [
        _read(line, number, path)
        for number, line in enumerate(lines[:-1], 1)
        if not line.endswith(_CUT[:-1])
    ]


def words(decisions: Iterable[Decision]) -> dict[tuple[str, str], dict[Step, Answer]]:
    """Return by reviewer and task what was not taken back, by step, what was said last at the end.

    Examples
    --------
    >>> said = [("answer", "same"), ("decide", "different"), ("undo", None)]
    >>> log = [Decision("deck", "task", "ann", *one, "2026-11-29T12:00:00", 1.0) for one in said]
    >>> words(log[:2]), words(log)
    ({('ann', 'task'): {'answer': 'same', 'decide': 'different'}},
     {('ann', 'task'): {'answer': 'same'}})
    """
    said: dict[tuple[str, str], dict[Step, Answer]] = {}
    for one in decisions:
        of_task = said.setdefault((one.reviewer, one.task), {})
        if one.answer is not None:
            of_task.pop(one.step, None)  # so that it comes last
            of_task[one.step] = one.answer
        elif of_task:
            of_task.popitem()
    return said


def standing(decisions: Iterable[Decision], step: Step = "answer") -> dict[tuple[str, str], Answer]:
    """Return what stands, by reviewer and task: the last word that was not taken back."""
    return {key: said[step] for key, said in words(decisions).items() if step in said}


def _read(line: bytes, number: int, path: Path) -> Decision:
    try:
        found = json.loads(line)
        decision = Decision(**found)
    except (ValueError, TypeError) as error:
        raise UsageError(f"line {number} of {path} is not a decision ({error})") from None
    texts = decision.deck, decision.task, decision.reviewer, decision.at
    if not all(isinstance(one, str) for one in texts):
        raise UsageError(f"line {number} of {path} must hold texts, but does not")
    if decision.step not in get_args(Step) or decision.answer not in (*get_args(Answer), None):
        raise UsageError(f"line {number} of {path} has an unknown step or answer")
    return decision


def _lock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
