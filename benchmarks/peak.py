"""How much memory a call needs at most, as Linux tells it of this process."""

import resource
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

EVERY = 0.02
"""Seconds between two looks."""


@dataclass
class Peak:
    """The most memory that this process had, in bytes."""

    all: int = 0
    """Anonymous and mapped, as the system counted it from the start of the process."""
    anonymous: int = 0
    """What is no file: sampled, and with the interpreter and its libraries' own."""
    mapped: int = 0
    """Pages of files, which the system may take back at any time: sampled."""
    maxrss: int = 0
    """What ``getrusage`` says; it may include what the process was before it started Python."""

    def look(self) -> None:
        status = Path("/proc/self/status").read_text().splitlines()
        sizes = {
            name: text.split()[0]
            for name, text in (row.split(":", 1) for row in status)
            if text.endswith("kB")
        }
        self.all = 1024 * int(sizes["VmHWM"])
        self.anonymous = max(self.anonymous, 1024 * int(sizes["RssAnon"]))
        self.mapped = max(self.mapped, 1024 * int(sizes["RssFile"]))
        self.maxrss = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def watched(call: Callable[[], T]) -> tuple[T, Peak]:
    """Return what the call returns, and the peak of this process until then."""
    peak, done = Peak(), threading.Event()

    def look() -> None:
        while not done.wait(EVERY):
            peak.look()

    watch = threading.Thread(target=look)
    watch.start()
    try:
        result = call()
    finally:
        done.set()
        watch.join()
    peak.look()
    return result, peak
