"""Laws of the kinds: null first, then planted truth, then invariance."""

import numpy as np
import pytest

from spolia.auditing import kinds as shell
from spolia.auditing.match import Neighbours
from spolia.core.errors import UsageError
from spolia.embedding.copies import tiled_l2
from spolia.stats import kinds
from tests.spec import kinds_laws as laws


@pytest.mark.parametrize(
    "law",
    [
        laws.law_pairs_like_the_control_are_no_copies,
        laws.law_planted_copies_are_found,
        laws.law_a_copy_stands_out_of_every_group,
        laws.law_a_changed_tile_makes_an_edit,
        laws.law_few_control_pairs_name_nothing,
        laws.law_images_that_all_agree_have_no_copies,
        laws.law_agreeing_better_is_never_less_of_a_copy,
    ],
    ids=lambda one: one.__name__,
)
def test_law_of_copies_holds(law):
    assert law(kinds.draw_bars, kinds.copies) is None


@pytest.mark.parametrize(
    "law",
    [
        laws.law_look_alikes_are_the_same_identity_no_oftener_than_said,
        laws.law_planted_people_are_the_same_identity,
        laws.law_a_person_whose_other_photos_do_not_rank_is_unresolved,
        laws.law_without_look_alikes_to_compare_nobody_is_named,
    ],
    ids=lambda one: one.__name__,
)
def test_law_of_identities_holds(law):
    assert law(kinds.same_identity) is None


@pytest.mark.parametrize(
    ("law", "right"),
    [
        (laws.law_one_different_tile_costs_more_than_its_pixels_spread_out, tiled_l2),
        (laws.law_tiled_l2_lies_between_l2_and_one, tiled_l2),
        (laws.law_a_control_pair_is_left_out_of_its_own_bar, kinds.control_copies),
        (laws.law_each_control_record_is_held_against_the_others, kinds.control_same),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_law_holds(law, right):
    assert law(right) is None


def test_without_pairs_there_is_nothing_to_say():
    nothing = kinds.Agreements(*np.empty((3, 0)))
    assert kinds.draw_bars([]) is None
    assert kinds.draw_bars([nothing]) is None
    assert kinds.control_copies([nothing]) == (0, 0)
    assert kinds.control_copies([laws.pairs((1.0, 1.0, 0.0))]) == (0, 1)
    assert (
        kinds.control_same(kinds.Standing(np.empty(0), np.empty(0, bool), np.empty(0, bool))) == 0
    )


def test_a_small_group_beside_a_large_one_counts():
    large = laws.like_digits(200, np.random.default_rng(0))
    one = laws.pairs((1.0, 1.0, 0.0))
    assert np.any(kinds.copies(one, kinds.draw_bars([large])))
    assert not np.any(kinds.copies(one, kinds.draw_bars([large, one])))


@pytest.mark.parametrize("shapes", [((8, 8), (8, 9)), ((3, 8), (3, 8))])
def test_tiles_that_do_not_correspond_are_refused(shapes):
    with pytest.raises(UsageError, match="register them first"):
        tiled_l2(*(np.zeros(shape) for shape in shapes))


def test_an_identity_named_although_another_is_nearer_has_a_gap_under_zero():
    nearest = Neighbours(np.array([[2, 0, 1]]), np.array([[0.9, 0.7, 0.4]]))
    identity, row = np.array([0, 0, 1]), np.array([0])
    one = shell.standing(nearest, identity, row, np.array([0]), np.array([0.5]))
    assert one.gap[0] == pytest.approx(-0.2)
    assert (one.several[0], one.supported[0]) == (True, False)


def brute_force(similarities, identity, best_elsewhere):
    """The standing from all similarities, without the cut at the nearest few."""
    first = identity[np.argmax(similarities)]
    other = max([best_elsewhere, *similarities[identity != first]])
    own = np.sort(similarities[identity == first])[::-1]
    return own[0] - other, own.size > 1, own.size > 1 and own[1] > other


def test_the_nearest_few_are_enough_to_know_where_an_identity_stands():
    rng = np.random.default_rng(0)
    for _ in range(300):
        n, k = int(rng.integers(1, 12)), int(rng.integers(1, 6))
        identity = np.unique(rng.integers(0, 4, n), return_inverse=True)[1]
        similarities, elsewhere = rng.random(n), rng.random()
        order = np.argsort(-similarities)[:k]
        missing = max(0, k - n)
        nearest = Neighbours(
            np.append(order, np.full(missing, -1))[None].astype(np.int64),
            np.append(similarities[order], np.full(missing, -np.inf))[None],
        )
        named = identity[order[:1]]
        one = shell.standing(nearest, identity, np.array([0]), named, np.array([elsewhere]))
        gap, several, supported = brute_force(similarities, identity, elsewhere)
        assert one.several[0] == several
        if k > 1:
            assert one.supported[0] == supported
        if k >= n or len(set(identity[order])) > 1:
            assert one.gap[0] == gap
        else:
            assert one.gap[0] >= gap
