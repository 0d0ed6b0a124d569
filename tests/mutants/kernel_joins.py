"""Joins by the compiled kernel to ask laws of: at the limits of what it is promised."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from spolia.core.progress import silent
from spolia.core.rows import row_addresses
from spolia.core.types import Float32, Float64, Rows
from spolia.search.exclude import Exclude
from spolia.search.join import join as public_join
from spolia.search.native import packed
from spolia.search.native.binding import kernels
from spolia.search.native.cut import make_cut
from spolia.search.native.packed import Centre, Packing, Rotation
from spolia.search.native.run import Join as KernelJoin
from spolia.search.native.run import Side
from spolia.search.native.sample import Guess
from spolia.search.plan import Wanted
from spolia.search.result import JoinResult
from tests.spec.joins import Join, as_join, compiled


@dataclass(frozen=True, eq=False)
class Poor(Rotation):
    """A rotation as poor as it admits: prefixes too long, and the norms of rows without room."""

    stretch: float = 1.0

    def prefix(self, centred: Float32) -> tuple[Float32, Float64]:
        prefixes, wholes = super().prefix(centred)
        return prefixes * np.float32(self.stretch), wholes / (1.0 + 1e-6)


def rotated(frame: Callable[[int], npt.ArrayLike], stretch: float = 1.0) -> Join:
    """Return the join of prefixes by a frame, ``(depth, d + 1)``; the centre is zero."""

    def join(query: Rows, base: Rows, wanted: Wanted, exclude: Exclude | None) -> JoinResult:
        d = base.shape[1]
        rows = np.asarray(frame(d), dtype=np.float32)
        wide = rows.astype(np.float64)
        error = float(np.linalg.norm(wide @ wide.T - np.eye(len(wide)), ord=2)) + 1e-12
        rotation = Poor(rows, error, 1.001 * (stretch - 1.0), stretch)
        centre = Centre(np.zeros(d, dtype=np.float32), 2.0**-10, 0.0)
        kernel = next(one for one in kernels() if one.name == "plain")
        packing = Packing(kernel, d, centre, rotation)
        cut = make_cut(len(query), len(base), packing, wanted, memory=1 << 30, threads=2)
        places = [row_addresses(np.asarray(side)) for side in (query, base)]
        assert cut is not None
        assert places[0] is not None
        assert places[1] is not None
        sides, guesses = (Side(base, places[1], exclude),), (Guess(centre.vector),)
        everything = (query, places[0], sides, wanted, packing, cut, guesses, np.inf)
        (found,) = KernelJoin(*everything).run(silent)
        return found

    return as_join(join)


def one_axis(number: int, length: float) -> Callable[[int], npt.ArrayLike]:
    """Return the frame of one axis, counted from the end where negative."""
    return lambda d: length * np.eye(d + 1)[[number]]


def without_slack(join: Join) -> Join:
    """Return a join that adds nothing to its bounds for roundings."""

    def slackless(*sides: Any, **options: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(packed, "SLACK", 0.0)
            return join(*sides, **options)

    return slackless


half = compiled(depth=0.5)
centred = compiled(centred=True)
small_blocks = compiled(rows=16)
stretches = compiled(columns=48, rows=16)
by_any_kernel: Join = partial(public_join, engine="kernel")
stretched = rotated(lambda d: 1.1 * np.eye(d + 1))
long_prefixes = rotated(lambda d: np.eye(d + 1), stretch=1.2)


def by(kernel: str) -> Join:
    return compiled(kernel=kernel)
