r"""A split for identity membership: who was in training, with photos of theirs that were not.

Source: Webster, R., Rabin, J., Simon, L. & Jurie, F. (2021), https://arxiv.org/abs/2107.06018
(queries are photos of members that were held back, and photos of people who had no part).

Adversary: none; it makes the truth that an attack is measured by. Cost: a sort.

Photos that are nearly the same are one *photo*, and whatever a chain of them connects, so that no
pair at or above the threshold is left between two parts. Identities that share a photo are one
*person* for the same reason. Members and non-members are drawn from the same people, those with
enough photos, and as many photos of each are asked about: before the generator is trained nothing
but the draw tells them apart.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spolia.core.errors import UsageError
from spolia.core.types import Int64

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Split:
    """Four parts of a set, row numbers ascending; together they are all of it."""

    train: Int64
    """Photos of members, to train on."""
    members: Int64
    """Photos of members that were held back, ``held_back`` of each."""
    non_members: Int64
    """As many photos of each person who has no part in train."""
    unused: Int64
    """All others: further photos of non-members, people with too few photos, near-duplicates of
    what was held back."""
    person: Int64
    """``(n,)`` number of each record's person."""


def split_people(
    identity: Int64, photo: Int64, *, share: float, held_back: int, rng: np.random.Generator
) -> Split:
    """Split a set into what a generator is trained on and whom it is asked about.

    Parameters
    ----------
    identity
        ``(n,)`` number of each record's identity, from 0.
    photo
        ``(n,)`` number of each record's photo, from 0; near-duplicates have one number.
    share
        Share of the people with enough photos that are members, in (0, 1).
    held_back
        Photos of each person to ask about, at least 1.
    rng
        Draws people and photos.

    Raises
    ------
    UsageError
        If a side would have nobody.

    Examples
    --------
    Four people of three photos each:

    >>> who = np.repeat(np.arange(4), 3)
    >>> one = split_people(who, np.arange(12), share=0.5, held_back=1, rng=np.random.default_rng(0))
    >>> [part.size for part in (one.train, one.members, one.non_members, one.unused)]
    [4, 2, 2, 4]
    """
    if not 0.0 < share < 1.0 or held_back < 1:
        raise UsageError(
            "a split needs a share of members in (0, 1) and at least 1 photo held back, but got "
            f"{share} and {held_back}"
        )
    person = people_of(identity, photo)
    photos = _photos_of(person, photo)
    enough = [who for who, some in enumerate(photos) if len(some) > held_back]
    wanted = round(share * len(enough))
    if not 0 < wanted < len(enough):
        raise UsageError(
            f"a split needs a member and a non-member with more than {held_back} different photos "
            f"each, but of {len(photos):,} people {len(enough):,} have so many, of whom "
            f"{wanted:,} would be members; give more photos, or hold fewer back"
        )
    drawn = [enough[i] for i in rng.permutation(len(enough))]
    is_member = np.zeros(len(photos), dtype=np.bool_)
    is_member[drawn[:wanted]] = True
    is_drawn = np.zeros(len(photos), dtype=np.bool_)
    is_drawn[drawn] = True
    held = np.zeros(int(photo.max()) + 1, dtype=np.bool_)
    for who in sorted(drawn):
        held[rng.permutation(photos[who])[:held_back]] = True
    return _parts(person, photo, held, is_member, is_drawn)


def _parts(person: Int64, photo: Int64, held: Flags, member: Flags, drawn: Flags) -> Split:
    is_held, is_member = held[photo], member[person]
    first = np.zeros(photo.size, dtype=np.bool_)
    first[np.unique(photo, return_index=True)[1]] = True
    asked = is_held & first
    train = is_member & ~is_held
    others = asked & ~is_member & drawn[person]
    members = asked & is_member
    unused = ~(train | members | others)
    return Split(
        train=np.flatnonzero(train),
        members=np.flatnonzero(members),
        non_members=np.flatnonzero(others),
        unused=np.flatnonzero(unused),
        person=person,
    )


def people_of(identity: Int64, photo: Int64) -> Int64:
    """Return each record's person: identities that a chain of shared photos connects.

    >>> people_of(np.array([0, 1, 2, 2]), np.array([0, 0, 1, 2])).tolist()
    [0, 0, 1, 1]
    """
    n, m = int(identity.max()) + 1, int(photo.max()) + 1
    links = coo_array((np.ones(identity.size), (identity, n + photo)), shape=(n + m, n + m))
    found = connected_components(links, directed=False)[1][identity]
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _photos_of(person: Int64, photo: Int64) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(int(person.max()) + 1)]
    number, first = np.unique(photo, return_index=True)
    for one, row in zip(number.tolist(), first.tolist(), strict=True):
        found[int(person[row])].append(one)
    return found
