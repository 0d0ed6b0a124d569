"""How close the photos of a set are to a synthetic set, and so the people they are of."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from spolia.auditing.exclude import keep
from spolia.auditing.match import NEIGHBOURS, MatchOptions, match
from spolia.auditing.options import Options
from spolia.auditing.sets import AuditSet
from spolia.core.membership import Score, ScoreCounts, ScoreHistogram
from spolia.core.progress import Progress
from spolia.core.rows import UInt64
from spolia.core.seeds import digest_key
from spolia.core.types import Float64, Int64, Rows
from spolia.search.join import join
from spolia.stats.scores import moments, similarity_to_all, standard_scores
from spolia.store.shards import name_digest

_ROWS_PER_STEP = 4096
_MOST_BINS, _FEWEST_BINS = 60, 10


@dataclass(frozen=True)
class Search:
    """How sets are searched, and where what is found is kept, so that a killed run goes on."""

    parts: Path
    options: Options


@dataclass(frozen=True, eq=False)
class Closest:
    """The nearest row of another set for each of n rows."""

    row: Int64
    """``(n,)``."""
    similarity: Float64
    """``(n,)``."""
    top: Float64
    """``(n,)`` mean similarity to the five nearest rows, or as many as there are."""


@dataclass(frozen=True, eq=False)
class Photos:
    """A set whose photos are scored."""

    of: AuditSet
    score: Float64
    """``(n,)``, up is closer to the synthetic set."""
    closest: Closest
    """Their nearest synthetic records."""

    @property
    def counts(self) -> Int64:
        """Photos of each identity."""
        return np.bincount(self.of.identity)

    @property
    def means(self) -> Float64:
        """The score of each identity: the mean of its photos'."""
        total = np.bincount(self.of.identity, weights=self.score)
        means: Float64 = total / self.counts
        return means

    def drawn(self, seed: int) -> list[Float64]:
        """Return the scores of each identity's photos, in an order that seed and rows draw.

        Names decide nothing: who is asked about under codes gets the same answer.
        """
        order = np.lexsort((_lots(self.of.rows, seed), self.of.identity))
        return np.split(self.score[order], np.cumsum(self.counts)[:-1])

    def only(self, rows: Int64, why: str) -> "Photos":
        """Return some of the photos; ``rows`` rise, see `spolia.auditing.exclude.keep`."""
        near = self.closest
        near = Closest(near.row[rows], near.similarity[rows], near.top[rows])
        return Photos(keep(self.of, rows, why), self.score[rows], near)

    def best(self) -> Int64:
        """Return for each identity the row of its photo that is most similar to a sample."""
        order = np.lexsort((-self.closest.similarity, self.of.identity))
        starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        best: Int64 = order[starts]
        return best


def _lots(rows: Rows, seed: int) -> UInt64:
    """Return a number ``(n,)`` for every row, drawn by the seed; equal rows draw alike."""
    key = digest_key(seed, "photos")
    lots = np.empty(rows.shape[0], dtype=np.uint64)
    for start in range(0, rows.shape[0], _ROWS_PER_STEP):
        for i, row in enumerate(rows[start : start + _ROWS_PER_STEP], start=start):
            digest = hashlib.blake2b(row.tobytes(), digest_size=8, key=key).digest()
            lots[i] = int.from_bytes(digest, "little")
    return lots


def closest(one: AuditSet, other: AuditSet, search: Search, progress: Progress) -> Closest:
    """Return the nearest of ``other``, which is not empty, for each row; finished parts are read.

    A part is a function of the two sets: where one of them has changed, it is computed anew.
    """
    options = search.options
    found = match(
        one.rows,
        {other.role: other.rows},
        search.parts / one.role,
        key=digest_key(0, *map(_made_of, (one, other))).hex(),
        options=MatchOptions(options.memory, options.threads, options.part_rows, options.engine),
        progress=progress,
    )[other.role]
    return closest_of(found.indices, found.similarities)


def _made_of(one: AuditSet) -> str:
    made_of = (one.role, one.summary.fingerprint, one.model.fingerprint, name_digest(one.ids))
    return ":".join(made_of)


def nearest(rows: Rows, others: Rows, options: Options, progress: Progress) -> Closest:
    """Return the nearest of ``others``, which are not empty, for each row; nothing is kept."""
    found = join(
        rows,
        others,
        k=NEIGHBOURS,
        memory=options.memory,
        threads=options.threads,
        engine=options.engine,
        progress=progress,
    )
    return closest_of(cast("Int64", found.indices), cast("Float64", found.similarities))


def closest_of(row: Int64, similarity: Float64) -> Closest:
    """Return the nearest of several rows ``(n, k)``, nearest first; -1 where there are fewer."""
    there = row >= 0
    top = np.where(there, similarity, 0.0).sum(axis=1) / there.sum(axis=1)
    return Closest(row[:, 0], similarity[:, 0], top)


def score_photos(
    one: AuditSet, synthetic: AuditSet, how: Score, search: Search, progress: Progress
) -> Photos:
    """Return how close each photo is to a synthetic set."""
    return score_from(one, synthetic, closest(one, synthetic, search, progress), how)


def score_from(one: AuditSet, synthetic: AuditSet, near: Closest, how: Score = "nearest") -> Photos:
    """Return the score of each photo, from what is nearest to it and, if standard, from all."""
    if how != "standard":
        return Photos(one, near.similarity if how == "nearest" else near.top, near)
    to_samples = similarity_to_all(one.rows, moments(synthetic.rows))
    return Photos(one, standard_scores(near.similarity, *to_samples.mean_and_deviation()), near)


def histogram_of(scored: Iterable[Photos]) -> ScoreHistogram:
    """Return how identities score, all sets in the same bins, from the lowest to the highest."""
    means = {one.of.role: one.means for one in scored}
    every = np.concatenate(list(means.values()))
    most = max(one.size for one in means.values())
    bins = min(_MOST_BINS, max(_FEWEST_BINS, round(2.0 * np.sqrt(most))))
    edges = np.histogram_bin_edges(every, bins)
    return ScoreHistogram(
        edges=tuple(edges.tolist()),
        sides=tuple(
            ScoreCounts(role, tuple(np.histogram(one, edges)[0].tolist()))
            for role, one in means.items()
        ),
    )
