"""What the commands share: messages and progress on stderr, results on stdout."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape

from spolia.core.progress import Progress, silent

SECONDS_BETWEEN_LINES = 5.0
"""Where stderr is no terminal, a running stage writes a line this often."""


def messages() -> Console:
    """Return the console for everything that is not the result."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str, *, style: str = "") -> None:
    """Write a message to stderr; ``text`` is shown as it is, whatever it holds."""
    messages().print(escape(_visible(text)), style=style)


def print_json(record: dict[str, Any] | str) -> None:
    """Write the machine result to stdout."""
    text = record if isinstance(record, str) else json.dumps(record, indent=2, allow_nan=False)
    sys.stdout.write(text.rstrip("\n") + "\n")


def show(text: str, *, style: str = "") -> None:
    """Write a line of the result to stdout; ``text`` is shown as it is."""
    Console(highlight=False, soft_wrap=True).print(escape(_visible(text)), style=style)


def _visible(text: str) -> str:
    from spolia.report.format import visible

    return "\n".join(visible(line) for line in text.split("\n"))


@contextmanager
def progress_on_stderr(*, quiet: bool = False) -> Iterator[Progress]:
    """Show every stage with its count, rate and time left, on stderr."""
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bars() as progress:
            yield progress
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "")

    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=messages()) as bars:

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell


def _lines() -> Progress:
    began: dict[str, tuple[float, int]] = {}
    last: dict[str, float] = {}

    def tell(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        start, first = began.setdefault(stage, (now, done))
        if done < total and now - last.get(stage, start) < SECONDS_BETWEEN_LINES:
            return
        last[stage] = now
        share = done / total if total else 1.0
        line = f"{stage}: {done:,} of {total:,} ({share:.0%}), {now - start:.0f} s"
        if first < done and now - start >= 1:
            line += f", {(done - first) / (now - start):,.0f}/s"
        if first < done < total:
            line += f", {(now - start) * (total - done) / (done - first):.0f} s left"
        sys.stderr.write(line + "\n")

    return tell
