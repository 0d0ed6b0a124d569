"""A split keeps members and non-members apart, and treats them alike."""

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.stats.splits import split_people
from tests.spec import split_laws as laws

LAWS = [one for name, one in vars(laws).items() if name.startswith("law_")]


@pytest.mark.parametrize("law", LAWS, ids=[one.__name__ for one in LAWS])
def test_a_split_keeps_the_laws(law):
    assert law(split_people) is None


def test_identities_that_share_a_photo_are_one_person():
    # Photo 0 is filed under identities 0 and 1.
    identity, photo = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 2, 3, 4])
    one = split_people(identity, photo, share=0.5, held_back=1, rng=np.random.default_rng(1))
    assert one.person.tolist() == [0, 0, 0, 0, 1, 1]


def test_people_with_too_few_photos_are_not_used():
    identity = np.array([0, 1, 1, 2, 2])
    one = split_people(identity, np.arange(5), share=0.5, held_back=1, rng=np.random.default_rng(0))
    assert 0 in one.unused.tolist()


def test_a_near_duplicate_of_what_is_held_back_is_not_trained_on():
    identity, photo = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 2, 3])
    with pytest.raises(UsageError, match="of 2 people 1 have so many"):
        split_people(identity, photo, share=0.5, held_back=1, rng=np.random.default_rng(0))


@pytest.mark.parametrize(("share", "held_back"), [(0.0, 1), (1.0, 1), (0.5, 0), (float("nan"), 1)])
def test_what_is_no_split_is_refused(share, held_back):
    with pytest.raises(UsageError, match="a share of members in"):
        split_people(
            np.array([0, 0, 1, 1]),
            np.arange(4),
            share=share,
            held_back=held_back,
            rng=np.random.default_rng(0),
        )


def test_a_side_without_anybody_is_refused():
    with pytest.raises(UsageError, match="0 would be members"):
        split_people(
            np.array([0, 0, 1, 1]),
            np.arange(4),
            share=0.1,
            held_back=1,
            rng=np.random.default_rng(0),
        )
