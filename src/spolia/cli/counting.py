"""What ``spolia audit`` prints of its counting."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spolia.cli.console import show

if TYPE_CHECKING:
    from spolia.core.counting import Counting, Duplicates


def show_counting(counting: "Counting | None") -> None:
    """Print what was put together, found in both sets, and set aside; nothing where there is none.

    What changes the verdict is a note of the summary as well, and printed with the notes.
    """
    if counting is None:
        return
    if counting.duplicates is not None:
        for line in _of_duplicates(counting.duplicates):
            show(f"  {line}")
    for column in counting.columns:
        if column.strata:
            show(f"  By {column.name}: {len(column.strata)} groups, in the report.")


def _of_duplicates(found: "Duplicates") -> Iterator[str]:
    clusters = [
        f"{one.role} {one.records:,} in {one.clusters:,} cluster{'s' * (one.clusters > 1)}"
        for one in found.sets
        if one.clusters
    ]
    if clusters:
        yield f"Near-duplicates from {found.threshold:g}: {'; '.join(clusters)}; each counts once."
    two = found.candidates
    if two is not None and two.within + (two.across or 0):
        beyond = "" if two.across is None else f", {two.across:,} of train and control"
        yield (
            f"Perhaps one person under two names: {two.within:,} pairs in train{beyond}; see "
            "two_names.parquet of --out."
        )
