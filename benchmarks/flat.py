"""The other side of the benchmarks: faiss-cpu ``IndexFlatIP``, asked in its fastest legal way."""

import faiss
import numpy as np

from benchmarks.measure import Seconds, timed
from benchmarks.targets import Options
from spolia.core.types import Float32
from spolia.search.result import JoinResult, Pairs


def flat_join(
    query: Float32, base: Float32, options: Options, factor: float = 1.0
) -> tuple[JoinResult, Seconds]:
    """Ask faiss; return its answer, similarities in float32, and how long it took.

    ``factor`` extrapolates from a sample of the query rows: asking is multiplied, building not.
    """
    index, build = timed(lambda: _index(base))
    result, ask = timed(lambda: _ask(index, query, options))
    return result, build + ask.times(factor)


def simd_level() -> str:
    """Return the instructions that faiss has chosen for its own loops; BLAS chooses for itself."""
    config = getattr(faiss, "SIMDConfig", None)  # since 1.14
    return str(config.get_level_name()) if config else str(faiss.get_compile_options())


def _index(base: Float32) -> faiss.IndexFlatIP:
    index = faiss.IndexFlatIP(base.shape[1])
    index.add(base)
    return index


def _ask(index: faiss.IndexFlatIP, query: Float32, options: Options) -> JoinResult:
    if "k" in options:
        similarities, indices = index.search(query, options["k"])
        return JoinResult(indices=indices, similarities=similarities)
    if "above" in options:
        return JoinResult(pairs=_range(index, query, options["above"]))
    return JoinResult(top=_top(index, query, options["top"]))


def _range(index: faiss.IndexFlatIP, query: Float32, above: float) -> Pairs:
    # faiss returns what is over a radius; what lies at it counts too.
    radius = float(np.nextafter(np.float32(above), np.float32(-2)))
    ends, similarities, numbers = index.range_search(query, radius)
    rows = np.repeat(np.arange(len(query)), np.diff(ends.astype(np.int64)))
    return Pairs(rows, numbers, similarities)


def _top(index: faiss.IndexFlatIP, query: Float32, top: int) -> Pairs:
    """Return the best pairs of all: those in range of the K-th similarity of a sample.

    faiss has no such search. The K-th best pair of some query rows is never over the K-th of all,
    so a range search from there misses none, keeps few pairs (K times n over the sample), and
    takes as long as k = 1. The other way, ``min(top, m)`` neighbours of every row and then the
    best of those, takes 1.6 times as long (top = 100, width 512): it keeps a list for every row.
    """
    few = max(256, len(query) // 64)
    rows = np.sort(np.random.default_rng(0).permutation(len(query))[:few])
    sample, _ = index.search(query[rows], max(1, min(top, index.ntotal)))
    least = -2.0
    if sample.size >= top:
        # The same pair may come out a few float32 roundings apart in two searches.
        least = float(np.partition(sample.ravel(), -top)[-top]) - 1e-6
    found = _range(index, query, least)
    order = np.argsort(-found.similarity, kind="stable")[:top]
    return Pairs(found.query[order], found.base[order], found.similarity[order])
