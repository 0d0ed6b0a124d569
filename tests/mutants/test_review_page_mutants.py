"""Known wrong versions of the review page; each must break the law that the right one keeps."""

import json
from dataclasses import asdict, replace

import pytest
from PIL import Image

from spolia.core.errors import UsageError
from spolia.review.decisions import Decision
from spolia.review.guard import Gate
from spolia.review.pictures import Pictures, _encoded, sides
from spolia.review.sitting import Queue, Sitting
from tests.contract import review_laws as laws
from tests.review_decks import HOST, Parts

# ---------------------------------------------------------------------- what a page may not show


class KnownFirst(Sitting):
    """Shows pairs of known truth first."""

    def queue(self, asked="answer"):
        found = super().queue(asked)
        return replace(found, fresh=tuple(sorted(found.fresh, key=lambda one: one.truth)))


class CloseFirst(Sitting):
    """Shows the most similar first, though the deck is an estimate."""

    def queue(self, asked="answer"):
        found = super().queue(asked)
        order = sorted(found.fresh, key=lambda one: -(one.similarity or 0.0))
        return replace(found, fresh=tuple(order))


class SyntheticLeft(Pictures):
    """Shows the query on the left of a pair that is laid over, wherever it stands."""

    def png(self, task, shown, *, laid):
        wanted = self._tasks[task]
        self._tasks = self._tasks | {task: replace(wanted, swapped=False)}
        return super().png(task, shown, laid=laid)


class AsTheyAre(Pictures):
    """Shows pictures in their own sizes."""

    def _draw(self, task, _):
        return tuple(_encoded(Image.fromarray(self._read(one))) for one in sides(task))


class TellsDisputes(Sitting):
    """Lets everybody see which pairs are disputed, at any time."""

    @property
    def to_decide(self):
        return self._queue("decide", self._decisions())


class CountsAll(Sitting):
    """Counts the words of all reviewers for everybody's progress."""

    def queue(self, asked="answer"):
        found = super().queue(asked)
        return replace(found, said=("same",) * len(self._decisions()))


# --------------------------------------------------------------------------- what a page may not do


class Overwrites(Sitting):
    """Takes a second word on an answered pair."""

    def _open(self, _, token):
        return self._tasks[token]


class ForgetsSkips(Sitting):
    """Shows skipped pairs again at once after a restart."""

    def _passed_before(self):
        return []


class DropsSkips(Sitting):
    """Never shows skipped pairs again."""

    def queue(self, asked="answer"):
        found = super().queue(asked)
        return Queue(found.total, found.said, found.fresh, ())


class Remembers(Sitting):
    """Keeps words in memory, to be written later."""

    def __init__(self, *given):
        super().__init__(*given)
        self._words = []

    def _decisions(self):
        return [*super()._decisions(), *getattr(self, "_words", ())]

    def _write(self, task, step, answer, _):
        said = Decision(self.deck.key, task.token, self.reviewer, step, answer, "", 0.0)
        self._words.append(said)


class Undying(Gate):
    """A token that opens the page for ever."""

    def exchange(self, token):
        return token == self.token


class AnyToken(Gate):
    """Whoever comes first is let in."""

    def exchange(self, _):
        return super().exchange(self.token)


class AnyCookie(Gate):
    """Looks at the name of the cookie alone."""

    def knows(self, cookies):
        return self.name in cookies


COOKIE = f"spolia-test={'c' * 43}"


def without(**headers):
    """A guard that does not look at some headers is one that always sees the right ones."""

    def front(app):
        async def page(scope, receive, send):
            names = {name.replace("_", "-").encode() for name in headers}
            kept = [(name, value) for name, value in scope["headers"] if name not in names]
            right = [
                (name.replace("_", "-").encode(), value.encode())
                for name, value in headers.items()
                if value is not None
            ]
            await app({**scope, "headers": kept + right}, receive, send)

        return page

    return front


def trusting_the_announced_length(app):
    """Reads all that comes, where little was announced."""

    async def page(scope, receive, send):
        given = dict(scope["headers"])

        async def cut():
            message = await receive()
            body = message.get("body", b"")
            return {**message, "body": body[: int(given.get(b"content-length", b"0"))]}

        await app(scope, cut, send)

    return page


WRONG = [
    (laws.law_nothing_depends_on_what_the_audit_thinks, Parts(sitting=KnownFirst)),
    (laws.law_nothing_depends_on_what_the_audit_thinks, Parts(sitting=CloseFirst)),
    (laws.law_nothing_tells_which_side_is_synthetic, Parts(pictures=SyntheticLeft)),
    (laws.law_both_pictures_of_a_pair_are_of_one_size, Parts(pictures=AsTheyAre)),
    (laws.law_another_reviewers_answers_change_nothing_before_the_end, Parts(sitting=CountsAll)),
    (
        laws.law_who_is_in_the_middle_does_not_learn_what_is_disputed,
        Parts(sitting=TellsDisputes),
    ),
    (laws.law_a_second_tab_overwrites_nothing, Parts(sitting=Overwrites)),
    (laws.law_what_was_skipped_comes_last_after_a_restart_too, Parts(sitting=ForgetsSkips)),
    (laws.law_what_was_skipped_comes_last_after_a_restart_too, Parts(sitting=DropsSkips)),
    (laws.law_a_word_is_on_the_disk_before_the_page_goes_on, Parts(sitting=Remembers)),
    (laws.law_a_token_opens_the_page_once, Parts(gate=Undying)),
    (laws.law_a_token_opens_the_page_once, Parts(gate=AnyToken)),
    (laws.law_the_seven_attacks_are_refused, Parts(gate=AnyCookie)),
    (laws.law_the_seven_attacks_are_refused, Parts(front=without(host=HOST))),
    (laws.law_the_seven_attacks_are_refused, Parts(front=without(origin=f"http://{HOST}"))),
    (laws.law_the_seven_attacks_are_refused, Parts(front=without(sec_fetch_site=None))),
    (
        laws.law_the_seven_attacks_are_refused,
        Parts(front=without(content_type="application/json")),
    ),
    (
        laws.law_the_seven_attacks_are_refused,
        Parts(front=without(cookie=f"spolia-test={'c' * 43}")),
    ),
    (laws.law_the_seven_attacks_are_refused, Parts(front=trusting_the_announced_length)),
]


@pytest.mark.parametrize(
    ("law", "wrong"), WRONG, ids=[f"{law.__name__} {i}" for i, (law, _) in enumerate(WRONG)]
)
def test_a_wrong_page_breaks_its_law(law, wrong, tmp_path):
    with pytest.raises((AssertionError, FileNotFoundError)):
        law(tmp_path, wrong)


def undoing_all(decisions, step="answer"):
    """Take an undo for one of every kind of word."""
    words = {}
    for one in decisions:
        key = one.reviewer, one.task
        if one.step == "undo":
            words.pop(key, None)
        elif one.step == step:
            words[key] = one.answer
    return words


def undoing_nothing(decisions, step="answer"):
    return {(one.reviewer, one.task): one.answer for one in decisions if one.step == step}


@pytest.mark.parametrize("wrong", [undoing_all, undoing_nothing])
def test_a_wrong_undo_breaks_its_law(wrong):
    with pytest.raises(AssertionError):
        laws.law_an_undo_takes_back_one_word(wrong)


def on_the_rest(path, decision):
    """Write on after what a crash left."""
    with path.open("ab") as file:
        file.write(json.dumps(asdict(decision)).encode() + b"\n")


def on_a_new_line(path, decision):
    """End what a crash left, as if it were a decision."""
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        path.write_bytes(path.read_bytes() + b"\n")
    on_the_rest(path, decision)


@pytest.mark.parametrize("wrong", [on_the_rest, on_a_new_line])
def test_a_wrong_log_breaks_its_law(wrong, tmp_path):
    with pytest.raises(UsageError):
        laws.law_a_line_that_a_crash_cut_off_spoils_no_other(tmp_path, wrong)
