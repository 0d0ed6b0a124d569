"""Are the sets comparable? Quality measured on a sample of each set's images."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spolia.auditing.sets import AuditSet
from spolia.core.counting import Measure, Quality
from spolia.core.errors import UnreadableImage
from spolia.core.progress import Progress
from spolia.core.seeds import digest_key
from spolia.core.types import Float64
from spolia.sources import Source
from spolia.stats.quality import MEASURES, chance_outside, measure, outside, usual_range
from spolia.stats.rates import exact_rate
from spolia.store.atomic import atomic_file
from spolia.store.shards import name_digest

SAMPLE = 2_000
"""Images of a set that are measured at most; decoding them once more takes some seconds."""

_PART = 250
_TABLE = "quality.parquet"

_OTHER = {"train": "control", "control": "train"}

QUALITY = pa.schema(
    [("set", pa.string()), ("id", pa.string()), *((name, pa.float64()) for name in MEASURES)]
)
"""One row per measured image."""


def measure_sets(
    folder: Path,
    sets: Mapping[str, AuditSet],
    sources: Mapping[str, Source],
    seed: int,
    progress: Progress,
    *,
    parts: Path | None = None,
) -> pa.Table | None:
    """Measure a sample of every set's images and keep the table in the run folder.

    Finished parts are read, from ``parts`` (default ``folder``). The sample depends on the seed and
    the ids, not on their order.
    ``None`` where a set has no images: embeddings cannot be measured.
    """
    if set(sources) != set(sets):
        return None
    drawn = {role: _drawn(one, seed) for role, one in sets.items()}
    parts = parts or folder
    done, total = 0, sum(map(len, drawn.values()))
    tables = []
    for role, ids in drawn.items():
        key = digest_key(seed, sets[role].summary.fingerprint, name_digest(ids)).hex()[:16]
        for start in range(0, len(ids), _PART):
            path = parts / "quality" / f"{role}-{key}" / f"measured_{start:010d}.parquet"
            part = ids[start : start + _PART]
            if not path.exists():
                _write(path, _measured(role, sources[role], part))
            tables.append(pq.read_table(path))
            done += len(part)
            progress("quality", done, total)
    table = pa.concat_tables(tables)
    _write(folder / _TABLE, table)
    return table


def read_quality(folder: Path) -> pa.Table | None:
    """Read what `measure_sets` kept; ``None`` where nothing was measured."""
    path = folder / _TABLE
    return pq.read_table(path) if path.exists() else None


def _drawn(one: AuditSet, seed: int) -> list[str]:
    """Return the ids of a sample, in the order of a draw that the ids decide."""
    keys = {name: digest_key(seed, "quality", name) for name in one.ids}
    return sorted(keys, key=keys.__getitem__)[:SAMPLE]


def _measured(role: str, source: Source, ids: list[str]) -> pa.Table:
    row_of = {name: i for i, name in enumerate(source.ids)}
    found: list[tuple[str, Float64]] = []
    for name in ids:
        try:
            found.append((name, measure(source.image(row_of[name]))))
        except UnreadableImage:
            # It could be read when it was embedded; if it has gone since, it is not counted here.
            continue
    values = np.array([row for _, row in found]).reshape(len(found), len(MEASURES))
    return pa.table([[role] * len(found), [name for name, _ in found], *values.T], schema=QUALITY)


def _write(path: Path, table: pa.Table) -> None:
    with atomic_file(path) as file:
        pq.write_table(table, file)


def compare_quality(table: pa.Table) -> Quality:
    """Count how often each set is unusual for the others.

    Train is held against control, control against train, and synthetic against both: in a range
    taken from train and control together, whatever one of the two has would be usual.
    """
    roles = tuple(dict.fromkeys(table["set"].to_pylist()))
    of_set = {role: table.filter(pc.equal(table["set"], role)) for role in roles}
    measures = []
    for name in MEASURES:
        values = {role: one[name].to_numpy() for role, one in of_set.items()}
        both = np.concatenate([one for role, one in values.items() if role != "synthetic"])
        rates = []
        for role in roles:
            beside = values.get(_OTHER.get(role, ""), both)
            rates.append(exact_rate(outside(values[role], usual_range(beside)), values[role].size))
        low, high = usual_range(both)
        measures.append(Measure(name, low, high, tuple(rates)))
    return Quality(roles, tuple(measures))


def notable(quality: Quality) -> list[str]:
    """Say in which measures train and control differ more than chance would make them.

    That a synthetic set differs from both is usual, and stands in the report alone.
    """
    if "control" not in quality.roles:
        return []
    at = {role: quality.roles.index(role) for role in _OTHER}
    odd = [
        one.name
        for one in quality.measures
        for role, other in _OTHER.items()
        if one.outside[at[role]].low > chance_outside(one.outside[at[other]].n)
    ]
    if not odd:
        return []
    return [
        f"The images of train and control differ in {', '.join(dict.fromkeys(odd))} (see "
        "Comparability): such a difference can hide a leak, or make one up."
    ]
