"""``spolia audit`` of several sets, or under several judges."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spolia.cli.console import print_json, progress_on_stderr, say, show

if TYPE_CHECKING:
    from spolia.auditing.options import Options
    from spolia.auditing.study_result import StudyResult
    from spolia.core.study import Cell, StudiedSet

_STYLES = {"leak": "bold red", "none": "bold green"}
_COLUMNS = ("set", "judge", "images", "outcome", "exposed", "control", "flagged", "closer", "p")


@dataclass(frozen=True)
class Asked:
    """What is audited, as the command line names it."""

    train: str
    synthetic: list[str]
    control: str | None
    embedders: list[str]
    fdr: float
    seed: int


def run_study(
    asked: Asked, out: Path | None, options: "Options", *, json_output: bool, quiet: bool
) -> int:
    """Do a study, show it, and return its exit code."""
    from spolia.auditing.study import study

    with progress_on_stderr(quiet=quiet) as progress:
        result = study(
            train=asked.train,
            synthetic=asked.synthetic,
            control=asked.control,
            embedders=asked.embedders,
            fdr=asked.fdr,
            seed=asked.seed,
            out=out,
            options=options,
            progress=progress,
        )
        if out is not None:
            write_pages(result, out)
    if json_output:
        print_json(result.to_json())
    else:
        show_study(result)
        _show_where(out)
    return result.summary.exit_code


def write_pages(result: "StudyResult", folder: Path) -> None:
    """Write the page of the study and that of each of its audits."""
    for one in result.plan.sets:
        for judge in result.plan.judges:
            cell = result.plan.folder_of(folder, one, judge)
            result.cells[one.name, judge.name].report(cell / "report.html")
    result.report(folder / "report.html")


def show_study(result: "StudyResult") -> None:
    """Print the sentence, the audits side by side, and what each says."""
    summary = result.summary
    show(summary.sentence, style=_STYLES.get(summary.outcome, "bold yellow"))
    rows = [_row(one, cell) for one in summary.sets for cell in one.cells]
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
    for row in (_COLUMNS, *rows):
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        show(f"  {line.rstrip()}")
    for one in summary.sets:
        if len(summary.judges) > 1:
            if len(summary.sets) > 1:
                show(f"  {one.name}: {one.sentence}")
            _show_together(one)
        for cell in one.cells:
            show(f"  {one.name}, {cell.judge}: {cell.sentence}")
    for note in summary.notes:
        show(f"  Note: {note}")


def _row(one: "StudiedSet", cell: "Cell") -> tuple[str, ...]:
    from spolia.report.format import MISSING, out_of, p_value, thousands, visible

    images = next(part.records for part in cell.sets if part.role == "synthetic")
    start = (visible(one.name), visible(cell.judge), thousands(images), cell.outcome)
    if cell.exposed is None or cell.flagged is None or cell.lean is None:
        return (*start, *[MISSING] * 5)
    rates = (cell.exposed.train, cell.exposed.control, cell.flagged.train, cell.lean.share)
    return (*start, *map(out_of, rates), p_value(cell.lean.p))


def _show_together(one: "StudiedSet") -> None:
    from spolia.report.format import in_full, listed, thousands

    if one.together is None:
        return
    for by in one.together.named_by:
        alone = "" if len(by.judges) == len(one.cells) else " alone"
        show(f"  {one.name}: named by {listed(by.judges)}{alone}: {thousands(by.count)}")
    for pair in one.together.agreement:
        if pair.jaccard is not None:
            show(
                f"  {one.name}: {pair.first} and {pair.second} agree on {in_full(pair.jaccard)} of "
                "those that either names"
            )


def _show_where(out: Path | None) -> None:
    if out is None:
        say("  Nothing was kept: --out RUN writes the reports and the tables, and can be resumed.")
        return
    say(f"  Report: {out / 'report.html'}, and one for each audit in {out}/SET/JUDGE")
    say(f"  Check: spolia verify {out}")
