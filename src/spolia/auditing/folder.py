"""The run folder before a run: whose it is, and what an earlier run left in it."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from spolia.auditing.plan import Plan, write_plan
from spolia.auditing.stages import RUN_FILES
from spolia.core.errors import UsageError
from spolia.report.formats import every_file
from spolia.store.atomic import make_private

REPORTS = ("report.json", "review.json", *every_file())

DECISIONS = "decisions.jsonl"
"""What reviewers said; made by people, and by nothing else again."""


@contextmanager
def run_folder(
    out: str | Path | None, places: Sequence[str | None], *, overwrite: bool
) -> Iterator[Path]:
    """Give the folder of a run, emptied if it is to be overwritten; a passing one without ``out``.

    ``places`` are what the run is about to read, which is never deleted.

    Raises
    ------
    UsageError
        If the folder to overwrite is no run, or holds one of the places.
    """
    if out is None:
        with TemporaryDirectory(prefix="spolia-") as temporary:
            yield Path(temporary)
        return
    folder = Path(out)
    if overwrite and folder.exists():
        _check_own(folder, places)
        _empty(folder)
    make_private(folder)
    yield folder


def begin_run(folder: Path, plan: Plan) -> None:
    """Write the plan, or check that it is the one there, and remove what an earlier run said."""
    make_private(folder)
    write_plan(folder, plan)
    remove_reports(folder)


def remove_reports(folder: Path) -> None:
    """Remove reports: what an earlier run said must not stand beside what this one finds."""
    for name in REPORTS:
        (folder / name).unlink(missing_ok=True)


def _empty(folder: Path) -> None:
    """Delete what is in a folder and keep the folder: it may be a link, or where we stand."""
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def _check_own(folder: Path, places: Sequence[str | None]) -> None:
    """Refuse to delete what is no run, or what the audit itself is about to read."""
    own = any((folder / name).exists() for name in RUN_FILES)
    if not own and any(folder.iterdir()):
        raise UsageError(f"--overwrite refused: {folder} is not a run of spolia")
    said = next(folder.rglob(DECISIONS), None)
    if said is not None:
        raise UsageError(
            f"--overwrite refused: {said} holds what reviewers said and would be deleted; move it "
            "elsewhere first, or choose another --out"
        )
    for place in places:
        # Sets and cards are absolute paths; what is given as an array or by a name is not.
        if place is None or not Path(place).is_absolute():
            continue
        if Path(place).resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                f"--overwrite refused: {place} lies inside {folder} and would be deleted with it; "
                "choose another --out"
            )
