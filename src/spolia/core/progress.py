"""How long work tells where it is."""

from typing import Protocol


class Progress(Protocol):
    """Receives ``(stage, done, total)`` whenever a piece of a stage is finished.

    ``done`` and ``total`` count the stage's own pieces (records, query rows); ``done`` never falls
    within a stage and equals ``total`` when the stage is over.
    """

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Report that ``done`` of ``total`` pieces of ``stage`` are finished."""


def silent(stage: str, done: int, total: int) -> None:
    """Ignore all progress; the default of every function that takes one."""
