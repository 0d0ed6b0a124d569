"""What a question about identities was asked with, and where that is written."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spolia.auditing.generating import Sampled
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.run import location_of, places_of, plan_of
from spolia.auditing.stages import Given
from spolia.core.types import Embeddings
from spolia.embedding import Embedder
from spolia.sources.address import paths_in

REPORT = "identity.json"
TABLE = "identities.parquet"

OF_AN_AUDIT = (
    "train",
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
    roles = ("synthetic", "members", "queries", "nonmembers", "train")
    said = {
        name: value or None if isinstance(value, tuple) else value  # as it is read again
        for name, value in asdict(plan).items()
        if name not in OF_AN_AUDIT
    }
    where = {role: location_of(sets[role]) if role in sets else None for role in roles}
    table: dict[str, Any] = json.loads(json.dumps({**said, **where, "any_judge": any_judge}))
    return table


def read_by(sets: Mapping[str, Given], plan: Plan) -> list[str | None]:
    """Return what is read, which is never deleted."""
    return [
        *(one.place for one in sets.values() if isinstance(one, Sampled)),
        *(path for one in sets.values() for path in paths_in(location_of(one))),
        *places_of(plan),
    ]
