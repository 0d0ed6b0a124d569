"""Check a finished question about identities against the definition of truth."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from spolia.auditing.identity import PARTS, Scoring, conclude, score_sets
from spolia.auditing.identity_plan import IDENTITY, REPORT, ROLES, plan_again
from spolia.auditing.identity_reference import (
    area_reference,
    p_reference,
    q_reference,
    score_reference,
    share_reference,
)
from spolia.auditing.identity_result import IdentityResult, load_identity
from spolia.auditing.identity_scores import Photos, Search
from spolia.auditing.instruments import instruments_again
from spolia.auditing.match import part_rows_of
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.record import Stopwatch
from spolia.auditing.seal import check_files, check_record, check_rows, read_run
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import reopen
from spolia.core.errors import VerificationFailed
from spolia.core.membership import IdentitySummary, Separation
from spolia.core.progress import Progress, silent
from spolia.core.seeds import stream
from spolia.core.types import Float64
from spolia.search.reference import similarity_reference

_PAIRS = 400_000
"""Pairs that the full searches of the sampled photos, and p by its definition, may each cost."""
_MOST_SAMPLED = 50
_TOLERANCE = 1e-6
"""Standard scores are rounded to 1e-9, and the moments that they are made of are sums."""
_ROWS_PER_STEP = 8192


@dataclass(frozen=True)
class IdentityVerification:
    """What was checked, all of it found equal."""

    files: int
    """Files whose digest is that of the run."""
    photos: int
    """Photos whose nearest sample was searched again, exhaustively, and which were scored again."""
    pairs: int
    """Pairs these searches compared."""
    identities: int
    """Identities whose score, p and q were made again from the sets."""
    queries: int
    """Queries whose p was counted again by its definition."""
    areas: int
    """Separations whose area and true positive rates were counted again."""


def verify_identity(
    folder: Path, *, seed: int = 0, progress: Progress = silent
) -> IdentityVerification:
    """Recompute what a question about identities found, and compare every bit.

    Four checks: every file is what the run left; the nearest sample of randomly drawn identities'
    photos by a full scan, and their scores by the definition; p, q, the areas and rates by plain
    counting; and table and summary as a whole, made again from the sets.

    Raises
    ------
    VerificationFailed
        If anything differs; names the first difference.
    RunIncomplete
        If the run is not finished or its embeddings are gone.
    """
    record = read_run(folder)
    files = check_files(folder, record)
    result = load_identity(folder)
    plan = plan_again(folder, IDENTITY, result.asked)
    places = {role: result.asked.get(role) for role in ROLES}
    sets = reopen(folder, places, embedded=plan.embedder != "precomputed")
    check_rows(sets, record)
    check_record(result.summary, record, REPORT)
    matches = folder / PARTS
    options = Options(part_rows=part_rows_of(matches / "nonmembers", "synthetic"))
    search = Search(matches, options)
    scoring = score_sets(sets, plan, result.summary.score, search, Stopwatch(silent))
    photos, pairs = _check_photos(scoring, seed, progress)
    queries = _check_queries(scoring, result, plan, seed)
    areas = _check_separations(scoring, result.summary)
    again = conclude(
        scoring,
        plan,
        instruments_again(result.summary, sets),
        any_judge=bool(result.asked.get("any_judge", False)),
    )
    _check_result(result, again)
    return IdentityVerification(files, photos, pairs, result.identities.num_rows, queries, areas)


def _check_photos(scoring: Scoring, seed: int, progress: Progress) -> tuple[int, int]:
    """Search the nearest sample of some photos again, and score them by the definition."""
    samples = scoring.sets["synthetic"]
    total = sum(len(one.of) for one in scoring.scored.values())
    most = min(_MOST_SAMPLED, total, max(1, _PAIRS // len(samples)))
    drawn = [
        (one, row)
        for one in scoring.scored.values()
        for row in _drawn(one, seed, -(-most * len(one.of) // total))
    ]
    for done, (one, row) in enumerate(drawn, start=1):
        truth = _similarities(one.of, row, samples)
        best = int(np.argmax(truth))
        said = int(one.closest.row[row]), float(one.closest.similarity[row])
        if said != (best, truth[best]):
            raise VerificationFailed(
                f"the sample nearest to {one.of.ids[row]} of {one.of.role} is {samples.ids[best]} "
                f"({truth[best]!r}), but the run says {samples.ids[said[0]]} ({said[1]!r})"
            )
        score = score_reference(truth, scoring.how)
        if abs(score - one.score[row]) > _TOLERANCE * max(1.0, abs(score)):
            raise VerificationFailed(
                f"the score of {one.of.ids[row]} of {one.of.role} is {score!r}, but the run says "
                f"{float(one.score[row])!r}"
            )
        progress("verify", done, len(drawn))
    return len(drawn), len(drawn) * len(samples)


def _drawn(one: Photos, seed: int, count: int) -> list[int]:
    """Return photos of identities that are drawn at random, so that each person counts alike."""
    rng = stream(seed, "verify", one.of.role)
    people = rng.permutation(len(one.of.identities))[:count]
    return [int(rng.choice(np.flatnonzero(one.of.identity == who))) for who in people.tolist()]


def _similarities(one: AuditSet, row: int, samples: AuditSet) -> Float64:
    photo = one.rows[row : row + 1][0]
    return np.array(
        [
            similarity_reference(photo, sample)
            for start in range(0, len(samples), _ROWS_PER_STEP)
            for sample in samples.rows[start : start + _ROWS_PER_STEP]
        ]
    )


def _check_queries(scoring: Scoring, said: IdentityResult, plan: Plan, seed: int) -> int:
    """Count the p of queries again, and their q."""
    if "queries" not in scoring.scored:
        return 0
    table = {row["identity"]: row for row in said.identities.to_pylist() if row["set"] == "queries"}
    asked = scoring.scored["queries"]
    pool = scoring.scored["nonmembers"].drawn(plan.seed)
    scores = dict(zip(asked.of.identities, asked.drawn(plan.seed), strict=True))
    if set(table) != set(scores):
        raise VerificationFailed("identities.parquet does not list the queries of the run")
    names = sorted(table)
    every = np.array([table[name]["p"] for name in names])
    count = min(len(names), max(1, _PAIRS // len(pool)))
    for i in stream(seed, "verify", "p").permutation(len(names))[:count].tolist():
        name, row = names[i], table[names[i]]
        p = p_reference(scores[name], pool, row["compared"])
        q = q_reference(every, i)
        if (p, q) != (row["p"], row["q"]):
            raise VerificationFailed(
                f"the query {name} has p = {p!r} and q = {q!r}, but identities.parquet says "
                f"{row['p']!r} and {row['q']!r}"
            )
    return count


def _check_separations(scoring: Scoring, said: IdentitySummary) -> int:
    """Count the areas and the true positive rates again."""
    if "members" not in scoring.scored:
        return 0
    members, others = scoring.scored["members"], scoring.scored["nonmembers"]
    told = 0
    for one, hit, not_hit in (
        (said.identities, members.means, others.means),
        (said.photos, members.score, others.score),
    ):
        if one is not None:
            told += 1
            _check_separation(one, hit, not_hit)
    return told


def _check_separation(one: Separation, hit: Float64, not_hit: Float64) -> None:
    _equal(f"AUC by {one.unit}", one.auc.value, area_reference(hit, not_hit))
    for hits in one.hits:
        truth = share_reference(hit, not_hit, hits.fpr)
        _equal(f"TPR at {hits.fpr:g} by {one.unit}", hits.tpr.value, truth)


def _equal(what: str, said: float, truth: float) -> None:
    if abs(said - truth) > 1e-12:
        raise VerificationFailed(f"{what} is {truth!r}, but identity.json says {said!r}")


def _check_result(said: IdentityResult, truth: IdentityResult) -> None:
    """Compare everything a run says with what follows from its sets."""
    if not said.identities.equals(truth.identities):
        raise VerificationFailed("identities.parquet does not follow from the sets of the run")
    if said.quarantine != truth.quarantine:
        raise VerificationFailed("quarantine.csv does not follow from the sets of the run")
    # Another version may word the sentence differently; it must not count differently.
    same = said.summary.version == truth.summary.version
    left_out = {"packages"} if same else {"packages", "version", "sentence", "notes"}
    for one in fields(IdentitySummary):
        there, here = getattr(said.summary, one.name), getattr(truth.summary, one.name)
        if one.name not in left_out and there != here:
            raise VerificationFailed(
                f"identity.json says {one.name} = {there!r}, but the sets of the run give {here!r}"
            )
