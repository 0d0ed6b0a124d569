"""What an audit is asked to do."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import tomli_w

from spolia.auditing.cuts import CutSource, Cutters, open_cutters
from spolia.auditing.generating import Sampled
from spolia.core.errors import InputChanged, PlanMismatch, RunIncomplete, UsageError
from spolia.core.progress import Progress, silent
from spolia.embedding.faces import Choice
from spolia.sources import Source, open_source
from spolia.sources.columns import file_fingerprint
from spolia.sources.limits import parse_limits
from spolia.store.atomic import write_text

FILE = "plan.toml"
SMALLEST_FDR = 1e-6
LARGEST_DUPLICATES = 0.9998
"""Rows may have norms of 1 - 1e-4, so that equal ones reach this and perhaps no more."""


@dataclass(frozen=True)
class Plan:
    """Everything that decides an audit's numbers, apart from the images themselves."""

    train: str
    """Where the set lies; ``memory:DIGEST`` for embeddings given as arrays."""
    synthetic: str
    control: str | None
    embedder: str
    fdr: float = 0.05
    seed: int = 0
    identities: str = "auto"
    format: str | None = None
    max_bad: float = 0.01
    duplicates: float | None = None
    """Similarity from which two records count as one photo; ``None``: not searched for."""
    columns: str | None = None
    columns_fingerprint: str | None = None
    exclude: tuple[str, ...] = ()
    """``COLUMN=VALUE`` each."""
    exclude_list: str | None = None
    exclude_list_fingerprint: str | None = None
    detector: str | None = None
    landmarks: str | None = None
    landmarks_fingerprint: str | None = None
    face: Choice | None = None
    """Which faces of an image count; ``None``: the judge sees whole images."""
    attributes: tuple[str, ...] = ()
    """Cards of networks that fill a column."""
    limits: tuple[str, ...] = ()
    """``NAME=NUMBER`` each, where they are not the usual ones."""

    def __post_init__(self) -> None:
        if not SMALLEST_FDR <= self.fdr < 1.0:
            raise UsageError(
                f"fdr must lie between {SMALLEST_FDR} and 1, but is {self.fdr}; 0.05 is usual"
            )
        if not 0.0 <= self.max_bad <= 1.0:
            raise UsageError(f"max_bad must lie in 0 to 1, but is {self.max_bad}; 0.01 is usual")
        if self.duplicates is not None and not 0.0 < self.duplicates <= LARGEST_DUPLICATES:
            raise UsageError(
                f"duplicates must lie over 0 and at most at {LARGEST_DUPLICATES}, which equal rows "
                f"surely reach, but is {self.duplicates}; leave it out for the embedder's default"
            )

    def to_table(self) -> dict[str, Any]:
        """Return the plan as a table of TOML, without what is not said."""
        return {k: v for k, v in asdict(self).items() if v not in (None, ())}

    def to_toml(self) -> str:
        """Return the plan as TOML."""
        return tomli_w.dumps(self.to_table())


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the plan into a run folder, or check that the one there is the same.

    Raises
    ------
    PlanMismatch
        If the folder holds another plan; names what differs.
    UsageError
        If the folder holds other files and is no run.
    """
    path = folder / FILE
    if not path.exists():
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(
                f"{folder} is not empty and no run of `spolia audit`; choose another --out"
            )
        write_text(path, plan.to_toml())
        return
    refuse_another(folder, asdict(read_plan(folder)), asdict(plan), "audit")


def refuse_another(
    folder: Path, there: Mapping[str, Any], now: Mapping[str, Any], what: str
) -> None:
    """Refuse to write one plan over another.

    Raises
    ------
    PlanMismatch
        If they are not the same; names what differs.
    """
    changed = [
        f"{name} was {json.dumps(there[name])}, now {json.dumps(value)}"
        for name, value in now.items()
        if there[name] != value
    ]
    if changed:
        raise PlanMismatch(
            f"{folder} holds another {what}: {'; '.join(changed)}; "
            "use --overwrite to start anew, or another --out"
        )


def read_toml(path: Path) -> dict[str, Any]:
    """Return the table in a file; one that is not there is the caller's to explain.

    Raises
    ------
    UsageError
        If the file is no TOML.
    FileNotFoundError
        If there is none.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as TOML: {error}") from None


def read_plan(folder: Path) -> Plan:
    """Read the plan of a run folder.

    Raises
    ------
    RunIncomplete
        If the folder holds no plan.
    UsageError
        If the plan cannot be read.
    """
    path = folder / FILE
    try:
        table = read_toml(path)
    except FileNotFoundError:
        raise RunIncomplete(
            f"{folder} is not a run: it has no {FILE}; `spolia audit ... --out {folder}` makes one"
        ) from None
    return plan_from(path, table)


def plan_from(path: Path, table: Mapping[str, Any]) -> Plan:
    """Return the plan that the table of TOML in a file says.

    Raises
    ------
    UsageError
        If it has an unknown key or lacks one.
    """
    known = [one.name for one in fields(Plan)]
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise UsageError(f"{path} has the unknown key {unknown[0]!r}; known are {', '.join(known)}")
    lists = {name: tuple(value) for name, value in table.items() if isinstance(value, list)}
    try:
        return Plan(**{"control": None, **table, **lists})
    except TypeError as error:
        raise UsageError(f"{path} lacks a key: {error}") from None


def source_of(
    place: str | Path | Sampled,
    plan: Plan,
    role: str,
    progress: Progress = silent,
    *,
    cutters: Cutters | None = None,
) -> Source:
    """Open the images of a set as the plan says, or their faces.

    ``cutters`` spares opening the detector for every set.

    Raises
    ------
    UsageError
        If it cannot be opened.
    InputChanged
        If the points of the faces are not what they were when the plan was made.
    """
    images: Source = (
        place
        if isinstance(place, Sampled)
        else open_source(
            place,
            format=plan.format,
            identities=plan.identities,
            limits=parse_limits(plan.limits),
            progress=progress,
        )
    )
    cutters = cutters or cutters_of(plan)
    return images if cutters is None else CutSource(images, cutters(role), progress)


def cutters_of(plan: Plan) -> Cutters | None:
    """Return what cuts the faces of every set; ``None`` where the judge sees whole images.

    Raises
    ------
    UsageError
        If the detector or the points are wrong.
    InputChanged
        If the points are not what they were when the plan was made.
    """
    if plan.landmarks is not None:
        check_same(plan.landmarks, plan.landmarks_fingerprint)
    return open_cutters(plan.detector, plan.landmarks, plan.face)


def check_same(path: str, before: str | None) -> None:
    """Refuse a file that is not what it was when the plan was made.

    Raises
    ------
    InputChanged
        If it is not.
    """
    if file_fingerprint(Path(path)) != before:
        raise InputChanged(
            f"{path} must be what the plan was made with, but its content has changed; put it "
            "back, or audit again"
        )
