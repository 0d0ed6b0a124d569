"""What a question about identities returns, and how it is kept in a run folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spolia.auditing.identity_plan import IDENTITY, REPORT, ROLES, TABLE
from spolia.auditing.questions import asked_in, finished
from spolia.auditing.result import Quarantine, read_quarantine, write_quarantine
from spolia.core.errors import UsageError
from spolia.core.membership import IDENTITY_SCHEMA, IdentitySummary
from spolia.report.formats import Form, check
from spolia.report.identity import Named, NamedList, identity_markdown, render_identity
from spolia.report.junit import identity_junit
from spolia.report.notebook import in_frame
from spolia.report.pairs import Details, Profile
from spolia.report.summary_json import read_record, write_record
from spolia.store.atomic import atomic_file, write_text

SHOWN = 200
"""Named identities that a page lists at most."""

IDENTITIES = pa.schema(
    [
        ("set", pa.string()),
        ("identity", pa.string()),
        ("photos", pa.int64()),
        ("score", pa.float64()),
        ("p", pa.float64()),
        ("q", pa.float64()),
        ("compared", pa.int64()),
        ("nearest", pa.string()),
        ("similarity", pa.float64()),
    ]
)
"""One row per identity that is asked about or stands beside those: who is in it is personal."""


@dataclass(frozen=True, eq=False)
class IdentityResult:
    """What samples betray of whose photos were trained on."""

    summary: IdentitySummary
    """May be published: it holds no name, path or embedding."""
    identities: pa.Table
    """One row per identity: set, identity, photos, score, p, q, compared, nearest, similarity."""
    quarantine: Quarantine
    """Role, id and reason of what could not be read."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What was asked, as ``identity.toml`` says it: personal, for it names places."""

    @property
    def named(self) -> pa.Table:
        """The queries that are named at the asked rate, best first."""
        found = self.identities.filter(pc.field("q") <= self.summary.fdr)
        return found.sort_by([("p", "ascending"), ("score", "descending")])

    def to_json(self) -> str:
        """Return the publishable summary as JSON."""
        return write_record(self.summary)

    def to_html(self, profile: Profile = "public") -> str:
        """Return the report; whoever is named stands on it in the other profiles only."""
        named, details = (None, None) if profile == "public" else (self._named(), self._details())
        return render_identity(self.summary, profile=profile, named=named, details=details)

    def written(self, form: Form = "html", profile: Profile = "public") -> str:
        """Return the report in one of its forms: ``html``, ``md`` or ``junit``.

        Raises
        ------
        UsageError
            If there is no such form or profile, they do not go together, or a question has no such.
        """
        check(form, profile)
        match form:
            case "html":
                return self.to_html(profile)
            case "md":
                named = None if profile == "public" else self._named()
                return identity_markdown(self.summary, profile=profile, named=named)
            case "junit":
                return identity_junit(self.summary)
            case "summary" | "sarif":
                raise UsageError(
                    "a question about identities is written as html, md or junit, but "
                    f"{form} is of an audit; choose one of the three"
                )

    def report(self, path: str | Path, *, profile: Profile = "public", form: Form = "html") -> Path:
        """Write the report to ``path`` and return it."""
        write_text(Path(path), self.written(form, profile))
        return Path(path)

    def _repr_html_(self) -> str:
        """Show the report in a notebook, without names and in a frame of its own."""
        return in_frame(self.to_html())

    def save(self, folder: Path) -> None:
        """Write summary, table and quarantine into a run folder, each whole or not at all."""
        write_quarantine(folder, self.quarantine)
        with atomic_file(folder / TABLE) as file:
            pq.write_table(self.identities, file)
        write_text(folder / REPORT, self.to_json())

    def _named(self) -> NamedList:
        rows = self.named
        columns = ("identity", "photos", "compared", "score", "p", "q", "nearest", "similarity")
        shown = rows.select(columns).slice(0, SHOWN).to_pylist()
        return NamedList(tuple(Named(**row) for row in shown), rows.num_rows)

    def _details(self) -> Details:
        places = {role: str(self.asked[role]) for role in ROLES if self.asked.get(role)}
        return Details(locations=places, quarantine=self.quarantine)


def load_identity(folder: Path) -> IdentityResult:
    """Read the result of a finished run.

    Raises
    ------
    RunIncomplete
        If the run is not finished.
    UsageError
        If a file of it cannot be read.
    """
    asked = asked_in(folder, IDENTITY)
    finished(folder, IDENTITY, (REPORT, TABLE, "quarantine.csv"))
    try:
        text = (folder / REPORT).read_text(encoding="utf-8")
        summary = read_record(text, IdentitySummary, IDENTITY_SCHEMA)
        table = pq.read_table(folder / TABLE)
        quarantine = read_quarantine(folder)
    except (UnicodeDecodeError, pa.ArrowException, OSError) as error:
        raise UsageError(
            f"the files of {folder} cannot be read ({error}); ask again with --overwrite"
        ) from None
    return IdentityResult(summary, table, quarantine, asked)
