"""Known wrong splits; each must break a law that the right one keeps."""

from dataclasses import replace

import numpy as np
import pytest

from spolia.stats.splits import split_people
from tests.spec import split_laws as laws


def with_near_duplicates_as_other_photos(identity, photo, **asked):
    return split_people(identity, np.arange(photo.size), **asked)


def with_two_names_as_two_people(identity, photo, **asked):
    """Number photos within each identity, so that no photo connects two."""
    apart = np.unique(identity * (int(photo.max()) + 1) + photo, return_inverse=True)[1]
    return split_people(identity, apart, **asked)


def with_the_rest_of_non_members_in_train(identity, photo, **asked):
    one = split_people(identity, photo, **asked)
    rest = np.isin(one.person[one.unused], one.person[one.non_members])
    more = np.sort(np.concatenate([one.train, one.unused[rest]]))
    return replace(one, train=more, unused=one.unused[~rest])


def with_duplicates_of_the_held_back_asked_too(identity, photo, **asked):
    one = split_people(identity, photo, **asked)
    twin = np.isin(photo[one.unused], photo[one.members])
    more = np.sort(np.concatenate([one.members, one.unused[twin]]))
    return replace(one, members=more, unused=one.unused[~twin])


def with_the_unused_forgotten(identity, photo, **asked):
    return replace(split_people(identity, photo, **asked), unused=np.array([], dtype=np.int64))


def with_the_most_photographed_as_members(identity, photo, **asked):
    """Take as members those of whom there is most to train on."""
    one = split_people(identity, photo, **asked)
    asked_about = np.concatenate([one.members, one.non_members])
    size = np.bincount(one.person)
    order = asked_about[np.argsort(-size[one.person[asked_about]], kind="stable")]
    first, last = order[: one.members.size], order[one.members.size :]
    return replace(one, members=np.sort(first), non_members=np.sort(last))


@pytest.mark.parametrize(
    ("mutant", "law"),
    [
        (with_near_duplicates_as_other_photos, laws.law_no_photo_is_on_two_sides),
        (with_two_names_as_two_people, laws.law_no_photo_is_on_two_sides),
        (
            with_the_rest_of_non_members_in_train,
            laws.law_no_identity_of_a_non_member_is_in_train,
        ),
        (
            with_duplicates_of_the_held_back_asked_too,
            laws.law_every_member_is_in_train_and_asked_as_often_as_a_non_member,
        ),
        (with_the_unused_forgotten, laws.law_parts_are_all_and_disjoint),
        (with_the_most_photographed_as_members, laws.law_who_is_a_member_is_chance),
    ],
)
def test_a_wrong_split_breaks_a_law(mutant, law):
    assert law(split_people) is None
    assert law(mutant) is not None
