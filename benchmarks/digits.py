"""Digits with planted truth: what a generator in closed form copies, and what it does not.

A generator that copies is the oracle of `spolia.lab.oracle`. With memorisation 1 each of its
samples is a training image; with 0 it knows the mean and the covariance of train only; between them
every sample is drawn toward one training image, the nearest, which then counts as leaked.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.planted import Sets
from spolia import Embeddings
from spolia.auditing.sets import AuditSet, prepare
from spolia.core.types import Float32, Float64
from spolia.embedding import open_embedder
from spolia.lab.digits import digits, to_images, to_rows
from spolia.lab.oracle import Oracle, sample

SAMPLES = 500


@dataclass(frozen=True)
class DigitsCell:
    """One generator and one control."""

    memorisation: float
    """Lambda, of the samples that the oracle makes."""
    copies: int = SAMPLES
    """Samples that the oracle makes; its generaliser (memorisation 0) makes the others."""
    ratio: float = 1.0
    """Images of the control for each one of train."""

    def __str__(self) -> str:
        parts = [f"digits, λ = {self.memorisation:g}"]
        if self.copies < SAMPLES:
            parts.append(f"{self.copies} of {SAMPLES} samples, the others λ = 0")
        parts += [f"control {self.ratio:g} of train"] if self.ratio != 1.0 else []
        return ", ".join(parts)


@cache
def rows_of_digits() -> Float32:
    """Embed all digits by ``dct``."""
    return _embedded(digits())


def draw_digits(cell: DigitsCell, seed: int) -> Sets:
    """Draw train and control, and sample the generator; halves with an equal control."""
    images = digits()
    n_train = round(len(images) // 2 * min(1.0, 2.0 / (1.0 + cell.ratio)))
    n_control = round(n_train * cell.ratio)
    order = np.random.default_rng(seed).permutation(len(images))
    train, control = order[:n_train], order[n_train : n_train + n_control]
    rows = to_rows(images[train])
    made = sample(Oracle(rows, cell.memorisation), count=cell.copies, seed=seed)
    if cell.copies < SAMPLES:
        novel = sample(Oracle(rows, 0.0), count=SAMPLES, seed=seed)
        made = np.concatenate([made, novel[cell.copies :]])
    copied = cell.copies if cell.memorisation > 0.0 else 0
    sides = {
        "train": _set("train", rows_of_digits()[train]),
        "control": _set("control", rows_of_digits()[control]),
        "synthetic": _set("synthetic", _embedded(to_images(made))),
    }
    return Sets(sides, np.unique(_nearest(made[:copied], rows)), np.arange(copied, SAMPLES))


def _nearest(samples: Float64, train: Float64) -> np.ndarray:
    return np.argmin((train**2).sum(axis=1) - 2.0 * samples @ train.T, axis=1)


def _embedded(images: np.ndarray) -> Float32:
    judge = open_embedder("dct")
    colour = np.repeat(images[..., None], 3, axis=-1)
    return np.stack([judge.embed(image) for image in colour])


def _set(role: str, rows: Float32) -> AuditSet:
    return prepare(
        role, Embeddings(rows, None, None), open_embedder("dct").summary, fingerprint=role
    )
