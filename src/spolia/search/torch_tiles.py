"""Tiles of whole numbers by torch, on a processor or a graphics card, and the pairs they leave.

::

    base rows ──quantise──> panels ──┐
                                     ├─ whole sums ≥ least sums? ─ few pairs ─ float32 ─> Block
    query rows ─quantise──> rows ────┘            (on the device)             products

The sums are those of `spolia.search.quantised`, where the bound on them is proved. What they leave
is computed in float32, for which `spolia.search.tiles.tile_margin` holds whatever the order of
summation, and goes to the collectors of `spolia.search.block.Block`, which settle it. Both devices
run the same steps, so that a processor tests what a graphics card does.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from spolia.core.types import Float32, Float64, Int64, Rows
from spolia.search.block import Block, Task
from spolia.search.quantised import PANEL, least_sums, margins, quantise
from spolia.search.result import JoinResult

Tensor = Any
"""A `torch.Tensor`; torch is imported only where it is used."""

_STRIP = 1 << 18
"""Pairs of a tile that a processor looks at together: 1 MiB of sums stays in its cache."""
_PIECE, _CARD_PIECE = 1 << 17, 1 << 24
"""Coordinates multiplied together: on a processor, two arrays of them stay in its cache."""
_LEFT = 1 << 18
"""Pairs handed on together."""
_SEED_SLACK = 1e-5
"""More than float32 errs on scaled sums and margins, both under 6: five roundings of 2^-24."""


@dataclass(frozen=True, eq=False)
class Side:
    """Quantised rows on the device."""

    numbers: Tensor
    """``(n', d')`` int8."""
    scales: Tensor
    """``(panels,)`` float64, as are the ``errors``."""
    errors: Tensor


class TorchTiles:
    """Base on the device, for all threads.

    Parameters
    ----------
    device
        ``"cpu"``, or another of torch's, which is used like a graphics card.
    hold
        Is all of base quantised at once, and kept? Else each tile is, again for each block.
    """

    def __init__(self, task: Task, device: str, *, hold: bool) -> None:
        self._task, self._device = task, device
        # Late copies matter to `above` alone.
        late = task.late & (task.wanted.above is None)
        self._rows: Int64 = np.flatnonzero(~late)
        self._columns = task.plan.columns
        self._held: list[tuple[Side, Tensor | None]] | None = None
        if hold:
            with ThreadPoolExecutor(task.plan.threads) as pool:
                self._held = list(pool.map(self._hold, self._tiles()))

    def join_block(self, x: Float32, first: int, floor: float) -> JoinResult:
        """Return the join of rows with base; see `spolia.search.block.join_block`."""
        import torch

        if self._device == "cpu":
            torch.set_num_threads(1)  # of the thread that calls: the others have blocks too
        block = Block(x, first, self._task, floor)
        work = _Work(x, first, block, self._task, self._device, self._columns)
        for number, base_rows in enumerate(self._tiles()):
            if self._task.stopped():
                break
            work.read(*self._tile(number, base_rows), base_rows, seed=number == 0)
        return block.result()

    def _tiles(self) -> Iterator[Int64]:
        """Yield the base rows of each tile."""
        for start in range(0, len(self._rows), self._columns):
            yield self._rows[start : start + self._columns]

    def _tile(self, number: int, base_rows: Int64) -> tuple[Side, Tensor | None]:
        """Return a tile, and its float32 rows where they are on the device already."""
        return self._load(base_rows) if self._held is None else self._held[number]

    def _hold(self, base_rows: Int64) -> tuple[Side, Tensor | None]:
        tile, rows = self._load(base_rows)
        # A processor reads the rows again, which takes no time beside the tile's.
        return tile, None if self._device == "cpu" else rows

    def _load(self, base_rows: Int64) -> tuple[Side, Tensor]:
        rows = read(self._task.base, base_rows)
        return side(rows, PANEL, self._device), put(rows, self._device)


class _Work:
    """One block of query rows on the device."""

    def __init__(
        self, x: Float32, first: int, block: Block, task: Task, device: str, columns: int
    ) -> None:
        import torch

        self._first, self._block, self._task, self._device = first, block, task, device
        self._count, d = x.shape
        self._left = side(x, 1, device)
        self._x = put(x, device)
        on_card = device != "cpu"
        self._piece = max(1, (_CARD_PIECE if on_card else _PIECE) // d)
        # A graphics card takes whole tiles.
        height = len(self._left.numbers)
        self._step = height if on_card else min(height, max(1, _STRIP // columns))
        width = -(-columns // PANEL) * PANEL
        self._sums = torch.empty((self._step, width), dtype=torch.int32, device=device)

    def read(self, right: Side, rows: Tensor | None, base_rows: Int64, *, seed: bool) -> None:
        """Take in the tile of the block with ``base_rows``; learn from it first if ``seed``."""
        for row in range(0, self._count, self._step):
            strip = slice(row, min(self._count, row + self._step))
            sums = self._multiply(strip, right)
            if seed:
                rows = self._rows(rows, base_rows)
                self._learn(self._least(sums, strip, right, base_rows), strip, rows, base_rows)
            found = self._reached(sums, strip, right, len(base_rows))
            if len(found):
                rows = self._rows(rows, base_rows)
            for start in range(0, len(found), _LEFT):
                self._take(found[start : start + _LEFT], strip, rows, base_rows)

    def _rows(self, rows: Tensor | None, base_rows: Int64) -> Tensor:
        """Return the float32 rows of a tile, read where they are not on the device already."""
        return put(read(self._task.base, base_rows), self._device) if rows is None else rows

    def _multiply(self, strip: slice, right: Side) -> Tensor:
        """Return the sums ``(r, panels, PANEL)`` int32 of a strip; valid until the next."""
        import torch

        numbers = self._left.numbers[strip.start : strip.start + self._step]
        width = len(right.numbers)
        out = self._sums.view(-1)[: len(numbers) * width].view(len(numbers), width)
        torch._int_mm(numbers, right.numbers.T, out=out)
        return out[: strip.stop - strip.start].view(-1, width // PANEL, PANEL)

    def _reached(self, sums: Tensor, strip: slice, right: Side, columns: int) -> Tensor:
        """Return the pairs whose sums allow a tile value at their row's floor.

        As numbers, row in strip * padded columns + column, int64.
        """
        import torch

        asked = put(self._block.floors(strip) - self._task.plan.margin, self._device)
        left = self._left.scales[strip], self._left.errors[strip]
        least = least_sums(asked, left, (right.scales, right.errors), torch)
        least = least.to(torch.int32)[:, :, None]
        width = sums.shape[1] * PANEL
        if self._device == "cpu":  # in numpy, which is several times faster here
            found = torch.from_numpy(np.flatnonzero(sums.numpy() >= least.numpy()))
        else:
            found = (sums >= least).view(-1).nonzero().view(-1)
        return found if columns == width else found[found % width < columns]

    def _take(self, found: Tensor, strip: slice, rows: Tensor, base_rows: Int64) -> None:
        """Hand pairs to the collectors."""
        width = -(-len(base_rows) // PANEL) * PANEL
        at, column = found // width + strip.start, found % width
        values = self._values(at, column, rows)
        self._block.take(at.cpu().numpy(), base_rows[column.cpu().numpy()], values)

    def _values(self, at: Tensor, column: Tensor, rows: Tensor) -> Float64:
        """Return the products in float32 of rows of the block and of a tile."""
        values = np.empty(len(at))
        for start in range(0, len(at), self._piece):
            piece = slice(start, start + self._piece)
            products = self._x.index_select(0, at[piece])
            products *= rows.index_select(0, column[piece])
            values[piece] = products.sum(1).cpu().numpy()
        return values

    def _least(self, sums: Tensor, strip: slice, right: Side, base_rows: Int64) -> Tensor:
        """Return what a strip of pairs has at least ``(r, c)``; -inf where excluded."""
        scales = self._left.scales[strip, None] * right.scales
        bound = margins(self._left.errors[strip], right.errors) + _SEED_SLACK
        least = sums * scales.float()[:, :, None]
        least -= bound.float()[:, :, None]
        least = least.view(len(sums), -1)[:, : len(base_rows)]
        exclude = self._task.exclude
        if exclude is not None:
            numbers = slice(self._first + strip.start, self._first + strip.stop)
            of_rows = put(exclude.query_groups[numbers], self._device)
            of_columns = put(exclude.base_groups[base_rows], self._device)
            least.masked_fill_(of_rows[:, None] == of_columns, -np.inf)
        return least

    def _learn(self, least: Tensor, strip: slice, rows: Tensor, base_rows: Int64) -> None:
        """Raise the floors of a strip by what similarity its pairs have at least."""
        wanted = self._task.wanted
        if wanted.k is not None and 4 * wanted.k <= least.shape[1]:
            self._learn_nearest(least, strip, rows, wanted.k)
        if wanted.top is not None and 4 * wanted.top <= least.shape[0] * least.shape[1]:
            self._hide_repeated(least, strip, base_rows)
            best = least.reshape(-1).topk(wanted.top).values
            self._block.know_top(float(best[-1]))

    def _learn_nearest(self, least: Tensor, strip: slice, rows: Tensor, k: int) -> None:
        """Raise the floors by the similarities of the k pairs of each row that look closest.

        These k are hardly further away than the closest, so that the floors are nearly as high as
        they can be. A row with fewer than k pairs that are not excluded learns nothing.
        """
        import torch

        best, column = least.topk(k)
        at = torch.arange(strip.start, strip.stop, device=self._device).repeat_interleave(k)
        values = self._values(at, column.reshape(-1), rows).reshape(-1, k).min(axis=1)
        known = (best[:, -1] > -np.inf).cpu().numpy()
        self._block.know_nearest(strip, np.where(known, values - self._task.plan.margin, -np.inf))

    def _hide_repeated(self, least: Tensor, strip: slice, base_rows: Int64) -> None:
        """Mask the pairs of a strip that are listed the other way round."""
        exclude = self._task.exclude
        if exclude is not None and exclude.once:
            rows = put(np.arange(strip.start, strip.stop) + self._first, self._device)
            least.masked_fill_(put(base_rows, self._device) <= rows[:, None], -np.inf)


def side(rows: Float32, panel: int, device: str) -> Side:
    """Return rows quantised in panels, on the device."""
    packed = quantise(rows, panel)
    return Side(*(put(one, device) for one in (packed.numbers, packed.scales, packed.errors)))


def put(array: Any, device: str) -> Tensor:
    """Return an array as a tensor on the device; on a processor it shares the array's memory."""
    import torch

    # Torch warns of arrays that cannot be written to, like those of a memory-map.
    return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(device)


def read(base: Rows, rows: Int64) -> Float32:
    """Return rows of base by their rising numbers."""
    first, last = int(rows[0]), int(rows[-1]) + 1
    if last - first == len(rows):
        return np.asarray(base[first:last])
    return np.asarray(base[rows])
