"""What strangers inside train predict, on real faces and on drawn rows of which the truth is known.

``python -m benchmarks tails FOLDER`` prints the tables of ``docs/methods/tails.md``; FOLDER is a
store of face embeddings with identities. Minutes on one core.

People are split anew in each run: some are *train*, the others stand for synthetic images that show
nobody of train. One image of each of the others is searched in all images of train. What train
alone predicts is held against what the others do.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import ks_2samp

from spolia.auditing.chance import MOST_DRAWN, meet_strangers
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.sets import prepare
from spolia.core.progress import silent
from spolia.core.results import ModelSummary
from spolia.core.seeds import stream
from spolia.core.types import Embeddings, Float64, Int64, normalise
from spolia.search.join import join
from spolia.stats.false_match import false_match_rate
from spolia.stats.rates import exact_rate
from spolia.stats.tails import Draws, Exceedance, Tail, exceedance, fit_tail
from spolia.store.precomputed import open_precomputed

RUNS = 50
PEOPLE = 1200
"""People in train."""
SAME = 0.6
"""Pairs of two names above this are left out of the second table: mostly one person, or one photo,
under two names."""
PROBABILITIES = (0.05, 0.01, 0.002, 0.0005, 0.0002)


@dataclass(frozen=True, eq=False)
class Split:
    """The best matches inside train, and of strangers to train."""

    draws: Draws
    tail: Tail | None
    others: Float64


def split(similarity: Float64, person: Int64, seed: int, *, people: int = PEOPLE) -> Split:
    """Split people anew. ``similarity`` ``(n, n)`` is of all images, ``person`` ``(n,)`` theirs."""
    rng = stream(seed, "tails")
    order = rng.permutation(int(person.max()) + 1)
    train = np.isin(person, order[:people])
    images = rng.permutation(person.size)
    _, first = np.unique(person[images], return_index=True)
    one_each = images[first]  # one image of each person
    inside, outside = one_each[train[one_each]], one_each[~train[one_each]]
    gallery = np.flatnonzero(train)
    seen = similarity[np.ix_(inside, gallery)].copy()
    seen[person[inside][:, np.newaxis] == person[gallery]] = -2.0
    nearest = seen.argmax(axis=1)
    draws = Draws(seen.max(axis=1), person[inside], person[gallery][nearest])
    tail = fit_tail(draws, rng=rng)
    return Split(draws, tail, similarity[np.ix_(outside, gallery)].max(axis=1))


def calibration(splits: list[Split]) -> list[str]:
    """Return rows: how many strangers are at or above the similarity of each probability."""
    lines = ["| chance of one | expected in a run | seen in a run | interval held the share |"]
    lines.append("|---|---|---|---|")
    for p in PROBABILITIES:
        expected, seen, held = [], [], []
        for one in splits:
            at = similarity_of(one, p)
            found = exceedance(one.draws, one.tail, at)
            count = int(np.count_nonzero(one.others >= at))
            expected.append(found.value * one.others.size)
            seen.append(count)
            rate = exact_rate(count, one.others.size)
            held.append(found.low <= rate.high and rate.low <= found.high)
        lines.append(
            f"| {p:g} | {np.mean(expected):.2f} | {np.mean(seen):.2f} ± {_error(seen):.2f} | "
            f"{sum(held)} of {len(held)} |"
        )
    return lines


def similarity_of(one: Split, p: float) -> float:
    """Return the similarity that the draws and their tail give a probability, by bisection."""
    low, high = float(one.draws.similarity.min()), 1.0
    for _ in range(40):
        middle = (low + high) / 2.0
        above = exceedance(one.draws, one.tail, middle).value > p
        low, high = (middle, high) if above else (low, middle)
    return high


def _error(values: list[int]) -> float:
    return float(np.std(values) / np.sqrt(len(values)))


def uniform(splits: list[Split]) -> str:
    """Say how often strangers to train differ from strangers inside it, over the whole range."""
    rejected = [ks_2samp(one.draws.similarity, one.others).pvalue < 0.01 for one in splits]
    rate = exact_rate(sum(rejected), len(rejected))
    return (
        f"Kolmogorov-Smirnov at 1 % tells strangers inside train from strangers to it in "
        f"{rate.count} of {rate.n} runs ({rate.low:.1%} to {rate.high:.1%})."
    )


def coverage(n: int, runs: int) -> list[str]:
    """Return rows: does the interval hold the truth, on unit rows of which it is known."""
    found: dict[float, list[tuple[Exceedance, float]]] = {p: [] for p in PROBABILITIES}
    for seed in range(runs):
        rng = stream(seed, "coverage", str(n))
        spread = np.exp(-np.arange(64) / 64)
        rows = normalise(rng.normal(size=(n, 64)) * spread).astype(np.float64)
        cosine = rows @ rows.T
        np.fill_diagonal(cosine, -2.0)
        draws = Draws(cosine.max(axis=1), np.arange(n), cosine.argmax(axis=1))
        tail = fit_tail(draws, rng=rng)
        fresh = normalise(rng.normal(size=(20_000, 64)) * spread).astype(np.float64)
        best = np.concatenate([(some @ rows.T).max(axis=1) for some in np.array_split(fresh, 10)])
        for p, some in found.items():
            at = float(np.quantile(best, 1.0 - p))
            some.append((exceedance(draws, tail, at), float(np.mean(best >= at))))
    lines = []
    for p, some in found.items():
        held = sum(one.low <= truth <= one.high for one, truth in some)
        under = sum(one.high < truth for one, truth in some)
        ratio = float(np.median([one.value / truth for one, truth in some]))
        lines.append(f"| {n:,} | {p:g} | {held} of {runs} | {under} of {runs} | {ratio:.2f} |")
    return lines


def pairs(runs: int) -> list[str]:
    """Return rows: intervals of a false match rate, by identity and by pair."""
    lines = ["| some identities match more | by identity (spolia) | by pair |", "|---|---|---|"]
    for name, shape in (("no", None), ("somewhat", 4.0), ("much", 1.0)):
        ours = theirs = 0
        for seed in range(runs):
            rng = stream(seed, "pairs", name)
            hub = np.ones(300) if shape is None else rng.gamma(shape, 1.0 / shape, size=300)
            match = np.triu(rng.random((300, 300)) < 0.005 * np.add.outer(hub, hub), 1)
            rate = false_match_rate((match | match.T).sum(axis=1))
            plain = exact_rate(rate.count, rate.n)
            ours += rate.low <= 0.01 <= rate.high
            theirs += plain.low <= 0.01 <= plain.high
        lines.append(f"| {name} | {ours} of {runs} | {theirs} of {runs} |")
    return lines


def faces(folder: Path) -> tuple[Float64, Int64]:
    """Return the similarities of all images and their people."""
    embeddings = open_precomputed(folder).embeddings
    rows = embeddings.vectors[0 : len(embeddings)].astype(np.float64)
    _, person = np.unique(np.array(embeddings.identity_of), return_inverse=True)
    return rows @ rows.T, person.astype(np.int64)


def without_doubles(similarity: Float64, person: Int64) -> tuple[Float64, Int64]:
    """Leave out people who are above `SAME` to somebody of another name."""
    between = np.where(person[:, np.newaxis] == person, -2.0, similarity)
    doubled = np.unique(person[between.max(axis=1) > SAME])
    kept = np.flatnonzero(~np.isin(person, doubled))
    _, renumbered = np.unique(person[kept], return_inverse=True)
    return similarity[np.ix_(kept, kept)], renumbered.astype(np.int64)


def cost(n: int, width: int) -> str:
    """Say what strangers take beside matching as many synthetic images as are drawn."""
    rows = normalise(stream(0, "cost").normal(size=(n + MOST_DRAWN, width)))
    train = prepare("train", Embeddings(rows[:n]), _MODEL, fingerprint="")
    plan = Plan(train="", synthetic="", control=None, embedder="precomputed")
    began = time.perf_counter()
    join(rows[n:], rows[:n], k=5)
    matched = time.perf_counter()
    meet_strangers({"train": train}, plan, Options(), silent)
    met = time.perf_counter()
    return (
        f"\n{n:,} training images of width {width}: {met - matched:.1f} s for strangers; "
        f"{matched - began:.1f} s to match {MOST_DRAWN:,} synthetic images."
    )


_MODEL = ModelSummary("none", "unknown", "", None, "", (), "")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks tails", description=__doc__)
    parser.add_argument("folder", type=Path, help="a store of face embeddings")
    parser.add_argument("--runs", type=int, default=RUNS)
    given = parser.parse_args(arguments)
    all_faces = faces(given.folder)
    for title, (similarity, person) in (
        ("as they are", all_faces),
        (f"without people above {SAME} to another name", without_doubles(*all_faces)),
    ):
        splits = [split(similarity, person, seed) for seed in range(given.runs)]
        fits = [one.tail for one in splits if one.tail is not None]
        shape = np.mean([one.shape for one in fits])
        print(f"\nFaces {title}: {int(person.max()) + 1} people, {person.size} images, of which")
        print(f"{PEOPLE} people are train; {len(fits)} of {given.runs} have a tail, ", end="")
        print(f"mean shape {shape:.2f}. {uniform(splits)}\n")
        print("\n".join(calibration(splits)))
    print(
        "\n| draws | chance of one | interval held it | wholly under it | value / truth (median) |"
    )
    print("|---|---|---|---|---|")
    for n in (1200, 2000, 4000):
        print("\n".join(coverage(n, given.runs)))
    print()
    print("\n".join(pairs(4 * given.runs)))
    print(cost(50_000, 512))
