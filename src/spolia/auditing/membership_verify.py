"""Check a finished question about membership against the definition of truth."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spolia.auditing.identity_plan import plan_again
from spolia.auditing.identity_reference import area_reference
from spolia.auditing.membership import answer
from spolia.auditing.membership_methods import RECORDS
from spolia.auditing.membership_plan import MEMBERSHIP, REPORT, ROLES, TABLE
from spolia.auditing.membership_sets import Sides, sides_of
from spolia.auditing.options import Options
from spolia.auditing.questions import asked_in, finished
from spolia.auditing.record import Stopwatch
from spolia.auditing.result import read_quarantine
from spolia.auditing.seal import check_files, check_record, check_rows, read_run
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import reopen
from spolia.core.errors import UsageError, VerificationFailed
from spolia.core.progress import Progress, silent
from spolia.core.seeds import stream
from spolia.core.set_membership import MEMBERSHIP_SCHEMA, Method, SetMembership
from spolia.core.types import Float32, Float64, Rows
from spolia.report.summary_json import read_record
from spolia.search.reference import similarity_reference

_PAIRS = 400_000
"""Pairs that the full searches of the sampled records may cost."""
_COUNTED = 10**9
"""Pairs of records up to which areas are counted one by one."""
_MOST_SAMPLED = 50
_TOLERANCE = 1e-6
"""Some methods fit and sum, which processors do in orders of their own."""
_ROWS_PER_STEP = 8192
_MAY_DIFFER = ("packages", "version", "sentence", "notes")
"""Another version may word a sentence differently; it must not count differently."""


@dataclass(frozen=True)
class MembershipVerification:
    """What was checked, all of it found equal."""

    files: int
    """Files whose digest is that of the run."""
    records: int
    """Records whose nearest samples and reference were searched again, exhaustively."""
    pairs: int
    """Pairs these searches compared."""
    areas: int
    """Methods whose area was counted again, pair by pair."""
    methods: int
    """Methods that were computed again from the sets, and decided upon."""


def verify_membership(
    folder: Path, *, seed: int = 0, progress: Progress = silent
) -> MembershipVerification:
    """Recompute what set-only methods said of a synthetic set, and compare.

    Four checks: every file is what the run left; of randomly drawn records the distances to their
    nearest samples and reference by a full scan, bit by bit, and the scores that follow from these;
    areas and the correction of p by plain counting; and table and summary as a whole, made again
    from the sets, to 1e-6.

    Raises
    ------
    VerificationFailed
        If anything differs; names the first difference.
    RunIncomplete
        If the run is not finished or its embeddings are gone.
    """
    asked = asked_in(folder, MEMBERSHIP)
    finished(folder, MEMBERSHIP, (REPORT, TABLE, "quarantine.csv"))
    record = read_run(folder)
    files = check_files(folder, record)
    said, table = _load(folder)
    areas = _check_areas(said, table)
    _check_correction(said.methods, said.level)
    plan = plan_again(folder, MEMBERSHIP, {**asked, "fdr": asked.get("level")})
    places = {role: asked.get(role) for role in ROLES}
    sets = reopen(folder, places, embedded=plan.embedder != "precomputed")
    check_rows(sets, record)
    check_record(said, record, REPORT)
    options = Options()
    with TemporaryDirectory() as elsewhere:
        watch = Stopwatch(progress)
        again = answer(Path(elsewhere), sets, plan, said.level, options, watch)
        sides = sides_of(Path(elsewhere), sets, plan.duplicates, plan.seed, options, silent)
    records, pairs = _check_records(sides, sets["synthetic"], table, seed, watch.staged("verify"))
    _check_table(table, again.records)
    _check_summary(said, again.summary)
    if again.quarantine != read_quarantine(folder):
        raise VerificationFailed("quarantine.csv does not follow from the sets of the run")
    return MembershipVerification(files, records, pairs, areas, len(said.methods))


def _load(folder: Path) -> tuple[SetMembership, pa.Table]:
    try:
        text = (folder / REPORT).read_text(encoding="utf-8")
        return read_record(text, SetMembership, MEMBERSHIP_SCHEMA), pq.read_table(folder / TABLE)
    except (UnicodeDecodeError, pa.ArrowException, OSError) as error:
        raise UsageError(
            f"the files of {folder} cannot be read ({error}); ask again with --overwrite"
        ) from None


def _check_records(
    sides: Sides, samples: AuditSet, table: pa.Table, seed: int, progress: Progress
) -> tuple[int, int]:
    """Search what is nearest to some records again, and score them by the definition."""
    each = len(samples) + len(sides.reference)
    count = min(_MOST_SAMPLED, table.num_rows, max(1, _PAIRS // each))
    drawn = stream(seed, "verify", "records").permutation(table.num_rows)[:count]
    both = {"train": sides.train, "held-out": sides.held_out}
    places = {role: {name: i for i, name in enumerate(one.ids)} for role, one in both.items()}
    for done, row in enumerate(table.take(drawn).to_pylist(), start=1):
        place = places.get(row["set"], {}).get(row["id"])
        if place is None:
            raise VerificationFailed(f"{row['id']} is not in {row['set']}, but {TABLE} says so")
        record = both[row["set"]].rows[place : place + 1][0]
        first, second = np.sort(_distances(record, samples.rows))[:2].tolist()
        beside = float(_distances(record, sides.reference.rows).min())
        truth = {
            "gan_leaks": -first,
            "gan_leaks_calibrated": beside - first,
            "distance_ratio": 1.0 - first / second if second > 0.0 else 0.0,
        }
        for name, score in truth.items():
            if row[name] != score:
                raise VerificationFailed(
                    f"{name} of {row['id']} in {row['set']} is {score!r}, but {TABLE} says "
                    f"{row[name]!r}"
                )
        progress("verify", done, count)
    return count, count * each


def _distances(record: Float32, rows: Rows) -> Float64:
    similarity = np.array(
        [
            similarity_reference(record, row)
            for start in range(0, rows.shape[0], _ROWS_PER_STEP)
            for row in rows[start : start + _ROWS_PER_STEP]
        ]
    )
    return np.sqrt(np.maximum(2.0 - 2.0 * similarity, 0.0))


def _check_areas(said: SetMembership, table: pa.Table) -> int:
    """Count the area of every score of records again; none where these are too many."""
    member = np.array([one == "train" for one in table["set"].to_pylist()], dtype=np.bool_)
    areas = {one.name: one.value.value for one in said.methods}
    pairs = int(member.sum()) * int((~member).sum())
    if not areas or pairs > _COUNTED:
        return 0
    if not pairs:
        raise VerificationFailed(f"{TABLE} has no record of train, or none of what was held out")
    for name, about in RECORDS.items():
        score = table[name].to_numpy()
        truth = area_reference(score[member], score[~member])
        if abs(areas[about.name] - truth) > _TOLERANCE:
            raise VerificationFailed(
                f"the area of {about.name} is {truth!r}, but {REPORT} says {areas[about.name]!r}"
            )
    return len(RECORDS)


def _check_correction(methods: tuple[Method, ...], level: float) -> None:
    """Correct the p of all methods again (Holm), and see that the verdicts follow."""
    so_far = 0.0
    for place, one in enumerate(sorted(methods, key=lambda one: one.p)):
        so_far = max(so_far, min(1.0, (len(methods) - place) * one.p))
        if abs(one.p_adjusted - so_far) > _TOLERANCE:
            raise VerificationFailed(
                f"the corrected p of {one.name} is {so_far!r}, but {REPORT} says {one.p_adjusted!r}"
            )
        if (one.verdict == "sees a leak") != (one.p_adjusted <= level):
            raise VerificationFailed(
                f"{one.name} has a corrected p of {one.p_adjusted!r}, at a level of {level:g}, and "
                f"{REPORT} says that it {one.verdict}"
            )


def _check_table(there: pa.Table, here: pa.Table) -> None:
    if there.schema != here.schema or there.num_rows != here.num_rows:
        raise VerificationFailed(f"{TABLE} does not follow from the sets of the run")
    for name in here.column_names:
        if _differs(there[name].to_pylist(), here[name].to_pylist()):
            raise VerificationFailed(f"{name} in {TABLE} does not follow from the sets of the run")


def _check_summary(there: SetMembership, here: SetMembership) -> None:
    same = there.version == here.version
    left_out = _MAY_DIFFER[:1] if same else _MAY_DIFFER
    said, truth = asdict(there), asdict(here)
    for name, value in truth.items():
        if name not in left_out and _differs(said[name], value):
            raise VerificationFailed(
                f"{REPORT} says {name} = {said[name]!r}, but the sets of the run give {value!r}"
            )


def _differs(there: Any, here: Any) -> bool:
    """Tell whether two values differ, in numbers by more than processors do."""
    if isinstance(there, float) and isinstance(here, float):
        return not math.isclose(there, here, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        return there.keys() != here.keys() or any(_differs(there[one], here[one]) for one in here)
    if isinstance(there, list | tuple) and isinstance(here, list | tuple):
        return len(there) != len(here) or any(map(_differs, there, here))
    return bool(there != here)
