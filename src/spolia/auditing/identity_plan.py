"""What a question about identities is asked with, and where that is written."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomli_w

from spolia.auditing.options import Options
from spolia.auditing.plan import Plan, refuse_another
from spolia.auditing.run import location_of, places_of, plan_of
from spolia.auditing.stages import IDENTITY_FILE, Set
from spolia.core.errors import UsageError
from spolia.core.types import Embeddings
from spolia.embedding import Embedder
from spolia.sources.address import paths_in
from spolia.store.atomic import make_private, write_text

REPORT = "identity.json"
TABLE = "identities.parquet"

_OF_AN_AUDIT = (
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


def opening_plan(
    sets: Mapping[str, Set],
    embedder: str | Path | Embedder,
    fdr: float,
    seed: int,
    options: Options,
) -> Plan:
    """Return the plan by which sets are opened; its own train and control say nothing."""
    given = next((one for one in sets.values() if isinstance(one, Embeddings)), sets["nonmembers"])
    return plan_of(given, sets["synthetic"], None, embedder, fdr, seed, options)


def asked_of(sets: Mapping[str, Set], plan: Plan, *, any_judge: bool) -> dict[str, Any]:
    """Return all that decides the answer, as a table."""
    roles = ("synthetic", "members", "queries", "nonmembers", "train")
    where = {role: location_of(sets[role]) if role in sets else None for role in roles}
    return table_of(plan, {**where, "any_judge": any_judge})


def table_of(plan: Plan, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a plan says of a question, less its own sets, and what else is asked."""
    said = {
        name: value or None if isinstance(value, tuple) else value  # as it is read again
        for name, value in asdict(plan).items()
        if name not in _OF_AN_AUDIT
    }
    table: dict[str, Any] = json.loads(json.dumps({**said, **more}))
    return table


def read_by(sets: Mapping[str, Set], plan: Plan) -> list[str | None]:
    """Return what is read, which is never deleted."""
    return [
        *(path for one in sets.values() for path in paths_in(location_of(one))),
        *places_of(plan),
    ]


@dataclass(frozen=True)
class Question:
    """A command that asks something, by the files of its folder."""

    command: str
    file: str
    """What is asked."""
    written: tuple[str, ...]
    """What it answers, which must not outlive the question."""


IDENTITY = Question("spolia identity", IDENTITY_FILE, (REPORT, TABLE))


def begin(folder: Path, question: Question, asked: Mapping[str, Any]) -> None:
    """Write what is asked, or check that it is what the folder was made with.

    Raises
    ------
    PlanMismatch
        If the folder holds another question.
    UsageError
        If it holds something else.
    """
    make_private(folder)
    path = folder / question.file
    if path.exists():
        try:
            there = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read as TOML: {error}") from None
        refuse_another(folder, dict.fromkeys(asked) | there, asked, "question")
    elif any(folder.iterdir()):
        raise UsageError(
            f"{folder} is not empty and no run of `{question.command}`; choose another --out"
        )
    else:
        said = {name: value for name, value in asked.items() if value is not None}
        write_text(path, tomli_w.dumps(said))
    for name in question.written:
        (folder / name).unlink(missing_ok=True)
