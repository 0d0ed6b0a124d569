"""Time and peak memory of the join as the sets grow: ``python -m benchmarks scale`` (Linux).

Rows lie in files and are memory-mapped. Each point of the table is one child process, so that the
peak is its own; it ends with a check against the reference, and with ``--faiss`` against faiss,
whose time is extrapolated from 4,096 query rows (needs ``spolia[bench]``).
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.checks import check_flat, check_reference, only, truth
from benchmarks.measure import LONG, RESULTS, Seconds, append, kernel, median, numbers, timed
from benchmarks.peak import watched
from benchmarks.rows import KINDS, sides
from benchmarks.targets import Options, memory_limit, named, target
from spolia import join
from spolia.core.types import Float32, Float64
from spolia.search.result import JoinResult

SIZES = "10000,30000,100000,300000,1000000"
SAMPLE = 4096
"""Query rows that faiss is timed on."""
GIB = 2**30


@dataclass(frozen=True)
class Point:
    """One join of memory-mapped rows: the first n of query with the first m of base."""

    folder: Path
    kind: str
    n: int
    m: int
    options: Options
    memory: int
    threads: int
    engine: str
    faiss: bool

    def rows(self) -> tuple[Float32, Float32]:
        query, base = (np.load(self.folder / f"{side}.npy", mmap_mode="r") for side in SIDES)
        return query[: self.n], base[: self.m]

    def join(self, query: Float32, base: Float32) -> JoinResult:
        how = {"memory": self.memory, "threads": self.threads, "engine": self.engine}
        return join(query, base, **self.options, **how)


SIDES = ("query", "base")


def measured(point: Point) -> dict[str, Any]:
    """Join once, or a few times where that is quick; then check; runs in a process of its own."""
    query, base = point.rows()
    with threadpool_limits(point.threads):
        (result, first), peak = watched(lambda: timed(lambda: point.join(query, base)))
        several = [first]
        while sum(one.wall for one in several) < LONG and len(several) < 5:
            several.append(timed(lambda: point.join(query, base))[1])
        seconds = median(several)
        check_reference(
            result, truth(query, base, point.options.get("k", 1)), point.options.get("above")
        )
        flat = _flat(point, result, query, base) if point.faiss else None
    limit = memory_limit(query.nbytes + base.nbytes, point.memory, (point.n, *base.shape))
    line = {
        "kind": point.kind,
        "output": named(point.options),
        "query": point.n,
        "base": point.m,
        "dim": base.shape[1],
        "threads": point.threads,
        "engine": point.engine,
        "memory": point.memory,
        "spolia": seconds.wall,
        "spolia_cpu": seconds.cpu,
        "runs": len(several),
        "peak": asdict(peak),
        "peak_limit": limit,
        "peak_met": peak.all <= limit,
    }
    if flat is None:
        return line
    ratio, least = (
        flat.wall / seconds.wall,
        target((point.n, *base.shape), point.kind, named(point.options), kernel()),
    )
    return line | {
        "faiss": flat.wall,
        "faiss_cpu": flat.cpu,
        "faiss_rows": min(SAMPLE, point.n),
        "ratio": ratio,
        "cpu_ratio": flat.cpu / seconds.cpu,
        "target": least,
        "met": ratio >= least,
    }


def _flat(point: Point, result: JoinResult, query: Float32, base: Float32) -> Seconds:
    """Return how long faiss would take for all query rows; some of its results are checked."""
    from benchmarks.flat import flat_join  # not before the peak is known

    rows = np.sort(np.random.default_rng(0).permutation(point.n)[:SAMPLE])
    some = query[rows]
    theirs, seconds = flat_join(some, base, point.options, point.n / len(rows))
    check_flat(only(result, rows), theirs, some, base, point.options.get("above"))
    return seconds


@dataclass(frozen=True, eq=False)
class Fit:
    """How the seconds of several points grow with the pairs that are compared."""

    exponent: float
    """b of seconds = a * pairs ** b, by least squares on logarithms."""
    off_power: Float64
    """By what part each point is over that, ``(points,)``."""
    off_line: Float64
    """By what part each is over seconds = a + b * pairs, by least squares on those parts."""


def fit(pairs: Float64, seconds: Float64) -> Fit:
    """Fit the seconds of at least two points with different numbers of pairs.

    >>> round(fit(np.array([1e3, 1e4, 1e5]), np.array([0.1, 1.0, 10.0])).exponent, 6)
    1.0
    """
    power = np.polyfit(np.log(pairs), np.log(seconds), 1)
    line = np.polyfit(pairs, seconds, 1, w=1 / seconds)
    return Fit(
        float(power[0]),
        seconds / np.exp(np.polyval(power, np.log(pairs))) - 1.0,
        seconds / np.polyval(line, pairs) - 1.0,
    )


def written_fit(lines: list[dict[str, Any]]) -> str:
    """Return what the points of one output say together."""
    pairs = np.array([line["query"] * line["base"] for line in lines], dtype=np.float64)
    found = fit(pairs, np.array([line["spolia"] for line in lines]))
    return (
        f"{lines[0]['output']}: seconds = a * (N M) ** {found.exponent:.3f}, farthest point "
        f"{_farthest(found.off_power):+.1%}; of the line a + b * N M "
        f"{_farthest(found.off_line):+.1%}, the largest set {found.off_line[np.argmax(pairs)]:+.1%}"
    )


def _farthest(off: Float64) -> float:
    return float(off[np.argmax(np.abs(off))])


HEAD = (
    "output         query       base   seconds  G pairs/s  peak GiB  anonymous  limit  met"
    "     faiss s   ratio  target  met"
)


def written(line: dict[str, Any]) -> str:
    """Return one point as a row under `HEAD`."""
    rate, peak = line["query"] * line["base"] / line["spolia"] / 1e9, line["peak"]
    row = (
        f"{line['output']:<10}  {line['query']:>8}  {line['base']:>9}  {line['spolia']:>8.2f}"
        f"  {rate:>9.2f}  {peak['all'] / GIB:>8.2f}  {peak['anonymous'] / GIB:>9.2f}"
        f"  {line['peak_limit'] / GIB:>5.2f}  {'yes' if line['peak_met'] else 'NO':<3}"
    )
    if "faiss" not in line:
        return row
    met = "yes" if line["met"] else "NO"
    return f"{row}  {line['faiss']:>9.1f}* {line['ratio']:>6.2f}x  {line['target']:>5.1f}x  {met}"


def points(asked: argparse.Namespace, folder: Path) -> Iterator[Point]:
    """Yield the points of the table, output by output, in rising size."""
    options: list[Options] = [{"above": asked.above}] if asked.above is not None else []
    options += [{"k": asked.k}] if asked.k is not None else []
    for one in options or [{"above": 0.8}, {"k": 10}]:
        for n in sorted(asked.sizes):
            m = n if asked.square else asked.base
            how = (asked.memory, asked.threads, asked.engine, asked.faiss)
            yield Point(folder, asked.kind, n, m, one, *how)


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", type=numbers, default=numbers(SIZES), help="rows of query")
    parser.add_argument("--base", type=int, default=100_000, help="rows of base")
    parser.add_argument("--square", action="store_true", help="as many rows of base as of query")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--kind", choices=KINDS, default="face-like")
    parser.add_argument("--above", type=float, help="default .8, and in turn --k 10")
    parser.add_argument("--k", type=int)
    parser.add_argument("--memory", type=int, default=2 << 30, help="bytes, as of join")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--faiss", action="store_true", help="extrapolate faiss, and its ratio")
    parser.add_argument("--folder", type=Path, help="where the rows are written for a while")
    parser.add_argument("--out", type=Path, default=RESULTS / "scale.jsonl")
    return parser.parse_args(arguments)


def _need_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(
            f"the rows need {needed / GIB:.1f} GiB on disk, but {folder} has {free / GIB:.1f} GiB; "
            "give another --folder or smaller --sizes"
        )


def main(arguments: list[str]) -> None:
    asked = _asked(arguments)
    n = max(asked.sizes)
    m = n if asked.square else asked.base
    with (
        tempfile.TemporaryDirectory(dir=asked.folder) as name,
        # Each task is a new process: also the drawing of rows, so that this one stays small.
        ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as fresh,
    ):
        folder = Path(name)
        _need_space(folder, 4 * asked.dim * (n + m))
        fresh.submit(_write, asked.kind, n, m, asked.dim, folder).result()
        print(f"{asked.kind}, width {asked.dim}, {asked.threads} threads, kernel {kernel()}")
        print(HEAD)
        lines: dict[str, list[dict[str, Any]]] = {}
        for point in points(asked, folder):
            line = fresh.submit(measured, point).result()
            print(written(line), flush=True)
            append(asked.out, [{"experiment": "scale", **line}])
            lines.setdefault(line["output"], []).append(line)
    for several in lines.values():
        if len(several) > 1:
            print(written_fit(several))


def _write(kind: str, n: int, m: int, dim: int, folder: Path) -> None:
    sides(kind, n, m, dim, folder=folder)
