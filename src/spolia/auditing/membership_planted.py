"""Leaks of known strength, planted among the synthetic records: which method would see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np

from spolia.attacks import data_copying
from spolia.auditing.membership_arrays import Arrays, Fixed, arrays_of
from spolia.auditing.membership_methods import (
    RECORDS,
    SETS,
    Contest,
    both_ways,
    likelihoods,
    record_scores,
)
from spolia.auditing.options import Options
from spolia.auditing.planting import blend
from spolia.core.progress import Progress, silent
from spolia.core.seeds import stream
from spolia.core.set_membership import SeenFrom
from spolia.core.types import Float32, Rows, normalise
from spolia.stats.exchange import exchange_p

STRENGTHS = {"exact copy": 0.0, "faint copy (0.1)": 0.1, "faint copy (0.2)": 0.2}
"""A training row e becomes (1 - a) e + a u with a random direction u."""
SHARES = (0.01, 0.05, 0.2, 0.5)
"""Shares of the synthetic set that are replaced."""
JUDGED_BY = "faint copy (0.1)"
"""A method is blind that does not see the largest share of these."""
MOST = 5_000
"""Synthetic records in a planting at most."""


@dataclass(frozen=True, eq=False)
class Plantings:
    """What each method saw of what was planted."""

    seen: Mapping[str, tuple[SeenFrom, ...]]
    judged: Arrays
    """The planting by which a method is blind or not."""
    copies: int
    """How many copies are in it; they come first."""

    def blind(self, name: str) -> bool:
        """Return whether a method saw none of the plantings that it is judged by."""
        return next(one.share is None for one in self.seen[name] if one.strength == JUDGED_BY)


def plant_all(
    fixed: Fixed, synthetic: Rows, level: float, seed: int, options: Options, progress: Progress
) -> Plantings:
    """Plant copies of train in the place of synthetic records, and see who sees them.

    A method sees them where train gives more than every exchange does, of as many as it takes for
    a p-value of ``level``, divided by the number of methods.
    Shares are nested: a larger one holds the smaller.
    """
    order = stream(seed, "planted").permutation(synthetic.shape[0])[:MOST]
    clean: Float32 = synthetic[order]
    saw: dict[str, dict[str, list[bool]]] = {}
    judged: list[tuple[Arrays, int]] = []
    names = (*RECORDS, *SETS)
    exchanges = ceil(len(names) / level)
    step = 0
    for strength, faint in STRENGTHS.items():
        made = _copies(fixed, len(clean), faint, seed)
        saw[strength] = {name: [] for name in names}
        for share in SHARES:
            count = max(1, round(share * len(clean)))
            there = np.concatenate([made[:count], clean[count:]])
            arrays = arrays_of(fixed, there, options, silent)
            seen = _seen(arrays, exchanges, seed)
            for name in names:
                saw[strength][name].append(name in seen)
            if strength == JUDGED_BY:
                judged.append((arrays, count))
            step += 1
            progress("planted", step, len(STRENGTHS) * len(SHARES))
    found = {
        name: tuple(SeenFrom(one, _from(saw[one][name])) for one in STRENGTHS) for name in names
    }
    return Plantings(found, *judged[-1])


def _copies(fixed: Fixed, count: int, faint: float, seed: int) -> Float32:
    """Return copies of train records of the equal part, each once before any twice."""
    rng = stream(seed, "copies")  # the same records and directions at every strength
    members = fixed.equal[fixed.equal_member]
    chosen = np.resize(rng.permutation(members), count)
    directions = normalise(rng.normal(size=(count, fixed.rows.shape[1])))
    return blend(fixed.rows[chosen], directions, faint)


def _seen(arrays: Arrays, exchanges: int, seed: int) -> frozenset[str]:
    """Return the methods of which no exchange gives as much as train does."""
    contest = Contest.of(arrays, record_scores(arrays), likelihoods(arrays))
    rng, observed = stream(seed, "exchange", "planted"), contest.observed()
    left = set(observed)
    for _ in range(exchanges):
        drawn = contest.exchanged(rng)
        left = {name for name in left if exchange_p(observed[name], np.array([drawn[name]])) < 1.0}
        if not left:
            break
    return frozenset(left)


def _from(seen: list[bool]) -> float | None:
    """Return the smallest share from which all are seen."""
    missed = [i for i, one in enumerate(seen) if not one]
    first = missed[-1] + 1 if missed else 0
    return SHARES[first] if first < len(SHARES) else None


def why_blind(name: str, plantings: Plantings) -> str | None:
    """Return why a method does not see planted copies, as far as it is known.

    Where it marks most of the copies, they are too few; else the distances say why it does not.
    """
    arrays, rows = plantings.judged, np.arange(plantings.copies)
    member = arrays.fixed.equal_member
    found = both_ways(arrays, member)[0]
    marked = {
        "third_ratio": found.third,
        "authenticity": found.not_authentic,
        "average_score": found.average,
        "unique_score": found.average,
    }
    if name == "data_copying" and found.copying.cells == 0:
        return f"no cell has {data_copying.LEAST} samples and as many held-out images"
    if name not in marked:
        return None
    if marked[name][rows].mean() > 0.5:
        return (
            f"it marks most of the {plantings.copies:,} copies, which are too few to stand out "
            f"among {arrays.fixed.compared:,} identities of train and as many held out"
        )
    index, first, second = arrays.from_samples.of(rows).among(member)
    copy = f"a copy lies at a distance of {np.median(first):.2f}"
    if name == "third_ratio":
        return f"{copy}, and the second nearest training image at {np.median(second):.2f}"
    if name == "authenticity":
        spacing = arrays.fixed.within.among(member)[1][index]
        return f"{copy}, and training images lie {np.median(spacing):.2f} from each other"
    return f"{copy}, and what counts as one at {arrays.radius:.2f} or less"
