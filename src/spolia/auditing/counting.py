"""What is counted: records set aside, near-duplicates, strata, and whether sets are comparable."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from spolia.auditing.comparable import compare_quality, notable
from spolia.auditing.described import Described
from spolia.auditing.duplicates import Found, find_duplicates
from spolia.auditing.exclude import Asked, set_aside
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.result import AuditResult
from spolia.auditing.sets import AuditSet
from spolia.auditing.strata import STRATA, Tally, by_column, by_photos
from spolia.auditing.verdict import Verdict
from spolia.core.counting import Column, Counting, Duplicates, Excluded, Stratum
from spolia.core.progress import Progress
from spolia.report.format import in_full
from spolia.stats.strata import SMALLEST_SHOWN


@dataclass(frozen=True, eq=False)
class Counted:
    """The sets that are judged, and what was done to make them so."""

    sets: dict[str, AuditSet]
    kept: dict[str, AuditSet]
    """The sets as they were searched for near-duplicates."""
    excluded: tuple[Excluded, ...]
    described: tuple[Described, ...]
    found: Found


def count_sets(
    folder: Path,
    sets: dict[str, AuditSet],
    asked: Asked,
    plan: Plan,
    options: Options,
    progress: Progress,
) -> Counted:
    """Set aside what the plan excludes, then count near-duplicates once.

    Raises
    ------
    UsageError
        If what is asked does not fit the sets, or leaves nothing of one.
    """
    kept, excluded, described = set_aside(sets, asked, plan)
    found = find_duplicates(folder, kept, plan.duplicates, options, progress)
    return Counted(found.sets, kept, excluded, described, found)


def with_counting(
    result: AuditResult, verdict: Verdict | None, counted: Counted, quality: pa.Table | None
) -> AuditResult:
    """Add what was counted to a result: a pure function of its arguments."""
    tally = _tally(result, verdict, counted.sets)
    photos: tuple[Stratum, ...] = ()
    columns: list[Column] = []
    strata = [STRATA.empty_table()]
    if tally is not None:
        photos, full = by_photos(counted.sets["train"], counted.sets["control"], tally)
        strata.append(full)
        for described in counted.described:
            if "train" in described.roles:
                for name in described.columns.names:
                    column, full = by_column(name, described, counted.sets, tally)
                    columns.append(column)
                    strata.append(full)
    counting = Counting(
        excluded=_publishable(counted.excluded),
        duplicates=counted.found.summary,
        photos=photos,
        columns=tuple(columns),
        quality=None if quality is None else compare_quality(quality),
    )
    notes = tuple(_plain(note) for note in _notes(counting))
    summary = replace(result.summary, counting=counting, notes=result.summary.notes + notes)
    found = counted.found
    tables = {
        "duplicates": found.duplicates,
        "control_seen": found.control_seen,
        "two_names": found.two_names,
        "strata": pa.concat_tables(strata),
    }
    return replace(result, summary=summary, counted=tables)


def _tally(result: AuditResult, verdict: Verdict | None, sets: dict[str, AuditSet]) -> Tally | None:
    """Return who was found, on both sides by the same threshold; ``None`` where nobody was."""
    if verdict is None or verdict.outcome != "leak" or verdict.decision.threshold is None:
        return None
    row = {name: i for i, name in enumerate(sets["train"].ids)}
    shown = {row[name] for name in result.findings["reference"].to_pylist()}
    return Tally(
        verdict.decision.found,
        verdict.contest.control_scores >= verdict.decision.threshold,
        np.array(sorted(shown), dtype=np.int64),
    )


def _publishable(excluded: tuple[Excluded, ...]) -> tuple[Excluded, ...]:
    """Name the value that was excluded only where it is a group's and not one person's."""
    total: dict[str, int] = {}
    for one in excluded:
        total[one.reason] = total.get(one.reason, 0) + one.records
    return tuple(
        one
        if total[one.reason] >= SMALLEST_SHOWN
        else replace(one, reason=one.reason.partition("=")[0])
        for one in excluded
    )


def _notes(counting: Counting) -> list[str]:
    notes = [
        f"{one.role}: {_images(one.records)} set aside as asked ({one.reason})."
        for one in counting.excluded
    ]
    if counting.duplicates is not None:
        notes += _duplicate_notes(counting.duplicates)
    if counting.quality is not None:
        notes += notable(counting.quality)
    return notes


def _duplicate_notes(found: Duplicates) -> list[str]:
    notes = [
        f"{role}: nearly everything is alike at {found.threshold:g}, so that only equal images "
        "count as near-duplicates; raise --duplicates."
        for role in found.too_many
    ]
    if found.shared is not None and found.shared.left_out:
        notes.append(
            f"{_images(found.shared.images.count)} of the control have a near-duplicate in train: "
            f"{in_full(found.shared.identities)} of its identities were seen in training. They are "
            f"left out of the control with all their images ({found.shared.left_out:,}), because "
            "they would hide leaks."
        )
    two = found.two_names
    if two is not None and two.identities.count:
        notes.append(
            f"{two.identities.count:,} of {two.identities.n:,} training identities share a photo "
            "with another: one person may be filed under two names, and would count twice."
        )
    return notes


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ")
