"""Whose photos was a generator trained on? Asked of its samples, with photos it has not seen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from spolia.auditing.asked import Asked, stand_out
from spolia.auditing.cuts import check_named
from spolia.auditing.duplicates import threshold_of
from spolia.auditing.folder import run_folder
from spolia.auditing.generating import Sampled
from spolia.auditing.identity_checks import (
    ASKED,
    check_call,
    check_judge,
    check_names,
    check_photos,
    check_samples,
    leave_out_trained,
    names_of,
    notes_of,
    portion,
)
from spolia.auditing.identity_plan import IDENTITY, asked_of, opening_plan, read_by
from spolia.auditing.identity_result import IDENTITIES, IdentityResult
from spolia.auditing.identity_said import outcome_of, sentence_of
from spolia.auditing.identity_scores import (
    Photos,
    Search,
    histogram_of,
    samples_of,
    score_photos,
)
from spolia.auditing.instruments import instruments_of, lost_of
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.questions import begin
from spolia.auditing.record import Stopwatch, write_run
from spolia.auditing.seal import digests_of
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import (
    Given,
    Set,
    images_of,
    kind_of,
    open_all,
    prepare_all,
    quarantine_of,
)
from spolia.core.instruments import Instruments
from spolia.core.membership import (
    IDENTITY_SCHEMA,
    IdentitySummary,
    Portion,
    Separation,
)
from spolia.core.progress import Progress, silent
from spolia.core.results import Scale
from spolia.core.seeds import stream
from spolia.core.version import VERSION, packages
from spolia.embedding import Embedder
from spolia.stats.roc import Scored, separation

__all__ = ["IdentityResult", "answer", "identity"]

PARTS = "matches"
"""The folder of finished parts of searches in a run folder."""


def identity(
    *,
    synthetic: Given,
    nonmembers: Set,
    members: Set | None = None,
    queries: Set | None = None,
    train: Set | None = None,
    embedder: str | Path | Embedder = "dct",
    any_judge: bool = False,
    fdr: float = 0.05,
    seed: int = 0,
    out: str | Path | None = None,
    options: Options = Options(),
    progress: Progress = silent,
) -> IdentityResult:
    """Find out whether samples betray whose photos a generator was trained on.

    Parameters
    ----------
    synthetic
        What the generator made, or a `spolia.auditing.generating.Sampled` that asks it.
    nonmembers
        Photos of people it was not trained on, of the same population.
    members
        Photos of people it was trained on; other photos than those that were trained on. They say
        how well the two can be told apart.
    queries
        Photos of people who are asked about: each gets a p-value, and who stands out is named.
    train
        What it was trained on, where it is at hand: photos that have a near-duplicate in it are
        left out.
    embedder
        As in `spolia.audit`; it must tell persons apart. A set may be a store beside images, where
        somebody else embedded it.
    any_judge
        Allow an embedder that does not, for patients or artworks.
    fdr
        Largest expected share of non-members among the queries that are named.
    seed
        Decides which photos are compared where identities have unequal numbers, and how identities
        are drawn again for intervals.
    out
        Run folder, kept and resumed. Default: nothing is kept.
    options, progress
        As in `spolia.audit`; ``columns``, ``exclude``, ``exclude_list`` and ``attributes`` have no
        use here.

    Returns
    -------
    IdentityResult
        ``summary``, ``identities``, ``named``.

    Raises
    ------
    UsageError
        If a set, the embedder or an option is wrong, or the same person or photo is on both sides.
    TooManyUnreadable
        If more than ``options.max_bad`` of a set's images cannot be read.

    Examples
    --------
    Sixty people with two photos each; the samples show the first thirty, in other photos.

    >>> import numpy as np, spolia
    >>> rng = np.random.default_rng(0)
    >>> people = rng.normal(size=(60, 32))
    >>> def photos(who):
    ...     rows = people[who] + 0.7 * rng.normal(size=(len(who), 32))
    ...     return spolia.Embeddings(spolia.normalise(rows), identities=[f"n{i}" for i in who])
    >>> first, second = np.arange(30), np.arange(30, 60)
    >>> found = spolia.identity(
    ...     synthetic=photos(first),
    ...     members=photos(first.repeat(2)),
    ...     nonmembers=photos(second.repeat(2)),
    ... )
    >>> found.summary.outcome, round(found.summary.identities.auc.value, 2)
    ('found', 0.99)
    """
    check_call(members, queries, options)
    given = {"members": members, "queries": queries, "nonmembers": nonmembers, "train": train}
    sets = {"synthetic": synthetic} | {k: v for k, v in given.items() if v is not None}
    watch = Stopwatch(progress)
    plan = opening_plan(sets, embedder, fdr, seed, options)
    opened = open_all(sets, plan, embedder, options, watch, stores=True)
    check_named(plan.landmarks, images_of(opened).items())
    names = names_of(opened)
    check_judge(kind_of(opened), names, any_judge=any_judge)
    check_names(names)
    plan = replace(plan, duplicates=threshold_of(options.duplicates, kind_of(opened)))
    with run_folder(out, read_by(sets, plan), overwrite=options.overwrite) as folder:
        asked = asked_of(sets, plan, any_judge=any_judge)
        begin(folder, IDENTITY, asked)
        if isinstance(synthetic, Sampled):
            synthetic.draw(folder, watch.staged("sample"))
        prepared = prepare_all(folder, opened, options, watch)
        said = answer(
            prepared,
            plan,
            options,
            watch,
            any_judge=any_judge,
            parts=folder / PARTS,
            instruments=instruments_of(opened, prepared, ()),
        )
        result = replace(said, asked=asked)
        result.save(folder)
        ignored = {role: one.ignored for role, one in images_of(opened).items()}
        digests = digests_of(folder, prepared)
        write_run(folder, result.summary, watch, ignored=ignored, digests=digests)
    return result


@dataclass(frozen=True, eq=False)
class Scoring:
    """Sets whose photos are scored, as far as they may be compared."""

    sets: dict[str, AuditSet]
    """As they were given."""
    scored: Mapping[str, Photos]
    """Members, queries and non-members, less what was left out."""
    portions: Mapping[str, Portion]
    scale: Scale


def answer(
    sets: dict[str, AuditSet],
    plan: Plan,
    options: Options,
    watch: Stopwatch,
    *,
    any_judge: bool,
    parts: Path | None = None,
    instruments: Instruments | None = None,
) -> IdentityResult:
    """Answer a question whose sets are embedded.

    ``parts`` is where finished parts of searches are kept and found; default nowhere.

    Raises
    ------
    UsageError
        If the sets cannot answer it.
    """
    with run_folder(parts, (), overwrite=False) as kept:
        scoring = score_sets(sets, plan, Search(kept, options), watch)
    beside = instruments or Instruments(None, None, None, (), lost_of(sets))
    result = conclude(scoring, plan, beside, any_judge=any_judge)
    watch.staged("judge")("", 1, 1)
    return result


def score_sets(sets: dict[str, AuditSet], plan: Plan, search: Search, watch: Stopwatch) -> Scoring:
    """Leave out what tells nothing, and score the photos of the others.

    Raises
    ------
    UsageError
        If what is left cannot be compared.
    """
    threshold = plan.duplicates
    check_samples(sets["synthetic"])
    guarded = leave_out_trained(sets, threshold, search, watch.staged("compare with train"))
    check_photos(guarded.sets, threshold, search, watch.staged("compare the sides"))
    samples = samples_of(sets["synthetic"])
    scored = {
        role: score_photos(
            guarded.sets[role], sets["synthetic"], samples, search, watch.staged(f"match {role}")
        )
        for role in (*ASKED, "nonmembers")
        if role in sets
    }
    portions = {
        role: portion(one, guarded.in_train.get(role, (0, 0))) for role, one in scored.items()
    }
    return Scoring(sets, scored, portions, "similarity" if samples is None else "score")


def conclude(
    scoring: Scoring, plan: Plan, instruments: Instruments, *, any_judge: bool
) -> IdentityResult:
    """Say what scores tell: a pure function of its arguments."""
    sets, scored, portions = scoring.sets, scoring.scored, scoring.portions
    by_identity, by_photo = _separations(scored, plan.seed)
    asked = (
        stand_out(scored["queries"], scored["nonmembers"], seed=plan.seed, fdr=plan.fdr)
        if "queries" in scored
        else None
    )
    said = None if asked is None else asked.said
    summary = IdentitySummary(
        schema=IDENTITY_SCHEMA,
        version=VERSION,
        outcome=outcome_of(by_identity, said),
        sentence=sentence_of(by_identity, said, plan.fdr),
        notes=tuple(notes_of(sets, portions, plan.duplicates)),
        fdr=plan.fdr,
        seed=plan.seed,
        duplicates=plan.duplicates,
        any_judge=any_judge,
        sets=tuple(one.summary for one in sets.values()),
        compared=tuple(portions.values()),
        model=sets["synthetic"].model,
        identities=by_identity,
        photos=by_photo,
        queries=said,
        scores=histogram_of(scored.values(), scoring.scale),
        instruments=instruments,
        packages=packages(),
    )
    tables = [_table(one, sets["synthetic"], asked) for one in scored.values()]
    return IdentityResult(summary, pa.concat_tables(tables), quarantine_of(sets))


def _separations(
    scored: Mapping[str, Photos], seed: int
) -> tuple[Separation | None, Separation | None]:
    if "members" not in scored:
        return None, None
    sides = scored["members"], scored["nonmembers"]
    members, others = (Scored.of_identities(one.means) for one in sides)
    by_identity = separation(members, others, rng=stream(seed, "identities"))
    if all(len(one.of) == one.counts.size for one in sides):
        return by_identity, None
    photos, theirs = (Scored(one.score, one.of.identity) for one in sides)
    return by_identity, separation(photos, theirs, unit="photos", rng=stream(seed, "photos"))


def _table(one: Photos, synthetic: AuditSet, asked: Asked | None) -> pa.Table:
    best, n = one.best(), one.counts.size
    is_asked = one.of.role == "queries" and asked is not None
    given = [asked.p, asked.q, asked.photos] if is_asked and asked is not None else [None] * 3
    p, q, compared = ([None] * n if each is None else each.tolist() for each in given)
    return pa.table(
        [
            [one.of.role] * n,
            list(one.of.identities),
            one.counts.tolist(),
            one.means.tolist(),
            p,
            q,
            compared,
            [synthetic.ids[i] for i in one.closest.row[best].tolist()],
            one.closest.similarity[best].tolist(),
        ],
        schema=IDENTITIES,
    )
