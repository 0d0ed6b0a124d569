"""Which engine does a join: all return the same bits."""

from spolia.core.errors import UsageError
from spolia.core.progress import Progress
from spolia.core.types import Rows
from spolia.search.exclude import Exclude
from spolia.search.library import run_library
from spolia.search.plan import Wanted
from spolia.search.result import JoinResult

ENGINES = ("auto", "kernel", "library", "gpu")
"""The names of the engines; ``auto`` is the fastest that this machine has."""


def check_engine(engine: str) -> None:
    """Raise `UsageError` unless this installation can do a join with ``engine``.

    >>> check_engine("kernal")
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: engine must be auto, kernel, library or gpu, but is 'kernal'
    """
    if engine not in ENGINES:
        raise UsageError(f"engine must be {', '.join(ENGINES[:-1])} or gpu, but is {engine!r}")
    if engine in ("kernel", "gpu"):
        raise UsageError(
            f"engine {engine} must be installed, but this version has only the library; join with "
            "engine='auto'"
        )


def run_engine(
    engine: str,
    query: Rows,
    bases: tuple[Rows, ...],
    excludes: tuple[Exclude | None, ...],
    wanted: Wanted,
    *,
    memory: int,
    threads: int,
    progress: Progress,
) -> tuple[JoinResult, ...]:
    """Return the joins of ``query`` with each of ``bases``, by an engine that was checked.

    All is checked: rows, widths, options, and one of ``excludes`` for each base.
    """
    check_engine(engine)
    return tuple(
        run_library(
            query,
            base,
            wanted,
            exclude,
            memory=memory,
            threads=threads,
            progress=_share(progress, number, len(bases)),
        )
        for number, (base, exclude) in enumerate(zip(bases, excludes, strict=True))
    )


def _share(progress: Progress, number: int, count: int) -> Progress:
    """Return the progress of one of ``count`` joins, told as a share of the query rows."""

    def tell(stage: str, done: int, total: int) -> None:
        progress(stage, (number * total + done) // count, total)

    return tell
