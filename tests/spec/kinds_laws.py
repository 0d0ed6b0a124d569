"""What any right decision of kinds must do; also run on known wrong versions."""

import numpy as np

from spolia.stats.kinds import Agreements, Standing


def like_digits(n, rng):
    """Pairs that are no copies and yet agree well, as neighbours among digits do."""
    tail = rng.exponential(0.25, size=(3, n))
    return Agreements(
        np.tanh(1.4 + tail[0]), np.tanh(1.7 + tail[1]), np.exp(np.negative(1.2 + tail[2]))
    )


def pairs(*rows):
    """Pairs given as (descriptor, correlation, worst tile)."""
    return Agreements(*np.array(rows, dtype=np.float64).T)


def law_one_different_tile_costs_more_than_its_pixels_spread_out(tiled_l2):
    plain = np.zeros((64, 64))
    tile = plain.copy()
    tile[16:32, 32:48] = 1.0
    spread = plain.copy()
    spread[::4, ::4] = 1.0  # as many pixels
    assert tile.sum() == spread.sum() == 256
    assert tiled_l2(plain, tile) >= 3.0 * tiled_l2(plain, spread)
    assert tiled_l2(plain, tile) == 1.0


def law_tiled_l2_lies_between_l2_and_one(tiled_l2):
    rng = np.random.default_rng(0)
    for shape in ((64, 64, 3), (61, 57), (4, 5, 1)):
        a, b = rng.random(shape), rng.random(shape)
        whole = np.sqrt(np.mean((a - b) ** 2))
        assert whole <= tiled_l2(a, b) <= 1.0
        assert tiled_l2(a, a) == 0.0


def law_pairs_like_the_control_are_no_copies(draw_bars, copies):
    """Neighbours that agree well by nature; any bar that does not come from them names them."""
    called = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        bars = draw_bars([like_digits(200, rng)])
        photo, near = copies(like_digits(200, rng), bars)
        called += np.count_nonzero(photo | near)
    assert called <= 0.001 * 100 * 200


def law_planted_copies_are_found(draw_bars, copies):
    """Also when they are the only one: a copy needs no company."""
    bars = draw_bars([like_digits(200, np.random.default_rng(0))])
    photo, near = copies(pairs((1.0, 1.0, 0.0)), bars)
    assert (photo.tolist(), near.tolist()) == ([True], [False])


def law_a_copy_stands_out_of_every_group(draw_bars, copies):
    rng = np.random.default_rng(0)
    strangers = Agreements(rng.uniform(0, 0.2, 200), rng.uniform(0, 0.2, 200), np.full(200, 0.5))
    series = like_digits(200, rng)
    one = pairs((0.99, 0.99, 0.03))
    assert copies(one, draw_bars([strangers]))[0].any()
    for groups in ([strangers, series], [series, strangers]):
        assert not np.any(copies(one, draw_bars(groups)))


def law_a_changed_tile_makes_an_edit(draw_bars, copies):
    bars = draw_bars([like_digits(200, np.random.default_rng(0))])
    photo, near = copies(pairs((0.3, 1.0, 0.5), (1.0, 0.3, 0.5), (1.0, 1.0, 0.07)), bars)
    assert photo.tolist() == [False] * 3
    assert near.tolist() == [True] * 3


def law_few_control_pairs_name_nothing(draw_bars, copies):
    few = [like_digits(19, np.random.default_rng(seed)) for seed in range(2)]
    assert not np.any(copies(pairs((1.0, 1.0, 0.0)), draw_bars(few)))


def law_images_that_all_agree_have_no_copies(draw_bars, copies):
    """Where control pairs are equal to the last bit, equality says nothing."""
    rng = np.random.default_rng(0)
    equal = np.where(rng.random(200) < 0.2, 1.0, 0.5)
    bars = draw_bars([Agreements(equal, equal, 1.0 - equal)])
    assert not np.any(copies(pairs((1.0, 1.0, 0.0)), bars))


def law_agreeing_better_is_never_less_of_a_copy(draw_bars, copies):
    bars = draw_bars([like_digits(200, np.random.default_rng(0))])
    rng = np.random.default_rng(1)
    for _ in range(200):
        worse = np.array([rng.uniform(0.99, 1), rng.uniform(0.99, 1), rng.uniform(0, 0.1)])
        better = worse + rng.random(3) * np.array([1, 1, 0]) * (1 - worse)
        better[2] = worse[2] * rng.random()
        if rng.random() < 0.5:
            better[:] = (1.0, 1.0, 0.0)
        rank = []
        for one in (worse, better):
            photo, near = copies(pairs(tuple(one)), bars)
            rank.append(2 * int(photo[0]) + int(near[0]))
        assert rank[0] <= rank[1]


def law_a_control_pair_is_left_out_of_its_own_bar(control_copies):
    """One control pair is a copy of the other: it is counted, and does not hide behind its bar."""
    even = np.linspace(0.0, 0.8, 60)
    usual = Agreements(even, even, 1.0 - even)
    with_copy = Agreements(
        np.append(usual.descriptor, 1.0),
        np.append(usual.correlation, 1.0),
        np.append(usual.worst_tile, 0.0),
    )
    assert control_copies([usual])[0] == 0
    assert control_copies([with_copy]) == (1, 61)


def gaps(n, rng):
    return rng.exponential(0.02, n)


def law_look_alikes_are_the_same_identity_no_oftener_than_said(same_identity):
    alone = supported = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        control, found = gaps(99, rng), gaps(100, rng)
        no, yes = np.zeros(100, dtype=bool), np.ones(100, dtype=bool)
        alone += same_identity(Standing(found, no, no), control).sum()
        supported += same_identity(Standing(found, yes, yes), control).sum()
    assert alone <= 0.013 * 200 * 100
    assert supported <= 0.058 * 200 * 100


def law_planted_people_are_the_same_identity(same_identity):
    control = gaps(300, np.random.default_rng(0))
    no, yes = np.zeros(5, dtype=bool), np.ones(5, dtype=bool)
    for several, supported in ((no, no), (yes, yes)):
        assert same_identity(Standing(np.full(5, 0.3), several, supported), control).all()


def law_a_person_whose_other_photos_do_not_rank_is_unresolved(same_identity):
    control = gaps(300, np.random.default_rng(0))
    yes = np.ones(5, dtype=bool)
    assert not same_identity(Standing(np.full(5, 0.3), yes, ~yes), control).any()


def law_without_look_alikes_to_compare_nobody_is_named(same_identity):
    one = Standing(np.array([0.9]), np.zeros(1, bool), np.zeros(1, bool))
    assert not same_identity(one, np.empty(0)).any()
    assert not same_identity(one, np.zeros(98)).any()
    assert same_identity(one, np.zeros(99)).all()


def law_each_control_record_is_held_against_the_others(control_same):
    rng = np.random.default_rng(0)
    for _ in range(20):
        gap = np.round(gaps(150, rng), 2)  # with ties
        several = rng.random(150) < 0.5
        one = Standing(gap, several, several & (rng.random(150) < 0.5))
        by_hand = 0
        for i in range(150):
            p = (1 + np.sum(np.delete(gap, i) >= gap[i])) / 150
            by_hand += (p <= 0.01 and not several[i]) or (p <= 0.05 and one.supported[i])
        assert control_same(one) == by_hand
