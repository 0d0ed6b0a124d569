"""Whether queries that are compared by mixed numbers of photos keep their false discovery rate.

``python -m benchmarks mixtures [--draws 20000]`` prints the table of the docs: 30 queries with one,
two or three photos (ten of each) against 600 non-members, of whom a fifth has one, a fifth two and
the others three, at a false discovery rate of 10 %. The first column is the share of draws in which
a query is named though none is a member, the second the mean share of non-members among the named
where six queries are members and surely named. The theorem of ``docs/methods/identity.md`` allows
10 % and 8 % in the first two worlds. The others break what it asks for, each in another way.
"""

import argparse
from collections.abc import Callable

import numpy as np

QUERIES, POOL, LEVEL, MEMBERS = 30, 600, 0.1, 6
MOST = 3
_STEP = 500
PHOTOS_OF_POOL = np.repeat([1, 2, 3], [POOL // 5, POOL // 5, 3 * POOL // 5])
PHOTOS_OF_QUERIES = np.tile([1, 2, 3], QUERIES // 3)

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A person and, four times as much, a photo: the theorem holds."""
    return np.sqrt(0.2) * rng.normal(size=(*shape, 1)) + np.sqrt(0.8) * rng.normal(
        size=(*shape, MOST)
    )


def heavy(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Photos with the heaviest tails (Cauchy): a mean of two is high by one, or by the other."""
    return rng.normal(size=(*shape, 1)) + rng.standard_cauchy(size=(*shape, MOST))


def outlier(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """One photo in ten looks like a sample by chance."""
    return rng.normal(size=(*shape, MOST)) + 6.0 * (rng.random((*shape, MOST)) < 0.1)


def opposed(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """The photos of everybody sum to nothing: who is high by one is low by the others."""
    photos = rng.normal(size=(*shape, MOST))
    return photos - photos.mean(axis=-1, keepdims=True) + 1e-3 * rng.normal(size=(*shape, 1))


def two_kinds(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Half are high by one photo alone, half by several alone; who is of which kind is drawn.

    The more there are of one kind, the fewer of the other, so that p by one photo and p by three
    err in opposite directions.
    """
    even = rng.random((*shape, 1)) < 0.5
    steady = 0.2 + 0.1 * rng.random((*shape, 1)) + np.zeros(MOST)
    swings = rng.permuted(np.broadcast_to([2.0, -1.0, -1.0], (*shape, MOST)), axis=-1)
    return np.where(even, steady, swings + 0.01 * rng.random((*shape, 1)))


WORLDS: dict[str, Draw] = {
    "person and photo, normal": normal,
    "the same, one photo each": normal,
    "heavy tails": heavy,
    "one photo in ten stands out": outlier,
    "photos of a person are opposed": opposed,
    "two kinds of people": two_kinds,
}


def means(photos: np.ndarray) -> np.ndarray:
    """Return the means over the first one, two and three photos: (..., 3)."""
    return np.cumsum(photos, axis=-1) / np.arange(1, MOST + 1)


def p_values(queries: np.ndarray, pool: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return p of every query of every draw by ``counts`` photos, as `spolia.stats.pool` does."""
    p = np.empty(queries.shape[:2])
    own, beside = means(queries), means(pool)
    for k in np.unique(counts):
        null = np.sort(beside[:, k <= PHOTOS_OF_POOL, k - 1], axis=1)
        for i in np.flatnonzero(counts == k):
            above = np.count_nonzero(null >= own[:, i, k - 1, np.newaxis], axis=1)
            p[:, i] = (1.0 + above) / (1.0 + null.shape[1])
    return p


def named(p: np.ndarray) -> np.ndarray:
    """Return whom Benjamini-Hochberg names in every draw."""
    down = np.sort(p, axis=1)
    line = LEVEL * np.arange(1, QUERIES + 1) / QUERIES
    last = np.where(down <= line + 1e-12, down, 0.0).max(axis=1, keepdims=True)
    return p <= last


def false_share(world: str, members: int, draws: int) -> tuple[float, float]:
    """Return the mean share of non-members among the named, and its 95 % interval's half."""
    counts = np.ones(QUERIES, dtype=int) if "one photo each" in world else PHOTOS_OF_QUERIES
    shares = []
    for start in range(0, draws, _STEP):
        rng = np.random.default_rng([start, members])
        queries = WORLDS[world](rng, (_STEP, QUERIES))
        queries[:, :members] += 1e9
        some = named(p_values(queries, WORLDS[world](rng, (_STEP, POOL)), counts))
        false = some[:, members:].sum(axis=1)
        shares.append(false / np.maximum(some.sum(axis=1), 1))
    every = np.concatenate(shares)
    return float(every.mean()), float(1.96 * every.std() / np.sqrt(every.size))


def table(draws: int) -> str:
    """Return the table of all worlds."""
    lines = [
        f"| scores | no query is a member | {MEMBERS} of {QUERIES} are |",
        "|---|---|---|",
    ]
    for world in WORLDS:
        cells = [false_share(world, members, draws) for members in (0, MEMBERS)]
        lines.append(f"| {world} | " + " | ".join(f"{m:.3f} ± {h:.3f}" for m, h in cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks mixtures", description=__doc__)
    parser.add_argument("--draws", type=int, default=20_000)
    print(table(parser.parse_args(arguments).draws))
