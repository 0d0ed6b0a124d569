"""What a join of quantised rows must not lose: pairs at the edge of its bound."""

from collections.abc import Callable

import numpy as np

from tests.spec.joins import Join, assert_same, reference, rows_of


def pairs_that_quantising_cannot_tell_apart_are_ranked(join: Join) -> None:
    for seed in range(3):
        query = rows_of("near-equal", 6, 33, seed)
        base = rows_of("near-equal", 50, 33, seed + 100)
        assert_same(join(query, base, k=2, top=3), reference(query, base, k=2, top=3))


def rows_of_unlike_scales_keep_their_own(join: Join) -> None:
    # Every four rows the largest coordinate changes by a factor of eight.
    flat = np.full((4, 64), 0.125, dtype=np.float32)
    spiky = np.eye(64, dtype=np.float32)[:4]
    base = np.concatenate([flat, spiky, flat * np.float32([1, -1] * 32), spiky])
    options = {"k": 3, "above": 0.1, "top": 9}
    assert_same(join(base, base, **options), reference(base, base, **options))


def a_row_with_one_huge_coordinate_is_found(join: Join) -> None:
    small = np.full(63, 1e-3, dtype=np.float32)
    rows = np.float32([[1.0, *small], [1.0, *-small]])
    turned = np.zeros((1, 64), dtype=np.float32)
    turned[0, :2] = 0.6, 0.8
    base, options = np.concatenate([rows, turned]), {"k": 3, "above": 0.6}
    assert_same(join(rows, base, **options), reference(rows, base, **options))


def what_only_base_loses_counts(join: Join) -> None:
    # The query is one coordinate: quantising it loses nothing. Of base, the first row neither.
    query = np.float32([[1.0, 0.0]])
    turned = np.linspace(0.7, 0.8, 40)
    base = np.float32([[0.0, 1.0], *np.stack([np.sin(turned), np.cos(turned)], axis=1)])
    for row in range(1, 41):
        above = float(base[row, 0])
        options = {"k": 41 - row, "above": above}
        assert_same(join(query, base, **options), reference(query, base, **options))


def what_only_the_query_loses_counts(join: Join) -> None:
    turned = np.linspace(0.7, 0.8, 40)
    query = np.float32(np.stack([np.sin(turned), np.cos(turned)], axis=1))
    base = np.float32([[1.0, 0.0]])
    for row in query:
        options = {"above": float(row[0])}
        assert_same(join(query, base, **options), reference(query, base, **options))


def a_closest_row_in_the_last_tile_is_found(join: Join) -> None:
    base = rows_of("random", 60, 24, 1)
    query = base[50:]
    assert_same(join(query, base, k=1, top=10), reference(query, base, k=1, top=10))


def the_closest_that_is_excluded_does_not_hide_the_next(join: Join) -> None:
    base = rows_of("random", 40, 24, 1)
    groups = np.arange(40)
    options = {"k": 2, "top": 5, "exclude": (groups[:9], groups)}
    assert_same(join(base[:9], base, **options), reference(base[:9], base, **options))


QUANTISED_LAWS: tuple[Callable[[Join], None], ...] = (
    pairs_that_quantising_cannot_tell_apart_are_ranked,
    rows_of_unlike_scales_keep_their_own,
    what_only_base_loses_counts,
    what_only_the_query_loses_counts,
    a_row_with_one_huge_coordinate_is_found,
    a_closest_row_in_the_last_tile_is_found,
    the_closest_that_is_excluded_does_not_hide_the_next,
)
