"""What a study is asked to do: which sets, which judges, and where each audit goes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from spolia.auditing.folder import REPORTS
from spolia.auditing.plan import FILE, Plan, plan_from, read_toml, refuse_another
from spolia.auditing.stages import EMBEDDINGS, IDENTITY_FILE, STUDY_FILE
from spolia.core.errors import RunIncomplete, UsageError
from spolia.store.atomic import write_text

_TAKEN = (
    EMBEDDINGS,
    "attributes",
    "duplicates",
    "quality",
    "matches",
    FILE,
    STUDY_FILE,
    "run.json",
    "quarantine.csv",
    *REPORTS,
)
_LONGEST = 60
_OPEN = {"synthetic": "", "embedder": "", "duplicates": None}
"""What of a plan each audit of a study has for itself."""


@dataclass(frozen=True)
class Place:
    """A set or a judge of a study: what it is called, its folder, and what it is."""

    name: str
    folder: str
    given: str
    """Where the set lies, or the embedder as a plan writes it."""
    duplicates: float | None = None
    """Of a judge, the similarity from which two records count as one photo."""


@dataclass(frozen=True)
class StudyPlan:
    """Everything that decides a study's numbers, apart from the images themselves."""

    shared: Plan
    """The plan of every audit, but for its set, its judge, and what this takes for one photo."""
    sets: tuple[Place, ...]
    judges: tuple[Place, ...]

    def cell(self, one: Place, judge: Place) -> Plan:
        """Return the plan of the audit of one set under one judge."""
        return replace(
            self.shared,
            synthetic=one.given,
            embedder=judge.given,
            duplicates=judge.duplicates,
        )

    @property
    def single(self) -> bool:
        """Whether it is an audit like any other, which lies in the run folder itself."""
        return len(self.sets) == len(self.judges) == 1

    def folder_of(self, run: Path, one: Place, judge: Place) -> Path:
        """Return the run folder of the audit of one set under one judge."""
        return run if self.single else run / one.folder / judge.folder

    def to_toml(self) -> str:
        """Return the plan as TOML; ``None`` is left out."""
        table = {k: v for k, v in self.shared.to_table().items() if k not in _OPEN}
        table["sets"] = [_without_none(asdict(one)) for one in self.sets]
        table["judges"] = [_without_none(asdict(one)) for one in self.judges]
        return tomli_w.dumps(table)


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if value is not None}


def places(names: Iterable[str], given: Iterable[str]) -> tuple[Place, ...]:
    """Give every set or judge a name and a folder that no other has.

    A second one of a name gets a number; a folder holds no character that a file system or a shell
    could take for something else.

    >>> [(one.name, one.folder) for one in places(["a b", "a b", "../x"], ["1", "2", "3"])]
    [('a b', 'a-b'), ('a b 2', 'a-b-2'), ('../x', 'x')]
    """
    found: list[Place] = []
    for wanted, where in zip(names, given, strict=True):
        plain = wanted.encode("utf-8", "backslashreplace").decode() or "set"
        name = _free(plain, [one.name for one in found], " ")
        folder = _free(_slug(plain), [*_TAKEN, *(one.folder for one in found)], "-")
        found.append(Place(name, folder, where))
    return tuple(found)


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.")[:_LONGEST].rstrip("-.") or "set"


def _free(wanted: str, taken: Sequence[str], between: str) -> str:
    """Return the name, numbered from 2 where it is taken; file systems may ignore case."""
    lower = {one.lower() for one in taken}
    name, number = wanted, 2
    while name.lower() in lower:
        name, number = f"{wanted}{between}{number}", number + 1
    return name


def write_study_plan(folder: Path, plan: StudyPlan) -> None:
    """Write the plan into a study folder, or check that the one there is the same.

    Raises
    ------
    PlanMismatch
        If the folder holds another study; names what differs.
    UsageError
        If the folder holds other files and is no study.
    """
    path = folder / STUDY_FILE
    if not path.exists():
        if any(folder.iterdir()):
            raise UsageError(
                f"{folder} is not empty and not a study of spolia; choose another --out"
            )
        write_text(path, plan.to_toml())
        return
    there = read_study_plan(folder)
    refuse_another(folder, _said(there), _said(plan), "study")


def _said(plan: StudyPlan) -> dict[str, Any]:
    return asdict(plan.shared) | {name: asdict(plan)[name] for name in ("sets", "judges")}


def is_study(folder: Path) -> bool:
    """Tell whether a folder holds a study, and not a single audit."""
    return (folder / STUDY_FILE).is_file()


def audits_of(folder: Path) -> list[Path]:
    """Return the run folders of the audits of a study; of an audit, its own."""
    if not is_study(folder):
        return [folder]
    plan = read_study_plan(folder)
    return [plan.folder_of(folder, one, judge) for one in plan.sets for judge in plan.judges]


def refuse_no_audit(folder: Path, wanted: str) -> None:
    """Refuse a study, of which the audits are named, or a question, where one audit is wanted.

    Raises
    ------
    UsageError
        If the folder holds one of these.
    """
    if (folder / IDENTITY_FILE).is_file():
        raise UsageError(
            f"{wanted}, but {folder} is a run of `spolia identity`, which compares people with "
            "samples and makes no pairs; give the folder of a run of `spolia audit`"
        )
    if is_study(folder):
        audits = ", ".join(map(str, audits_of(folder)))
        raise UsageError(f"{wanted}, but {folder} is a study; its audits are {audits}")


def read_study_plan(folder: Path) -> StudyPlan:
    """Read the plan of a study.

    Raises
    ------
    RunIncomplete
        If the folder holds no study.
    UsageError
        If the plan cannot be read.
    """
    path = folder / STUDY_FILE
    try:
        table = read_toml(path)
        sets, judges = (
            tuple(_place(path, one) for one in table.pop(name)) for name in ("sets", "judges")
        )
    except FileNotFoundError:
        raise RunIncomplete(f"{folder} is not a study: it has no {STUDY_FILE}") from None
    except (TypeError, KeyError) as error:
        raise UsageError(f"{path} must have sets and judges, but: {error}") from None
    return StudyPlan(plan_from(path, _OPEN | table), sets, judges)


def _place(path: Path, table: dict[str, Any]) -> Place:
    one = Place(**table)
    # A folder is part of a path that is read and written.
    if not re.fullmatch(r"\w[\w.-]*", one.folder, re.ASCII):
        raise UsageError(f"{path} names the folder {one.folder!r}, which no study makes")
    return one
