"""What the compiled kernel must not lose: rows in many panels, each law on one weak place."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from spolia.core.types import Float32, normalise
from spolia.search.join import join as right_join
from tests.spec.join_laws import HARD_SUMS
from tests.spec.joins import Join, assert_same, listed, numbers, rows_of

library: Join = partial(right_join, engine="library", threads=1)


def assert_right(join: Join, *sides: Any, **options: Any) -> None:
    """Fail unless a join finds what the library finds."""
    assert_same(join(*sides, **options), library(*sides, **options))


def the_nearest_are_found_in_every_panel(join: Join) -> None:
    base = rows_of("random", 300, 24, 0)
    query = normalise(base[::7] + 0.1 * rows_of("random", 43, 24, 1).astype(np.float64))
    assert_right(join, query, base, k=3, top=60)
    assert_right(join, query, base, k=30)
    assert_right(join, query, base, above=0.5)


def each_output_has_its_own_threshold(join: Join) -> None:
    base = rows_of("random", 200, 24, 0)
    query = rows_of("random", 20, 24, 1)
    assert_right(join, query, base, k=1, above=0.3)
    assert_right(join, query, base, k=4, above=0.8)
    assert_right(join, query, base, above=0.8, top=150)
    assert_right(join, query, base, k=1, top=150)


def each_row_has_its_own_threshold(join: Join) -> None:
    # Of the rows worked on together, every other has a copy in the first panel.
    base, query = rows_of("random", 300, 24, 0), rows_of("random", 64, 24, 1)
    base[:32] = query[::2]
    assert_right(join, query, base, k=1)


def many_unequal_rows_as_similar_go_to_the_lower_number(join: Join) -> None:
    rng = np.random.default_rng(0)
    base = np.zeros((300, 26), dtype=np.float32)
    base[:, 1:25] = 0.8 * normalise(rng.standard_normal((300, 24)) ** rng.integers(1, 5, (300, 1)))
    base[:, 0] = 0.6
    query = np.zeros((20, 26), dtype=np.float32)
    query[:, 0], query[:, 25] = 0.8, 0.6
    query[::3, [0, 25]] = 1, 0
    for options in ({"k": 5}, {"k": 20, "above": 0.55}, {"top": 9}, {"top": 2500}):
        assert_right(join, query, base, **options)


def a_similarity_is_at_or_above_itself(join: Join) -> None:
    query, base = rows_of("random", 12, 100, 0), rows_of("random", 100, 100, 1)
    every = library(query, base, above=-1.0).pairs.similarity
    for threshold in every[:400:25].tolist():
        assert_right(join, query, base, above=threshold)


def copies_are_found_by_a_part_of_their_coordinates(join: Join) -> None:
    base = rows_of("random", 150, 24, 0)
    query = base[::10].copy()
    assert numbers(join(query, base, k=1).indices) == [[10 * i] for i in range(15)]
    assert_right(join, query, base, k=2, above=0.9, top=15)


def panels_of_unlike_scales_keep_their_own(join: Join) -> None:
    rng = np.random.default_rng(0)
    flat = 0.125 * rng.choice(np.float32([-1, 1]), (48, 64))
    spiky = np.eye(64, dtype=np.float32)[:48]
    base = np.concatenate([spiky, flat, flat[::-1], spiky[::-1], flat])
    for options in ({"k": 3}, {"above": 0.12}, {"top": 90}):
        assert_right(join, base[::5].copy(), base, **options)


def rows_of_one_panel_may_be_of_unlike_sizes(join: Join) -> None:
    # Alternately one large coordinate or many small ones; the last of each panel is flat.
    rng = np.random.default_rng(0)
    base = 0.125 * rng.choice(np.float32([-1, 1]), (96, 64))
    base[::2] = np.eye(64, dtype=np.float32)[:48]
    assert_right(join, base[:32].copy(), base, k=2, above=0.1)


def rows_of_one_panel_lose_unlike_much(join: Join) -> None:
    # Of base, the first and the last row of a panel lose nothing, nearly.
    turned = np.linspace(0.7, 0.8, 94)
    base = np.float32(np.stack([np.sin(turned), np.cos(turned)], axis=1))
    base = np.insert(base, [0, 46, 46, 94], np.float32([0, 1]), axis=0)
    query = np.float32([[1, 0]])
    for row in range(1, 47, 5):
        assert_right(join, query, base, above=float(base[row, 0]))


def rows_about_a_centre_are_told_apart(join: Join) -> None:
    query, base = rows_of("near-equal", 12, 33, 1), rows_of("near-equal", 120, 33, 2)
    for options in ({"k": 3}, {"top": 30}, {"above": 1.0, "k": 1}):
        assert_right(join, query, base, **options)


def rows_that_lean_one_way_are_told_apart(join: Join) -> None:
    rng = np.random.default_rng(0)
    base = normalise(0.5 + rng.standard_normal((150, 24)))
    for side in (0.5, -0.5):
        query = normalise(side + rng.standard_normal((12, 24)))
        for options in ({"k": 3}, {"above": 0.6}, {"top": 20}):
            assert_right(join, query, base, **options)


def equal_rows_are_at_or_above_their_similarity(join: Join) -> None:
    for seed in range(12):
        base = np.repeat(rows_of("random", 1, 50, seed), 60, axis=0)
        threshold = float(library(base[:1], base, k=1).similarities[0, 0])
        assert len(join(base[:9], base, above=threshold).pairs) == 540


def excluded_rows_do_not_hide_negative_neighbours(join: Join) -> None:
    # A bound learnt from pairs that are left out would hide all others.
    query = rows_of("random", 1, 8, 0)
    away = np.repeat([1, -1], [150, 10])[:, np.newaxis] * query.astype(np.float64)
    base = normalise(away + 0.1 * rows_of("random", 160, 8, 1))
    groups = np.array([0]), np.repeat([0, 1], [150, 10])
    assert_right(join, query, base, k=3, exclude=groups)


def rows_of_one_group_are_never_neighbours(join: Join) -> None:
    base, rng = rows_of("copies", 200, 8, 0), np.random.default_rng(0)
    groups = rng.integers(0, 5, 200)
    sides = base[:40].copy(), base
    assert_right(join, *sides, k=3, above=0.5, top=30, exclude=(groups[:40], groups))


def neighbours_that_are_all_far_are_ranked(join: Join) -> None:
    # Packed rows that are only there to fill a panel would be as near as 0.
    query = rows_of("random", 9, 8, 0)
    base = normalise(0.05 * rows_of("random", 100, 8, 1) - query[0].astype(np.float64))
    assert_right(join, query[:1].copy(), base, k=3)


def a_zero_row_is_as_near_to_all(join: Join) -> None:
    base = rows_of("random", 150, 8, 0)
    base[1::2] = 0
    query = np.zeros((9, 8), dtype=np.float32)
    query[4] = base[0]
    assert numbers(join(query, base, k=25).indices)[0] == list(range(25))
    assert_right(join, query, base, k=3, above=0.0, top=40)


def all_pairs_are_listed_once(join: Join) -> None:
    query, base = rows_of("random", 150, 3, 0), rows_of("random", 200, 3, 1)
    pairs = listed(join(query, base, above=-1.001).pairs)
    assert len(pairs) == 30_000
    assert set(pairs) == {(i, j) for i in range(150) for j in range(200)}


def a_large_set_with_itself_lists_each_pair_once(join: Join) -> None:
    rows = rows_of("random", 120, 3, 0)
    assert_right(join, rows, above=-1.001)
    assert_right(join, rows, k=3, above=0.5, top=10)
    assert_right(join, rows, above=0.5, top=10)


def late_copies_are_listed(join: Join) -> None:
    base = np.repeat(rows_of("random", 3, 8, 0), 40, axis=0)
    assert_right(join, base[::9].copy(), base, k=2, above=0.5, top=2)


def hard_sums_of_unit_rows_are_rounded_once(join: Join) -> None:
    for name, products in HARD_SUMS.items():
        if name == "largest float32":
            continue
        for order in itertools.permutations(products):
            both = np.zeros((2, 1, len(products) + 2), dtype=np.float32)
            both[:, 0, : len(products)] = np.float32(order).T
            both[np.abs(both) > 2.0**-100] /= 2
            for side, row in enumerate(both[:, 0]):  # what makes it a unit row meets zero
                row[len(products) + side] = np.sqrt(1 - float(row @ row))
            assert_right(join, both[0], both[1], k=1)


def extreme_rows_keep_their_sums(join: Join) -> None:
    for d in (4, 256):
        signs = np.random.default_rng(d).choice([-1.0, 1.0], (120, d))
        base = normalise(signs)
        query = base[::10].copy()
        for options in ({"k": 2}, {"above": 0.9}, {"above": -1.0}):
            assert_right(join, query, base, **options)


def widest_rows(d: int) -> Float32:
    """Return rows of which all coordinates are as large as they can be together."""
    ones = np.ones((3, d)) * [[1], [-1], [1]]
    ones[2, ::2] = -1
    return normalise(ones)


def the_deepest_sums_do_not_overflow(join: Join) -> None:
    rows = widest_rows(32_767)
    assert_right(join, rows, rows, k=3, above=-1.001)


def rows_too_wide_for_the_kernel_are_joined(join: Join) -> None:
    rows = widest_rows(140_000)[:2]
    found = join(rows, rows, k=1, above=0.9)
    assert numbers(found.indices) == [[0], [1]]
    assert listed(found.pairs) == [(0, 0), (1, 1)] or listed(found.pairs) == [(1, 1), (0, 0)]


KERNEL_LAWS: tuple[Callable[[Join], None], ...] = (
    the_nearest_are_found_in_every_panel,
    each_output_has_its_own_threshold,
    each_row_has_its_own_threshold,
    many_unequal_rows_as_similar_go_to_the_lower_number,
    a_similarity_is_at_or_above_itself,
    copies_are_found_by_a_part_of_their_coordinates,
    panels_of_unlike_scales_keep_their_own,
    rows_of_one_panel_may_be_of_unlike_sizes,
    rows_of_one_panel_lose_unlike_much,
    rows_about_a_centre_are_told_apart,
    rows_that_lean_one_way_are_told_apart,
    equal_rows_are_at_or_above_their_similarity,
    excluded_rows_do_not_hide_negative_neighbours,
    rows_of_one_group_are_never_neighbours,
    neighbours_that_are_all_far_are_ranked,
    a_zero_row_is_as_near_to_all,
    all_pairs_are_listed_once,
    a_large_set_with_itself_lists_each_pair_once,
    late_copies_are_listed,
    hard_sums_of_unit_rows_are_rounded_once,
    extreme_rows_keep_their_sums,
    the_deepest_sums_do_not_overflow,
)
