"""The run folder of a question: what was asked, once, and the files that answer it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from spolia.auditing.plan import read_toml, refuse_another
from spolia.core.errors import RunIncomplete, UsageError
from spolia.store.atomic import make_private, write_text


@dataclass(frozen=True)
class Question:
    """A command that asks something, by the files of its folder."""

    command: str
    file: str
    """What is asked."""
    answers: tuple[str, ...]
    """Files of an answer, which must not stand beside another one."""


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
        refuse_another(folder, dict.fromkeys(asked) | read_toml(path), asked, "question")
    elif any(folder.iterdir()):
        raise UsageError(
            f"{folder} is not empty and no run of `{question.command}`; choose another --out"
        )
    else:
        said = {name: value for name, value in asked.items() if value is not None}
        write_text(path, tomli_w.dumps(said))
    for name in question.answers:
        (folder / name).unlink(missing_ok=True)


def asked_in(folder: Path, question: Question) -> dict[str, Any]:
    """Read what a run folder was asked.

    Raises
    ------
    RunIncomplete
        If it is no run of the question's command.
    UsageError
        If it cannot be read.
    """
    path = folder / question.file
    try:
        return read_toml(path)
    except FileNotFoundError:
        raise RunIncomplete(
            f"{folder} is no run of `{question.command}`: it has no {path.name}"
        ) from None


def finished(folder: Path, question: Question, names: Sequence[str]) -> None:
    """Refuse a run folder in which an answer is missing.

    Raises
    ------
    RunIncomplete
        Naming the first of ``names`` that is not there.
    """
    for name in names:
        if not (folder / name).is_file():
            raise RunIncomplete(
                f"{folder} is not finished: {name} is missing; run the same `{question.command}` "
                "again to complete it"
            )
