"""Wall time and peak memory of an audit of large embeddings, as a whole process.

``python -m benchmarks audit`` prints the figures of ``docs/methods/join.md``.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from spolia import normalise

LEAKS = 500
STEP = 10_000


def write_rows(path: Path, rng: np.random.Generator, n: int, dim: int, leaked: Path | None) -> None:
    """Write isotropic unit rows; the first 500 are noisy copies of the rows of ``leaked``."""
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, dim))
    for start in range(0, n, STEP):
        stop = min(start + STEP, n)
        rows[start:stop] = normalise(rng.normal(size=(stop - start, dim)))
    if leaked is not None:
        copies = np.load(leaked, mmap_mode="r")[:LEAKS]
        noise = rng.normal(size=copies.shape) / np.sqrt(dim)
        rows[: len(copies)] = normalise(copies + 0.5 * noise)
    rows.flush()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=512)
    asked = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for role in ("train", "control", "synthetic"):
            leaked = folder / "train.npy" if role == "synthetic" else None
            write_rows(folder / f"{role}.npy", rng, asked.rows, asked.dim, leaked)
        call = [sys.executable, "-c", "from spolia.cli.main import main; main()", "audit"]
        call += [str(folder / "train.npy"), str(folder / "synthetic.npy")]
        call += ["--control", str(folder / "control.npy"), "--embedder", "precomputed"]
        call += ["--out", str(folder / "run"), "--quiet"]
        began = time.perf_counter()
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        named = pq.read_table(folder / "run" / "identities.parquet")["identity"].to_pylist()
        right = sum(int(name) < LEAKS for name in named)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(
        f"{asked.rows:,} synthetic x 2 x {asked.rows:,} of {asked.dim}: {seconds:.0f} s, peak "
        f"{peak:.2f} GiB (all maps counted); exit code {done.returncode}; {len(named)} named, "
        f"{right} of {LEAKS} planted among them"
    )
