"""What a study returns, and how it is kept in a run folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spolia.auditing.result import AuditResult, load_result
from spolia.auditing.study_plan import StudyPlan, read_study_plan
from spolia.auditing.study_summary import summarise_set, summarise_study
from spolia.auditing.together import COMBINED, DISAGREEMENTS, Joint, combine_judges
from spolia.core.errors import RunIncomplete, UsageError
from spolia.core.study import Agreement, StudySummary, Together
from spolia.report import Profile
from spolia.report.formats import Form, check
from spolia.report.junit import render_junit
from spolia.report.markdown import study_markdown
from spolia.report.notebook import in_frame
from spolia.report.sarif import render_sarif
from spolia.report.study import render_study
from spolia.report.study_json import study_from_json, study_to_json
from spolia.store.atomic import atomic_file, write_text

_TABLES = ("combined", "disagreements")


@dataclass(frozen=True, eq=False)
class StudyResult:
    """The audits of several synthetic sets under several judges, and what they say together."""

    plan: StudyPlan
    summary: StudySummary
    cells: Mapping[tuple[str, str], AuditResult]
    """The audit of each set under each judge, by the names of both."""
    combined: Mapping[str, pa.Table]
    """By set, one row per train identity that some judge saw: identity, p and q of all judges
    together, q_any_judge, named, named_by. Empty with one judge, or without a control."""
    disagreements: Mapping[str, pa.Table]
    """By set, the identities that some judges name and some do not, one row per judge."""

    @property
    def agreement(self) -> Mapping[str, tuple[Agreement, ...]]:
        """By set, how far every two judges name the same identities."""
        return {
            one.name: () if one.together is None else one.together.agreement
            for one in self.summary.sets
        }

    def to_json(self) -> str:
        """Return the publishable summary as JSON: no image, no path, no id."""
        return study_to_json(self.summary)

    def to_html(self, profile: Profile = "public") -> str:
        """Return the report; what names identities is shown in the other profiles only."""
        lists = {name: table.to_pylist() for name, table in self.disagreements.items()}
        return render_study(self.summary, lists, profile=profile)

    def written(self, form: Form = "html", profile: Profile = "public") -> str:
        """Return the report in one of its forms.

        Raises
        ------
        UsageError
            If there is no such form or profile, they do not go together, or a study has no such.
        """
        check(form, profile)
        audits = {f"{one}/{judge}": cell for (one, judge), cell in self.cells.items()}
        match form:
            case "html":
                return self.to_html(profile)
            case "md":
                return study_markdown(self.summary)
            case "junit":
                return render_junit({name: (a.summary, a.reviewed) for name, a in audits.items()})
            case "sarif":
                pairs = {name: (a.summary, a.pairs()) for name, a in audits.items()}
                return render_sarif(pairs, profile=profile)
            case "summary":
                raise UsageError(
                    "the page for the public is of one audit; give the folder of one, "
                    f"{', '.join(audits)} under that of the study"
                )

    def report(self, path: str | Path, *, profile: Profile = "public", form: Form = "html") -> Path:
        """Write the report to ``path`` and return it."""
        write_text(Path(path), self.written(form, profile))
        return Path(path)

    def _repr_html_(self) -> str:
        """Show the report in a notebook, in a frame of its own."""
        return in_frame(self.to_html())

    def save(self, folder: Path) -> None:
        """Write summary and tables into the folder of the study, each whole or not at all."""
        for one in self.plan.sets:
            for name in _TABLES:
                with atomic_file(folder / one.folder / f"{name}.parquet") as file:
                    pq.write_table(getattr(self, name)[one.name], file)
        write_text(folder / "report.json", self.to_json())


def put_together(plan: StudyPlan, cells: Mapping[tuple[str, str], AuditResult]) -> StudyResult:
    """Make the result of a study: a pure function of its plan and its audits."""
    by_set = {
        one.name: {judge.name: cells[one.name, judge.name] for judge in plan.judges}
        for one in plan.sets
    }
    joint = {name: combine_judges(results) for name, results in by_set.items()}
    sets = tuple(
        summarise_set(name, results, _together(joint[name])) for name, results in by_set.items()
    )
    return StudyResult(
        plan=plan,
        summary=summarise_study(plan, sets, by_set[plan.sets[0].name]),
        cells=cells,
        combined={
            name: COMBINED.empty_table() if one is None else one.combined
            for name, one in joint.items()
        },
        disagreements={
            name: DISAGREEMENTS.empty_table() if one is None else one.disagreements
            for name, one in joint.items()
        },
    )


def _together(joint: Joint | None) -> Together | None:
    return None if joint is None else joint.together


def load_study(folder: Path) -> StudyResult:
    """Read the result of a finished study.

    Raises
    ------
    RunIncomplete
        If the study is not finished.
    """
    plan = read_study_plan(folder)
    try:
        summary = study_from_json((folder / "report.json").read_text(encoding="utf-8"))
        tables = {
            name: {
                one.name: pq.read_table(folder / one.folder / f"{name}.parquet")
                for one in plan.sets
            }
            for name in _TABLES
        }
    except FileNotFoundError as error:
        raise RunIncomplete(
            f"{folder} is not finished: {Path(str(error.filename)).name} is missing; run the same "
            "study again to complete it"
        ) from None
    cells = {
        (one.name, judge.name): load_result(plan.folder_of(folder, one, judge))
        for one in plan.sets
        for judge in plan.judges
    }
    return StudyResult(plan, summary, cells, tables["combined"], tables["disagreements"])
