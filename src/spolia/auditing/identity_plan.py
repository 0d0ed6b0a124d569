"""What a question about identities is asked with, and where that is written."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from spolia.auditing.generating import Sampled
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan, plan_from
from spolia.auditing.questions import Question
from spolia.auditing.record import RUN
from spolia.auditing.run import location_of, places_of, plan_of
from spolia.auditing.stages import IDENTITY_FILE, Given
from spolia.core.types import Embeddings
from spolia.embedding import Embedder
from spolia.report.formats import every_file
from spolia.sources.address import paths_in

REPORT = "identity.json"
TABLE = "identities.parquet"
IDENTITY = Question("spolia identity", IDENTITY_FILE, (REPORT, TABLE, RUN, *every_file()))
ROLES = ("synthetic", "members", "queries", "nonmembers", "train")
"""Of the sets of a question, in the order in which they are told."""

OF_AN_AUDIT = (
    "train",
    "synthetic",
    "control",
    "columns",
    "columns_fingerprint",
    "exclude",
    "exclude_list",
    "exclude_list_fingerprint",
    "attributes",
)
"""Parts of a plan that say nothing of a question about identities."""


def opening_plan(
    sets: Mapping[str, Given],
    embedder: str | Path | Embedder,
    fdr: float,
    seed: int,
    options: Options,
) -> Plan:
    """Return the plan by which sets are opened; its own train and control say nothing."""
    given = next((one for one in sets.values() if isinstance(one, Embeddings)), sets["nonmembers"])
    return plan_of(given, sets["synthetic"], None, embedder, fdr, seed, options)


def asked_of(sets: Mapping[str, Given], plan: Plan, *, any_judge: bool) -> dict[str, Any]:
    """Return all that decides the answer, as a table."""
    where = {role: location_of(sets[role]) if role in sets else None for role in ROLES}
    return table_of(plan, {**where, "any_judge": any_judge})


def table_of(plan: Plan, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a plan says of a question, less its own sets, and what else is asked."""
    said = {
        name: value or None if isinstance(value, tuple) else value  # as it is read again
        for name, value in asdict(plan).items()
        if name not in OF_AN_AUDIT
    }
    table: dict[str, Any] = json.loads(json.dumps({**said, **more}))
    return table


def read_by(sets: Mapping[str, Given], plan: Plan) -> list[str | None]:
    """Return what is read, which is never deleted."""
    return [
        *(one.place for one in sets.values() if isinstance(one, Sampled)),
        *(path for one in sets.values() for path in paths_in(location_of(one))),
        *places_of(plan),
    ]


def is_question(folder: Path) -> bool:
    """Tell whether a folder holds a run of `spolia identity`."""
    return (folder / IDENTITY_FILE).is_file()


def plan_again(folder: Path, question: Question, asked: Mapping[str, Any]) -> Plan:
    """Return the plan by which a run was done, from what it was asked.

    Raises
    ------
    UsageError
        If something is missing there.
    """
    known = {one.name for one in fields(Plan)} - set(OF_AN_AUDIT) | {"synthetic"}
    said = {name: value for name, value in asked.items() if name in known}
    return plan_from(folder / question.file, {**said, "train": ""})
