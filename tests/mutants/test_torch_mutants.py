"""Known wrong versions of the join of quantised rows; each must break a law."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spolia.core.types import Float32, Float64
from spolia.search.quantised import WIDEST, Quantised, least_sums, quantise
from tests.spec import quantised_laws as laws
from tests.spec.joins import Join, numbers, reference
from tests.spec.quantised_joins import quantised


def margin_dropped(similarities: Float64, left: Any, right: Any, xp: Any) -> Float64:
    (scale, error), (panel_scale, panel_error) = left, right
    return least_sums(similarities, (scale, 0 * error), (panel_scale, 0 * panel_error), xp)


def only_the_left_margin(similarities: Float64, left: Any, right: Any, xp: Any) -> Float64:
    return least_sums(similarities, left, (right[0], 0 * right[1]), xp)


def only_the_right_margin(similarities: Float64, left: Any, right: Any, xp: Any) -> Float64:
    return least_sums(similarities, (left[0], 0 * left[1]), right, xp)


def neighbours_scale(rows: Float32, panel: int) -> Quantised:
    packed = quantise(rows, panel)
    return packed if panel == 1 else replace(packed, scales=np.roll(packed.scales, 1))


def wrapped(rows: Float32, panel: int) -> Quantised:
    """Rounds up to 128, which is -128 in a byte."""
    packed = quantise(rows, panel)
    numbers = np.where(packed.numbers == 127, -128, packed.numbers).astype(np.int8)
    return replace(packed, numbers=numbers)


def the_first_of_the_panel(rows: Float32, panel: int) -> Quantised:
    """Takes the error of a panel's first row for the largest."""
    packed, first = quantise(rows, panel), quantise(rows[::panel], 1)
    return replace(packed, errors=first.errors)


def the_widest_rows_meet(join: Join) -> None:
    d = WIDEST + 3000
    rows = np.full((2, d), d**-0.5, dtype=np.float32)
    assert numbers(join(rows, rows, k=1, above=0.9).indices) == [[0], [0]]


MUTANTS: dict[str, tuple[Callable[[Join], None], Join]] = {
    "margin dropped": (
        laws.pairs_that_quantising_cannot_tell_apart_are_ranked,
        quantised(least=margin_dropped, columns=6, waiting=0),
    ),
    "margin of the query alone": (
        laws.what_only_base_loses_counts,
        quantised(least=only_the_left_margin),
    ),
    "margin of base alone": (
        laws.what_only_the_query_loses_counts,
        quantised(least=only_the_right_margin),
    ),
    "panel scale of the neighbour": (
        laws.rows_of_unlike_scales_keep_their_own,
        quantised(rows=neighbours_scale),
    ),
    "error of the panel's first row": (
        laws.what_only_base_loses_counts,
        quantised(rows=the_first_of_the_panel),
    ),
    "127 becomes -128": (laws.a_row_with_one_huge_coordinate_is_found, quantised(rows=wrapped)),
    "tile offset forgotten": (
        laws.a_closest_row_in_the_last_tile_is_found,
        quantised(offset=0, columns=6),
    ),
    "excluded pair raises the floor": (
        laws.the_closest_that_is_excluded_does_not_hide_the_next,
        quantised(hide=False),
    ),
    "int32 overflow": (the_widest_rows_meet, quantised()),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_law_kills_the_mutant(name: str) -> None:
    law, mutant = MUTANTS[name]
    with pytest.raises(AssertionError):
        law(mutant)


@pytest.mark.parametrize("law", [*laws.QUANTISED_LAWS, the_widest_rows_meet])
def test_the_reference_obeys_the_law(law: Callable[[Join], None]) -> None:
    assert law(reference) is None


def test_every_law_kills_a_mutant() -> None:
    assert {law for law, _ in MUTANTS.values()} == {*laws.QUANTISED_LAWS, the_widest_rows_meet}
