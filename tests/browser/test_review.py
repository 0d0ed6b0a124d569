"""The review page in a real Chromium: by keyboard, in two tabs, by two people, on a phone."""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from spolia.review.app import make_app
from spolia.review.pictures import Pictures
from spolia.review.server import Where, address, gate_of, listen, make_server
from spolia.review.sitting import Sitting
from tests.review_decks import Shelf, deck_of, shelves

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")

READY = '#pair[data-ready]:not([data-ready=""]):not([data-ready="{}"]), #end:not([hidden])'
NAMES = [
    '"><img src=x onerror=alert(1)>',
    "<script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "new\nline\r",
    "\x1b[31mred\x1b[0m",
    "ann\u202egnp.exe",
    "../../etc/passwd",
    "?token=%00#",
]


@pytest.fixture(scope="module")
def browser(chromium):
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Screen:
    """A tab that shows the review."""

    page: object

    @property
    def task(self):
        return self.page.locator("#pair").get_attribute("data-ready")

    @property
    def place(self):
        return self.page.locator("#place").inner_text()

    @property
    def ended(self):
        return self.page.locator("#end").is_visible()

    def seen(self, name):
        return self.page.locator("#pair").get_attribute(f"data-{name}")

    def ready(self, before=""):
        self.page.wait_for_selector(READY.format(before), state="attached")

    def press(self, key):
        """Press a key after which another pair, or the end, is shown."""
        before = self.task
        self.page.keyboard.press(key)
        self.ready(before)

    def pixels(self, side):
        self.page.evaluate(
            "new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))"
        )
        return self.page.evaluate(f"document.getElementById('{side}').toDataURL()")


class Record:
    """What a page is asked by others: the cookie that came, and the status that went."""

    def __init__(self):
        self.seen = []

    def __call__(self, app):
        async def recorded(scope, receive, send):
            async def sent(message):
                headers = dict(scope["headers"])
                own = headers.get(b"sec-fetch-site") in (b"none", b"same-origin")
                if message["type"] == "http.response.start" and not own:
                    self.seen.append((headers.get(b"cookie", b""), message["status"]))
                await send(message)

            await app(scope, receive, sent)

        return recorded


@contextmanager
def served(sitting, pictures, front=lambda app: app):
    """Serve the page as the program does; give the address that opens it."""
    with listen(Where()) as listening:
        gate = gate_of(Where(), listening)
        server = make_server(front(make_app(sitting, pictures, gate)))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield address(Where(), listening, gate)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def elsewhere(body):
    """Serve a page at another port of this machine."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@contextmanager
def watched(browser, opens, *, told=(), **how):
    """Open the page; fail if its console speaks or anything is asked of another place.

    ``told`` are statuses of which a browser tells its console, though the page expects them.
    """
    context = browser.new_context(**how)
    said, elsewhere = [], []
    site = opens.partition("?")[0]
    context.on("console", lambda message: said.append(message.text))
    context.on("weberror", lambda error: said.append(str(error.error)))
    context.on("request", lambda one: None if one.url.startswith(site) else elsewhere.append(one))
    page = context.new_page()
    page.goto(opens)
    screen = Screen(page)
    screen.ready()
    yield screen
    context.close()
    assert [one for one in said if not any(f"status of {status}" in one for status in told)] == []
    assert elsewhere == []


@pytest.fixture
def review(browser, tmp_path):
    """Serve a deck to a reviewer and open it."""

    @contextmanager
    def run(deck, sets, reviewer="Ann", **how):
        sitting = Sitting(deck, tmp_path / "decisions.jsonl", reviewer)
        with (
            served(sitting, Pictures(deck, sets)) as opens,
            watched(browser, opens, **how) as screen,
        ):
            yield screen

    return run


@pytest.fixture
def written(tmp_path):
    """What is in the log: step, answer and reviewer."""

    def read():
        lines = (tmp_path / "decisions.jsonl").read_text().splitlines()
        return [(one["step"], one["answer"], one["reviewer"]) for one in map(json.loads, lines)]

    return read


@pytest.fixture(scope="module")
def sets():
    return shelves(30, side=24)


def people(sets, **how):
    """Return a deck that asks for persons: half the pictures, because nothing is laid over."""
    return deck_of(sets, question="person", known=0, **how)


def test_thirty_pairs_by_keyboard_with_a_reload_an_undo_and_a_skip(review, sets, written):
    deck = people(sets)
    keys = "1234sdun"
    with review(deck, sets) as screen:
        skipped = screen.task
        screen.press("ArrowRight")
        for i in range(12):
            assert screen.place == f"{i + 1} of 30"
            screen.press(keys[i % 8])
        last = screen.task
        screen.page.reload()
        screen.ready()
        assert (screen.task, screen.place) == (last, "13 of 30")
        screen.press("Backspace")
        assert screen.place == "12 of 30"
        for i in range(11, 29):
            screen.press(keys[i % 8])
        assert "only the skipped one is left" in screen.page.locator("#end").inner_text()
        screen.page.locator("#again").press("Enter")
        screen.ready()
        assert screen.task == skipped
        screen.press("1")
        assert "You have answered all 30 pairs" in screen.page.locator("#end").inner_text()
    answers = [answer for step, answer, _ in written() if step == "answer"]
    assert len(answers) == 31
    assert answers[:8] == ["same", "different", "unsure", "not comparable"] * 2
    assert [step for step, *_ in written()].count("undo") == 1


def test_a_second_reviewer_sees_no_answer_and_then_both_settle_what_differs(review, written):
    sets = shelves(4)
    deck = deck_of(sets, question="person", known=1)
    for name, key in (("Ann", "1"), ("Bob", "2")):
        with review(deck, sets, name) as screen:
            for _ in range(5):
                assert "Ann" not in screen.page.locator("main").first.inner_text()
                screen.press(key)
            text = screen.page.locator("#end").inner_text()
            if name == "Ann":
                assert "differ" not in text
                continue
            assert "Reviewers differ on 5 pairs" in text
            screen.page.get_by_role("link", name="Decide them").press("Enter")
            screen.page.wait_for_url("**/disagreements")
            screen.ready()
            assert "Your word settles them" in screen.page.locator("#about").inner_text()
            assert "same" not in screen.page.locator("#status").inner_text().lower()
            for _ in range(5):
                screen.press("3")
            assert "You have settled all 5 pairs" in screen.page.locator("#end").inner_text()
    assert written()[-5:] == [("decide", "unsure", "Bob")] * 5


def test_who_is_in_the_middle_is_sent_back_from_what_is_disputed(review, sets):
    with review(people(sets), sets, told=(403,)) as screen:
        screen.press("1")
        screen.page.goto(f"{screen.page.url}disagreements")
        screen.page.get_by_role("link", name="Back to your own answers").click()
        screen.ready()
        assert screen.place == "2 of 30"


def test_two_tabs_go_on_from_each_other(review, sets, written):
    with review(people(sets), sets, told=(409,)) as screen:
        other = Screen(screen.page.context.new_page())
        other.page.goto(screen.page.url)
        other.ready()
        assert other.task == screen.task
        screen.press("1")
        # A stale pair: nothing is overwritten, and the next is shown.
        other.press("2")
        assert other.task == screen.task
        assert "in another tab" in other.page.get_by_role("alert").inner_text()
        other.press("2")
        before = screen.task
        screen.press("1")
        assert screen.task == other.task != before
        screen.press("3")
    assert [answer for _, answer, _ in written()] == ["same", "different", "unsure"]


def test_an_address_that_was_used_opens_no_second_browser(browser, tmp_path, sets):
    deck = people(sets)
    sitting = Sitting(deck, tmp_path / "decisions.jsonl", "Ann")
    with served(sitting, Pictures(deck, sets)) as opens:
        with watched(browser, opens) as screen:
            assert "token" not in screen.page.url
            assert screen.page.evaluate("document.cookie") == ""
            assert screen.page.goto(opens).status == 200
        page = browser.new_context().new_page()
        assert page.goto(opens).status == 403
        assert "start it again" in page.locator("body").inner_text()
        page.context.close()


EVIL = """<!doctype html><title>evil</title><iframe src="{site}"></iframe>
<form method="post" action="{site}api/answer/undo" enctype="text/plain" target="nowhere">
<input name='{{"x": "' value='"}}'></form><iframe name="nowhere"></iframe>
<img src="{site}picture/{task}/{shown}"><script src="{site}static/review.js"></script><script>
const word = JSON.stringify({{ task: "{task}", answer: "same", seconds: 1 }});
const post = (mode, type) => fetch("{site}api/answer/say", {{
    method: "POST", mode, credentials: "include", headers: {{ "content-type": type }}, body: word,
}}).then((response) => response.type === "opaque" ? "" : response.text(), () => "");
document.forms[0].submit();
onload = () => Promise.all([
    post("no-cors", "text/plain"), post("cors", "application/json"),
    fetch("{site}api/answer", {{ credentials: "include" }}).then((one) => one.text(), () => ""),
]).then((read) => {{ document.title = `read ${{read.join("").length}}`; }});
</script>"""


def test_a_page_of_another_port_in_the_same_browser_does_and_reads_nothing(browser, sets, tmp_path):
    """Another port is the same site: a strict cookie goes there, and only the guard is left."""
    sitting = Sitting(people(sets), tmp_path / "decisions.jsonl", "Ann")
    record = Record()
    with served(sitting, Pictures(sitting.deck, sets), record) as opens:
        context = browser.new_context()
        page = context.new_page()
        page.goto(opens)
        site = page.url
        shown = page.evaluate("fetch('/api/answer').then((one) => one.json())")["pairs"][0]
        body = EVIL.format(site=site, task=shown["task"], shown=shown["left"])
        with elsewhere(body) as evil:
            page.goto(evil)
            page.wait_for_function("document.title.startsWith('read ')")
        assert page.title() == "read 0"
        assert page.evaluate("document.images[0].naturalWidth") == 0
        context.close()
    assert len(record.seen) >= 6
    assert any(b"spolia-" in cookie for cookie, _ in record.seen)
    assert {status for _, status in record.seen} == {403}
    assert not (tmp_path / "decisions.jsonl").exists()


def test_when_the_program_has_ended_the_page_says_what_to_do(browser, tmp_path, sets):
    deck = people(sets)
    sitting = Sitting(deck, tmp_path / "decisions.jsonl", "Ann")
    page = browser.new_context().new_page()
    with served(sitting, Pictures(deck, sets)) as opens:
        page.goto(opens)
        Screen(page).ready()
    page.keyboard.press("1")
    said = page.get_by_role("alert").filter(has_text="answers are kept")
    said.wait_for()
    assert said.is_visible()
    assert "spolia review" in said.inner_text()
    page.context.close()


def test_hostile_names_reach_nothing(review):
    pictures = shelves(len(NAMES))
    sets = {
        role: Shelf(tuple(f"{role}/{name}.png" for name in NAMES), one.pictures)
        for role, one in pictures.items()
    }
    with review(deck_of(sets), sets) as screen:
        for _ in range(len(NAMES)):
            html = screen.page.content()
            assert not any(name in html for name in ("onerror", "gnp.exe", "passwd", "[31m"))
            screen.press("1")


# --------------------------------------------------------------------------- how pairs are seen


@pytest.fixture(scope="module")
def copies():
    """A deck's sets in which every synthetic picture is its training picture."""
    pictures = shelves(3, side=80)
    return pictures | {"synthetic": Shelf(pictures["synthetic"].ids, pictures["train"].pictures)}


def test_both_pictures_move_alike(review, copies):
    with review(deck_of(copies, known=0), copies) as screen:
        whole = screen.pixels("left")
        screen.page.locator("#left").hover()
        screen.page.mouse.wheel(0, -300)
        box = screen.page.locator("#right").bounding_box()
        screen.page.mouse.move(box["x"] + 200, box["y"] + 200)
        screen.page.mouse.down()
        screen.page.mouse.move(box["x"] + 140, box["y"] + 230)
        screen.page.mouse.up()
        screen.page.keyboard.press("+")
        screen.page.keyboard.press("Shift+ArrowLeft")
        assert screen.pixels("left") == screen.pixels("right") != whole
        assert float(screen.seen("scale")) > 1.5
        assert float(screen.seen("x")) != 0
        screen.page.keyboard.press("0")
        assert screen.pixels("left") == screen.pixels("right") == whole


def test_while_space_is_held_each_stands_in_the_place_of_the_other(review, sets):
    with review(people(sets), sets) as screen:
        left, right = screen.pixels("left"), screen.pixels("right")
        screen.page.keyboard.down(" ")
        assert (screen.pixels("left"), screen.pixels("right")) == (right, left)
        assert screen.page.locator("#left-caption").inner_text() == "Right"
        screen.page.keyboard.up(" ")
        assert (screen.pixels("left"), screen.pixels("right")) == (left, right)


def test_the_difference_of_copies_is_black(review, copies):
    with review(deck_of(copies, known=0), copies) as screen:
        screen.page.keyboard.press("x")
        screen.page.wait_for_selector('#pair[data-laid="true"]')
        brightest = screen.page.evaluate("""(() => {
            const canvas = document.getElementById("left");
            const { data } = canvas.getContext("2d").getImageData(
                0, 0, canvas.width, canvas.height);
            return data.reduce((most, value, i) => (i % 4 === 3 ? most : Math.max(most, value)), 0);
        })()""")
        assert brightest <= 8


def test_after_a_click_space_blinks_and_answers_nothing(review, sets, written):
    with review(people(sets), sets) as screen:
        before = screen.task
        screen.page.get_by_role("button", name="Different").click()
        screen.ready(before)
        screen.page.keyboard.down(" ")
        assert screen.seen("blink") == "true"
        screen.page.keyboard.up(" ")
        screen.page.wait_for_timeout(100)
        assert [answer for _, answer, _ in written()] == ["different"]


def test_a_held_key_answers_once(review, sets, written):
    with review(people(sets), sets) as screen:
        before = screen.task
        for _ in range(6):
            screen.page.keyboard.down("1")
        screen.page.keyboard.up("1")
        screen.ready(before)
        screen.page.wait_for_timeout(100)
        assert len(written()) == 1


def test_every_button_is_reached_and_seen_by_keyboard(review, sets, written):
    with review(people(sets), sets) as screen:
        page = screen.page
        wanted = page.locator("main button:visible").count()
        reached = []
        for _ in range(wanted + 2):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.textContent.trim()"))
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(outline) == "solid"
        assert len([one for one in reached if one]) == wanted
        page.get_by_role("button", name="Unsure").focus()
        screen.press(" ")
        assert written()[0][1] == "unsure"
        page.keyboard.press("?")
        assert page.get_by_role("dialog").is_visible()
        page.keyboard.press("1")
        page.keyboard.press("Escape")
        assert not page.get_by_role("dialog").is_visible()
        assert len(written()) == 1


def test_progress_is_told_to_those_who_do_not_see_it(review, sets):
    with review(people(sets), sets) as screen:
        status = screen.page.get_by_role("status")
        assert status.inner_text() == "Pair 1 of 30."
        screen.press("2")
        assert status.inner_text() == "different. Pair 2 of 30."
        bar = screen.page.get_by_role("progressbar")
        assert bar.get_attribute("aria-valuetext") == "1 of 30 answered"
        assert screen.page.locator("#left").get_attribute("aria-label") == "Left picture of pair 2"


CONTRAST = """() => {
    const light = (rgb) => rgb.map((one) => one / 255)
        .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
        .reduce((sum, one, i) => sum + one * [0.2126, 0.7152, 0.0722][i], 0);
    const colour = (text) => text.match(/[0-9.]+/g).map(Number);
    const behind = (node) => {
        for (let one = node; one; one = one.parentElement) {
            const found = colour(getComputedStyle(one).backgroundColor);
            if (found.length === 3 || found[3] === 1) return found.slice(0, 3);
        }
        return [255, 255, 255];
    };
    const texts = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility()
        && [...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
    return texts.map((one) => {
        const pair = [light(colour(getComputedStyle(one).color)), light(behind(one))].sort();
        return [(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), one.textContent.trim()];
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(review, sets, scheme):
    with review(deck_of(sets, mode="triage", known=0), sets, color_scheme=scheme) as screen:
        screen.page.keyboard.press("x")
        screen.page.keyboard.press("?")
        found = screen.page.evaluate(CONTRAST)
        assert len(found) > 30
        assert [one for one in found if one[0] < 4.5] == []


@pytest.mark.parametrize("size", [(375, 812), (320, 568), (812, 375)])
def test_the_page_is_no_wider_than_a_phone(review, size):
    width, height = size
    sets = shelves(2)
    how = {"viewport": {"width": width, "height": height}, "has_touch": True, "is_mobile": True}
    with review(deck_of(sets, mode="triage", known=0), sets, "A" * 60, **how) as screen:
        wide = "document.documentElement.scrollWidth"
        assert screen.page.evaluate(wide) <= width
        for side in ("left", "right"):
            box = screen.page.locator(f"#{side}").bounding_box()
            assert min(box["width"], box["height"]) > 90
        before = screen.task
        screen.page.get_by_role("button", name="Same").tap()
        screen.ready(before)
        assert "similarity" in screen.page.locator("#line").inner_text()
        screen.page.keyboard.press("?")
        assert screen.page.evaluate(wide) <= width
        screen.page.keyboard.press("Escape")
        screen.press("1")
        assert screen.page.evaluate(wide) <= width
