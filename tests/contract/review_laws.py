"""Laws of the review page that the right one keeps and a known wrong one breaks.

Each is given a folder and the parts that the page is made of.
"""

from spolia.review.decisions import Decision, append, read, standing
from tests.pictures import picture
from tests.review_decks import (
    HOST,
    RIGHT,
    Shelf,
    deck_of,
    opened,
    other_inside,
    shelves,
    through,
    turned_round,
    unopened,
)

N = 4


def responses(folder, deck, sets, parts, **how):
    """Return all that a review is told from its first to its last pair."""
    return through(opened(folder, deck, sets, parts=parts, **how))


def law_nothing_depends_on_what_the_audit_thinks(folder, parts=RIGHT):
    sets = shelves(N)
    deck = deck_of(sets)
    one, other = (
        responses(folder / name, inside, sets, parts)
        for name, inside in (("a", deck), ("b", other_inside(deck)))
    )
    assert len(one) > 5 * len(deck.tasks)
    assert one == other


def law_nothing_tells_which_side_is_synthetic(folder, parts=RIGHT):
    """Not how a picture is turned, how large its file is, or where it stands."""
    sets = {
        "synthetic": Shelf(("a", "b", "c"), [picture(i, 40) for i in range(3)]),
        "train": Shelf(("a", "b", "c"), [picture(i, 60)[::-1] for i in range(3)]),
    }
    deck = deck_of(sets, known=1)
    one, other = (
        responses(folder / name, inside, sets, parts)
        for name, inside in (("a", deck), ("b", turned_round(deck)))
    )
    assert one == other


def law_both_pictures_of_a_pair_are_of_one_size(folder, parts=RIGHT):
    sets = {"synthetic": Shelf(("q",), [picture(1, 40)]), "train": Shelf(("r",), [picture(2, 70)])}
    page = opened(folder, deck_of(sets, known=0), sets, parts=parts)
    pair = page.state()["pairs"][0]
    for laid in ("", "/laid"):
        left, right = (
            page.client.get(f"/picture/{pair['task']}/{pair[side]}{laid}").body
            for side in ("left", "right")
        )
        assert left[16:24] == right[16:24]  # width and height in the head of a PNG


def law_another_reviewers_answers_change_nothing_before_the_end(folder, parts=RIGHT):
    sets = shelves(N)
    deck = deck_of(sets)
    for one in ("", "a"):
        (folder / one).mkdir(exist_ok=True)
    through(opened(folder / "a", deck, sets, reviewer="Bob"), answer="different")
    one, other = (responses(folder / name, deck, sets, parts) for name in ("a", "b"))
    # The last but one is the word on the last pair, and tells of the end already.
    assert one[:-2] == other[:-2]
    assert one[-1].json()["to_decide"] == len(deck.tasks)
    assert other[-1].json()["to_decide"] == 0


def law_who_is_in_the_middle_does_not_learn_what_is_disputed(folder, parts=RIGHT):
    sets = shelves(N)
    deck = deck_of(sets)
    for name, answer in (("Ann", "same"), ("Bob", "different")):
        through(opened(folder, deck, sets, reviewer=name), answer=answer)
    page = opened(folder, deck, sets, reviewer="Cy", parts=parts)
    assert page.state("decide")["total"] == len(deck.tasks)
    page.say("same")
    assert page.client.get("/api/decide").status == 403
    assert page.say("same", asked="decide", task=deck.tasks[0].token).status == 409


def law_a_second_tab_overwrites_nothing(folder, parts=RIGHT):
    sets = shelves(N)
    deck = deck_of(sets)
    one, other = (opened(folder, deck, sets, parts=parts) for _ in range(2))
    shown = other.state()["pairs"][0]["task"]
    one.say("same")
    assert other.say("different", task=shown).status == 409
    assert other.state()["pairs"][0]["task"] != shown
    assert [entry["answer"] for entry in one.written] == ["same"]


def law_what_was_skipped_comes_last_after_a_restart_too(folder, parts=RIGHT):
    sets = shelves(N)
    deck = deck_of(sets)
    page = opened(folder, deck, sets, parts=parts)
    first, second, *others = [one.token for one in deck.order("Ann")]
    for one in (first, second):
        told = page.post("/api/answer/skip", {"task": one}).json()
        assert told["pairs"][0]["task"] != one
    page.say("same")
    assert page.written[0]["task"] == others[0]
    again = opened(folder, deck, sets, parts=parts)
    order = []
    while pairs := again.state()["pairs"]:
        order.append(pairs[0]["task"])
        again.say("same")
    assert order == [*others[1:], first, second]


def law_a_word_is_on_the_disk_before_the_page_goes_on(folder, parts=RIGHT):
    sets = shelves(N)
    page = opened(folder, deck_of(sets), sets, parts=parts)
    for said in range(3):
        assert page.say("unsure").json()["said"] == said + 1
        assert len(page.written) == said + 1


def law_a_token_opens_the_page_once(folder, parts=RIGHT):
    sets = shelves(N)
    page = unopened(folder, deck_of(sets), sets, parts=parts)
    address = f"/?token={page.gate.token}"
    assert page.client.get("/?token=wrong").status == 403
    assert page.client.get(address).status == 303
    assert page.client.get(address).status == 403


def law_the_seven_attacks_are_refused(folder, parts=RIGHT):
    sets = shelves(N)
    page = opened(folder, deck_of(sets), sets, parts=parts)
    word = {"task": page.state()["pairs"][0]["task"], "answer": "same", "seconds": 1.0}
    say, large = "/api/answer/say", b" " * 5000

    def post(headers, sent=word):
        return page.client.post(say, sent, headers).status

    assert post({"cookie": None}) == 401
    assert post({"cookie": f"{page.gate.name}=wrong"}) == 401
    assert post({"host": "evil.example", "origin": "http://evil.example"}) == 403
    assert page.client.get("/api/answer", {"host": "evil.example"}).status == 403
    assert post({"origin": "http://evil.example"}) == 403
    assert post({"content-type": "text/plain"}) == 415
    assert page.client.get("/static/../app.py").status == 404
    assert post({"sec-fetch-site": "same-site"}) == 403
    assert post({}, large) == 413
    assert post({"content-length": "1"}, large) == 413
    assert not page.log.exists()
    assert post({"host": HOST}) == 200


def law_an_undo_takes_back_one_word(said=standing):
    log = [decision("answer", "same"), decision("decide", "different"), decision("undo", None)]
    key = "ann", "task"
    assert (said(log[:2]), said(log[:2], "decide")) == ({key: "same"}, {key: "different"})
    assert (said(log), said(log, "decide")) == ({key: "same"}, {})
    assert said([*log, decision("undo", None)]) == {}


def law_a_line_that_a_crash_cut_off_spoils_no_other(folder, append=append):
    path = folder / "decisions.jsonl"
    for _ in range(2):
        append(path, decision("answer", "same"))
    path.write_bytes(path.read_bytes()[:-20])
    append(path, decision("answer", "unsure"))
    assert [one.answer for one in read(path)] == ["same", "unsure"]


def decision(step, answer):
    return Decision("deck", "task", "ann", step, answer, "2026-11-29T12:00:00.000+00:00", 1.5)


OF_THE_LOG = (law_an_undo_takes_back_one_word, law_a_line_that_a_crash_cut_off_spoils_no_other)
OF_THE_PAGE = [
    found
    for name, found in sorted(globals().items())
    if name.startswith("law_") and found not in OF_THE_LOG
]
