"""A store: shards of embeddings in clip-retrieval's layout, and a manifest that says of what.

::

    STORE/
    ├── manifest.json                    source digest, embedder fingerprint, shard size, model
    ├── img_emb/img_emb_0000.npy         (rows, dim) float32 unit rows
    ├── metadata/metadata_0000.parquet   id, identity (null: unknown); unreadable images in the
    │                                    schema's metadata under ``spolia.unreadable``
    └── columns.parquet                  what the set says of its records (spolia.store.columns)

Shard *i* holds the readable records among *i·shard_records* to *(i+1)·shard_records - 1* of the
source. It is complete when its ``.npy`` is there: that file is renamed into place last.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from spolia.core.errors import (
    InvalidRows,
    NoFace,
    PlanMismatch,
    RunIncomplete,
    UnreadableImage,
    UsageError,
)
from spolia.core.results import Kind, ModelSummary
from spolia.core.rows import UInt64, files_of, row_addresses
from spolia.core.types import Embeddings, Float32, Int64
from spolia.store.atomic import atomic_file, write_text

FORMAT = "spolia-store/2"
_FORMATS = "spolia-store/"


@dataclass(frozen=True)
class Manifest:
    """What a store holds and how it was made."""

    source: str
    """Fingerprint of the images."""
    embedder: str
    """Fingerprint of everything that decided the numbers."""
    dim: int
    records: int
    """Records of the source, readable or not."""
    shard_records: int
    identities: str | None
    """Digest of the identities, `name_digest`; ``None`` where they are unknown."""
    model: ModelSummary
    format: str = FORMAT

    @property
    def shards(self) -> int:
        """Number of shards a complete store has."""
        return -(-self.records // self.shard_records)


@dataclass(frozen=True)
class Unreadable:
    """A record that has no row, and why."""

    id: str
    reason: str
    kind: str = UnreadableImage.kind
    """Of the error that it met."""

    @property
    def no_face(self) -> bool:
        """Whether it can be read, but shows no face that counts."""
        return self.kind == NoFace.kind


@dataclass(frozen=True, eq=False)
class Shard:
    """The readable records of one stretch of a source, and the unreadable ones."""

    vectors: Float32
    ids: Sequence[str]
    identities: Sequence[str] | None
    unreadable: Sequence[Unreadable]


@dataclass(frozen=True, eq=False)
class Stored:
    """A store that was opened: memory-mapped embeddings and how they were made."""

    embeddings: Embeddings
    unreadable: tuple[Unreadable, ...]
    manifest: Manifest


def begin_store(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, or check that the store already there has the same one.

    Raises
    ------
    PlanMismatch
        If the folder holds embeddings of other images or of another embedder.
    """
    path = folder / "manifest.json"
    if not path.exists():
        write_text(path, json.dumps(asdict(manifest), indent=2) + "\n")
        return
    there = read_manifest(folder)
    for what in ("source", "embedder", "records", "shard_records", "identities"):
        if getattr(there, what) != getattr(manifest, what):
            raise PlanMismatch(
                f"{folder} holds embeddings with another {what} "
                f"({getattr(there, what)}, now {getattr(manifest, what)}): the images or the "
                "embedder have changed since; choose another --out, or delete this one"
            )


def is_store(folder: Path) -> bool:
    """Tell whether a folder is a store, of whatever version.

    >>> is_store(Path("nowhere"))
    False
    """
    try:
        fields = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(fields, dict) and str(fields.get("format", "")).startswith(_FORMATS)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a store.

    Raises
    ------
    UsageError
        If there is none, or it has another format.
    """
    path = folder / "manifest.json"
    try:
        fields = json.loads(path.read_bytes())
        model = fields.pop("model")
        trained_on = tuple(model.pop("trained_on"))
        manifest = Manifest(**fields, model=ModelSummary(**model, trained_on=trained_on))
    except FileNotFoundError:
        raise UsageError(
            f"{folder} is not a store of embeddings: it has no manifest.json; "
            "`spolia embed SOURCE --embedder E --out DIR` makes one"
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path} is not a manifest of {FORMAT}: {error}") from None
    if manifest.format != FORMAT:
        raise UsageError(
            f"{path} has format {manifest.format!r}, but {FORMAT!r} is needed; make the store again"
        )
    _check_manifest(path, manifest)
    return manifest


def _check_manifest(path: Path, manifest: Manifest) -> None:
    """Refuse what no store of ours says: others may have written it."""
    smallest = {"dim": 1, "records": 0, "shard_records": 1}
    for name, least in smallest.items():
        value = getattr(manifest, name)
        if type(value) is not int or value < least:
            raise UsageError(
                f"{path} must have a whole number from {least} up as {name}, but has {value!r}; "
                "make the store again"
            )
    texts = (manifest.source, manifest.embedder, manifest.model.name, manifest.model.fingerprint)
    if manifest.model.kind not in get_args(Kind) or not all(isinstance(t, str) for t in texts):
        raise UsageError(
            f"{path} must say in words what made the rows, and of which kind it is "
            f"({', '.join(get_args(Kind))}), but does not; make the store again"
        )


def is_complete(folder: Path, shard: int) -> bool:
    """Tell whether one shard is written."""
    return _vectors_path(folder, shard).exists()


def write_shard(folder: Path, number: int, shard: Shard) -> None:
    """Write one shard, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    identities = shard.identities if shard.identities is not None else [None] * len(shard.ids)
    unreadable = json.dumps([asdict(one) for one in shard.unreadable])
    table = pa.table(
        {
            "id": pa.array(shard.ids, pa.string()),
            "identity": pa.array(identities, pa.string()),
        }
    ).replace_schema_metadata({"spolia.unreadable": unreadable})
    with atomic_file(_metadata_path(folder, number)) as file:
        pq.write_table(table, file)
    with atomic_file(_vectors_path(folder, number)) as file:
        np.save(file, shard.vectors, allow_pickle=False)


def read_unreadable(folder: Path, shard: int) -> list[Unreadable]:
    """Read which records of one shard could not be decoded."""
    return _read_metadata(folder, shard)[2]


def open_store(folder: Path) -> Stored:
    """Open a complete store; its vectors stay on disk until they are asked for.

    Raises
    ------
    UsageError
        If ``folder`` is no store.
    RunIncomplete
        If a shard is missing.
    """
    manifest = read_manifest(folder)
    missing = [i for i in range(manifest.shards) if not is_complete(folder, i)]
    if missing:
        raise RunIncomplete(
            f"{folder} lacks {len(missing)} of {manifest.shards} shards (first: {missing[0]}); "
            "run the same command again to complete it"
        )
    ids: list[str] = []
    identities: list[str] = []
    unreadable: list[Unreadable] = []
    for number in range(manifest.shards):
        shard_ids, shard_identities, shard_unreadable = _read_metadata(folder, number)
        ids += shard_ids
        identities += shard_identities
        unreadable += shard_unreadable
    maps = [_map_shard(_vectors_path(folder, i)) for i in range(manifest.shards)]
    embeddings = Embeddings(
        ShardedRows(maps, manifest.dim), ids, None if manifest.identities is None else identities
    )
    return Stored(embeddings, tuple(unreadable), manifest)


class ShardedRows:
    """Consecutive matrices read as one, without joining them in memory.

    Parameters
    ----------
    shards
        ``(n_i, dim)`` float32 each; kept, so that memory-maps stay open as long as the rows live.
    dim
        The width of all.

    Raises
    ------
    InvalidRows
        If a shard has another type or width.

    Examples
    --------
    >>> rows = ShardedRows([np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)], 2)
    >>> rows.shape, rows[1:3].tolist(), rows[np.array([3, 0])].tolist()
    ((4, 2), [[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]])
    """

    __slots__ = ("_dim", "_shards", "_starts")

    def __init__(self, shards: Sequence[Float32], dim: int) -> None:
        for number, shard in enumerate(shards):
            if shard.dtype != np.float32 or shard.ndim != 2 or shard.shape[1] != dim:
                raise InvalidRows(
                    f"shard {number} must hold float32 rows of width {dim}, but holds "
                    f"{shard.dtype} of shape {shard.shape}; make the store again"
                )
        self._shards = list(shards)
        self._starts = np.cumsum([0, *(len(shard) for shard in shards)])
        self._dim = dim

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, d)``."""
        return (int(self._starts[-1]), self._dim)

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """``float32``."""
        return np.dtype(np.float32)

    def __getitem__(self, key: slice | Int64, /) -> Float32:
        """Return the rows of a slice (no step) or of an index array, as one array."""
        if not isinstance(key, slice):
            return self._gather(np.asarray(key, dtype=np.int64))
        start, stop, _ = key.indices(self.shape[0])
        parts = [np.empty((0, self._dim), dtype=np.float32)]
        for first, shard in zip(self._starts, self._shards, strict=False):
            part = shard[max(start - first, 0) : max(stop - first, 0)]
            if len(part):
                parts.append(np.asarray(part))
        return parts[-1] if len(parts) == 2 else np.concatenate(parts)

    def _gather(self, index: Int64) -> Float32:
        rows = np.empty((index.size, self._dim), dtype=np.float32)
        shard_of = np.searchsorted(self._starts, index, side="right") - 1
        for number in np.unique(shard_of):
            here = shard_of == number
            rows[here] = self._shards[number][index[here] - self._starts[number]]
        return rows

    def row_addresses(self) -> UInt64 | None:
        """Return the addresses of all rows, see `spolia.core.rows.row_addresses`."""
        addresses = np.empty(self.shape[0], dtype=np.uint64)
        for start, shard in zip(self._starts, self._shards, strict=False):
            part = row_addresses(shard)
            if part is None:
                return None
            addresses[start : start + len(part)] = part
        return addresses

    def files(self) -> tuple[Path, ...]:
        """Return the shards' files, see `spolia.core.rows.files_of`."""
        return tuple(path for shard in self._shards for path in files_of(shard))


def name_digest(names: Sequence[str]) -> str:
    """Return a digest of names in their order.

    >>> name_digest(["ab", "c"]) == name_digest(["a", "bc"])
    False
    """
    digest = hashlib.blake2b(str(len(names)).encode(), digest_size=32)
    for name in names:
        encoded = name.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def _vectors_path(folder: Path, shard: int) -> Path:
    return folder / "img_emb" / f"img_emb_{shard:04d}.npy"


def _metadata_path(folder: Path, shard: int) -> Path:
    return folder / "metadata" / f"metadata_{shard:04d}.parquet"


def _read_metadata(folder: Path, shard: int) -> tuple[list[str], list[str], list[Unreadable]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = _metadata_path(folder, shard)
    try:
        table = pq.read_table(path, columns=["id", "identity"])
        unreadable = json.loads(cast("Any", table.schema.metadata)[b"spolia.unreadable"])
        return (
            table["id"].to_pylist(),
            [identity for identity in table["identity"].to_pylist() if identity is not None],
            [Unreadable(**one) for one in unreadable],
        )
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read as the records of a store: {error}; make the store again"
        ) from None


def _map_shard(path: Path) -> Float32:
    try:
        return cast("Float32", np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} cannot be read as .npy: {error}; make the store again") from None
