"""Embeddings that somebody else computed: a ``.npy`` file, or a store."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spolia.core.errors import InvalidRows, UsageError
from spolia.core.results import ModelSummary
from spolia.core.types import Embeddings, normalise
from spolia.store.columns import read_columns
from spolia.store.shards import (
    Manifest,
    Shard,
    Unreadable,
    begin_store,
    name_digest,
    open_store,
    write_shard,
)

UNKNOWN_MODEL = ModelSummary(
    name="precomputed",
    kind="unknown",
    licence="not known",
    commercial=None,
    source="embeddings were given, not computed",
    trained_on=(),
    fingerprint="",
)
"""The judge of rows that came without a store's manifest."""

_ROWS_PER_STEP = 8192


@dataclass(frozen=True, eq=False)
class Opened:
    """Embeddings with what is known of their making."""

    embeddings: Embeddings
    model: ModelSummary
    fingerprint: str
    """Of the images they were made from where known, else of the rows, ids and identities."""
    unreadable: tuple[Unreadable, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the set they were made from said of them, in the order of the rows."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of each row."""
        return self.embeddings.ids


def open_precomputed(path: Path) -> Opened:
    """Open embeddings by path; the rows stay on disk.

    Parameters
    ----------
    path
        A store folder (`spolia embed` writes one), or a ``.npy`` of ``(n, d)`` float32 unit rows.
        Beside ``x.npy`` an ``x.parquet`` may give the columns ``id`` and ``identity``.

    Raises
    ------
    UsageError
        If the path is neither, or the table does not fit the rows.
    InvalidRows
        If the rows are not finite unit float32 rows.
    """
    if path.is_dir():
        stored = open_store(path)
        rows, manifest = stored.embeddings, stored.manifest
        columns = read_columns(path, rows.ids)
        return Opened(rows, manifest.model, manifest.source, stored.unreadable, columns)
    vectors = _read_rows(path)
    if vectors.dtype != np.float32:
        raise InvalidRows(
            f"{path} must hold float32 rows, but holds {vectors.dtype}; {_write_rows(path)}"
        )
    try:
        embeddings = Embeddings(vectors, *_read_names(path.with_suffix(".parquet"), len(vectors)))
    except InvalidRows as error:
        raise InvalidRows(f"{path}: {error}; {_write_rows(path)}") from None
    return Opened(embeddings, UNKNOWN_MODEL, fingerprint(embeddings))


def normalise_file(path: Path, folder: Path) -> Opened:
    """Write the rows of a ``.npy`` of floats, scaled to unit norm, as a store in ``folder``.

    Raises
    ------
    UsageError
        If ``path`` is no ``.npy`` of floats, or the ``.parquet`` beside it does not fit.
    """
    vectors = _read_rows(path)
    names = _read_names(path.with_suffix(".parquet"), len(vectors))
    return keep_embeddings(folder, Embeddings(normalise(vectors), *names))


def keep_embeddings(folder: Path, embeddings: Embeddings) -> Opened:
    """Write embeddings as a store in ``folder`` and open it.

    Raises
    ------
    PlanMismatch
        If ``folder`` holds other embeddings.
    """
    n = len(embeddings)
    begin_store(
        folder,
        Manifest(
            source=fingerprint(embeddings),
            embedder="",
            dim=embeddings.vectors.shape[1],
            records=n,
            shard_records=max(n, 1),
            identities=name_digest(embeddings.identities) if embeddings.identities else None,
            model=UNKNOWN_MODEL,
        ),
    )
    if n:
        shard = Shard(embeddings.vectors[0:n], embeddings.ids, embeddings.identities, ())
        write_shard(folder, 0, shard)
    return open_precomputed(folder)


def _read_rows(path: Path) -> npt.NDArray[np.floating[Any]]:
    if path.suffix.lower() != ".npy":
        raise UsageError(
            f"precomputed embeddings must be a .npy file or a store folder, but {path} is neither"
        )
    try:
        vectors: npt.NDArray[np.floating[Any]] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist") from None
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} cannot be read as .npy: {error}") from None
    if vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.floating):
        raise InvalidRows(
            f"{path} must hold a matrix (n, d) of floats, but holds {vectors.dtype} of shape "
            f"{vectors.shape}; images need an --embedder such as dct"
        )
    return vectors


def _write_rows(path: Path) -> str:
    return f"`spolia embed {path.name} --embedder precomputed --out DIR` writes unit rows"


def _read_names(path: Path, n: int) -> tuple[list[str] | None, list[str] | None]:
    if not path.exists():
        return None, None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = [one for one in ("id", "identity") if one in file.schema_arrow.names]
            if not columns or file.metadata.num_rows != n:
                raise UsageError(
                    f"{path} must have the columns id and/or identity and {n} rows, but has "
                    f"{file.schema_arrow.names} and {file.metadata.num_rows} rows"
                )
            found: dict[str, list[str]] = {one: [] for one in columns}
            # Small batches: a few hundred bytes of parquet can unfold to gigabytes at once.
            for batch in file.iter_batches(batch_size=256, columns=columns):
                for one in columns:
                    found[one] += _texts(batch[one].to_pylist(), path, one, len(found[one]))
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path} cannot be read as parquet: {error}") from None
    return found.get("id"), found.get("identity")


def _texts(values: list[Any], path: Path, column: str, first: int) -> list[str]:
    if None in values:
        raise UsageError(
            f"{path} must have a value in every row of {column}, but row "
            f"{first + values.index(None)} has none; give each record one, or leave out the column"
        )
    return [str(value) for value in values]


def fingerprint(embeddings: Embeddings) -> str:
    """Return a digest of the rows, ids and identities, wherever they lie.

    >>> one = Embeddings(np.eye(2, dtype=np.float32))
    >>> fingerprint(one) == fingerprint(Embeddings(np.eye(2, dtype=np.float32)))
    True
    """
    digest = hashlib.blake2b(repr(embeddings.vectors.shape).encode(), digest_size=32)
    for start in range(0, len(embeddings), _ROWS_PER_STEP):
        rows = embeddings.vectors[start : start + _ROWS_PER_STEP]
        digest.update(np.ascontiguousarray(rows).tobytes())
    for names in (embeddings.ids, embeddings.identities or ()):
        digest.update(name_digest(names).encode())
    return digest.hexdigest()
