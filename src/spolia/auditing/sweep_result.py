"""What a study of models returns, and its folder read again."""

from dataclasses import dataclass
from pathlib import Path

from spolia.auditing.stages import SWEEP_FILE
from spolia.core.errors import RunIncomplete, UsageError
from spolia.core.sweep import SWEEP_SCHEMA, SweepSummary
from spolia.report.formats import Form, check
from spolia.report.notebook import in_frame
from spolia.report.pairs import Profile
from spolia.report.summary_json import read_record, write_record
from spolia.report.sweep import render_sweep
from spolia.store.atomic import write_text

REPORT, PAGE = "sweep.json", "report.html"


@dataclass(frozen=True)
class SweepResult:
    """How exposure changes with what models are trained on."""

    summary: SweepSummary
    """May be published: it holds no name, path or embedding."""

    def to_json(self) -> str:
        """Return the publishable summary as JSON."""
        return write_record(self.summary)

    def to_html(self) -> str:
        """Return the report as a page without names."""
        return render_sweep(self.summary)

    def report(self, path: str | Path, *, profile: Profile = "public", form: Form = "html") -> Path:
        """Write the report to ``path`` and return it.

        Raises
        ------
        UsageError
            If another form or profile is asked for than the public page.
        """
        check(form, profile)
        if (form, profile) != ("html", "public"):
            raise UsageError(
                "a study of models has one report, the public page in html, but asked for is "
                f"{form}, {profile}; leave format and profile out"
            )
        write_text(Path(path), self.to_html())
        return Path(path)

    def _repr_html_(self) -> str:
        """Show the report in a notebook, in a frame of its own."""
        return in_frame(self.to_html())


def is_sweep(folder: Path) -> bool:
    """Tell whether a folder holds a study of models."""
    return (folder / SWEEP_FILE).is_file()


def load_sweep(folder: Path) -> SweepResult:
    """Read the result of a finished study of models.

    Raises
    ------
    RunIncomplete
        If it is not finished.
    UsageError
        If its summary cannot be read.
    """
    try:
        text = (folder / REPORT).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RunIncomplete(
            f"{folder} is not finished: {REPORT} is missing; run the same `spolia study` again"
        ) from None
    return SweepResult(read_record(text, SweepSummary, SWEEP_SCHEMA, "study of models"))
