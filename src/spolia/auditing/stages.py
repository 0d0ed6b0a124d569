"""The first stage: every set embedded or opened, and fit to be compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spolia.auditing.cuts import ALIGNMENT, CutSource, OfFaces, alignment_of
from spolia.auditing.embed import EmbedOptions, embed_source
from spolia.auditing.generating import Sampled
from spolia.auditing.options import Options
from spolia.auditing.plan import FILE as PLAN_FILE
from spolia.auditing.plan import Plan, cutters_of, source_of
from spolia.auditing.record import Stopwatch
from spolia.auditing.result import Quarantine, write_quarantine
from spolia.auditing.sets import AuditSet, prepare
from spolia.auditing.told import Says
from spolia.core.errors import RunIncomplete, TooManyUnreadable, UsageError
from spolia.core.progress import Progress
from spolia.core.results import Kind, ModelSummary
from spolia.core.types import Embeddings
from spolia.embedding import Embedder, open_embedder
from spolia.search.engines import check_engine
from spolia.sources import Source
from spolia.store.precomputed import (
    UNKNOWN_MODEL,
    Opened,
    keep_embeddings,
    open_precomputed,
)
from spolia.store.shards import is_store

EMBEDDINGS = "embeddings"
"""The folder of the stores in a run folder; in a study, also of those that its runs share."""

STUDY_FILE = "study.toml"
"""The plan of a study, which makes a folder one."""

IDENTITY_FILE = "identity.toml"
"""What `spolia identity` was asked, which makes a folder one of its runs."""

SWEEP_FILE = "sweep.toml"
"""The plan of a study of models, which makes a folder one."""

MEMBERSHIP_FILE = "membership.toml"
"""What `spolia attack membership` was asked, which makes a folder one of its runs."""

SEARCH_FILE = "search.toml"
"""What `spolia search` was asked, which makes a folder one of its runs."""

RUN_FILES = (PLAN_FILE, STUDY_FILE, IDENTITY_FILE, SWEEP_FILE, MEMBERSHIP_FILE, SEARCH_FILE)
"""Files of which one makes a folder a run of spolia."""

Set = str | Path | Embeddings
"""A set: where its images (or stored embeddings) lie, or the embeddings themselves."""

Given = Set | Sampled
"""A set, or what a generator is asked for."""


@dataclass(frozen=True)
class Images:
    """Images that are still to be embedded."""

    source: Source
    embedder: Embedder


Ready = Images | Opened | Embeddings
"""A set that is opened."""


def judged(source: Source, judge: Embedder) -> Images:
    """Return images for a judge, who knows whether they are faces.

    Raises
    ------
    UsageError
        If they are, and the judge wants another alignment.
    """
    if not isinstance(source, CutSource):
        return Images(source, judge)
    if alignment_of(judge) not in ("none", ALIGNMENT):
        raise UsageError(
            f"faces are aligned as {ALIGNMENT}, but the card of {judge.name} wants "
            f"{alignment_of(judge)}; give images that are aligned so, and no --detector"
        )
    return Images(source, OfFaces(judge, source.method))


def open_all(
    sets: Mapping[str, Given],
    plan: Plan,
    embedder: str | Path | Embedder,
    options: Options,
    watch: Stopwatch,
    *,
    stores: bool = False,
) -> dict[str, Ready]:
    """Open every set, so that what is wrong with one is said before any is embedded.

    With ``stores``, a set may be a store where others are images: somebody else embedded it.

    Raises
    ------
    UsageError
        If a set or the embedder cannot be opened.
    """
    opened: dict[str, Ready] = {}
    judge = (
        None
        if plan.embedder == "precomputed"
        else open_embedder(embedder, trust=options.trust, device=options.device)
    )
    cutters = cutters_of(plan)
    for role, one in sets.items():
        if isinstance(one, Embeddings):
            opened[role] = one
        elif judge is None or (stores and not isinstance(one, Sampled) and is_store(Path(one))):
            opened[role] = open_precomputed(_stored(one))
        else:
            progress = watch.staged(f"read {role}")
            source = source_of(one, plan, role, progress, cutters=cutters)
            opened[role] = judged(source, judge)
    return opened


def _stored(one: str | Path | Sampled) -> Path:
    if isinstance(one, Sampled):
        raise UsageError(
            "samples of a generator are images, but the other sets are embeddings; name the "
            "--embedder that made these, and give the sets as images"
        )
    return Path(one)


def images_of(sets: Mapping[str, Ready]) -> dict[str, Source]:
    """Return the sources of the sets that are images."""
    return {role: one.source for role, one in sets.items() if isinstance(one, Images)}


def sayers_of(sets: Mapping[str, Ready]) -> dict[str, Says]:
    """Return the sets that may say something of their records: images, and stores of such."""
    stores = {role: one for role, one in sets.items() if isinstance(one, Opened)}
    return {**images_of(sets), **stores}


def kind_of(sets: Mapping[str, Ready]) -> Kind:
    """Return what the embedder of the synthetic set can tell."""
    return _model_of(sets["synthetic"]).kind


def prepare_all(
    folder: Path,
    sets: dict[str, Ready],
    options: Options,
    watch: Stopwatch,
    *,
    kept: Path | None = None,
    shared: Mapping[str, AuditSet] | None = None,
) -> dict[str, AuditSet]:
    """Embed what is not embedded yet and make the sets fit to be compared.

    ``kept`` is where the embeddings go, by role; default ``embeddings`` in the run folder.
    ``shared`` are those of the sets that were prepared before.

    Raises
    ------
    UsageError
        If the sets cannot be compared, or the engine that is to compare them is not there.
    TooManyUnreadable
        If a set has too many unreadable images; ``quarantine.csv`` is written first.
    """
    check_engine(options.engine)
    prepared: dict[str, AuditSet] = dict(shared or {})
    stores = folder / EMBEDDINGS if kept is None else kept
    for role, one in sets.items():
        if role in prepared:
            continue
        try:
            opened = embedded(stores / role, one, options, watch.staged(f"embed {role}"))
        except TooManyUnreadable as error:
            met = tuple((role, name, reason) for name, reason in error.unreadable)
            write_quarantine(folder, quarantine_of(prepared) + met)
            raise
        prepared[role] = _prepared(role, opened)
    _check_comparable(prepared)
    return prepared


def embedded(store: Path, one: Ready, options: Options, progress: Progress) -> Opened:
    """Return the embeddings of a set; what is not a store yet becomes one.

    Raises
    ------
    TooManyUnreadable
        If it has too many unreadable images.
    """
    if isinstance(one, Opened):
        return one
    if isinstance(one, Embeddings):
        return keep_embeddings(store, one)
    embed_source(
        one.source, one.embedder, store, options=_embed_options(options), progress=progress
    )
    return open_precomputed(store)


def _embed_options(options: Options) -> EmbedOptions:
    return EmbedOptions(
        options.max_bad,
        options.threads,
        options.shard_records,
        None if options.cache is None else Path(options.cache),
    )


def _prepared(role: str, opened: Opened) -> AuditSet:
    return prepare(
        role,
        opened.embeddings,
        opened.model,
        fingerprint=opened.fingerprint,
        unreadable=opened.unreadable,
    )


def _check_comparable(sets: dict[str, AuditSet]) -> None:
    """Refuse sets that cannot be compared, or that make the comparison meaningless."""
    if "synthetic" not in sets:
        return
    synthetic = sets["synthetic"]
    _check_one_maker({role: one.model for role, one in sets.items()})
    for role, one in sets.items():
        if one.rows.shape[1] != synthetic.rows.shape[1]:
            raise UsageError(
                f"all sets must have rows of one width, but synthetic has "
                f"{synthetic.rows.shape[1]} columns and {role} {one.rows.shape[1]}; "
                "embed them with the same embedder"
            )
    control = sets.get("control")
    if control is not None and control.summary.fingerprint == sets["train"].summary.fingerprint:
        raise UsageError(
            "control must be images that the generator was not trained on, but it is the same "
            "set as train"
        )


def check_makers(sets: Mapping[str, Ready]) -> None:
    """Refuse sets of which it is known already that they cannot be compared.

    Raises
    ------
    UsageError
        If they were, or will be, made by different embedders.
    """
    _check_one_maker({role: _model_of(one) for role, one in sets.items()})


def _model_of(one: Ready) -> ModelSummary:
    if isinstance(one, Images):
        return one.embedder.summary
    return one.model if isinstance(one, Opened) else UNKNOWN_MODEL


def _check_one_maker(models: Mapping[str, ModelSummary]) -> None:
    synthetic = models["synthetic"]
    for role, one in models.items():
        if one.fingerprint != synthetic.fingerprint:
            raise UsageError(
                f"all sets must come from one embedder, but synthetic was made by "
                f"{_maker(synthetic)} and {role} by {_maker(one)}: another network, version or "
                "preprocessing, or faces that were found or cut in another way; embed both with "
                "the same card, --detector and --device"
            )


def _maker(model: ModelSummary) -> str:
    return f"{model.name} ({model.fingerprint[:12] or 'fingerprint not known'})"


def quarantine_of(sets: dict[str, AuditSet]) -> Quarantine:
    """Return role, id and reason of every image that could not be read."""
    return tuple((role, bad.id, bad.reason) for role, one in sets.items() for bad in one.unreadable)


def reopen_all(folder: Path, plan: Plan) -> dict[str, AuditSet]:
    """Open the embeddings that a finished run was made from.

    Raises
    ------
    RunIncomplete
        If they are no longer there, or the run was killed before they were complete.
    """
    places = {"train": plan.train, "control": plan.control, "synthetic": plan.synthetic}
    return reopen(folder, places, embedded=plan.embedder != "precomputed")


def reopen(
    folder: Path, places: Mapping[str, str | None], *, embedded: bool
) -> dict[str, AuditSet]:
    """Open the sets that a finished run was made from, by role and where each lies.

    ``embedded`` is whether they were images, so that their embeddings are the run's own.

    Raises
    ------
    RunIncomplete
        If they are no longer there, or the run was killed before they were complete.
    """
    sets = {}
    for role, place in places.items():
        if place is None:
            continue
        kept = store_of(folder, role)
        if not kept.exists() and embedded:
            raise RunIncomplete(f"{folder} holds no embeddings of {role}; run it again")
        sets[role] = _prepared(role, open_precomputed(kept if kept.exists() else Path(place)))
    return sets


def store_of(folder: Path, role: str) -> Path:
    """Return where a run keeps the embeddings of a role: its own, or those its study shares."""
    own = folder / EMBEDDINGS / role
    study = study_of(folder)
    if study is None or own.exists():
        return own
    return study / EMBEDDINGS / folder.resolve().name / role


def study_of(folder: Path) -> Path | None:
    """Return the study whose audit has this run folder; ``None`` for an audit by itself."""
    # A run of a study lies in STUDY/set/judge.
    study = folder.resolve().parent.parent
    return study if (study / STUDY_FILE).exists() else None
