"""The closest identity and its score: laws, the textbook, held-back photos, edges."""

from dataclasses import replace

import numpy as np
import pytest

from spolia.auditing.closest import Scale
from spolia.core.results import ModelSummary
from spolia.stats.scores import (
    moments,
    similarity_to_all,
    similarity_to_groups,
    standard_scores,
)
from tests.spec import closest_laws as laws

COPIES = ModelSummary("copies", "copy", "tests", None, "tests", (), "f")


def score(records, train, control, **left):
    near = (laws.nearest(records, one) for one in (train, control))
    return Scale.of(train, control).score(records, *near, **left)


@pytest.mark.parametrize(
    "law",
    [
        laws.law_ones_own_photos_do_not_widen_the_scale,
        laws.law_a_score_stays_when_sets_change_places,
    ],
    ids=lambda one: one.__name__,
)
def test_law_holds(law):
    assert law(score) is None


def textbook(record, side, others, *, template):
    """The best of the identities of the five nearest records, one loop for each sum."""
    near = laws.nearest(record[None], side)
    best = -np.inf
    for row, similarity in zip(near.indices[0], near.similarities[0], strict=True):
        identity = side.identity[row]
        own = side.rows[side.identity == identity].astype(float)
        mean = own.mean(axis=0)
        to_template = record.astype(float) @ (mean / np.linalg.norm(mean))
        likeness = (similarity + to_template) / 2 if template else similarity
        rest = np.concatenate([side.rows[side.identity != identity], others]).astype(float)
        to_rest = rest @ record.astype(float)
        best = max(best, (likeness - to_rest.mean()) / to_rest.std())
    return best


@pytest.mark.parametrize("photos", [(1, 1), (3, 1), (1, 3), (4, 2), (40, 2)], ids=str)
def test_a_score_is_the_textbook_one(photos):
    records = laws.people(10, photos=1, seed=5)[0]
    train = laws.set_of("train", *laws.people(7, photos=photos[0], seed=6))
    control = laws.set_of("control", *laws.people(8, photos=photos[1], seed=7))
    found = score(records, train, control)
    template = min(photos) > 1
    for i, record in enumerate(records):
        for side, other, at in ((train, control, found.train), (control, train, found.control)):
            expected = textbook(record, side, other.rows, template=template)
            assert at.score[i] == pytest.approx(expected, rel=1e-5)
            assert at.ranked[i, 0] == at.score[i]


@pytest.mark.parametrize("photos", [1, 4])
def test_rows_of_a_records_own_identity_are_not_among_the_others(photos):
    records, names = laws.people(1, photos=photos, seed=5)
    train = laws.set_of("train", *laws.people(7, photos=photos, seed=6))
    rows, others = laws.people(8, photos=photos, seed=7)
    control = laws.set_of("control", rows, others)
    beside = laws.set_of("control", np.concatenate([rows, records]), others + names)
    own = similarity_to_groups(
        records, np.ones(photos, dtype=np.int64), beside.rows, np.arange(len(beside)) // len(rows)
    )
    near = [laws.nearest(records, one) for one in (train, control)]
    expected = Scale.of(train, control).score(records, *near)
    found = Scale.of(train, beside).score(records, *near, leave_out=own)
    for side, again in ((expected.train, found.train), (expected.control, found.control)):
        np.testing.assert_allclose(again.score, side.score, rtol=1e-6)


def test_a_photo_that_is_held_back_has_no_part_in_anything():
    rows, names = laws.people(7, photos=3, seed=6)
    train = laws.set_of("train", rows, names)
    control = laws.set_of("control", *laws.people(8, photos=3, seed=7))
    for held in (0, 4, 20):
        kept = np.arange(len(rows)) != held
        less = laws.set_of("train", rows[kept], [n for n, k in zip(names, kept, strict=True) if k])
        expected = score(rows[held : held + 1], less, control)
        near = laws.nearest(rows[held : held + 1], less)
        there = replace(near, indices=np.flatnonzero(kept)[near.indices])
        to_control = laws.nearest(rows[held : held + 1], control)
        found = Scale.of(train, control).score(
            rows[held : held + 1], there, to_control, held_back=np.array([held])
        )
        assert found.train.identity == expected.train.identity
        np.testing.assert_allclose(found.train.score, expected.train.score, rtol=1e-5)
        np.testing.assert_allclose(found.train.ranked, expected.train.ranked, rtol=1e-5)
        np.testing.assert_allclose(found.control.score, expected.control.score, rtol=1e-5)


def test_what_a_judge_of_copies_says_is_plain_similarity():
    rows, names = laws.people(7, photos=3, seed=6)
    train = laws.set_of("train", rows, names, judge=COPIES)
    control = laws.set_of("control", *laws.people(8, photos=3, seed=7), judge=COPIES)
    found = score(rows, train, control)
    assert found.train.score.tolist() == found.train.similarity.tolist()
    assert found.train.row.tolist() == list(range(len(rows)))


def test_two_records_have_a_score():
    rows, names = laws.people(2, photos=1, seed=0)
    found = score(rows, *(laws.set_of("train", rows[i : i + 1], names[i : i + 1]) for i in (0, 1)))
    assert np.isfinite(found.train.score).all()
    assert (found.train.score > found.control.score).tolist() == [True, False]


def test_with_one_photo_each_nothing_changes_places():
    """The score is a growing function of that over all rows: the formula of the page."""
    records = laws.people(40, photos=1, seed=5)[0]
    train = laws.set_of("train", *laws.people(30, photos=1, seed=6))
    control = laws.set_of("control", *laws.people(30, photos=1, seed=7))
    found = score(records, train, control).train
    all_rows = moments(train.rows, control.rows)
    to_all = similarity_to_all(records, all_rows)
    z = standard_scores(found.similarity, *to_all.mean_and_deviation())
    n = all_rows.n
    expected = z * np.sqrt(n / (n - 1)) / np.sqrt(1 - z**2 / (n - 1))
    np.testing.assert_allclose(found.score, expected, rtol=1e-6)
