"""The first stage: every set embedded or opened, and fit to be compared."""

from pathlib import Path

from spolia.auditing.embed import EmbedOptions, embed_source
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.record import Stopwatch
from spolia.auditing.result import Quarantine, write_quarantine
from spolia.auditing.sets import AuditSet, prepare
from spolia.core.errors import RunIncomplete, TooManyUnreadable, UsageError
from spolia.core.types import Embeddings
from spolia.embedding import Embedder
from spolia.sources import Source, open_source
from spolia.store.precomputed import Opened, keep_embeddings, open_precomputed

Set = str | Path | Embeddings
"""A set: where its images (or stored embeddings) lie, or the embeddings themselves."""


def prepare_all(
    folder: Path,
    sets: dict[str, Set],
    plan: Plan,
    embedder: Embedder | None,
    options: Options,
    watch: Stopwatch,
) -> dict[str, AuditSet]:
    """Embed every set with ``embedder``, or open it where there is none.

    Raises
    ------
    UsageError
        If a set cannot be opened, or the sets cannot be compared.
    TooManyUnreadable
        If a set has too many unreadable images; ``quarantine.csv`` is written first.
    """
    prepared: dict[str, AuditSet] = {}
    for role, one in sets.items():
        try:
            if embedder is None:
                prepared[role] = _open_embeddings(folder, role, one)
            else:
                source = _open_images(role, one, plan, watch)
                prepared[role] = _embed(folder, role, source, embedder, options, watch)
        except TooManyUnreadable as error:
            met = tuple((role, name, reason) for name, reason in error.unreadable)
            write_quarantine(folder, quarantine_of(prepared) + met)
            raise
    _check_comparable(prepared)
    return prepared


def _open_images(role: str, one: Set, plan: Plan, watch: Stopwatch) -> Source:
    if isinstance(one, Embeddings):
        raise UsageError(
            f"either all sets are Embeddings or none is, but only some are ({role} is); "
            "open the others with embedder='precomputed', or pass images"
        )
    return open_source(
        one,
        format=plan.format,
        identities=plan.identities,
        progress=watch.staged(f"read {role}"),
    )


def _embed(
    folder: Path,
    role: str,
    source: Source,
    embedder: Embedder,
    options: Options,
    watch: Stopwatch,
) -> AuditSet:
    kept = folder / "embeddings" / role
    embed_source(
        source,
        embedder,
        kept,
        options=EmbedOptions(options.max_bad, options.threads, options.shard_records),
        progress=watch.staged(f"embed {role}"),
    )
    return _prepared(role, open_precomputed(kept))


def _open_embeddings(folder: Path, role: str, one: Set) -> AuditSet:
    if isinstance(one, Embeddings):
        return _prepared(role, keep_embeddings(folder / "embeddings" / role, one))
    return _prepared(role, open_precomputed(Path(one)))


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
    synthetic = sets["synthetic"]
    for role, one in sets.items():
        if one.rows.shape[1] != synthetic.rows.shape[1]:
            raise UsageError(
                f"all sets must have rows of one width, but synthetic has "
                f"{synthetic.rows.shape[1]} columns and {role} {one.rows.shape[1]}; "
                "embed them with the same embedder"
            )
        if one.model.fingerprint != synthetic.model.fingerprint:
            raise UsageError(
                f"all sets must come from one embedder, but synthetic was made by "
                f"{synthetic.model.name} and {role} by {one.model.name}, or by another version"
            )
    control = sets.get("control")
    if control is not None and control.summary.fingerprint == sets["train"].summary.fingerprint:
        raise UsageError(
            "control must be images that the generator was not trained on, but it is the same "
            "set as train"
        )


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
    places = {"train": plan.train, "synthetic": plan.synthetic, "control": plan.control}
    sets = {}
    for role, place in places.items():
        if place is None:
            continue
        kept = folder / "embeddings" / role
        if not kept.exists() and plan.embedder != "precomputed":
            raise RunIncomplete(f"{folder} holds no embeddings of {role}; run the audit again")
        sets[role] = _prepared(role, open_precomputed(kept if kept.exists() else Path(place)))
    return sets
