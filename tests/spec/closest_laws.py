"""Laws of the closest identity and its score; mutants in ``tests/mutants`` break them."""

import numpy as np

from spolia.auditing.match import Neighbours
from spolia.auditing.sets import prepare
from spolia.core.results import ModelSummary
from spolia.core.types import Embeddings, normalise
from spolia.search.reference import join_reference

JUDGE = ModelSummary("judge", "identity", "tests", None, "tests", (), "f")


def people(n, *, photos, seed, d=16):
    """Rows of n people with ``photos`` each around a direction of their own, and their names."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(normalise(rng.normal(size=(n, d))), photos, axis=0)
    rows = normalise(centres + 0.15 * rng.normal(size=centres.shape))
    return rows, np.repeat([f"{seed}-{i}" for i in range(n)], photos).tolist()


def set_of(role, rows, names, *, judge=JUDGE):
    return prepare(role, Embeddings(rows, None, names), judge, fingerprint=role)


def nearest(records, one, k=5):
    """Return the k nearest records of a set for each of ``records``, by the definition."""
    found = join_reference(records, one.rows, k=min(k, len(one)))
    return Neighbours(found.indices, found.similarities)


def law_ones_own_photos_do_not_widen_the_scale(score):
    """Whoever makes up half of all records by one photo scores as with that photo once."""
    rows, names = people(12, photos=1, seed=0)
    control = set_of("control", *people(12, photos=1, seed=1))
    record = normalise(rows[:1] + 0.1 * rows[1:2])
    scores = []
    for times in (1, 2, 24):
        copies = np.concatenate([rows, np.repeat(rows[:1], times - 1, axis=0)])
        train = set_of("train", copies, names + names[:1] * (times - 1))
        found = score(record, train, control).train
        assert train.identities[found.identity[0]] == names[0]
        scores.append(found.score[0])
    np.testing.assert_allclose(scores, scores[0], rtol=1e-6)


def law_a_score_stays_when_sets_change_places(score):
    """What is train and what control shows in no score, however many photos people have."""
    records = people(6, photos=1, seed=2)[0]
    for photos in (1, 3):
        one, other = people(9, photos=photos, seed=0), people(5, photos=2 * photos, seed=1)
        there = score(records, set_of("train", *one), set_of("control", *other))
        back = score(records, set_of("train", *other), set_of("control", *one))
        for side, again in ((there.train, back.control), (there.control, back.train)):
            assert side.score.tolist() == again.score.tolist()
            assert side.row.tolist() == again.row.tolist()
            assert side.ranked.tolist() == again.ranked.tolist()
