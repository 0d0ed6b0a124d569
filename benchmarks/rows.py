"""Kinds of rows to measure a join on: what embeddings look like, and what is hardest for a join.

Rows are drawn 32,768 at a time, each time from its own random stream, straight into an array or a
memory-mapped file: a million rows of width 512 take about as long as writing the 2 GB.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spolia.core.types import Float32

CHUNK = 1 << 15

Draw = Callable[[np.random.Generator, int, int], Float32]
"""From a random stream: that many rows of that width, not yet of norm 1."""


@dataclass(frozen=True)
class Kind:
    """How rows are drawn, and how one query row in a hundred is made from a row of base."""

    draw: Draw
    noise: float | None = None
    """Norm of the noise that is added to a row of base; ``None``: no query row is made so."""


def sides(
    kind: str, n: int, m: int, dim: int, *, seed: int = 0, folder: Path | None = None
) -> tuple[Float32, Float32]:
    """Draw the two sides of a join; the same arguments give the same rows.

    Parameters
    ----------
    kind
        A key of `KINDS`.
    n, m, dim
        How many rows query and base have, and their width.
    seed
        Of all random streams; the common direction of a kind does not depend on it.
    folder
        Write ``query.npy`` and ``base.npy`` there and return them memory-mapped, for reading.

    Returns
    -------
    tuple
        query ``(n, dim)`` and base ``(m, dim)``, float32 rows of norm 1 within 1e-6.

    Examples
    --------
    >>> query, base = sides("copy-like", 200, 300, 64)
    >>> query.shape, base.dtype, [round(float(v), 1) for v in np.sort((query @ base.T).max(1))[-2:]]
    ((200, 64), dtype('float32'), [1.0, 1.0])
    """
    query = _empty(folder, "query.npy", (n, dim))
    base = _empty(folder, "base.npy", (m, dim))
    _fill(base, KINDS[kind], [seed, 0])
    _fill(query, KINDS[kind], [seed, 1])
    _plant(query, base, KINDS[kind], np.random.default_rng([seed, 2]))
    if folder is None:
        return query, base
    del query, base  # written out and closed
    return _mapped(folder / "query.npy"), _mapped(folder / "base.npy")


def _empty(folder: Path | None, name: str, shape: tuple[int, int]) -> Float32:
    if folder is None:
        return np.empty(shape, dtype=np.float32)
    return np.lib.format.open_memmap(folder / name, mode="w+", dtype=np.float32, shape=shape)


def _mapped(path: Path) -> Float32:
    rows: Float32 = np.load(path, mmap_mode="r")
    return rows


def _fill(rows: Float32, kind: Kind, seed: list[int]) -> None:
    n, dim = rows.shape
    for start in range(0, n, CHUNK):
        rng = np.random.default_rng([*seed, start // CHUNK])
        rows[start : start + CHUNK] = _unit(kind.draw(rng, min(CHUNK, n - start), dim))


def _plant(query: Float32, base: Float32, kind: Kind, rng: np.random.Generator) -> None:
    n, m = len(query), len(base)
    if kind.noise is None or not n or not m:
        return
    planted = np.sort(rng.choice(n, -(-n // 100), replace=False))
    origin = np.sort(rng.integers(0, m, len(planted)))
    noise = _unit(kind.draw(rng, len(planted), query.shape[1]))
    query[planted] = _unit(base[origin] + np.float32(kind.noise) * noise)


def _unit(rows: Float32) -> Float32:
    """Return the rows at norm 1; in float32, because `spolia.normalise` is slower than drawing."""
    rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return rows


def _normal(rng: np.random.Generator, n: int, dim: int) -> Float32:
    return rng.standard_normal((n, dim), dtype=np.float32)


def _fading(rng: np.random.Generator, n: int, dim: int, over: float) -> Float32:
    """Coordinates that fade by e over ``over`` columns: an effective dimension of about that."""
    rows = _normal(rng, n, dim)
    rows *= np.exp(-np.arange(dim, dtype=np.float32) / np.float32(over))
    return rows


def _common(dim: int) -> Float32:
    """Return the direction that all rows of a kind share, ``(1, dim)``."""
    return _unit(_normal(np.random.default_rng(dim), 1, dim))


def _face_like(rng: np.random.Generator, n: int, dim: int) -> Float32:
    """Identities of five, with a cosine of about .6 inside; effective dimension dim / 4."""
    centres = _unit(_fading(rng, n // 5 + 1, dim, dim / 4))
    rows = _unit(_fading(rng, n, dim, dim / 4))
    rows *= np.float32(0.8)
    rows += centres[rng.integers(0, len(centres), n)]
    return rows


def _clip_like(rng: np.random.Generator, n: int, dim: int) -> Float32:
    """One common direction, cosines of about .5, around it an effective dimension of dim / 6.4."""
    rows = _unit(_fading(rng, n, dim, dim / 6.4))
    rows += _common(dim)
    return rows


def _equal(_rng: np.random.Generator, n: int, dim: int) -> Float32:
    return np.repeat(_common(dim), n, axis=0)


def _near_equal(rng: np.random.Generator, n: int, dim: int) -> Float32:
    """One centre and, in every coordinate, noise of 1e-4."""
    rows = _normal(rng, n, dim)
    rows *= np.float32(1e-4)
    rows += _common(dim)
    return rows


KINDS = {
    "isotropic": Kind(_normal),
    "face-like": Kind(_face_like, noise=0.8),
    "copy-like": Kind(_normal, noise=0.2),
    "clip-like": Kind(_clip_like),
    "equal": Kind(_equal),
    "near-equal": Kind(_near_equal),
}
"""face-like: a planted row is a closer photo of someone in base (a cosine of about .78); the other
query rows show identities of their own. copy-like: a planted row is a near-duplicate (about .98).
"""
