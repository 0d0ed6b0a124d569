"""Several synthetic sets, several judges: one audit for each pair, and what they say together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from spolia.auditing.attributes import open_attributes
from spolia.auditing.cuts import check_named
from spolia.auditing.duplicates import threshold_of
from spolia.auditing.exclude import Asked, read_asked
from spolia.auditing.folder import begin_run, remove_reports, run_folder
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.record import Stopwatch
from spolia.auditing.result import AuditResult
from spolia.auditing.run import audit, complete, places_of, plan_of
from spolia.auditing.stages import (
    EMBEDDINGS,
    Images,
    Ready,
    Set,
    images_of,
    judged,
    kind_of,
    open_all,
    prepare_all,
)
from spolia.auditing.study_plan import StudyPlan, places, write_study_plan
from spolia.auditing.study_result import StudyResult, put_together
from spolia.core.errors import UsageError
from spolia.core.progress import Progress, silent
from spolia.core.types import Embeddings
from spolia.embedding import Embedder, open_embedder

Judged = str | Path | Embedder
"""An embedder as `spolia.audit` takes it."""


def study(
    *,
    train: Set,
    synthetic: Mapping[str, Set] | Sequence[Set],
    control: Set | None = None,
    embedders: Sequence[Judged] = ("dct",),
    fdr: float = 0.05,
    seed: int = 0,
    out: str | Path | None = None,
    options: Options = Options(),
    progress: Progress = silent,
) -> StudyResult:
    """Audit several synthetic sets against one train, under one or more judges.

    Parameters
    ----------
    train, control
        As in `spolia.audit`; embedded once for each judge.
    synthetic
        The sets, by name or as a list; a list is named by the files.
    embedders
        The judges, each as in `spolia.audit`. Several need images, because stored embeddings are of
        one embedder.
    fdr, seed
        As in `spolia.audit`, for every audit and for what the judges say together.
    out
        Folder of the study, kept and resumed. Each audit has its run folder in it,
        ``out/set/judge``. With one set and one judge it is that audit's run folder.
    options, progress
        As in `spolia.audit`.

    Returns
    -------
    StudyResult
        ``cells`` (each audit, the same as `spolia.audit` alone returns), and by set ``combined``,
        ``agreement`` and ``disagreements``.

    Raises
    ------
    UsageError
        If the sets, a judge or an option are wrong, or ``out`` holds something else.
    TooManyUnreadable
        If more than ``options.max_bad`` of a set's images cannot be read.

    Examples
    --------
    Two sets; forty rows of the first are copies of training rows.

    >>> import numpy as np, spolia
    >>> rows = spolia.normalise(np.random.default_rng(0).normal(size=(1200, 32)))
    >>> train, control, one, other = (spolia.Embeddings(rows[i::4].copy()) for i in range(4))
    >>> copies = spolia.Embeddings(np.concatenate([rows[:160:4], one.vectors[40:]]))
    >>> result = spolia.study(
    ...     train=train, control=control, synthetic={"copies": copies, "clean": other}
    ... )
    >>> [(one.name, one.outcome) for one in result.summary.sets]
    [('copies', 'leak'), ('clean', 'none')]
    >>> result.summary.exit_code
    1
    """
    sets = _named(synthetic)
    judges = _judges(embedders, [train, *(one for _, one in sets)], options)
    plans = [
        [plan_of(train, one, control, judge.given, fdr, seed, options) for judge in judges]
        for _, one in sets
    ]
    if len(sets) == len(judges) == 1:
        result = audit(
            train=train,
            synthetic=sets[0][1],
            control=control,
            embedder=judges[0].given,
            fdr=fdr,
            seed=seed,
            out=out,
            options=options,
            progress=progress,
        )
        plan = _plan([[result.plan]], [sets[0][0]], [judges[0].name])
        return put_together(plan, {(plan.sets[0].name, plan.judges[0].name): result})
    asked = read_asked(plans[0][0])
    references = {"train": train} | ({} if control is None else {"control": control})
    watch, opener = Stopwatch(progress), judges[0].embedder or "precomputed"
    opened = _Opened(
        open_all(references, plans[0][0], opener, options, watch),
        [
            open_all({"synthetic": one}, plans[0][0], opener, options, watch)["synthetic"]
            for _, one in sets
        ],
    )
    sources = [*images_of(opened.references).items()]
    sources += [("synthetic", one.source) for one in opened.sets if isinstance(one, Images)]
    check_named(plans[0][0].landmarks, sources)
    open_attributes(plans[0][0].attributes, asked.columns)  # what is wrong is said at once
    of_all = _plan(
        [_with_duplicates(row, opened, judges, options) for row in plans],
        [name for name, _ in sets],
        [judge.name for judge in judges],
    )
    read = [one for row in plans for cell in row for one in places_of(cell)]
    with run_folder(out, read, overwrite=options.overwrite) as folder:
        write_study_plan(folder, of_all)
        remove_reports(folder)
        cells = _cells(folder, of_all, asked, opened, judges, options, progress)
        result_of_all = put_together(of_all, cells)
        result_of_all.save(folder)
    return result_of_all


@dataclass(frozen=True)
class _Judge:
    """An embedder as it was given, opened."""

    name: str
    given: Judged
    embedder: Embedder | None
    """``None``: the sets are embeddings already."""


@dataclass(frozen=True)
class _Opened:
    """What is compared, before any judge has seen it."""

    references: Mapping[str, Ready]
    sets: Sequence[Ready]
    """In the order of the plan."""


def _named(synthetic: Mapping[str, Set] | Sequence[Set]) -> list[tuple[str, Set]]:
    if isinstance(synthetic, str | Path | Embeddings):
        raise UsageError(
            "synthetic must be a list of sets or a mapping from names to sets, but is a single "
            "one; write [SET], or use spolia.audit"
        )
    if isinstance(synthetic, Mapping):
        named = [(str(name), one) for name, one in synthetic.items()]
    else:
        named = [(_name_of(one, i), one) for i, one in enumerate(synthetic, start=1)]
    if not named:
        raise UsageError("a study needs at least one synthetic set, but none is given")
    return named


def _name_of(one: Set, number: int) -> str:
    return f"set {number}" if isinstance(one, Embeddings) else Path(one).stem


def _judges(embedders: Sequence[Judged], sets: Sequence[Set], options: Options) -> list[_Judge]:
    if isinstance(embedders, str | Path) or not isinstance(embedders, Sequence) or not embedders:
        raise UsageError(
            f"embedders must be a list of at least one judge, but is {embedders!r}; write [JUDGE]"
        )
    stored = any(isinstance(one, Embeddings) for one in sets) or "precomputed" in embedders
    if stored and len(embedders) > 1:
        raise UsageError(
            "several judges need images, but stored embeddings are given, which are of one "
            "embedder; give the images, or a single --embedder"
        )
    if stored:
        return [_Judge("precomputed", embedders[0], None)]
    judges: list[_Judge] = []
    for given in embedders:
        opened = open_embedder(given, trust=options.trust, device=options.device)
        for other in judges:
            if other.embedder is not None and other.embedder.fingerprint == opened.fingerprint:
                raise UsageError(
                    f"every judge must be another one, but {opened.name} is given twice; leave "
                    "one out"
                )
        judges.append(_Judge(opened.name, given, opened))
    return judges


def _plan(
    plans: Sequence[Sequence[Plan]], names: Sequence[str], judges: Sequence[str]
) -> StudyPlan:
    """Return the plan of the study whose audits have ``plans``, set by set and judge by judge."""
    first = plans[0][0]
    return StudyPlan(
        shared=replace(first, synthetic="", embedder="", duplicates=None),
        sets=places(names, (one[0].synthetic for one in plans)),
        judges=tuple(
            replace(place, duplicates=one.duplicates)
            for place, one in zip(
                places(judges, (one.embedder for one in plans[0])), plans[0], strict=True
            )
        ),
    )


def _with_duplicates(
    plans: Sequence[Plan], opened: _Opened, judges: Sequence[_Judge], options: Options
) -> list[Plan]:
    """Decide for every judge what counts as one photo, by what it can tell."""
    return [
        replace(
            plan,
            duplicates=threshold_of(
                options.duplicates, kind_of(_under({"synthetic": opened.sets[0]}, judge))
            ),
        )
        for plan, judge in zip(plans, judges, strict=True)
    ]


def _cells(
    folder: Path,
    plan: StudyPlan,
    asked: Asked,
    opened: _Opened,
    judges: Sequence[_Judge],
    options: Options,
    progress: Progress,
) -> dict[tuple[str, str], AuditResult]:
    """Do every audit; a judge embeds train and control once, and the sets one after another."""
    done: dict[tuple[str, str], AuditResult] = {}
    for place, judge in zip(plan.judges, judges, strict=True):
        shared = prepare_all(
            folder,
            _under(opened.references, judge),
            options,
            Stopwatch(_within(progress, place.folder)),
            kept=folder / EMBEDDINGS / place.folder,
        )
        for one, synthetic in zip(plan.sets, opened.sets, strict=True):
            cell, wanted = plan.folder_of(folder, one, place), plan.cell(one, place)
            watch = Stopwatch(_within(progress, f"{one.folder}, {place.folder}"))
            begin_run(cell, wanted)
            sets = _under({**opened.references, "synthetic": synthetic}, judge)
            done[one.name, place.name] = complete(
                cell, sets, wanted, asked, options, watch, shared=shared, parts=folder
            )
    return {
        (one.name, judge.name): done[one.name, judge.name]
        for one, judge in product(plan.sets, plan.judges)
    }


def _under(sets: Mapping[str, Ready], judge: _Judge) -> dict[str, Ready]:
    """Return the same sets for another judge: images are listed and read for all judges alike."""
    return {
        role: judged(one.source, judge.embedder)
        if isinstance(one, Images) and judge.embedder is not None
        else one
        for role, one in sets.items()
    }


def _within(progress: Progress, where: str) -> Progress:
    """Return the progress of one part of the study; folder names are safe to show."""

    def tell(stage: str, done: int, total: int) -> None:
        progress(f"{where}: {stage}", done, total)

    return tell
