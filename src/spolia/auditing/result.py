"""What an audit returns, and how it is kept in a run folder."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from spolia.auditing.codes import read_key
from spolia.auditing.pictures import Pictures, UInt8
from spolia.auditing.plan import Plan, read_plan, source_of
from spolia.auditing.reviewed import read_review
from spolia.core.errors import RunIncomplete, UsageError
from spolia.core.progress import Progress, silent
from spolia.core.rates import Rate
from spolia.core.results import NegativeControl, Summary
from spolia.core.review import Reviewed
from spolia.embedding.copies import Canvas, difference_image, register
from spolia.report import Details, Pair, Profile, from_json, render_html, to_json
from spolia.report.formats import Form, check
from spolia.report.html import render_summary
from spolia.report.junit import render_junit
from spolia.report.markdown import render_markdown
from spolia.report.notebook import in_frame
from spolia.report.pairs import code
from spolia.report.sarif import render_sarif
from spolia.sources import Source
from spolia.store.atomic import atomic_file, write_text

SHOWN = 200
"""Pairs a report shows at most."""

OTHERS = 3
"""Other training images of an identity that stand beside a pair at most."""

Quarantine = tuple[tuple[str, str, str], ...]
"""Images that could not be read: role, id, reason."""

_COUNTED = ("duplicates", "control_seen", "two_names", "strata")
_TABLES = ("findings", "identities", "ranking", "evidence")


@dataclass(frozen=True, eq=False)
class AuditResult:
    """The verdict of one audit with its tables."""

    plan: Plan
    summary: Summary
    findings: pa.Table
    """One row per synthetic record that shows an exposed identity: query, reference, identity,
    similarity, control_similarity, p, q, kind. Empty where nothing was found."""
    identities: pa.Table
    """One row per exposed identity."""
    ranking: pa.Table
    """The closest pairs, without any verdict; p and q are null."""
    quarantine: Quarantine
    evidence: pa.Table
    """One row per train and control identity that won a synthetic record: set, identity,
    score, and for train p and q."""
    counted: Mapping[str, pa.Table] = field(default_factory=dict)
    """What was counted, by name: ``duplicates``, ``control_seen``, ``two_names``, ``strata``."""
    key: bytes | None = field(default=None, repr=False)
    """Of the codes that a public page has in the place of ids; ``None``: it has none."""
    reviewed: Reviewed | None = None
    """What people said who looked at a sample of pairs; ``None``: nobody has."""

    @property
    def rates(self) -> Mapping[str, Rate]:
        """The rates by name: exposed, flagged (each with the control's) and closer_to_train."""
        named = {}
        for name, pair in (("exposed", self.summary.exposed), ("flagged", self.summary.flagged)):
            if pair is not None:
                named[name] = pair.train
                named[f"{name}_control"] = pair.control
        if self.summary.lean is not None:
            named["closer_to_train"] = self.summary.lean.share
        return named

    @property
    def negative_control(self) -> NegativeControl | None:
        """The decision repeated inside the control; ``None`` without one."""
        return self.summary.negative_control

    def to_json(self) -> str:
        """Return the publishable summary as JSON: no image, no path, no id."""
        return to_json(self.summary)

    def to_html(self, profile: Profile = "public") -> str:
        """Return the report; images are read again from the sets, and only for other profiles."""
        if profile == "public":
            pairs = self.pairs()
            return render_html(self.summary, pairs, profile=profile, reviewed=self.reviewed)
        plan = self.plan
        opened = {role: self.images(role) for role in ("synthetic", "train")}
        pictures = {role: Pictures(one) for role, one in opened.items() if one is not None}
        uris = {"train": plan.train, "control": plan.control, "synthetic": plan.synthetic}
        details = Details(
            locations={role: uri for role, uri in uris.items() if uri is not None},
            quarantine=self.quarantine,
            plan=plan.to_toml(),
        )
        return render_html(
            self.summary,
            self.pairs(pictures),
            profile=profile,
            details=details,
            reviewed=self.reviewed,
        )

    def written(self, form: Form = "html", profile: Profile = "public") -> str:
        """Return the report in one of its forms.

        Raises
        ------
        UsageError
            If there is no such form or profile, or they do not go together.
        """
        check(form, profile)
        match form:
            case "html":
                return self.to_html(profile)
            case "summary":
                return render_summary(self.summary, self.reviewed)
            case "md":
                return render_markdown(
                    self.summary, self.pairs(), profile=profile, reviewed=self.reviewed
                )
            case "junit":
                return render_junit({"audit": (self.summary, self.reviewed)})
            case "sarif":
                return render_sarif({"audit": (self.summary, self.pairs())}, profile=profile)

    def report(self, path: str | Path, *, profile: Profile = "public", form: Form = "html") -> Path:
        """Write the report to ``path`` and return it."""
        write_text(Path(path), self.written(form, profile))
        return Path(path)

    def _repr_html_(self) -> str:
        """Show the report in a notebook, without images and in a frame of its own."""
        return in_frame(self.to_html())

    def images(self, role: str, progress: Progress = silent) -> Source | None:
        """Open the images that were audited as ``train``, ``control`` or ``synthetic``, or faces.

        They are read once as a whole, to know that they are the same. ``None`` where a set was
        given as embeddings.

        Raises
        ------
        UsageError
            If the set no longer holds the images that were audited.
        """
        if self.plan.embedder == "precomputed":
            return None
        uri = str(getattr(self.plan, role))
        source = source_of(uri, self.plan, role, progress)
        audited = next(one.fingerprint for one in self.summary.sets if one.role == role)
        if source.fingerprint != audited:
            raise UsageError(
                f"{uri} no longer holds the images that were audited as {role}: the pairs would be "
                "shown with other images; put them back, or audit again"
            )
        return source

    def pairs(self, pictures: Mapping[str, Pictures] = MappingProxyType({})) -> list[Pair]:
        """Return the pairs that a report shows, with pictures of the roles that are given."""
        rows = self.findings if self.findings.num_rows else self.ranking
        if self.findings.num_rows == 0 and self.summary.outcome != "no verdict":
            return []
        shown = rows.slice(0, SHOWN).to_pylist()
        return [self._pair(number, row, pictures) for number, row in enumerate(shown, start=1)]

    def _pair(self, number: int, row: Mapping[str, Any], pictures: Mapping[str, Pictures]) -> Pair:
        query, reference = (
            pictures[role].image(row[name]) if role in pictures else None
            for role, name in (("synthetic", "query"), ("train", "reference"))
        )
        view, difference = difference_of(row["kind"], query, reference)
        others = pictures["train"].others(row["reference"], OTHERS) if "train" in pictures else ()
        return Pair(
            number=number,
            similarity=row["similarity"],
            control_similarity=row["control_similarity"],
            score=row["score"],
            p=row["p"],
            q=row["q"],
            kind=row["kind"],
            query=row["query"],
            reference=row["reference"],
            identity=row["identity"],
            query_code=self._code("synthetic", row["query"]),
            reference_code=self._code("train", row["reference"]),
            query_image=query,
            reference_image=reference,
            difference_image=difference,
            others=others,
            view=view,
        )

    def _code(self, role: str, name: str) -> str | None:
        return None if self.key is None else code(self.key, role, name)

    def save(self, folder: Path) -> None:
        """Write summary, tables and quarantine into a run folder, each file whole or not at all."""
        for name in _TABLES:
            with atomic_file(folder / f"{name}.parquet") as file:
                pq.write_table(getattr(self, name), file)
        for name, table in self.counted.items():
            with atomic_file(folder / f"{name}.parquet") as file:
                pq.write_table(table, file)
        write_quarantine(folder, self.quarantine)
        write_text(folder / "report.json", self.to_json())


def load_result(folder: Path) -> AuditResult:
    """Read the result of a finished run.

    Raises
    ------
    RunIncomplete
        If the run is not finished.
    """
    plan = read_plan(folder)
    try:
        summary = from_json((folder / "report.json").read_text(encoding="utf-8"))
        findings, identities, ranking, evidence = (
            pq.read_table(folder / f"{name}.parquet") for name in _TABLES
        )
        quarantine = read_quarantine(folder)
    except FileNotFoundError as error:
        raise RunIncomplete(
            f"{folder} is not finished: {Path(str(error.filename)).name} is missing; run the same "
            "`spolia audit` again to complete it"
        ) from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"the tables of {folder} must be text in UTF-8, but are not ({error}); run the audit "
            "again with --overwrite"
        ) from None
    paths = {name: folder / f"{name}.parquet" for name in _COUNTED}
    counted = {name: pq.read_table(path) for name, path in paths.items() if path.exists()}
    return AuditResult(
        plan,
        summary,
        findings,
        identities,
        ranking,
        quarantine,
        evidence,
        counted,
        read_key(folder),
        read_review(folder),
    )


def write_quarantine(folder: Path, quarantine: Quarantine) -> None:
    """Write ``quarantine.csv``: set, id and reason of every image that could not be read."""
    text = io.StringIO()
    writer = csv.writer(text)  # its usual line ends: with others it leaves a bare \r unquoted
    writer.writerow(("set", "id", "reason"))
    writer.writerows([[cell(value) for value in row] for row in quarantine])
    write_text(folder / "quarantine.csv", text.getvalue())


def read_quarantine(folder: Path) -> Quarantine:
    """Read ``quarantine.csv``."""
    with (folder / "quarantine.csv").open(encoding="utf-8", newline="") as file:
        rows = [[_uncelled(value) for value in row] for row in list(csv.reader(file))[1:]]
    return tuple((role, name, reason) for role, name, reason in rows)


def cell(value: str) -> str:
    """Keep a spreadsheet from running a file name as a formula.

    A name that begins with the same mark gets it as well, so that it can be told on reading.
    """
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r", "'")) else value


def _uncelled(cell: str) -> str:
    """Undo `cell`."""
    return cell.removeprefix("'")


def difference_of(
    kind: str, query: UInt8 | None, reference: UInt8 | None
) -> tuple[str | None, UInt8 | None]:
    """Return how a copy was laid over its original, and what differs; nothing of other pairs."""
    if kind not in ("photo copy", "near duplicate") or query is None or reference is None:
        return None, None
    laid = register(Canvas(query), Canvas(reference))
    return str(laid.view), difference_image(laid)
