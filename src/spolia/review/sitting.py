"""One reviewer at one deck: what is open, what was said, and what comes next."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from spolia.core.errors import UsageError
from spolia.core.review import Answer
from spolia.report.format import visible
from spolia.review.decisions import Decision, Step, append, read, standing, words
from spolia.review.deck import Deck, Task
from spolia.review.said import said_of

Asked = Literal["answer", "decide"]
"""What is done with a pair: answered, or decided because two reviewers differ."""

LONGEST_NAME = 60
_ONE_DAY = 86_400.0


@dataclass(frozen=True)
class Queue:
    """Where a reviewer stands."""

    total: int
    said: tuple[Answer, ...]
    """What stands, in no order that means anything."""
    fresh: tuple[Task, ...]
    """Open pairs, the next one first."""
    skipped: tuple[Task, ...]
    """Open pairs that were passed over; they come last."""

    @property
    def open(self) -> tuple[Task, ...]:
        """All that is to be said, the next one first."""
        return self.fresh + self.skipped


class Closed(Exception):
    """The pair is not open: another tab or program answered it, or it was never asked."""


def check_reviewer(name: str) -> str:
    """Return the name of a reviewer.

    Raises
    ------
    UsageError
        If it is empty, longer than 60 characters, or holds what cannot be seen.

    Examples
    --------
    >>> check_reviewer("Ann")
    'Ann'
    """
    if not name.strip() or len(name) > LONGEST_NAME or visible(name) != name:
        raise UsageError(
            f"a reviewer's name must have 1 to {LONGEST_NAME} characters that can be seen, but is "
            f"{name!r:.80}; choose another --reviewer"
        )
    return name


class Sitting:
    """What one reviewer does with one deck; every word goes to the log before it counts.

    The log is looked at again for every question, so that it does not matter which tab or program
    wrote to it. Safe to use from several threads at once.

    Parameters
    ----------
    deck
        The pairs.
    log
        Path of the decisions; need not exist.
    reviewer
        A name, see `check_reviewer`.

    Raises
    ------
    UsageError
        If the name cannot be one, or the log cannot be read.
    """

    def __init__(self, deck: Deck, log: Path, reviewer: str) -> None:
        self.deck = deck
        self.log = log
        self.reviewer = check_reviewer(reviewer)
        self._order = deck.order(reviewer)
        self._tasks = {one.token: one for one in self._order}
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int], list[Decision]] | None = None
        self._passed: dict[Asked, list[str]] = {"answer": self._passed_before(), "decide": []}

    def queue(self, asked: Asked = "answer") -> Queue:
        """Return what is open to the reviewer."""
        with self._lock:
            return self._queue(asked, self._decisions())

    @property
    def to_decide(self) -> Queue | None:
        """The pairs on which reviewers differ; ``None`` while this one is in the middle.

        Who is not through with the own answers must not learn which pairs are disputed. Who has
        given none may: a third person who only decides.
        """
        decisions = self._decisions()
        mine = self._queue("answer", decisions)
        return self._queue("decide", decisions) if not mine.open or not mine.said else None

    @property
    def reviewers(self) -> int:
        """How many people have answered."""
        return len({reviewer for reviewer, _ in standing(self._decisions())})

    def say(self, asked: Asked, token: str, answer: Answer, seconds: float) -> Task:
        """Write a reviewer's word on a pair and return the pair.

        Raises
        ------
        KeyError
            If the deck has no such pair.
        Closed
            If the pair is not open.
        """
        with self._lock:
            task = self._open(asked, token)
            self._write(task, asked, answer, seconds)
            return task

    def skip(self, asked: Asked, token: str) -> None:
        """Put a pair last; for as long as the program runs, nothing is written.

        Raises
        ------
        KeyError, Closed
            As `say`.
        """
        with self._lock:
            self._open(asked, token)
            passed = self._passed[asked]
            if token in passed:
                passed.remove(token)
            passed.append(token)

    def undo(self, asked: Asked) -> Task | None:
        """Take back the last word that stands and return its pair; ``None`` if there is none."""
        with self._lock:
            task = self._last(asked)
            if task is None:
                return None
            self._write(task, "undo", None, 0.0)
            if task.token in self._passed[asked]:
                self._passed[asked].remove(task.token)
            return task

    def _decisions(self) -> list[Decision]:
        """Return the words on this deck, read again where the log has grown."""
        state = _state_of(self.log)
        if self._read is None or self._read[0] != state:
            self._read = state, [one for one in read(self.log) if one.deck == self.deck.key]
        return self._read[1]

    def _queue(self, asked: Asked, decisions: list[Decision]) -> Queue:
        said = {
            task: answer
            for (reviewer, task), answer in standing(decisions, asked).items()
            if reviewer == self.reviewer or asked == "decide"
        }
        tasks = {one.token: one for one in self._asked(asked, decisions)}
        passed = [one for one in self._passed[asked] if one in tasks and one not in said]
        left = [one for one in tasks if one not in said and one not in passed]
        return Queue(
            total=len(tasks),
            said=tuple(answer for task, answer in said.items() if task in tasks),
            fresh=tuple(tasks[one] for one in left),
            skipped=tuple(tasks[one] for one in passed),
        )

    def _asked(self, asked: Asked, decisions: list[Decision]) -> list[Task]:
        if asked == "answer":
            return self._order
        # Those whose truth is known too: what settles pairs must be measured like what answers.
        wanted = {one.token for one in said_of(self.deck, decisions).disputed}
        return [one for one in self._order if one.token in wanted]

    def _open(self, asked: Asked, token: str) -> Task:
        task = self._tasks[token]
        may = asked == "answer" or self.to_decide is not None
        if not may or task not in self._queue(asked, self._decisions()).open:
            raise Closed
        return task

    def _last(self, asked: Asked) -> Task | None:
        """Return the pair of which the reviewer spoke last, of those whose last word stands."""
        decisions = [one for one in self._decisions() if one.reviewer == self.reviewer]
        last = {task: list(said)[-1] for (_, task), said in words(decisions).items() if said}
        spoken = [
            one.task for one in decisions if one.step == asked and last.get(one.task) == asked
        ]
        return self._tasks[spoken[-1]] if spoken else None

    def _passed_before(self) -> list[str]:
        """Return what lies open before the furthest answered pair: it was passed over."""
        said = {
            task for (reviewer, task) in standing(self._decisions()) if reviewer == self.reviewer
        }
        places = [i for i, one in enumerate(self._order) if one.token in said]
        reached = self._order[: max(places, default=0)]
        return [one.token for one in reached if one.token not in said]

    def _write(self, task: Task, step: Step, answer: Answer | None, seconds: float) -> None:
        append(
            self.log,
            Decision(
                deck=self.deck.key,
                task=task.token,
                reviewer=self.reviewer,
                step=step,
                answer=answer,
                at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                seconds=round(min(seconds, _ONE_DAY), 3),
            ),
        )


def _state_of(log: Path) -> tuple[int, int]:
    """Return size and time of the log; both are 0 where there is none."""
    try:
        found = log.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
