"""Leaks of known strength, made from train, to see what an audit would have seen."""

from dataclasses import dataclass

import numpy as np

from spolia.auditing.sets import AuditSet
from spolia.core.seeds import stream
from spolia.core.types import Float32, Int64, normalise

MOST = 200
"""Identities that are planted at most."""
_LEAST_SEVERAL = 20
"""Identities with several records that are needed to plant new photos."""

BLENDS = {
    "exact copy": 0.0,
    "faint copy (0.2)": 0.2,
    "faint copy (0.4)": 0.4,
    "faint copy (0.5)": 0.5,
}
"""Strengths: a training row e becomes (1 - a) e + a u with a random direction u."""
NEW_PHOTO = "new photo"
"""A training photo of somebody with several, held back."""


@dataclass(frozen=True, eq=False)
class Planted:
    """Planted leaks of every strength, one after the other."""

    strengths: tuple[str, ...]
    rows: Int64
    """``(n,)`` the training record each is made of; ascending within a strength."""
    records: Float32
    """``(n, d)``."""
    strength: Int64
    """``(n,)`` number of its strength."""

    def held_back(self) -> Int64:
        """Return for each the training record that must not be compared with it; -1 for none."""
        held = [name == NEW_PHOTO for name in self.strengths]
        return np.where(np.array(held)[self.strength], self.rows, -1)


def blend(rows: Float32, directions: Float32, faint: float) -> Float32:
    """Return rows that are moved toward random directions, ``(n, d)`` unit rows.

    Parameters
    ----------
    rows, directions
        ``(n, d)`` unit rows.
    faint
        0: the rows themselves, 1: the directions.

    Examples
    --------
    >>> blend(np.float32([[1, 0]]), np.float32([[0, 1]]), 0.5).round(3).tolist()
    [[0.7070000171661377, 0.7070000171661377]]
    """
    return normalise((1.0 - faint) * rows.astype(np.float64) + faint * directions)


def plant(train: AuditSet) -> Planted:
    """Make planted leaks: a function of train alone."""
    rng = stream(0, "planted")
    order = rng.permutation(len(train))
    _, first, count = np.unique(train.identity[order], return_index=True, return_counts=True)
    each = order[first]
    chosen = np.sort(rng.permutation(each)[:MOST])
    directions = normalise(rng.normal(size=(chosen.size, train.rows.shape[1])))
    found = train.rows[chosen]
    made = {name: (chosen, blend(found, directions, a)) for name, a in BLENDS.items()}
    several = each[count > 1]
    if train.model.kind == "identity" and several.size >= _LEAST_SEVERAL:
        held = np.sort(rng.permutation(several)[:MOST])
        made[NEW_PHOTO] = (held, train.rows[held])
    return Planted(
        tuple(made),
        np.concatenate([rows for rows, _ in made.values()]),
        np.concatenate([records for _, records in made.values()]),
        np.repeat(np.arange(len(made)), [rows.size for rows, _ in made.values()]),
    )
