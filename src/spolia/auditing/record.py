"""``run.json``: what was run, on what, with which versions, and how long it took."""

import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from spolia.core.membership import IdentitySummary
from spolia.core.progress import Progress
from spolia.core.results import Summary
from spolia.core.set_membership import SetMembership
from spolia.core.version import VERSION
from spolia.store.atomic import write_text


class Stopwatch:
    """Passes progress on and notes how long each stage took."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last = time.perf_counter()
        self.started = datetime.now(UTC)
        self.seconds: dict[str, float] = {}

    def staged(self, stage: str) -> Progress:
        """Return a progress that reports under ``stage``, whatever its caller names."""

        def tell(_stage: str, done: int, total: int) -> None:
            now = time.perf_counter()
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
            self._last = now
            self._progress(stage, done, total)

        return tell


RUN = "run.json"


def write_run(
    folder: Path,
    summary: Summary | IdentitySummary | SetMembership,
    watch: Stopwatch,
    *,
    ignored: Mapping[str, int],
    digests: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> None:
    """Write ``run.json``: what of a run differs between two equal ones, but for keyed codes.

    ``ignored`` is how many files of each set were left out because they are no images, and
    ``digests`` are of what the run left, if that is to be told.
    """
    instruments = None if isinstance(summary, SetMembership) else summary.instruments
    record = {
        "spolia": VERSION,
        "python": platform.python_version(),
        "packages": dict(summary.packages),
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
        },
        "started": watch.started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": {stage: round(seconds, 3) for stage, seconds in watch.seconds.items()},
        "seed": summary.seed,
        "ignored": dict(ignored),
        "inputs": {one.role: one.fingerprint for one in summary.sets},
        "model": asdict(summary.model),
        "instruments": None if instruments is None else asdict(instruments),
        **digests,
    }
    write_text(folder / RUN, json.dumps(record, indent=2) + "\n")
