"""Laws of a split, for the right one and for the known wrong ones: ``None`` where they hold."""

import numpy as np


def drawn_set(seed, *, people=30, records=150, photos=110):
    """Identities and photos of a set in which some photos are near-duplicates or shared."""
    rng = np.random.default_rng(seed)
    identity = np.unique(rng.integers(0, people, records), return_inverse=True)[1]
    photo = np.arange(records)
    twins = rng.permutation(records)[: records - photos]
    # Most near-duplicates are of one person; some are filed under two names.
    for one in twins.tolist():
        same = np.flatnonzero(identity == identity[one])
        pool = same if rng.random() < 0.9 else np.arange(records)
        photo[one] = photo[rng.choice(pool)]
    return identity, np.unique(photo, return_inverse=True)[1]


def law_parts_are_all_and_disjoint(split):
    for seed in range(20):
        identity, photo = drawn_set(seed)
        one = split(identity, photo, share=0.5, held_back=1, rng=np.random.default_rng(seed))
        rows = np.concatenate([one.train, one.members, one.non_members, one.unused])
        if sorted(rows.tolist()) != list(range(identity.size)):
            return f"seed {seed}: the parts are not the set"
    return None


def law_no_photo_is_on_two_sides(split):
    for seed in range(20):
        identity, photo = drawn_set(seed)
        one = split(identity, photo, share=0.5, held_back=1, rng=np.random.default_rng(seed))
        sides = [set(photo[part].tolist()) for part in (one.train, one.members, one.non_members)]
        if sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2]:
            return f"seed {seed}: a photo is on two sides"
    return None


def law_no_identity_of_a_non_member_is_in_train(split):
    for seed in range(20):
        identity, photo = drawn_set(seed)
        one = split(identity, photo, share=0.5, held_back=1, rng=np.random.default_rng(seed))
        inside = set(identity[one.train].tolist()) | set(identity[one.members].tolist())
        if inside & set(identity[one.non_members].tolist()):
            return f"seed {seed}: an identity is member and non-member"
    return None


def law_every_member_is_in_train_and_asked_as_often_as_a_non_member(split):
    for seed in range(20):
        identity, photo = drawn_set(seed, records=200, photos=180)
        one = split(identity, photo, share=0.5, held_back=2, rng=np.random.default_rng(seed))
        if set(one.person[one.train].tolist()) != set(one.person[one.members].tolist()):
            return f"seed {seed}: a member has nothing in train"
        for part in (one.members, one.non_members):
            times = np.unique(one.person[part], return_counts=True)[1]
            if set(times.tolist()) != {2}:
                return f"seed {seed}: people are asked about {sorted(set(times.tolist()))} times"
    return None


def law_who_is_a_member_is_chance(split):
    """People with many photos are members no more often than others."""
    sizes = np.array([2] * 20 + [12] * 20)
    identity = np.repeat(np.arange(40), sizes)
    many = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        one = split(identity, np.arange(identity.size), share=0.5, held_back=1, rng=rng)
        many += np.count_nonzero(sizes[np.unique(one.person[one.members])] > 2)
    share = many / (200 * 20)
    return None if abs(share - 0.5) < 0.03 else f"{share:.2f} of the members have many photos"
