"""Distances to the nearest, as arrays that attacks take, from exact joins."""

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
import numpy.typing as npt

from spolia.auditing.options import Options
from spolia.core.progress import Progress, silent
from spolia.core.types import Float64, Int64, Rows
from spolia.search.join import join

NEAREST = 32
"""How many nearest are kept; what lies beyond is taken to be as far as the last."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Near:
    """The nearest rows of another set for each of n rows, nearest first."""

    index: Int64
    """``(n, k)``; -1 where there are fewer than k."""
    distance: Float64
    """``(n, k)`` Euclidean; inf where there are fewer than k."""

    @property
    def first(self) -> Float64:
        """Distance to the nearest, ``(n,)``."""
        first: Float64 = self.distance[:, 0]
        return first

    def of(self, rows: Int64) -> "Near":
        """Return the same of some of the rows."""
        return Near(self.index[rows], self.distance[rows])

    @cached_property
    def _last(self) -> Float64:
        known = np.where(np.isfinite(self.distance), self.distance, 0.0)
        last: Float64 = known.max(axis=1)
        return last

    def among(self, chosen: Flags) -> tuple[Int64, Float64, Float64]:
        """Return which of the chosen is the nearest, and the distances to the first two.

        Parameters
        ----------
        chosen
            Flags of the rows that are looked at, at least two of them.

        Returns
        -------
        Int64, Float64, Float64
            ``(n,)`` each. Where fewer than two of the k are chosen, the others are at least as
            far as the last of the k, and taken to be there; which they are is then not known, and
            -1.
        """
        there = chosen[self.index] & (self.index >= 0)
        last = self._last
        rows = np.arange(len(there))
        first = np.argmax(there, axis=1)
        found = there[rows, first]
        there[rows, first] = False
        second = np.argmax(there, axis=1)
        more = there[rows, second]
        return (
            np.where(found, self.index[rows, first], -1),
            np.where(found, self.distance[rows, first], last),
            np.where(more, self.distance[rows, second], last),
        )


def near(
    query: Rows,
    base: Rows,
    options: Options,
    progress: Progress = silent,
    *,
    k: int = NEAREST,
    apart: Int64 | None = None,
) -> Near:
    """Return the k nearest rows of ``base`` for each row of ``query``.

    ``apart`` are the identities of both, where these are one set: rows of one identity are not
    compared.
    """
    found = join(
        query,
        None if apart is not None else base,
        k=k,
        exclude=apart,
        memory=options.memory,
        threads=options.threads,
        engine=options.engine,
        progress=progress,
    )
    similarity = cast("Float64", found.similarities)
    index = cast("Int64", found.indices)
    return Near(index, distance_of(similarity))


def distance_of(similarity: Float64) -> Float64:
    """Return the Euclidean distance of unit rows, 0 to 2; inf for -inf.

    >>> distance_of(np.array([1.0, 0.5, -1.0, -np.inf])).tolist()
    [0.0, 1.0, 2.0, inf]
    """
    distance: Float64 = np.sqrt(np.maximum(2.0 - 2.0 * similarity, 0.0))
    return distance
