"""What set-only methods were asked with, and where that is written."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spolia.auditing.identity_plan import OF_AN_AUDIT
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.questions import Question
from spolia.auditing.record import RUN
from spolia.auditing.run import location_of
from spolia.auditing.stages import MEMBERSHIP_FILE, Set
from spolia.core.errors import UsageError

REPORT = "membership.json"
TABLE = "records.parquet"
PAGE = "membership.html"
MEMBERSHIP = Question("spolia attack membership", MEMBERSHIP_FILE, (REPORT, TABLE, PAGE, RUN))

ROLES = ("train", "synthetic", "control", "reference")
_SMALLEST = 1e-3
_UNUSED = ("columns", "exclude", "exclude_list", "attributes")


def is_membership(folder: Path) -> bool:
    """Tell whether a folder holds a run of `spolia attack membership`."""
    return (folder / MEMBERSHIP_FILE).is_file()


def check_call(level: float, options: Options) -> None:
    """Refuse what is no part of this question.

    Raises
    ------
    UsageError
        If the level is none, or an option has no use here.
    """
    if not _SMALLEST <= level < 1.0:
        raise UsageError(f"level must lie between {_SMALLEST} and 1, but is {level}; 0.05 is usual")
    for name in _UNUSED:
        if getattr(options, name):
            raise UsageError(
                f"{name} is for `spolia audit`, and no part of a question about membership; leave "
                "it out"
            )


def asked_of(sets: Mapping[str, Set], plan: Plan, level: float) -> dict[str, Any]:
    """Return all that decides the answer, as a table."""
    said = {
        name: value or None if isinstance(value, tuple) else value  # as it is read again
        for name, value in asdict(plan).items()
        if name not in (*OF_AN_AUDIT, "fdr")
    }
    where = {role: location_of(sets[role]) if role in sets else None for role in ROLES}
    table: dict[str, Any] = json.loads(json.dumps({**said, **where, "level": level}))
    return table
