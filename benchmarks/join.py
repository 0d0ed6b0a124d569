"""The exact join against faiss-cpu Flat: ``python -m benchmarks join`` (needs ``spolia[bench]``).

Results are compared first, with faiss and with the reference; then both are timed in turns on the
same rows and cores, in one process, from the raw arrays to the result. ``--grid`` is the table of
kinds, sizes and k in which the join must nowhere be slower; ``--avx2`` holds both sides to AVX2.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.checks import Truth, check_flat, check_reference, need_equal, only, truth
from benchmarks.flat import flat_join, simd_level
from benchmarks.measure import RESULTS, append, in_turns, kernel, numbers, timed
from benchmarks.rows import KINDS, sides
from benchmarks.targets import AVX2, HISTOGRAM_TARGET, Options, named, target
from spolia import join
from spolia.core.types import Float32, Int64
from spolia.search.result import JoinResult

OUTPUTS = "k=1,k=10,k=50,above=.6,top=100"
USUAL = ["isotropic", "face-like", "copy-like", "clip-like"]
GRID_OUTPUTS = "k=1,k=10,k=50"
GRID_SIZES = "1000,10000,50000,200000"
SAMPLE = 8192
"""Query rows that faiss is timed on with ``--quick``."""
MOST_PAIRS = 10_000_000
"""Pairs that ``above`` may find: more than the default memory of a join can hold."""


@dataclass(frozen=True)
class How:
    """How both sides are run and timed."""

    rounds: int = 3
    threads: int = 2
    engine: str = "auto"
    quick: bool = False
    """Time faiss on `SAMPLE` query rows of larger sets, and extrapolate."""

    def join(self, query: Float32, base: Float32, options: Options) -> JoinResult:
        return join(query, base, **options, threads=self.threads, engine=self.engine)


def compared(
    query: Float32, base: Float32, kind: str, options: Options, how: How, true: Truth
) -> dict[str, Any]:
    """Return the line of one output: checked, then timed, and held against its target."""
    about = _about(query, base, kind, options, how)
    pairs = _expected_pairs(query, base, options)
    if pairs > MOST_PAIRS:
        return about | {"skipped": f"about {pairs:.0e} pairs, more than a join may hold"}
    rows = _sample(len(query), options, how)
    some, factor = (query, 1.0) if rows is None else (query[rows], len(query) / len(rows))
    result, first = timed(lambda: how.join(query, base, options))
    theirs, first_flat = flat_join(some, base, options, factor)
    above = options.get("above")
    check_flat(result if rows is None else only(result, rows), theirs, some, base, above)
    check_reference(result, true, above)
    del result, theirs
    ours, flat = in_turns(
        (
            lambda: timed(lambda: how.join(query, base, options))[1],
            lambda: flat_join(some, base, options, factor)[1],
        ),
        (first, first_flat),
        how.rounds if rows is None else 1,
    )
    ratio, least = (
        flat.wall / ours.wall,
        target((len(query), *base.shape), kind, named(options), kernel()),
    )
    return about | {
        "spolia": ours.wall,
        "faiss": flat.wall,
        "spolia_cpu": ours.cpu,
        "faiss_cpu": flat.cpu,
        "faiss_extrapolated": rows is not None,
        "ratio": ratio,
        "cpu_ratio": flat.cpu / ours.cpu,
        "target": least,
        "met": ratio >= least,
    }


def _sample(n: int, options: Options, how: How) -> Int64 | None:
    """Return the query rows that faiss is timed on, or ``None`` for all."""
    if not how.quick or n <= 50_000 or "k" not in options:
        return None
    return np.sort(np.random.default_rng(0).choice(n, SAMPLE, replace=False))


def _about(query: Float32, base: Float32, kind: str, options: Options, how: How) -> dict[str, Any]:
    return {
        "kind": kind,
        "output": named(options),
        "query": len(query),
        "base": len(base),
        "dim": base.shape[1],
        "threads": how.threads,
        "engine": how.engine,
        "faiss_level": simd_level(),
    }


def _expected_pairs(query: Float32, base: Float32, options: Options) -> float:
    """Estimate from a sample how many pairs ``above`` will find."""
    if "above" not in options:
        return 0.0
    some, other = query[:: -(-len(query) // 512)], base[:: -(-len(base) // 4096)]
    return float(np.mean(some @ other.T >= options["above"])) * len(query) * len(base)


def histogram(query: Float32, base: Float32, kind: str, how: How) -> dict[str, Any]:
    """Return the line that says how much longer k = 10 takes with a histogram of 200 bins."""
    plain, counted = {"k": 10}, {"k": 10, "histogram": 200}
    one, first = timed(lambda: how.join(query, base, plain))
    other, first_counted = timed(lambda: how.join(query, base, counted))
    need_equal(one.indices, other.indices, "k with and without a histogram")
    without, with_it = in_turns(
        (
            lambda: timed(lambda: how.join(query, base, plain))[1],
            lambda: timed(lambda: how.join(query, base, counted))[1],
        ),
        (first, first_counted),
        how.rounds,
    )
    added = 100.0 * (with_it.wall / without.wall - 1.0)
    return _about(query, base, kind, counted, how) | {
        "spolia": with_it.wall,
        "without": without.wall,
        "spolia_cpu": with_it.cpu,
        "without_cpu": without.cpu,
        "added_percent": added,
        "target": HISTOGRAM_TARGET,
        "met": added < HISTOGRAM_TARGET,
    }


def table(
    kinds: Sequence[str],
    shapes: Sequence[tuple[int, int]],
    outputs: Sequence[Options],
    how: How,
    *,
    dim: int,
    histograms: bool,
) -> Iterator[dict[str, Any]]:
    """Measure every kind of rows, every pair of sizes ``(n, m)`` and every output, one by one.

    Yields
    ------
    dict
        One measurement, ready for a file of JSON lines; `written` writes it for a reader.

    Raises
    ------
    benchmarks.checks.Wrong
        If a result is not the one it must equal.
    """
    most = max([options.get("k", 1) for options in outputs], default=1)
    for kind in kinds:
        for n, m in shapes:
            query, base = sides(kind, n, m, dim)
            true = truth(query, base, most)
            with threadpool_limits(how.threads):
                for options in outputs:
                    yield compared(query, base, kind, options, how, true)
                if histograms:
                    yield histogram(query, base, kind, how)


HEAD = (
    "kind          query      base  output      spolia s   faiss s   ratio  target  met  CPU ratio"
)


def written(line: dict[str, Any]) -> str:
    """Return one measurement as a row under `HEAD`."""
    start = f"{line['kind']:<10}  {line['query']:>7}  {line['base']:>8}  {line['output']:<10}"
    if "skipped" in line:
        return f"{start}  {line['skipped']}"
    met = "yes" if line["met"] else "NO"
    if "added_percent" in line:
        return (
            f"{start}  {line['spolia']:.4g} s, without the histogram {line['without']:.4g} s: "
            f"{line['added_percent']:+.1f} %, target under {line['target']:.0f} %, {met}"
        )
    star = "*" if line["faiss_extrapolated"] else " "
    return (
        f"{start}  {line['spolia']:>8.4g}  {line['faiss']:>8.4g}{star} {line['ratio']:>6.2f}x"
        f"  {line['target']:>5.1f}x  {met:<3}  {line['cpu_ratio']:>8.2f}x"
    )


def parse_outputs(text: str) -> list[Options]:
    """Return what ``k=1,above=.6`` asks for.

    >>> parse_outputs("k=1,above=.6")
    [{'k': 1}, {'above': 0.6}]
    """
    pairs = [one.split("=") for one in text.split(",")]
    return [{name: float(value) if name == "above" else int(value)} for name, value in pairs]


def _restart_with_avx2() -> None:
    if any(os.environ.get(name) != value for name, value in AVX2.items()):
        again = [sys.executable, "-m", "benchmarks", *sys.argv[1:]]
        os.execve(sys.executable, again, os.environ | AVX2)


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks join",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=50_000, help="of query")
    parser.add_argument("--base", type=int, help="rows of base; default as many as of query")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--kinds", help="of " + ",".join(KINDS))
    parser.add_argument("--outputs", help=f"default {OUTPUTS}")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS / "join.jsonl")
    parser.add_argument("--grid", action="store_true", help="all kinds x sizes x k")
    parser.add_argument("--sizes", type=numbers, default=numbers(GRID_SIZES), help="of the grid")
    parser.add_argument("--quick", action="store_true", help="over 50,000: faiss on a sample, once")
    parser.add_argument("--avx2", action="store_true", help="hold both sides to AVX2")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    asked = _asked(arguments)
    if asked.avx2:
        _restart_with_avx2()
    kinds = asked.kinds.split(",") if asked.kinds else list(KINDS) if asked.grid else USUAL
    shapes = [(asked.rows, asked.base or asked.rows)]
    if asked.grid:
        shapes = [(size, size) for size in asked.sizes]
    outputs = parse_outputs(asked.outputs or (GRID_OUTPUTS if asked.grid else OUTPUTS))
    how = How(asked.rounds, asked.threads, asked.engine, asked.quick)
    star = "; * extrapolated" if how.quick else ""
    print(
        f"width {asked.dim}, {how.threads} threads, kernel {kernel()}, faiss {simd_level()}; "
        f"results checked first; median of {how.rounds}{star}"
    )
    print(HEAD)
    ratios = []
    for line in table(kinds, shapes, outputs, how, dim=asked.dim, histograms=not asked.grid):
        print(written(line), flush=True)
        append(asked.out, [{"experiment": "join", **line}])
        ratios += [line["ratio"]] if "ratio" in line else []
    if ratios:
        print(f"lowest ratio {min(ratios):.2f}x")
