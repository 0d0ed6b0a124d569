"""Check a finished run against the definition of truth."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spolia.auditing.attributes import asked_again
from spolia.auditing.chance import meet_strangers
from spolia.auditing.comparable import read_quality
from spolia.auditing.comparisons import check_comparisons, read_comparisons
from spolia.auditing.counting import Counted, count_sets, with_counting
from spolia.auditing.decision import judge_matches
from spolia.auditing.exclude import read_asked
from spolia.auditing.instruments import instruments_again, with_instruments
from spolia.auditing.kinds import with_kinds
from spolia.auditing.match import part_rows_of
from spolia.auditing.matching import match_all
from spolia.auditing.options import Options
from spolia.auditing.result import AuditResult, load_result
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import reopen_all, study_of
from spolia.auditing.told import told_again
from spolia.core.errors import RunIncomplete, VerificationFailed
from spolia.core.progress import Progress, silent
from spolia.core.results import Summary
from spolia.core.seeds import stream
from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.search.reference import similarity_reference

_PAIRS = 400_000
"""Pairs the full searches of the sampled records may cost; about 20 µs each."""
_ALIKE_PAIRS = 20_000
"""The same for each of the three searches for near-duplicates."""
_MOST_SAMPLED = 50
_ROWS_PER_STEP = 8192


@dataclass(frozen=True)
class Verification:
    """What was checked, all of it found equal."""

    findings: int
    """Findings whose similarity was computed again by the reference."""
    searched: int
    """Synthetic records whose nearest records were searched again, exhaustively."""
    pairs: int
    """Pairs these searches compared."""
    identities: int
    """Train identities on which the decision was made again from the matches."""
    compared: int
    """Pairs of images that were compared again; 0 where the images are no longer there."""


def verify(folder: Path, *, seed: int = 0, progress: Progress = silent) -> Verification:
    """Recompute a run's findings by the reference and compare every bit.

    Five checks: the near-duplicates of some records by a full scan; the similarity of every
    finding; the nearest train and control record of randomly drawn synthetic records by a full
    scan; the whole result, made again from the matches and the compared pairs; and some of those
    pairs, where the images are still there.

    Raises
    ------
    VerificationFailed
        If anything differs; names the first difference.
    RunIncomplete
        If the run is not finished or its embeddings are gone.
    """
    result = load_result(folder)
    plan = result.plan
    reopened = reopen_all(folder, plan)
    parts = study_of(folder) or folder
    asked = asked_again(folder, plan, read_asked(plan))
    asked = replace(asked, told=told_again(folder))
    counted = count_sets(parts, reopened, asked, plan, Options(), silent)
    sets = counted.sets
    _check_alike(counted, seed)
    _check_fingerprints(result, sets)
    matches = _Matches(folder, sets)
    _check_findings(result, sets)
    searched, pairs = _check_nearest(sets, matches, seed, progress)
    options = Options(part_rows=part_rows_of(folder / "matches"))
    matched = match_all(folder, sets, plan, options, silent)
    met = meet_strangers(sets, plan, options, silent)
    matched = replace(matched, met=met)
    compared, quality = read_comparisons(folder), read_quality(folder)
    truth = with_counting(*judge_matches(sets, plan, matched), counted, quality)
    truth = with_instruments(truth, instruments_again(result.summary, reopened), quality)
    again = check_comparisons(
        compared,
        plan,
        sets,
        truth.findings,
        matched.control.to_control if matched.control else None,
        seed=seed,
    )
    _check_result(result, with_kinds(truth, sets, matched, compared))
    identities = len(sets["train"].identities) if "control" in sets else 0
    return Verification(result.findings.num_rows, searched, pairs, identities, again)


class _Matches:
    """The nearest record of each set for every synthetic record, read from ``matches.parquet``."""

    def __init__(self, folder: Path, sets: dict[str, AuditSet]) -> None:
        path = folder / "matches.parquet"
        if not path.exists():
            raise RunIncomplete(f"{folder} has no matches.parquet; run the audit again")
        table = pq.read_table(path, filters=pc.field("rank") == 1)
        row_of = {name: i for i, name in enumerate(sets["synthetic"].ids)}
        self.similarity: dict[str, Float64] = {}
        self.reference: dict[str, Int64] = {}
        for role, one in sets.items():
            if role == "synthetic":
                continue
            side = table.filter(pc.field("set") == role)
            number = {name: i for i, name in enumerate(one.ids)}
            rows = np.array([row_of[name] for name in side["query"].to_pylist()], dtype=np.int64)
            if rows.size != len(row_of):
                raise VerificationFailed(
                    f"matches.parquet has {rows.size} nearest {role} records for "
                    f"{len(row_of)} synthetic records"
                )
            self.similarity[role] = np.empty(rows.size)
            self.reference[role] = np.empty(rows.size, dtype=np.int64)
            self.similarity[role][rows] = side["similarity"].to_numpy()
            self.reference[role][rows] = [number[name] for name in side["reference"].to_pylist()]


def _check_fingerprints(result: AuditResult, sets: dict[str, AuditSet]) -> None:
    for one in result.summary.sets:
        if sets[one.role].summary.fingerprint != one.fingerprint:
            raise VerificationFailed(
                f"the embeddings of {one.role} are not those of the report: their fingerprint is "
                f"{sets[one.role].summary.fingerprint}, the report says {one.fingerprint}"
            )


def _check_findings(result: AuditResult, sets: dict[str, AuditSet]) -> None:
    query_of = {name: i for i, name in enumerate(sets["synthetic"].ids)}
    reference_of = {name: i for i, name in enumerate(sets["train"].ids)}
    for row in result.findings.to_pylist():
        truth = _similarity(
            sets["synthetic"].rows,
            query_of[row["query"]],
            sets["train"].rows,
            reference_of[row["reference"]],
        )
        if truth != row["similarity"]:
            raise VerificationFailed(
                f"{row['query']} and {row['reference']} have similarity {truth!r}, but the "
                f"findings say {row['similarity']!r}"
            )


def _similarity(query: Rows, i: int, base: Rows, j: int) -> float:
    return similarity_reference(query[i : i + 1][0], base[j : j + 1][0])


def _check_nearest(
    sets: dict[str, AuditSet], matches: _Matches, seed: int, progress: Progress
) -> tuple[int, int]:
    sides = {role: one for role, one in sets.items() if role != "synthetic"}
    width = sum(len(one) for one in sides.values())
    count = min(_MOST_SAMPLED, len(sets["synthetic"]), max(1, _PAIRS // width))
    sampled = stream(seed, "verify").permutation(len(sets["synthetic"]))[:count]
    for done, i in enumerate(sampled.tolist(), start=1):
        query = sets["synthetic"].rows[i : i + 1][0]
        for role, one in sides.items():
            truth = np.array([similarity_reference(query, row) for row in _each(one.rows)])
            best = int(np.argmax(truth))
            said = (int(matches.reference[role][i]), float(matches.similarity[role][i]))
            if said != (best, truth[best]):
                raise VerificationFailed(
                    f"the {role} record nearest to {sets['synthetic'].ids[i]} is "
                    f"{one.ids[best]} ({truth[best]!r}), but matches.parquet says "
                    f"{one.ids[said[0]]} ({said[1]!r})"
                )
        progress("verify", done, count)
    return count, count * width


def _check_alike(counted: Counted, seed: int) -> None:
    """Search the near-duplicates of some records again, by a full scan."""
    found = counted.found
    if found.summary is None:
        return
    threshold = found.summary.threshold
    width = sum(len(counted.kept[role]) for role in found.clusters)
    for role, clustered in found.clusters.items():
        one = counted.kept[role]
        for i in _sampled(len(one), width, seed, role):
            query = one.rows[i : i + 1][0]
            near = [similarity_reference(query, row) >= threshold for row in _each(one.rows)]
            near[i] = True
            if clustered.pairs is not None and near != clustered.near(i).tolist():
                raise VerificationFailed(
                    f"the near-duplicates of {one.ids[i]} in {role} are not those of the run"
                )
    if found.beside is None:
        return
    control, train = counted.kept["control"], counted.kept["train"]
    for i in _sampled(len(control), width, seed, "across"):
        query = control.rows[i : i + 1][0]
        truth = [similarity_reference(query, row) for row in _each(train.rows)]
        if found.beside.similarity[i] != max(truth):
            raise VerificationFailed(
                f"the nearest training record of {control.ids[i]} of control is at {max(truth)!r}, "
                f"but the run says {found.beside.similarity[i]!r}"
            )


def _sampled(n: int, width: int, seed: int, name: str) -> list[int]:
    count = min(n, max(1, _ALIKE_PAIRS // width))
    chosen: list[int] = stream(seed, "verify", name).permutation(n)[:count].tolist()
    return chosen


def _each(rows: Rows) -> Iterator[Float32]:
    for start in range(0, rows.shape[0], _ROWS_PER_STEP):
        yield from rows[start : start + _ROWS_PER_STEP]


def _check_result(said: AuditResult, truth: AuditResult) -> None:
    """Compare everything a run says with what follows from its matches."""
    for name in ("findings", "identities", "ranking", "evidence"):
        if not getattr(said, name).equals(getattr(truth, name)):
            raise VerificationFailed(f"{name}.parquet does not follow from the matches of the run")
    for name, table in truth.counted.items():
        if name not in said.counted or not said.counted[name].equals(table):
            raise VerificationFailed(f"{name}.parquet does not follow from the sets of the run")
    # Another version may word the sentence differently; it must not count differently.
    wording = {"version", "sentence", "notes", "tested", "not_tested"}
    numbers = {
        one.name: (getattr(said.summary, one.name), getattr(truth.summary, one.name))
        for one in fields(Summary)
        if one.name != "packages"
        and (one.name not in wording or said.summary.version == truth.summary.version)
    }
    for name, (there, here) in numbers.items():
        if there != here:
            raise VerificationFailed(
                f"report.json says {name} = {there!r}, but the matches of the run give {here!r}"
            )
