"""Doing an audit: each stage goes on where a killed run stopped."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from spolia.auditing.attributes import fill_columns, open_attributes
from spolia.auditing.chance import meet_strangers
from spolia.auditing.codes import keep_key
from spolia.auditing.comparable import measure_sets
from spolia.auditing.comparisons import compare_findings, write_comparisons
from spolia.auditing.counting import count_sets, with_counting
from spolia.auditing.cuts import check_named, choice_of
from spolia.auditing.decision import judge_matches, write_matches
from spolia.auditing.duplicates import threshold_of
from spolia.auditing.exclude import Asked, read_asked
from spolia.auditing.folder import begin_run, run_folder
from spolia.auditing.generating import Sampled
from spolia.auditing.instruments import instruments_of, with_instruments
from spolia.auditing.kinds import with_kinds
from spolia.auditing.matching import match_all
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.record import Stopwatch, write_run
from spolia.auditing.result import AuditResult
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import (
    Given,
    Images,
    Set,
    images_of,
    kind_of,
    open_all,
    prepare_all,
    sayers_of,
)
from spolia.auditing.told import told_columns
from spolia.core.errors import UsageError
from spolia.core.progress import Progress, silent
from spolia.core.types import Embeddings
from spolia.embedding import Embedder
from spolia.embedding.dlib_detect import NAME as DLIB
from spolia.embedding.opening import is_named
from spolia.sources.address import absolute_address, paths_in
from spolia.sources.columns import file_fingerprint
from spolia.sources.limits import unusual
from spolia.store.precomputed import Opened, fingerprint


def audit(
    *,
    train: Set,
    synthetic: Set,
    control: Set | None = None,
    embedder: str | Path | Embedder = "dct",
    fdr: float = 0.05,
    seed: int = 0,
    out: str | Path | None = None,
    options: Options = Options(),
    progress: Progress = silent,
) -> AuditResult:
    """Find out which training images a synthetic set gives away, with a controlled error rate.

    Parameters
    ----------
    train
        The images the generator was trained on: a folder, archive or array file, or `Embeddings`.
    synthetic
        What the generator made.
    control
        Images of the same population that the generator was *not* trained on. Without it there is
        a ranking, but no verdict.
    embedder
        ``"dct"`` (built in: copies), the path of a model card, ``"precomputed"`` where the sets are
        stored embeddings, or an `Embedder`. Ignored where all sets are `Embeddings`.
    fdr
        Largest expected share of false ones among the identities found, in (0, 1).
    seed
        Decides how the control is halved for the negative control, which images of train stand
        for strangers, and how these are resampled; nothing else.
    out
        Run folder, kept and resumed: the same call goes on where a killed one stopped. Default:
        nothing is kept.
    options
        See `Options`.
    progress
        Told about every finished piece.

    Returns
    -------
    AuditResult
        ``summary`` (verdict, rates, self-checks), ``findings``, ``identities``, ``ranking``.

    Raises
    ------
    UsageError
        If the sets, the embedder or an option are wrong, or ``out`` holds another audit.
    TooManyUnreadable
        If more than ``options.max_bad`` of a set's images cannot be read.

    Examples
    --------
    Thirty of three hundred synthetic rows are copies of training rows. One more is named, by
    chance: at 5 %, one or two of thirty may be.

    >>> import numpy as np, spolia
    >>> rng = np.random.default_rng(0)
    >>> rows = spolia.normalise(rng.normal(size=(900, 32)))
    >>> train, control, other = (spolia.Embeddings(rows[i::3].copy()) for i in range(3))
    >>> copies = np.concatenate([rows[:90:3], rows[92::3]])
    >>> result = spolia.audit(train=train, control=control, synthetic=spolia.Embeddings(copies))
    >>> result.summary.outcome, result.rates["exposed"].count
    ('leak', 31)
    """
    plan = plan_of(train, synthetic, control, embedder, fdr, seed, options)
    sets = {"train": train} | ({} if control is None else {"control": control})
    sets["synthetic"] = synthetic
    watch = Stopwatch(progress)
    asked = read_asked(plan)
    opened = open_all(sets, plan, embedder, options, watch)
    check_named(plan.landmarks, images_of(opened).items())
    plan = replace(plan, duplicates=threshold_of(options.duplicates, kind_of(opened)))
    with run_folder(out, places_of(plan), overwrite=options.overwrite) as folder:
        begin_run(folder, plan)
        return complete(folder, opened, plan, asked, options, watch)


def complete(
    folder: Path,
    opened: dict[str, Images | Opened | Embeddings],
    plan: Plan,
    asked: Asked,
    options: Options,
    watch: Stopwatch,
    *,
    shared: Mapping[str, AuditSet] | None = None,
    parts: Path | None = None,
) -> AuditResult:
    """Do an audit whose sets are opened, and write everything into its run folder.

    ``shared`` are the sets among them that were embedded before, for several audits at once, and
    ``parts`` the folder for what these audits search and measure alike; default ``folder``.
    """
    attributes = open_attributes(plan.attributes, asked.columns)
    prepared = prepare_all(folder, opened, options, watch, shared=shared)
    parts, images = parts or folder, images_of(opened)
    filled = fill_columns(
        folder,
        attributes,
        prepared,
        images,
        watch.staged("attributes"),
        parts=parts,
        threads=options.threads,
    )
    values = {one.card.column: one.card.values for one in attributes}
    asked = replace(asked, filled=filled, values=values)
    asked = replace(asked, told=told_columns(folder, prepared, sayers_of(opened), asked.taken))
    beside = instruments_of(opened, prepared, attributes)
    counted = count_sets(parts, prepared, asked, plan, options, watch.staged("duplicates"))
    prepared = counted.sets
    quality = measure_sets(
        folder, prepared, images, plan.seed, watch.staged("quality"), parts=parts
    )
    matched = match_all(folder, prepared, plan, options, watch.staged("match"))
    write_matches(folder, prepared, matched)
    met = meet_strangers(prepared, plan, options, watch.staged("strangers"))
    matched = replace(matched, met=met)
    result = with_counting(*judge_matches(prepared, plan, matched), counted, quality)
    result = with_instruments(result, beside, quality)
    watch.staged("judge")("", 1, 1)
    compared = compare_findings(
        images,
        prepared,
        result.findings,
        matched.control.to_control if matched.control else None,
        threads=options.threads,
        progress=watch.staged("compare"),
    )
    write_comparisons(folder, compared)
    result = with_kinds(result, prepared, matched, compared)
    result = replace(result, key=keep_key(folder))
    result.save(folder)
    ignored = {role: one.ignored for role, one in images.items()}
    write_run(folder, result.summary, watch, ignored=ignored)
    return result


def plan_of(
    train: Given,
    synthetic: Given,
    control: Given | None,
    embedder: str | Path | Embedder,
    fdr: float,
    seed: int,
    options: Options,
) -> Plan:
    """Return the plan of an audit that is called with these arguments.

    ``duplicates`` is open until the kind of the embedder is known.
    """
    given = [one for one in (train, synthetic, control) if one is not None]
    if any(isinstance(one, Embeddings) for one in given):
        spec = "precomputed"
    elif isinstance(embedder, str | Path):
        known = str(embedder) == "precomputed" or is_named(str(embedder))
        spec = str(embedder) if known else _absolute(embedder)
    else:
        spec = f"object:{embedder.name}:{embedder.fingerprint}"
    if spec == "precomputed" and (options.identities != "auto" or options.format is not None):
        raise UsageError(
            "identities and format are for images, but the sets are embeddings, which bring their "
            "identities with them; give these options to `spolia embed`, or leave them out"
        )
    if spec == "precomputed":
        _check_no_images(options)
    columns, listed = _file(options.columns), _file(options.exclude_list)
    points = _file(options.landmarks)
    return Plan(
        train=location_of(train),
        synthetic=location_of(synthetic),
        control=None if control is None else location_of(control),
        embedder=spec,
        fdr=fdr,
        seed=seed,
        identities=options.identities,
        format=options.format,
        max_bad=options.max_bad,
        columns=columns[0],
        columns_fingerprint=columns[1],
        exclude=tuple(options.exclude),
        exclude_list=listed[0],
        exclude_list_fingerprint=listed[1],
        detector=_detector(options.detector),
        landmarks=points[0],
        landmarks_fingerprint=points[1],
        face=choice_of(options.face, cut=options.detector is not None or points[0] is not None),
        attributes=tuple(_absolute(one) for one in options.attributes),
        limits=unusual(options.limits),
    )


def _check_no_images(options: Options) -> None:
    """Refuse what is for images."""
    given = {
        "detector": options.detector,
        "landmarks": options.landmarks,
        "face": options.face,
        "attributes": options.attributes,
    }
    for name, value in given.items():
        if value:
            raise UsageError(
                f"{name} is for images, but the sets are embeddings; give it to `spolia embed`, "
                "audit the images, or leave it out"
            )


def _detector(given: str | Path | None) -> str | None:
    if given is None or str(given) == DLIB:
        return None if given is None else DLIB
    return _absolute(given)


def places_of(plan: Plan) -> list[str | None]:
    """Return what an audit reads."""
    sets = [one for one in (plan.train, plan.synthetic, plan.control) if one is not None]
    return [
        *(path for one in sets for path in paths_in(one)),
        plan.embedder,
        plan.columns,
        plan.exclude_list,
        plan.detector,
        plan.landmarks,
        *plan.attributes,
    ]


def _file(given: str | Path | None) -> tuple[str | None, str | None]:
    """Return where a file of the user lies, and the digest of what is in it now."""
    if given is None:
        return None, None
    path = _absolute(given)
    return path, file_fingerprint(Path(path))


def location_of(one: Given) -> str:
    """Return where a set lies, as a plan says it."""
    if isinstance(one, Sampled):
        return one.uri
    if isinstance(one, Embeddings):
        return f"memory:{fingerprint(one)}"
    return absolute_address(str(one)) if str(one).strip() else _absolute(one)


def _absolute(path: str | Path) -> str:
    if not str(path).strip():
        raise UsageError("a set or card needs a path, but an empty one is given")
    return str(Path(path).absolute())
