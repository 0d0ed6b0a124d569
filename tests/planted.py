"""Embeddings with leaks whose truth is known."""

from dataclasses import dataclass

import numpy as np

from spolia import Embeddings, normalise


@dataclass(frozen=True)
class Planted:
    """Three sets of which ``leaked`` training records are shown again by the synthetic set."""

    train: Embeddings
    control: Embeddings
    synthetic: Embeddings
    leaked: frozenset[str]

    def sets(self):
        return {"train": self.train, "control": self.control, "synthetic": self.synthetic}


def planted(*, leaks=40, clean=260, size=300, control=None, dim=48, noise=0.15, copies=1, seed=0):
    """Draw three sets from one population and plant noisy copies of training rows."""
    rng = np.random.default_rng(seed)

    def draw(n):
        return normalise(rng.normal(size=(n, dim)))

    train, held_out = draw(size), draw(size if control is None else control)
    chosen = np.sort(rng.permutation(size)[:leaks])
    near = np.repeat(train[chosen], copies, axis=0)
    near = normalise(near + noise * rng.normal(size=near.shape) / np.sqrt(dim))
    rows = np.concatenate([near, draw(clean)])
    order = rng.permutation(len(rows))
    return Planted(
        Embeddings(train, [f"t{i:04d}" for i in range(size)]),
        Embeddings(held_out, [f"c{i:04d}" for i in range(len(held_out))]),
        Embeddings(rows[order], [f"s{i:04d}" for i in range(len(rows))]),
        frozenset(f"t{i:04d}" for i in chosen),
    )


def shuffled(embeddings, seed):
    """Return the same records in another order."""
    order = np.random.default_rng(seed).permutation(len(embeddings))
    identities = embeddings.identities
    return Embeddings(
        embeddings.vectors[order],
        [embeddings.ids[i] for i in order],
        None if identities is None else [identities[i] for i in order],
    )
