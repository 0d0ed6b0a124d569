"""Set-only membership and copy metrics: train against what was held out, one beside the other."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spolia.auditing.cuts import check_named
from spolia.auditing.duplicates import threshold_of
from spolia.auditing.folder import run_folder
from spolia.auditing.membership_arrays import arrays_of, fixed_of
from spolia.auditing.membership_methods import RECORDS
from spolia.auditing.membership_plan import (
    MEMBERSHIP,
    PAGE,
    REPORT,
    TABLE,
    asked_of,
    check_call,
)
from spolia.auditing.membership_planted import plant_all
from spolia.auditing.membership_said import notes_of, outcome_of, sentence_of
from spolia.auditing.membership_sets import Sides, sides_of
from spolia.auditing.membership_table import Told, concord_of, exchanges_for, methods_of, tell
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.questions import begin
from spolia.auditing.record import Stopwatch, write_run
from spolia.auditing.result import Quarantine, write_quarantine
from spolia.auditing.run import location_of, places_of, plan_of
from spolia.auditing.seal import digests_of
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import (
    Set,
    images_of,
    kind_of,
    open_all,
    prepare_all,
    quarantine_of,
)
from spolia.core.errors import UsageError
from spolia.core.progress import Progress, silent
from spolia.core.set_membership import MEMBERSHIP_SCHEMA, Concord, Method, SetMembership
from spolia.core.version import VERSION, packages
from spolia.embedding import Embedder
from spolia.report.membership import render_membership
from spolia.report.summary_json import write_record
from spolia.sources.address import paths_in
from spolia.store.atomic import atomic_file, write_text

SCORES = pa.schema(
    [("set", pa.string()), ("id", pa.string()), ("identity", pa.string())]
    + [(name, pa.float64()) for name in RECORDS]
)
"""One row per record of train and of what was held out, with its scores: personal."""


@dataclass(frozen=True, eq=False)
class MembershipResult:
    """What set-only methods say of a synthetic set."""

    summary: SetMembership
    """May be published: it holds no name, path or embedding."""
    records: pa.Table
    """One row per record of train and held-out: set, id, identity and a score by each method."""
    quarantine: Quarantine
    """Role, id and reason of what could not be read."""

    def to_json(self) -> str:
        """Return the publishable summary as JSON."""
        return write_record(self.summary)

    def to_html(self) -> str:
        """Return the publishable summary as a page."""
        return render_membership(self.summary)


def membership(
    *,
    train: Set,
    synthetic: Set,
    control: Set,
    reference: Set | None = None,
    embedder: str | Path | Embedder = "dct",
    level: float = 0.05,
    seed: int = 0,
    out: str | Path | None = None,
    options: Options = Options(),
    progress: Progress = silent,
) -> MembershipResult:
    """Compute what the set-only methods of the literature say, each beside its held-out control.

    Parameters
    ----------
    train
        What the generator was trained on.
    synthetic
        What it made.
    control
        Images of the same population that it was not trained on.
    reference
        More of these, to calibrate by. Default: half of the identities of ``control``, drawn by the
        seed; the other half is then what is held out.
    embedder
        As in `spolia.audit`.
    level
        Largest chance that any method sees a leak where there is none.
    seed
        Draws the halves of the control, exchanges, partitions and resamples.
    out
        Run folder, kept and resumed. Default: nothing is kept.
    options, progress
        As in `spolia.audit`; ``columns``, ``exclude``, ``exclude_list`` and ``attributes`` have no
        use here.

    Returns
    -------
    MembershipResult
        ``summary``, ``records``.

    Raises
    ------
    UsageError
        If a set, the embedder or an option is wrong, or nothing is left of a set.
    TooManyUnreadable
        If more than ``options.max_bad`` of a set's images cannot be read.

    Examples
    --------
    Forty of 200 samples are training rows with a little noise.

    >>> import numpy as np, spolia
    >>> rng = np.random.default_rng(0)
    >>> rows = spolia.normalise(rng.normal(size=(560, 16)))
    >>> copies = spolia.normalise(rows[:40] + 0.02 * rng.normal(size=(40, 16)))
    >>> found = spolia.membership(
    ...     train=spolia.Embeddings(rows[:200]),
    ...     control=spolia.Embeddings(rows[200:400]),
    ...     synthetic=spolia.Embeddings(np.concatenate([copies, rows[400:]])),
    ... )
    >>> third = next(one for one in found.summary.methods if one.name == "One-third ratio")
    >>> found.summary.outcome, third.verdict, round(third.control.value, 2)
    ('leak', 'sees a leak', 0.0)
    """
    check_call(level, options)
    given = {"train": train, "synthetic": synthetic, "control": control, "reference": reference}
    sets = {role: one for role, one in given.items() if one is not None}
    watch = Stopwatch(progress)
    plan = plan_of(train, synthetic, control, embedder, level, seed, options)
    opened = open_all(sets, plan, embedder, options, watch)
    check_named(plan.landmarks, images_of(opened).items())
    plan = replace(plan, duplicates=threshold_of(options.duplicates, kind_of(opened)))
    places = [*places_of(plan), *(p for one in sets.values() for p in paths_in(location_of(one)))]
    with run_folder(out, places, overwrite=options.overwrite) as folder:
        begin(folder, MEMBERSHIP, asked_of(sets, plan, level))
        prepared = prepare_all(folder, opened, options, watch)
        result = answer(folder, prepared, plan, level, options, watch)
        write_quarantine(folder, result.quarantine)
        with atomic_file(folder / TABLE) as file:
            pq.write_table(result.records, file)
        write_text(folder / REPORT, result.to_json())
        write_text(folder / PAGE, result.to_html())
        ignored = {role: one.ignored for role, one in images_of(opened).items()}
        digests = digests_of(folder, prepared)
        write_run(folder, result.summary, watch, ignored=ignored, digests=digests)
    return result


def answer(
    folder: Path,
    sets: dict[str, AuditSet],
    plan: Plan,
    level: float,
    options: Options,
    watch: Stopwatch,
) -> MembershipResult:
    """Answer for sets that are embedded.

    Raises
    ------
    UsageError
        If they cannot be compared.
    """
    synthetic = sets["synthetic"]
    if len(synthetic) < 2:
        raise UsageError(
            "a record is compared with its two nearest samples, but the synthetic set has 1; "
            "give more"
        )
    duplicates = watch.staged("find duplicates")
    sides = sides_of(folder, sets, plan.duplicates, plan.seed, options, duplicates)
    methods: tuple[Method, ...] = ()
    concord: tuple[Concord, ...] = ()
    told, compared = None, 0
    if not sides.too_few:
        fixed = fixed_of(sides, plan.seed, options, watch.staged("match train and control"))
        arrays = arrays_of(fixed, synthetic.rows, options, watch.staged("match samples"))
        told, compared = (
            tell(arrays, plan.seed, exchanges=exchanges_for(level)),
            fixed.compared,
        )
        planted = watch.staged("plant leaks")
        plantings = plant_all(fixed, synthetic.rows, level, plan.seed, options, planted)
        methods = methods_of(told, plantings, level, plan.seed)
        concord = concord_of(told)
    summary = SetMembership(
        schema=MEMBERSHIP_SCHEMA,
        version=VERSION,
        outcome=outcome_of(methods),
        sentence=sentence_of(methods, level, sides),
        notes=tuple(notes_of(sides, synthetic, plan.duplicates, methods)),
        level=level,
        seed=plan.seed,
        exchanges=exchanges_for(level),
        duplicates=plan.duplicates,
        reference="given" if "reference" in sets else "half of control",
        sets=tuple(one.summary for one in sets.values()),
        used=sides.used,
        compared=compared,
        synthetic=len(synthetic),
        model=synthetic.model,
        methods=methods,
        concord=concord,
        packages=packages(),
    )
    return MembershipResult(summary, _table(sides, told), quarantine_of(sets))


def _table(sides: Sides, told: Told | None) -> pa.Table:
    if told is None:
        return SCORES.empty_table()
    both = (("train", sides.train), ("held-out", sides.held_out))
    names = [
        (role, one.ids[i], one.identities[of])
        for role, one in both
        for i, of in enumerate(one.identity.tolist())
    ]
    columns = [list(column) for column in zip(*names, strict=True)]
    scores = [np.asarray(told.scores[name]).tolist() for name in RECORDS]
    return pa.table([*columns, *scores], schema=SCORES)
