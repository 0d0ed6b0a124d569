"""The pairs of images that decide the kind of a finding: chosen, read, compared, and kept.

Only these pairs are read: every finding beside its training image, `CONTROL_PAIRS` synthetic images
(those of findings first) beside their nearest control image, and as many pairs of images of one
control identity, where identities are known. Names are drawn by digests, so the choice depends on
the sets alone.
"""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import scipy

from spolia.auditing.match import Neighbours
from spolia.auditing.plan import Plan, cutters_of, source_of
from spolia.auditing.sets import AuditSet
from spolia.core.errors import (
    InputChanged,
    RunIncomplete,
    SpoliaError,
    UnreadableImage,
    VerificationFailed,
)
from spolia.core.progress import Progress, silent
from spolia.core.seeds import digest_key, stream
from spolia.embedding.copies import VERSION, Agreement, Canvas, compare
from spolia.sources import Source
from spolia.stats.kinds import Agreements
from spolia.store.atomic import atomic_file

FILE = "comparisons.parquet"
GROUPS = ("finding", "nearest control", "control identity")
"""What a compared pair is: a finding, or a control pair of one of two kinds."""
CONTROL_PAIRS = 200
"""Control pairs of each kind at most."""

COMPARISONS = pa.schema(
    [
        ("group", pa.string()),
        ("query", pa.string()),
        ("reference", pa.string()),
        ("descriptor", pa.float64()),
        ("correlation", pa.float64()),
        ("worst_tile", pa.float64()),
        ("l2", pa.float64()),
        ("view", pa.string()),
    ],
    metadata={"compared_by": f"{VERSION}, Pillow {PIL.__version__}, scipy {scipy.__version__}"},
)
"""One row per compared pair."""

_ROLES = {
    "finding": ("synthetic", "train"),
    "nearest control": ("synthetic", "control"),
    "control identity": ("control", "control"),
}
_MEASURES = ("descriptor", "correlation", "worst_tile", "l2")
_CHECKED = 50
_TOLERANCE = 1e-6

Pairs = list[tuple[str, str, str]]
"""Group, query and reference of every pair."""


def compare_findings(
    sources: Mapping[str, Source],
    sets: Mapping[str, AuditSet],
    findings: pa.Table,
    to_control: Neighbours | None,
    *,
    threads: int | None = None,
    progress: Progress = silent,
) -> pa.Table:
    """Compare the images of the findings and of control pairs; see `COMPARISONS`.

    Parameters
    ----------
    sources
        The images of every set by role. Where a set has none, nothing is compared.
    findings
        The findings of the audit.
    to_control
        The nearest control records of every synthetic record.

    Raises
    ------
    InputChanged
        If an image that was embedded cannot be read any more.
    """
    if findings.num_rows == 0 or to_control is None or set(sources) != set(sets):
        return COMPARISONS.empty_table()
    pairs = choose_pairs(sets, findings, to_control)
    found = _measure(sources, pairs, threads, progress)
    records = [
        {"group": group, "query": query, "reference": reference} | asdict(one)
        for (group, query, reference), one in zip(pairs, found, strict=True)
    ]
    return pa.Table.from_pylist(records, schema=COMPARISONS)


def choose_pairs(sets: Mapping[str, AuditSet], findings: pa.Table, to_control: Neighbours) -> Pairs:
    """Return the pairs to compare: the findings in their order, then the control pairs."""
    synthetic, control = sets["synthetic"], sets["control"]
    shown = findings["query"].to_pylist()
    pairs: Pairs = [
        ("finding", query, reference)
        for query, reference in zip(shown, findings["reference"].to_pylist(), strict=True)
    ]
    first = _drawn(dict.fromkeys(shown))[:CONTROL_PAIRS]
    if len(first) < CONTROL_PAIRS:
        others = set(synthetic.ids).difference(first)
        first += _drawn(others)[: CONTROL_PAIRS - len(first)]
    row = {name: i for i, name in enumerate(synthetic.ids)}
    nearest = to_control.indices[[row[name] for name in first], 0]
    pairs += [
        ("nearest control", query, control.ids[i])
        for query, i in zip(first, nearest.tolist(), strict=True)
    ]
    return pairs + _identity_pairs(control)


def _identity_pairs(control: AuditSet) -> Pairs:
    """Return two images of each of some control identities that have several."""
    images = np.bincount(control.identity)
    several = _drawn([control.identities[i] for i in np.flatnonzero(images > 1)])[:CONTROL_PAIRS]
    number = {name: i for i, name in enumerate(control.identities)}
    order = np.argsort(control.identity, kind="stable")
    starts = np.concatenate([[0], np.cumsum(images)])
    pairs: Pairs = []
    for name in several:
        rows = order[starts[number[name]] : starts[number[name] + 1]]
        query, reference = _drawn([control.ids[i] for i in rows])[:2]
        pairs.append(("control identity", query, reference))
    return pairs


def _drawn(names: Iterable[str]) -> list[str]:
    """Return names in an order that their digests decide."""
    return sorted(names, key=partial(digest_key, 0, "kinds"))


def _measure(
    sources: Mapping[str, Source], pairs: Pairs, threads: int | None, progress: Progress
) -> list[Agreement]:
    index = {role: {name: i for i, name in enumerate(one.ids)} for role, one in sources.items()}

    def canvas(role: str, name: str) -> Canvas:
        try:
            return Canvas(sources[role].image(index[role][name]))
        except (UnreadableImage, KeyError) as error:
            raise InputChanged(
                f"{name} of {role} was embedded and cannot be read any more ({error}); put the "
                "images back as they were, or audit again with --overwrite"
            ) from None

    def one(pair: tuple[str, str, str]) -> Agreement:
        group, query, reference = pair
        of_query, of_reference = _ROLES[group]
        return compare(canvas(of_query, query), canvas(of_reference, reference))

    found = []
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for agreement in pool.map(one, pairs):
            found.append(agreement)
            progress("compare", len(found), len(pairs))
    return found


def agreements_of(compared: pa.Table, group: str) -> Agreements:
    """Return how well the pairs of one group agree, in their order."""
    rows = compared.filter(pc.equal(compared["group"], group))
    columns = (rows[name].to_numpy().astype(np.float64) for name in _MEASURES[:3])
    return Agreements(*columns)


def write_comparisons(folder: Path, compared: pa.Table) -> None:
    """Write ``comparisons.parquet``."""
    with atomic_file(folder / FILE) as file:
        pq.write_table(compared, file)


def read_comparisons(folder: Path) -> pa.Table:
    """Read ``comparisons.parquet``.

    Raises
    ------
    RunIncomplete
        If it is not there.
    """
    if not (folder / FILE).exists():
        raise RunIncomplete(f"{folder} has no {FILE}; run the audit again")
    return pq.read_table(folder / FILE)


def check_comparisons(
    compared: pa.Table,
    plan: Plan,
    sets: Mapping[str, AuditSet],
    findings: pa.Table,
    to_control: Neighbours | None,
    *,
    seed: int = 0,
) -> int:
    """Check that the right pairs were compared, compare some again, and return how many.

    Nothing is compared again where the images are no longer there, or where another version of
    spolia, Pillow or scipy compared them.

    Raises
    ------
    VerificationFailed
        If the pairs are others, or two images agree otherwise than it is written.
    """
    if findings.num_rows == 0 or to_control is None or plan.embedder == "precomputed":
        pairs: Pairs = []
    else:
        pairs = choose_pairs(sets, findings, to_control)
    columns = [compared[name].to_pylist() for name in ("group", "query", "reference")]
    if list(zip(*columns, strict=True)) != pairs:
        raise VerificationFailed(
            f"{FILE} must hold the {len(pairs)} pairs that follow from the findings and matches of "
            f"the run, but its {compared.num_rows} pairs are not those"
        )
    sources = _reopened(plan)
    if sources is None or compared.schema.metadata != COMPARISONS.metadata:
        return 0
    chosen = stream(seed, "compare again").permutation(len(pairs))[:_CHECKED].tolist()
    try:
        found = _measure(sources, [pairs[i] for i in chosen], None, silent)
    except InputChanged:
        return 0
    for i, one in zip(chosen, found, strict=True):
        row = compared.slice(i, 1).to_pylist()[0]
        _check_equal(row, one)
    return len(chosen)


def _check_equal(row: Mapping[str, Any], found: Agreement) -> None:
    for name in _MEASURES:
        if abs(row[name] - getattr(found, name)) > _TOLERANCE:
            raise VerificationFailed(
                f"{row['query']} and {row['reference']} have {name} {getattr(found, name)!r}, but "
                f"{FILE} says {row[name]!r}; the file is wrong, or the images have changed since"
            )


def _reopened(plan: Plan) -> dict[str, Source] | None:
    """Open the images of a run again; ``None`` where they are gone."""
    places = {"train": plan.train, "control": plan.control, "synthetic": plan.synthetic}
    try:
        cutters = cutters_of(plan)
        return {
            role: source_of(place, plan, role, cutters=cutters)
            for role, place in places.items()
            if place is not None
        }
    except (SpoliaError, OSError):
        return None
