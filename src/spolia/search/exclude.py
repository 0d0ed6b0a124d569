"""Pairs that a join leaves out: those of a row with itself, or with a row of its own group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UsageError
from spolia.core.types import Int64

Groups = npt.NDArray[Any] | Sequence[int] | Sequence[str]
"""One group per row, integers or strings."""

ExcludeOption = Groups | tuple[Groups, Groups] | tuple[Groups, Sequence[Groups]]
"""What `spolia.search.join.join` takes for ``exclude``."""


@dataclass(frozen=True, eq=False)
class Exclude:
    """A pair whose two groups are equal does not exist for the join."""

    query_groups: Int64
    """The group of each query row, ``(n,)``."""
    base_groups: Int64
    """The group of each base row, ``(m,)``."""
    once: bool = False
    """In a join of rows with themselves: ``pairs`` and ``top`` list a pair only with its higher
    row number as base. The k nearest look both ways all the same."""

    @classmethod
    def itself(cls, n: int) -> "Exclude":
        """Return what keeps each of ``n`` rows from meeting itself.

        >>> Exclude.itself(2).hidden(slice(0, 2), slice(0, 2)).tolist()
        [[True, False], [False, True]]
        """
        rows = np.arange(n, dtype=np.int64)
        return cls(rows, rows, once=True)

    def hidden(self, rows: slice, columns: slice) -> npt.NDArray[np.bool_]:
        """Return which pairs of some query rows with some base rows are left out, as a matrix."""
        hidden: npt.NDArray[np.bool_] = (
            self.query_groups[rows, np.newaxis] == self.base_groups[columns]
        )
        return hidden

    def repeated(self, query: Int64, base: Int64) -> npt.NDArray[np.bool_]:
        """Return which pairs of row numbers are listed the other way round only."""
        return (base <= query) & self.once

    def subset(self, rows: Int64) -> "Exclude":
        """Return the same for some query rows only, which then look both ways."""
        return Exclude(self.query_groups[rows], self.base_groups)

    def first_allowed(self, row: int, count: int) -> Int64:
        """Return the first base rows that a query row meets, at most ``count``.

        >>> Exclude(np.array([7]), np.array([7, 5, 7, 6])).first_allowed(0, 3).tolist()
        [1, 3]
        """
        return np.flatnonzero(self.base_groups != self.query_groups[row])[:count]


def exclude_within(groups: Groups | None, n: int) -> Exclude:
    """Return what a join of ``n`` rows with themselves leaves out: the diagonal, or all groups.

    Raises
    ------
    UsageError
        If ``groups`` are not one integer or string for each row.

    Examples
    --------
    >>> exclude_within(["ann", "bob", "ann"], 3).base_groups.tolist()
    [0, 1, 0]
    """
    if groups is None:
        return Exclude.itself(n)
    (numbers,) = _numbers([_checked("exclude", groups, n)])
    return Exclude(numbers, numbers, once=True)


def exclude_between(
    exclude: ExcludeOption | None, n: int, sizes: Sequence[int], *, several: bool
) -> tuple[Exclude | None, ...]:
    """Return what joins of ``n`` query rows with one base or several leave out.

    Parameters
    ----------
    exclude
        ``None``, or the groups of query with the groups of base; with a list of these where
        there are ``several`` bases.
    sizes
        The number of rows of each base.

    Raises
    ------
    UsageError
        If ``exclude`` does not fit the rows, or mixes integers and strings.

    Examples
    --------
    >>> (one,) = exclude_between((["ann", "bob"], ["bob"]), 2, [1], several=False)
    >>> one.hidden(slice(0, 2), slice(0, 1)).tolist()
    [[False], [True]]
    """
    if exclude is None:
        return (None,) * len(sizes)
    if not _is_list(exclude, 2):
        raise UsageError(
            "exclude must be a pair, the groups of query and the groups of base, but is a "
            f"{type(exclude).__name__}; give exclude=(query_groups, base_groups)"
        )
    of_query, of_base = exclude
    sides = cast("Sequence[Groups]", of_base if several else [of_base])
    if several and not _is_list(of_base, len(sizes)):
        raise UsageError(
            f"exclude must give the groups of each of the {len(sizes)} bases; give "
            "exclude=(query_groups, [groups of the first base, ...])"
        )
    names = [f"exclude[1][{i}]" if several else "exclude[1]" for i in range(len(sizes))]
    checked = [_checked(*side) for side in zip(names, sides, sizes, strict=True)]
    query, *bases = _numbers([_checked("exclude[0]", of_query, n), *checked])
    return tuple(Exclude(query, base) for base in bases)


def _is_list(value: object, length: int) -> bool:
    return isinstance(value, tuple | list) and len(value) == length


def _checked(name: str, groups: Any, n: int) -> npt.NDArray[Any]:
    """Return groups as an array of int64 or of strings."""
    try:
        array = np.asarray(groups)
    except ValueError:
        raise UsageError(f"{name} must be one group per row, but is a ragged list") from None
    if array.shape != (n,):
        raise UsageError(
            f"{name} must give one group for each of {n} rows, but has shape {array.shape}"
        )
    if array.size == 0 or (array.dtype.kind in "iu" and np.can_cast(array.dtype, np.int64)):
        return array.astype(np.int64)
    if array.dtype.kind in "UO" and all(isinstance(group, str) for group in groups):
        return array
    raise UsageError(
        f"{name} must be integers (up to int64) or strings, but is {array.dtype}; give every row "
        "a group, and rows of unknown group one of their own"
    )


def _numbers(sides: list[npt.NDArray[Any]]) -> list[Int64]:
    """Return the groups of all sides as numbers, equal where the groups are."""
    kinds = {"integers" if side.dtype == np.int64 else "strings" for side in sides if side.size}
    if len(kinds) > 1:
        raise UsageError(
            "exclude must be all integers or all strings, but mixes them, so that no two groups "
            "of different sides would be equal; convert one side"
        )
    if kinds != {"strings"}:
        return list(sides)
    known: dict[str, int] = {}
    return [
        np.array([known.setdefault(group, len(known)) for group in side.tolist()], dtype=np.int64)
        for side in sides
    ]
