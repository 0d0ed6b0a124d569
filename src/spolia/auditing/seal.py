"""Digests of what a run left, by which a byte that changed since is noticed before it is read."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spolia.auditing import identity_plan, membership_plan
from spolia.auditing.generating import SAMPLES
from spolia.auditing.record import RUN
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import EMBEDDINGS, IDENTITY_FILE, MEMBERSHIP_FILE
from spolia.core.errors import RunIncomplete, VerificationFailed
from spolia.core.membership import IdentitySummary
from spolia.core.set_membership import SetMembership
from spolia.store.shards import name_digest

_SEALED = (
    *(IDENTITY_FILE, identity_plan.REPORT, identity_plan.TABLE, SAMPLES),
    *(MEMBERSHIP_FILE, membership_plan.REPORT, membership_plan.TABLE, membership_plan.PAGE),
    "quarantine.csv",
)
_ROWS_PER_STEP = 8192
_BYTES_PER_STEP = 1 << 20


def digests_of(folder: Path, sets: Mapping[str, AuditSet]) -> dict[str, dict[str, str]]:
    """Return digests of the files of a run, and of the rows and names of its sets.

    The rows count as well, because the embeddings of a set may lie elsewhere.
    """
    return {
        "files": {name: _of_file(folder / name) for name in _files(folder)},
        "rows": {role: _of_rows(one) for role, one in sets.items()},
    }


def read_run(folder: Path) -> dict[str, Any]:
    """Read ``run.json``.

    Raises
    ------
    RunIncomplete
        If there is none.
    VerificationFailed
        If it is no JSON object.
    """
    path = folder / RUN
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunIncomplete(
            f"{folder} is not finished: {RUN} is missing; ask the same question again"
        ) from None
    except ValueError as error:
        raise VerificationFailed(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(record, dict):
        raise VerificationFailed(f"{path} must be a JSON object, but is none")
    return record


def check_files(folder: Path, said: Mapping[str, Any]) -> int:
    """Refuse a run whose files are not those that it left; return how many there are.

    Raises
    ------
    RunIncomplete
        If embeddings are missing.
    VerificationFailed
        If a file differs, is missing or is new.
    """
    files = said.get("files")
    if not isinstance(files, dict):
        raise VerificationFailed(f"{folder / RUN} must say the digests of files, but does not")
    there = set(_files(folder))
    gone = sorted(set(files) - there)
    if gone and all(name.startswith((EMBEDDINGS, SAMPLES)) for name in gone):
        raise RunIncomplete(
            f"{folder} holds no embeddings any more (first: {gone[0]}), and without them nothing "
            "can be computed again; ask the same question again"
        )
    for name in sorted(there | set(files)):
        found = _of_file(folder / name) if name in there else None
        if files.get(name) != found:
            raise VerificationFailed(
                f"{name} is not what the run left: its digest is {found}, {RUN} says "
                f"{files.get(name)}"
            )
    return len(files)


def check_rows(sets: Mapping[str, AuditSet], said: Mapping[str, Any]) -> None:
    """Refuse embeddings that are not those of the run.

    Raises
    ------
    VerificationFailed
        If they differ.
    """
    rows = {role: _of_rows(one) for role, one in sets.items()}
    if rows != said.get("rows"):
        raise VerificationFailed(
            f"the embeddings are not those of the run: their digests are {rows}, {RUN} says "
            f"{said.get('rows')}"
        )


def check_record(
    summary: IdentitySummary | SetMembership, said: Mapping[str, Any], report: str
) -> None:
    """Refuse a run whose ``run.json`` says other inputs than its summary, which is ``report``.

    Raises
    ------
    VerificationFailed
        If they differ.
    """
    wanted = {
        "seed": summary.seed,
        "inputs": {one.role: one.fingerprint for one in summary.sets},
        "packages": dict(summary.packages),
    }
    for name, value in wanted.items():
        if said.get(name) != value:
            raise VerificationFailed(
                f"{RUN} says {name} = {said.get(name)!r}, but {report} {value!r}"
            )


def _files(folder: Path) -> Iterator[str]:
    yield from (name for name in _SEALED if (folder / name).is_file())
    for path in sorted((folder / EMBEDDINGS).rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _of_file(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while piece := file.read(_BYTES_PER_STEP):
            digest.update(piece)
    return digest.hexdigest()


def _of_rows(one: AuditSet) -> str:
    names = [one.identities[i] for i in one.identity.tolist()]
    digest = hashlib.blake2b(name_digest([*one.ids, *names]).encode(), digest_size=32)
    for start in range(0, len(one), _ROWS_PER_STEP):
        digest.update(np.ascontiguousarray(one.rows[start : start + _ROWS_PER_STEP]).tobytes())
    return digest.hexdigest()
