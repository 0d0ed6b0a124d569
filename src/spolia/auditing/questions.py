"""The run folder of a question: what was asked, once, and the files that answer it."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from spolia.auditing.plan import refuse_another
from spolia.core.errors import UsageError
from spolia.store.atomic import make_private, write_text


def begin(
    folder: Path, asked: Mapping[str, Any], *, file: str, command: str, answers: Sequence[str]
) -> None:
    """Write what is asked, or check that it is what the folder was made with.

    Parameters
    ----------
    folder
        The run folder.
    asked
        All that decides the answer.
    file
        What is asked is written there.
    command
        How the command is called, for messages.
    answers
        Files of an earlier answer, which must not stand beside this one.

    Raises
    ------
    PlanMismatch
        If the folder holds another question.
    UsageError
        If it holds something else.
    """
    make_private(folder)
    path = folder / file
    if path.exists():
        try:
            there = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read as TOML: {error}") from None
        refuse_another(folder, dict.fromkeys(asked) | there, asked, "question")
    elif any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty and no run of `{command}`; choose another --out")
    else:
        said = {name: value for name, value in asked.items() if value is not None}
        write_text(path, tomli_w.dumps(said))
    for name in answers:
        (folder / name).unlink(missing_ok=True)
