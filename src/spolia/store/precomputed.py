"""Embeddings that somebody else computed: a ``.npy`` file, or a store."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spolia.core.errors import InvalidRows, UsageError
from spolia.core.results import ModelSummary
from spolia.core.types import Embeddings
from spolia.store.shards import Unreadable, open_store

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


def open_precomputed(path: Path) -> tuple[Embeddings, ModelSummary, tuple[Unreadable, ...]]:
    """Open embeddings by path; the rows stay on disk.

    Parameters
    ----------
    path
        A store folder (`spolia embed` writes one), or a ``.npy`` of ``(n, d)`` float32 unit rows.
        Beside ``x.npy`` an ``x.parquet`` may give the columns ``id`` and ``identity``, one row each.

    Returns
    -------
    tuple
        The embeddings, the model that made them, and the images it could not read.

    Raises
    ------
    UsageError
        If the path is neither, or the table does not fit the rows.
    InvalidRows
        If the rows are not finite unit float32 rows.
    """
    if path.is_dir():
        stored = open_store(path)
        return stored.embeddings, stored.manifest.model, stored.unreadable
    if path.suffix.lower() != ".npy":
        raise UsageError(
            f"precomputed embeddings must be a .npy file or a store folder, but {path} is neither"
        )
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist") from None
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} cannot be read as .npy: {error}") from None
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise InvalidRows(
            f"{path} must hold a matrix (n, d) of float32, but holds {vectors.dtype} of shape "
            f"{vectors.shape}; uint8 images need an --embedder such as dct"
        )
    names = path.with_suffix(".parquet")
    ids, identities = _read_names(names, len(vectors)) if names.exists() else (None, None)
    try:
        return Embeddings(vectors, ids, identities), UNKNOWN_MODEL, ()
    except InvalidRows as error:
        raise InvalidRows(
            f"{path}: {error}; `spolia embed {path.name} --embedder precomputed --out DIR` "
            "writes normalised rows"
        ) from None


def _read_names(path: Path, n: int) -> tuple[list[str] | None, list[str] | None]:
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
                    found[one] += [str(value) for value in batch[one].to_pylist()]
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path} cannot be read as parquet: {error}") from None
    return found.get("id"), found.get("identity")


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
        digest.update(_digest_names(names))
    return digest.hexdigest()


def _digest_names(names: Sequence[str]) -> bytes:
    digest = hashlib.blake2b(str(len(names)).encode())
    for name in names:
        encoded = name.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.digest()
