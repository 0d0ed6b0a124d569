"""The pictures of a review: of one size, edited alike each time, laid over each other, and kept."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spolia.core.errors import UsageError
from spolia.embedding.copies import Canvas, compare
from spolia.review.pictures import LARGEST, Pictures, as_fine, centred, edited, sides
from tests.pictures import brighter, overprinted, picture
from tests.review_decks import Shelf, deck_of, shelves

SIDE = 128


class Counted(Shelf):
    """A shelf that counts how often it is asked."""

    asked = 0

    def image(self, index):
        self.asked += 1
        return super().image(index)


def drawn(pictures, task, *, laid):
    """Return left and right as arrays."""
    pngs = [pictures.png(task.token, one.token, laid=laid) for one in sides(task)]
    return [np.asarray(Image.open(io.BytesIO(one))).astype(np.float64) for one in pngs]


def one_pair(query, reference, *, known=0):
    sets = {"synthetic": Shelf(("q",), [query]), "train": Shelf(("r",), [reference])}
    return deck_of(sets, known=known), sets


EDITS = {
    "as it is": lambda image: image,
    "turned": np.rot90,
    "mirrored": lambda image: image[:, ::-1],
    "turned and mirrored": lambda image: np.rot90(image, 3)[:, ::-1],
    "cut": lambda image: image[13:-13, 13:-13],
    "moved": lambda image: np.roll(image, (6, -8), axis=(0, 1)),
    "smaller": lambda image: np.asarray(Image.fromarray(image).resize((70, 70))),
}


@pytest.mark.parametrize("of", ["query", "reference"])
@pytest.mark.parametrize("name", EDITS)
def test_copies_lie_over_each_other_whichever_was_edited(name, of):
    original = picture(5, SIDE)
    changed = np.ascontiguousarray(EDITS[name](original))
    pair = (changed, original) if of == "query" else (original, changed)
    deck, sets = one_pair(*pair)
    left, right = drawn(Pictures(deck, sets), deck.tasks[0], laid=True)
    assert left.shape == right.shape
    inner = slice(12, -12)
    between = np.abs(left - right)[inner, inner].mean()
    others = drawn(Pictures(*one_pair(picture(6, SIDE), original)), deck.tasks[0], laid=True)
    assert between < 6.0 < np.abs(others[0] - others[1])[inner, inner].mean()


@given(st.tuples(*[st.integers(1, 300)] * 4))
def test_both_pictures_have_one_size_whatever_theirs_are(sizes):
    first, second = (np.zeros((h, w, 3), np.uint8) for h, w in (sizes[:2], sizes[2:]))
    left, right = centred(as_fine(first, second))
    assert left.size == right.size
    assert max(left.size) <= LARGEST


def test_neither_picture_is_finer_than_the_other():
    fine, coarse = picture(1, 400), picture(2, 100)
    assert [one.size for one in as_fine(fine, coarse)] == [(100, 100)] * 2


def test_a_tiny_picture_is_enlarged_pixel_by_pixel():
    tiny = picture(3, 8)
    left, _ = as_fine(tiny, tiny)
    assert np.array_equal(np.asarray(left), np.repeat(np.repeat(tiny, 64, axis=0), 64, axis=1))


@pytest.mark.parametrize("side", [8, 64, 200])
def test_an_edited_picture_is_another_copy_of_itself(side):
    original = picture(4, side)
    for token in ("a", "b", "c"):
        changed = edited(original, token)
        assert changed.shape == original.shape
        assert np.array_equal(changed, edited(original, token))
        assert not np.array_equal(changed, original)
        assert compare(Canvas(changed), Canvas(original)).correlation > 0.95
    assert not np.array_equal(edited(original, "a"), edited(original, "b"))


def test_only_the_side_that_is_to_be_edited_is():
    deck, sets = one_pair(picture(1, SIDE), picture(2, SIDE), known=1)
    known = deck.tasks[1]
    left, right = drawn(Pictures(deck, sets), known, laid=False)
    assert known.reference.edited
    assert np.array_equal(left, sets["train"].image(0))
    assert np.array_equal(right, edited(sets["train"].image(0), known.reference.token))


def test_what_is_kept_is_not_read_again_and_what_is_kept_is_bounded():
    some = shelves(6, side=80)
    sets = {role: Counted(one.ids, one.pictures) for role, one in some.items()}
    deck = deck_of(sets, known=0)
    one = len(Pictures(deck, sets).png(deck.tasks[0].token, deck.tasks[0].query.token, laid=False))
    pictures = Pictures(deck, sets, keep=5 * one)

    def reads(tasks):
        before = sum(one.asked for one in sets.values())
        for task in tasks:
            for shown in sides(task):
                pictures.png(task.token, shown.token, laid=False)
        return sum(one.asked for one in sets.values()) - before

    assert reads(deck.tasks) == 12
    assert reads(deck.tasks[-2:]) == 0
    assert reads(deck.tasks[:1]) == 2
    small = Pictures(deck, sets, keep=1)
    first = deck.tasks[0]
    assert small.png(first.token, first.query.token, laid=False).startswith(b"\x89PNG")


def test_an_image_that_the_run_does_not_hold_is_refused():
    deck, sets = one_pair(picture(1), picture(2))
    other = {role: Shelf(("another",), one.pictures) for role, one in sets.items()}
    with pytest.raises(UsageError, match=r"has no 'q' \(2 missing in all\); --overwrite"):
        Pictures(deck, {**other, "train": Shelf(("x",), [])})


@pytest.mark.parametrize("change", [overprinted, brighter])
def test_what_is_laid_over_still_shows_the_change(change):
    original = picture(7, SIDE)
    deck, sets = one_pair(change(original), original)
    left, right = drawn(Pictures(deck, sets), deck.tasks[0], laid=True)
    assert np.abs(left - right).mean() > 3.0
