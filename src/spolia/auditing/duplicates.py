"""Near-duplicates: within train and control, and between them, where they hide leaks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spolia.auditing.alike import Across, Kept, across, closest_within
from spolia.auditing.clustered import (
    RECORDS,
    Clustered,
    cluster,
    counted,
    merged,
    records_table,
)
from spolia.auditing.exclude import keep
from spolia.auditing.names import (
    NAMED,
    SAME_PERSON,
    SAME_PHOTO,
    candidates,
    named_table,
    two_names,
    usual_similarity,
)
from spolia.auditing.options import Options
from spolia.auditing.sets import AuditSet
from spolia.core.counting import Candidates, Duplicates, SharedControl, TwoNames
from spolia.core.errors import UsageError
from spolia.core.progress import Progress
from spolia.core.results import Kind
from spolia.core.seeds import digest_key
from spolia.stats.lean import kish
from spolia.stats.rates import exact_rate
from spolia.store.shards import name_digest

DEFAULTS: dict[Kind, float] = {"copy": 0.998, "identity": 0.97, "unknown": 0.999}
"""From which similarity two records count as one photo, by what the embedder can tell.

Measured, see ``docs/methods/counting.md``: over what different photos reach, and under what a photo
keeps when it is saved again.
"""

SEEN = pa.schema(
    [
        ("id", pa.string()),
        ("identity", pa.string()),
        ("reference", pa.string()),
        ("similarity", pa.float64()),
    ]
)
"""One row per control record with a near-duplicate in train, and the nearest one there."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Found:
    """The sets to be judged, and what the search for near-duplicates says of them."""

    sets: dict[str, AuditSet]
    summary: Duplicates | None
    clusters: Mapping[str, Clustered]
    """The near-duplicates of train and control, before any record left."""
    beside: Across | None
    """The whole control against train."""
    duplicates: pa.Table
    control_seen: pa.Table
    two_names: pa.Table


def threshold_of(wanted: float | Literal["auto", "off"], kind: Kind) -> float | None:
    """Return the threshold that is meant by ``auto``, ``off`` or a number.

    Raises
    ------
    UsageError
        If it is none of these.

    Examples
    --------
    >>> threshold_of("auto", "identity"), threshold_of("off", "copy"), threshold_of(0.99, "copy")
    (0.97, None, 0.99)
    """
    if wanted == "auto":
        return DEFAULTS[kind]
    if wanted == "off":
        return None
    if isinstance(wanted, bool) or not isinstance(wanted, float | int):
        raise UsageError(
            f"duplicates must be auto, off, or a similarity under 1, but are {wanted!r}"
        )
    return float(wanted)


def find_duplicates(
    folder: Path,
    sets: dict[str, AuditSet],
    threshold: float | None,
    options: Options,
    progress: Progress,
) -> Found:
    """Cluster train and control, and take out of the control what was seen in training.

    Where identities are unknown, a cluster becomes the identity. A control identity with a
    near-duplicate in train leaves the control with all its records.

    Raises
    ------
    UsageError
        If nothing of the control is left.
    """
    nothing = Found(
        sets, None, {}, None, RECORDS.empty_table(), SEEN.empty_table(), NAMED.empty_table()
    )
    if threshold is None:
        return nothing
    judged = {role: one for role, one in sets.items() if role != "synthetic"}
    key = _key(judged, threshold)

    def kept(job: str) -> Kept:
        return Kept(folder / "duplicates" / f"{job}-{key}", options, progress)

    clusters = {role: cluster(one, threshold, kept(role)) for role, one in judged.items()}
    judged = {role: merged(one, clusters[role]) for role, one in judged.items()}
    train, control = judged["train"], judged.get("control")
    shared, control_seen, beside = None, nothing.control_seen, None
    if control is not None:
        beside = across(control.rows, train.rows, kept("across"))
        near = beside.similarity >= threshold
        control_seen = _seen_table(control, train, beside, near)
        judged["control"], shared = without_seen(control, near, clusters["control"])
    names = _Names.of(
        train,
        control,
        clusters["train"],
        threshold=threshold,
        beside=beside,
        kept=kept("names"),
    )
    return Found(
        sets=sets | judged,
        summary=Duplicates(
            threshold=threshold,
            sets=tuple(counted(role, one) for role, one in clusters.items()),
            shared=shared,
            two_names=names.two_names,
            candidates=names.candidates,
            too_many=tuple(role for role, one in clusters.items() if one.pairs is None),
        ),
        clusters=clusters,
        beside=beside,
        duplicates=pa.concat_tables(
            [records_table(sets[role], one) for role, one in clusters.items()]
        ),
        control_seen=control_seen,
        two_names=names.table,
    )


def _key(sets: dict[str, AuditSet], threshold: float) -> str:
    made_of = [
        f"{role}:{one.summary.fingerprint}:{one.model.fingerprint}:{name_digest(one.ids)}:"
        f"{name_digest([one.identities[i] for i in one.identity])}"
        for role, one in sets.items()
    ]
    return digest_key(0, repr(threshold), *made_of).hex()[:16]


def _seen_table(control: AuditSet, train: AuditSet, beside: Across, near: Flags) -> pa.Table:
    rows = np.flatnonzero(near)
    rows = rows[np.argsort(-beside.similarity[rows], kind="stable")]
    return pa.table(
        [
            [control.ids[i] for i in rows.tolist()],
            [control.identities[control.identity[i]] for i in rows],
            [train.ids[i] for i in beside.nearest[rows].tolist()],
            beside.similarity[rows],
        ],
        schema=SEEN,
    )


def without_seen(
    control: AuditSet, near: Flags, clustered: Clustered
) -> tuple[AuditSet, SharedControl]:
    """Return the control without the identities of which a record is (nearly) in train."""
    seen = np.zeros(len(control.identities), dtype=np.bool_)
    seen[control.identity[near]] = True
    out = seen[control.identity]
    # Photos of one person are seen together; the interval counts people.
    sizes = np.bincount(control.identity)
    shared = SharedControl(
        images=exact_rate(int(np.count_nonzero(near)), near.size, effective_n=kish(sizes)),
        identities=exact_rate(int(np.count_nonzero(seen)), seen.size),
        left_out=int(np.count_nonzero(out)),
    )
    if out.all():
        raise UsageError(
            "control must be images that the generator was not trained on, but every identity of "
            "it has a near-duplicate in train; give another control, or raise --duplicates"
        )
    if not out.any():
        return control, shared
    left = keep(control, np.flatnonzero(~out), "near-duplicates in train")
    return replace(left, distinct=np.unique(clustered.cluster[~out]).size), shared


@dataclass(frozen=True, eq=False)
class _Names:
    """What may be one photo or one person under two identities."""

    two_names: TwoNames | None
    candidates: Candidates | None
    table: pa.Table

    @classmethod
    def of(
        cls,
        train: AuditSet,
        control: AuditSet | None,
        clustered: Clustered,
        *,
        threshold: float,
        beside: Across | None,
        kept: Kept,
    ) -> "_Names":
        """Look among the identities of train, and between train and control."""
        if not train.summary.identities_known:
            return cls(None, None, NAMED.empty_table())
        count, pairs = two_names(train, clustered)
        tables = [named_table(train, train, SAME_PHOTO, pairs)]
        usual = usual_similarity(train, clustered) if train.model.kind == "identity" else None
        if usual is None:
            return cls(count, None, tables[0])
        top = closest_within(train.rows, train.identity, kept)
        within = candidates(train, train, top, usual[0], threshold)
        tables.append(named_table(train, train, SAME_PERSON, within))
        between = None
        if control is not None and beside is not None and control.summary.identities_known:
            between = candidates(train, control, beside.top, usual[0], threshold)
            tables.append(named_table(train, control, SAME_PERSON, between))
        found = Candidates(
            threshold=usual[0],
            judged_by=usual[1],
            within=len(within),
            across=None if between is None else len(between),
        )
        return cls(count, found, pa.concat_tables(tables))
