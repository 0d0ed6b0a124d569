"""The join from quantised rows, as torch does it, written down in numpy: for tests without torch.

And the same by torch, where it is installed, cut up in any way.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from spolia.core.progress import silent
from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.search.block import Block, Task
from spolia.search.exclude import Exclude
from spolia.search.histogram import count_histogram
from spolia.search.plan import Wanted, make_plan
from spolia.search.quantised import Quantised, least_sums, quantise
from spolia.search.result import JoinResult
from spolia.search.run import BlockJoin, run_plan
from tests.spec.joins import Join, as_join

Prepare = Callable[[Task], BlockJoin]


def prepared(prepare: Prepare, **changes: Any) -> Join:
    """Return the join whose blocks are prepared in a given way, its plan changed."""

    def run(query: Rows, base: Rows, wanted: Wanted, exclude: Exclude | None) -> JoinResult:
        rest = replace(wanted, histogram=None)
        shape = (query.shape[0], *base.shape)
        plan = replace(make_plan(shape, rest, memory=1 << 30, threads=2), **changes)
        found = run_plan(query, base, rest, exclude, plan, silent, prepare=prepare)
        if wanted.histogram is None:
            return found
        limits = {"memory": 1 << 30, "threads": 1}
        counted = count_histogram(query, base, wanted.histogram, exclude, **limits)
        return replace(found, histogram=counted)

    return as_join(run)


def quantised(
    *,
    panel: int = 4,
    rows: Callable[[Float32, int], Quantised] = quantise,
    least: Callable[..., Float64] = least_sums,
    hide: bool = True,
    offset: int = 1,
    **changes: Any,
) -> Join:
    """Return the join from rows quantised in panels; each argument may put in a fault."""

    def prepare(task: Task) -> BlockJoin:
        def block(x: Float32, first: int, floor: float) -> JoinResult:
            collectors, left = Block(x, first, task, floor), rows(x, 1)
            for start in range(0, len(task.base), task.plan.columns):
                y = np.asarray(task.base[start : start + task.plan.columns])
                if start == 0:
                    learn(collectors, task, x, y, first if hide else None)
                right = rows(y, panel)
                floors = collectors.floors(slice(None)) - task.plan.margin
                sides = (left.scales, left.errors), (right.scales, right.errors)
                asked = np.repeat(least(floors, *sides, np), panel, axis=1)[:, : len(y)]
                sums = left.numbers.astype(np.int32) @ right.numbers.astype(np.int32).T
                at, column = np.nonzero(sums[: len(x), : len(y)] >= asked)
                values = np.einsum("ij,ij->i", x[at], y[column]).astype(np.float64)
                collectors.take(at, column + start * offset, values)
            return collectors.result()

        return block

    return prepared(prepare, **changes)


def learn(block: Block, task: Task, x: Float32, y: Float32, first: int | None) -> None:
    """Tell a block what its first tile has at least, pairs left out hidden if ``first`` is told."""
    least = x.astype(np.float64) @ y.T.astype(np.float64) - 1e-9
    hidden = np.zeros(least.shape, dtype=np.bool_)
    numbers: Int64 = np.arange(len(x))[:, np.newaxis] + (first or 0)
    if task.exclude is not None and first is not None:
        hidden = task.exclude.hidden(slice(first, first + len(x)), slice(0, len(y)))
    k, top = task.wanted.k, task.wanted.top
    shown = np.where(hidden, -np.inf, least)
    if k is not None and k <= len(y):
        block.know_nearest(slice(None), np.sort(shown, axis=1)[:, -k])
    if task.exclude is not None and first is not None:
        shown[task.exclude.repeated(numbers, np.arange(len(y)))] = -np.inf
    if top is not None and top <= shown.size:
        block.know_top(float(np.sort(shown.ravel())[-top]))


def by_torch(device: str, *, hold: bool, **changes: Any) -> Join:
    """Return the join by torch, cut up in another way than `run_torch` would."""
    from spolia.search.torch_tiles import TorchTiles

    def prepare(task: Task) -> BlockJoin:
        return TorchTiles(task, device, hold=hold).join_block

    return prepared(prepare, **changes)
