"""The review page as a program asks for it: routes, order, undo, and what it must never say."""

import io

import numpy as np
import pytest
from PIL import Image

from spolia.core.review import ANSWERS
from spolia.review.guard import HEADERS
from spolia.review.sitting import Sitting
from tests.contract import review_laws as laws
from tests.review_decks import deck_of, opened, shelves, through, unopened

N = 5
STATE = {"question", "mode", "reviewer", "total", "said", "skipped", "pairs"}
END = {"counts", "alone", "to_decide"}


@pytest.fixture(scope="module")
def sets():
    return shelves(N)


@pytest.fixture(scope="module")
def deck(sets):
    return deck_of(sets)


# ------------------------------------------------------------------------------------ blindness


@pytest.mark.parametrize("law", laws.OF_THE_PAGE, ids=lambda law: law.__name__)
def test_the_page_keeps_the_law(law, tmp_path):
    assert law(tmp_path) is None


@pytest.mark.parametrize("mode", ["estimate", "triage"])
def test_no_response_holds_an_id_a_set_or_a_path(tmp_path, sets, mode):
    seen = through(opened(tmp_path, deck_of(sets, mode=mode), sets))
    static = {"/", "/disagreements", "/static/review.js"}
    for came in seen[len(static) :]:
        text = f"{came.headers}".encode() + came.body
        for secret in (b"secret", b"synthetic", b"train", str(tmp_path).encode(), b"stratum"):
            assert secret not in text


def test_the_page_is_told_these_fields_and_no_other(tmp_path, deck, sets):
    page = opened(tmp_path, deck, sets)
    first = page.state()
    assert first.keys() == STATE
    assert all(one.keys() == {"task", "left", "right"} for one in first["pairs"])
    through(page)
    assert page.state().keys() == STATE | END


def test_an_estimate_never_reveals_a_number(tmp_path, deck, sets):
    page = opened(tmp_path, deck, sets)
    for _ in deck.tasks:
        told = page.say("same").body.decode()
        assert "similarity" not in told
        assert "0.43" not in told
        assert "7.65" not in told


def test_triage_reveals_a_pair_once_it_is_answered(tmp_path, sets):
    deck = deck_of(sets, mode="triage")
    page = opened(tmp_path, deck, sets)
    assert "revealed" not in page.state()
    told = page.say("different").json()
    assert told["revealed"] == {
        "similarity": deck.tasks[0].similarity,
        "score": deck.tasks[0].score,
    }
    assert "revealed" not in page.state()
    assert "revealed" not in page.post("/api/answer/undo", {}).json()


# ----------------------------------------------------------------------------------- the way in


def test_the_token_is_exchanged_for_a_cookie_that_scripts_cannot_read(tmp_path, deck, sets):
    page = unopened(tmp_path, deck, sets)
    came = page.client.get(f"/?token={page.gate.token}")
    assert (came.status, came.headers["location"]) == (303, "/")
    words = came.headers["set-cookie"].split("; ")
    assert words == [
        f"{page.gate.name}={page.gate.cookie}",
        "HttpOnly",
        "SameSite=Strict",
        "Path=/",
    ]
    page.client.cookie = words[0]
    assert page.client.get("/").status == 200


def test_who_is_in_may_use_the_address_again(tmp_path, deck, sets):
    page = opened(tmp_path, deck, sets)
    assert page.client.get(f"/?token={page.gate.token}").headers["location"] == "/"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/disagreements", 200),
        ("/static/review.css", 200),
        ("/static/icon.svg", 200),
        ("/api/answer", 200),
        ("/api/decide", 200),
        ("/picture/0/1", 404),
        ("/nowhere", 404),
    ],
)
def test_every_response_carries_the_policies(tmp_path, deck, sets, path, status):
    came = opened(tmp_path, deck, sets).client.get(path)
    assert came.status == status
    assert HEADERS.items() <= came.headers.items()
    assert "server" not in came.headers


# ------------------------------------------------------------------------------------ the queue


def test_every_word_is_in_the_log_when_it_is_answered(tmp_path, deck, sets):
    page = opened(tmp_path, deck, sets)
    order = [one.token for one in deck.order("Ann")]
    for answer in ANSWERS:
        assert page.say(answer).status == 200
        assert page.written[-1]["answer"] == answer
    assert [one["task"] for one in page.written] == order[: len(ANSWERS)]
    assert {
        (one["reviewer"], one["step"], one["deck"], one["seconds"]) for one in page.written
    } == {("Ann", "answer", deck.key, 1.25)}


def test_pairs_come_in_the_order_of_the_reviewer(tmp_path, deck, sets):
    page = opened(tmp_path, deck, sets)
    wanted = [one.token for one in deck.order("Ann")]
    assert [one["task"] for one in page.state()["pairs"]] == wanted[:4]


def test_what_was_skipped_comes_last_and_so_it_does_after_a_restart(tmp_path, deck, sets):
    page = opened(tmp_path, deck, sets)
    first, second, *others = [one.token for one in deck.order("Ann")]
    for one in (first, second):
        assert page.post("/api/answer/skip", {"task": one}).json()["pairs"][0]["task"] != one
    page.say("same")
    assert page.written[0]["task"] == others[0]
    again = opened(tmp_path, deck, sets)
    assert [one["task"] for one in again.state()["pairs"]] == others[1:5]
    left = Sitting(deck, page.log, "Ann").queue()
    assert [one.token for one in left.skipped] == [first, second]


def test_undo_brings_back_the_last_pair_however_long_ago(tmp_path, deck, sets):
    page = opened(tmp_path, deck, sets)
    for _ in range(3):
        page.say("same")
    again = opened(tmp_path, deck, sets)
    order = [one.token for one in deck.order("Ann")]
    for back in (2, 1, 0):
        told = again.post("/api/answer/undo", {}).json()
        assert (told["undone"], told["said"]) == (True, back)
        assert told["pairs"][0]["task"] == order[back]
    assert again.post("/api/answer/undo", {}).json()["undone"] is False
    assert [one["step"] for one in page.written] == ["answer"] * 3 + ["undo"] * 3


def test_decisions_on_another_deck_count_for_nothing(tmp_path, sets):
    through(opened(tmp_path, deck_of(sets, key="ab" * 8), sets))
    assert opened(tmp_path, deck_of(sets), sets).state()["said"] == 0


@pytest.mark.parametrize("seconds", [1e300, 10**400])
def test_an_unending_look_is_written_as_a_day(tmp_path, deck, sets, seconds):
    page = opened(tmp_path, deck, sets)
    task = page.state()["pairs"][0]["task"]
    page.post("/api/answer/say", {"task": task, "answer": "same", "seconds": seconds})
    assert page.written[0]["seconds"] == 86_400.0


# -------------------------------------------------------------------------------- disagreements


def differing(folder, deck, sets):
    """Ann and Bob differ on everything; return their pages."""
    pages = [opened(folder, deck, sets, reviewer=name) for name in ("Ann", "Bob")]
    for page, answer in zip(pages, ("same", "different"), strict=True):
        through(page, answer=answer)
    return pages


def test_pairs_on_which_two_differ_are_decided_without_saying_who_said_what(tmp_path, deck, sets):
    ann, bob = differing(tmp_path, deck, sets)
    assert ann.state()["to_decide"] == len(deck.tasks)
    first = ann.state("decide")
    assert first.keys() == STATE
    assert (first["total"], first["said"]) == (len(deck.tasks), 0)
    told = ann.say("unsure", asked="decide").json()
    assert told["said"] == 1
    assert ann.written[-1]["step"] == "decide"
    assert bob.state("decide")["said"] == 1


def test_pairs_of_known_truth_are_settled_like_all_others(tmp_path, deck, sets):
    ann, _ = differing(tmp_path, deck, sets)
    through(ann, asked="decide")
    decided = {one["task"] for one in ann.written if one["step"] == "decide"}
    assert decided == {one.token for one in deck.tasks}


def test_who_is_in_the_middle_does_not_learn_what_is_disputed(tmp_path, deck, sets):
    differing(tmp_path, deck, sets)
    third = opened(tmp_path, deck, sets, reviewer="Cy")
    assert third.state("decide")["total"] == len(deck.tasks)
    third.say("same")
    assert third.client.get("/api/decide").status == 403
    task = third.deck.tasks[0].token
    assert third.say("same", asked="decide", task=task).status == 409


def test_undoing_a_decision_leaves_the_answer(tmp_path, deck, sets):
    ann, _ = differing(tmp_path, deck, sets)
    ann.say("unsure", asked="decide")
    told = ann.post("/api/decide/undo", {}).json()
    assert (told["undone"], told["said"]) == (True, 0)
    assert ann.state()["said"] == len(deck.tasks)


# ------------------------------------------------------------------------------------- pictures


def shown(page, laid=""):
    """Return both pictures of the first pair."""
    pair = page.state()["pairs"][0]
    found = [page.client.get(f"/picture/{pair['task']}/{pair[side]}{laid}") for side in pair][1:]
    assert [one.headers["content-type"] for one in found] == ["image/png"] * 2
    return [Image.open(io.BytesIO(one.body)) for one in found]


@pytest.mark.parametrize("laid", ["", "/laid"])
def test_both_pictures_of_a_pair_have_one_size_and_no_metadata(tmp_path, deck, sets, laid):
    left, right = shown(opened(tmp_path, deck, sets), laid)
    assert left.size == right.size
    assert left.info == right.info == {}


def test_the_left_picture_is_the_query_unless_they_are_swapped(tmp_path, deck, sets):
    first = next(one for one in deck.order("Ann")[:4] if one.truth == "open")
    pair = first.query, first.reference
    left, right = pair[::-1] if first.swapped else pair
    page = opened(tmp_path, deck, sets)
    told = next(one for one in page.state()["pairs"] if one["task"] == first.token)
    assert (told["left"], told["right"]) == (left.token, right.token)
    came = page.client.get(f"/picture/{first.token}/{left.token}")
    pixels = np.asarray(Image.open(io.BytesIO(came.body)))
    shelf = sets[left.role]
    enlarged = len(pixels) // 32
    assert np.array_equal(pixels[::enlarged, ::enlarged], shelf.image(shelf.ids.index(left.id)))


def test_people_are_not_laid_over_each_other(tmp_path, sets):
    page = opened(tmp_path, deck_of(sets, question="person"), sets)
    pair = page.state()["pairs"][0]
    assert page.client.get(f"/picture/{pair['task']}/{pair['left']}").status == 200
    assert page.client.get(f"/picture/{pair['task']}/{pair['left']}/laid").status == 404


def test_a_picture_that_cannot_be_read_says_so_and_can_be_answered(tmp_path):
    sets = shelves(1, prefix="broken")
    page = opened(tmp_path, deck_of(sets, known=0), sets)
    pair = page.state()["pairs"][0]
    assert page.client.get(f"/picture/{pair['task']}/{pair['left']}").status == 422
    assert page.say("not comparable").status == 200


def test_other_machines_see_no_picture_unless_asked(tmp_path, deck, sets):
    page = opened(tmp_path, deck, sets, images=False)
    pair = page.state()["pairs"][0]
    assert page.client.get(f"/picture/{pair['task']}/{pair['left']}").status == 403
