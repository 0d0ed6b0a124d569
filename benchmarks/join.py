"""The exact join against faiss-cpu Flat: ``python -m benchmarks join`` (needs ``spolia[bench]``).

Results are compared first, then both are timed in turns on the same rows and cores.
"""

import argparse
import os
import time
from collections.abc import Callable

import faiss
import numpy as np

from spolia import join, normalise

ROUNDS = 3


def face_like(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    """Clusters of five with a cosine of about .6 inside, in an effective dimension of dim / 4."""
    scale = np.exp(-np.arange(dim) / (dim / 4))
    centres = normalise(rng.normal(size=(n // 5 + 1, dim)) * scale)
    noise = normalise(rng.normal(size=(n, dim)) * scale)
    return normalise(centres[rng.integers(0, len(centres), n)] + 0.8 * noise)


def isotropic(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    return normalise(rng.normal(size=(n, dim)))


KINDS = {"isotropic": isotropic, "face-like": face_like}


def seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def faiss_nearest(query: np.ndarray, base: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    index = faiss.IndexFlatIP(base.shape[1])
    index.add(base)
    similarities, indices = index.search(query, k)
    return indices, similarities


def check(query: np.ndarray, base: np.ndarray, k: int) -> float:
    """Share of equal neighbours; those that differ must be equal within faiss's own precision."""
    ours = join(query, base, k=k)
    indices, similarities = faiss_nearest(query, base, k)
    if np.abs(ours.similarities - similarities).max() > 1e-5:
        raise SystemExit("the results differ by more than float32 rounding")
    return float(np.mean(ours.indices == indices))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=512)
    asked = parser.parse_args(arguments)
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    print(f"{asked.rows:,} x {asked.rows:,} x {asked.dim}, median of {ROUNDS}, faiss-cpu Flat")
    print("rows       k   spolia   faiss    ratio  same neighbours")
    for kind, draw in KINDS.items():
        rng = np.random.default_rng(0)
        query, base = (draw(rng, asked.rows, asked.dim) for _ in range(2))
        for k in (1, 10):
            same = check(query, base, k)
            times = [
                (
                    seconds(lambda: join(query, base, k=k)),  # noqa: B023  (called at once)
                    seconds(lambda: faiss_nearest(query, base, k)),  # noqa: B023
                )
                for _ in range(ROUNDS)
            ]
            ours, theirs = (float(np.median(one)) for one in zip(*times, strict=True))
            ratio = theirs / ours
            print(f"{kind:<9}  {k:>2}  {ours:>6.1f}s  {theirs:>6.1f}s  {ratio:>5.2f}x  {same:.5f}")
