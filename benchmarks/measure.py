"""What every timed experiment needs: a stopwatch, turns, the machine, and a line in a file."""

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

RESULTS = Path(__file__).parent / "results"
LEAST = 0.2
"""Seconds that one measurement takes at least; quicker calls are repeated and averaged."""
LONG = 5.0
"""Seconds from which a first call is as good as any other: what warms up no longer shows."""


@dataclass(frozen=True)
class Seconds:
    """How long a call took: on the wall, and on all cores of this process together."""

    wall: float
    cpu: float

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)

    def times(self, factor: float) -> "Seconds":
        return Seconds(self.wall * factor, self.cpu * factor)


Run = Callable[[], Seconds]


def timed(call: Callable[[], T]) -> tuple[T, Seconds]:
    """Return what the call returns, and how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def in_turns(runs: tuple[Run, Run], first: tuple[Seconds, Seconds], rounds: int) -> list[Seconds]:
    """Time two runs A B A B, in this process; return the median of each.

    Parameters
    ----------
    runs
        Each does its work once and says how long that took.
    first
        How long each took the first time; counts as a turn where both are long.
    rounds
        How many turns.
    """
    repeats = [max(1, int(np.ceil(LEAST / max(one.wall, 1e-6)))) for one in first]
    turns = [list(first)] if min(one.wall for one in first) >= LONG else []
    while len(turns) < rounds:
        turns.append([_mean(run, times) for run, times in zip(runs, repeats, strict=True)])
    return [median(list(one)) for one in zip(*turns, strict=True)]


def _mean(run: Run, times: int) -> Seconds:
    total = Seconds(0.0, 0.0)
    for _ in range(times):
        total += run()
    return total.times(1 / times)


def median(several: list[Seconds]) -> Seconds:
    """Return the median on the wall and that of all cores."""
    wall, cpu = (float(np.median([getattr(one, of) for one in several])) for of in ("wall", "cpu"))
    return Seconds(wall, cpu)


def numbers(text: str) -> list[int]:
    """Return what ``10000,1e6`` says.

    >>> numbers("10000,1e6")
    [10000, 1000000]
    """
    return [int(float(one)) for one in text.split(",")]


def kernel() -> str:
    """Return the name of the path that the join takes on this machine."""
    try:
        from spolia.search.engines import kernel_name
    except ImportError:  # a version of spolia with one path
        return "library"
    return str(kernel_name())


def append(path: Path, lines: list[dict[str, Any]]) -> None:
    """Append measurements to a file of JSON lines, each with the machine and the versions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line | _where()) + "\n")


def _where() -> dict[str, Any]:
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "kernel": kernel(),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "system": platform.platform(terse=True),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in ("spolia", "numpy", "faiss-cpu", "torch")},
        },
        "forced": {name: os.environ[name] for name in FORCES if name in os.environ},
    }


FORCES = ("SPOLIA_KERNEL", "OPENBLAS_CORETYPE", "FAISS_SIMD_LEVEL", "FAISS_OPT_LEVEL")
"""Environment variables that choose the instructions that either side uses."""


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Return the name of the processor as Linux has it, elsewhere only its kind."""
    about = Path("/proc/cpuinfo")
    if about.exists():
        names = [row for row in about.read_text().splitlines() if row.startswith("model name")]
        if names:
            return names[0].split(":", 1)[1].strip()
    return platform.machine()
