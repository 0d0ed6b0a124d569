"""Requests that the review page must refuse, with nothing written and nothing said back."""

import json

import pytest

from spolia.review.guard import HEADERS, LARGEST_BODY, Gate, hosts_of
from tests.review_decks import HOST, deck_of, opened, shelves, unopened

MARK = "zqxj"
"""Stands in every attack and may stand in no answer."""


@pytest.fixture(scope="module")
def sets():
    return shelves(3)


@pytest.fixture
def page(tmp_path, sets):
    """A page whose cookie the client has, and a word that it would take."""
    found = opened(tmp_path, deck_of(sets), sets)
    found.word = {
        "task": found.state()["pairs"][0]["task"],
        "answer": "same",
        "seconds": 1.0,
    }
    return found


def refused(page, came, status):
    """Tell whether an attack came to nothing."""
    told = f"{came.headers}".encode() + came.body
    return (
        came.status == status
        and HEADERS.items() <= came.headers.items()
        and MARK.encode() not in told
        and not page.log.exists()
    )


def test_the_same_word_without_an_attack_is_taken(page):
    assert page.client.post("/api/answer/say", page.word).status == 200
    assert page.log.exists()


# ---------------------------------------------------------------------------- the seven attacks


@pytest.mark.parametrize(
    "cookie", [None, "", "spolia-test=", f"spolia-test={MARK}", f"x={'c' * 43}"]
)
@pytest.mark.parametrize("path", ["/", "/disagreements", "/api/answer", "/static/review.js"])
def test_nothing_is_shown_without_the_cookie(page, path, cookie):
    assert refused(page, page.client.get(path, {"cookie": cookie}), 401)


def test_nothing_is_written_without_the_cookie(page):
    came = page.client.post("/api/answer/say", page.word, {"cookie": None})
    assert refused(page, came, 401)


@pytest.mark.parametrize(
    "host",
    [
        f"{MARK}.example",
        f"{MARK}.example:8000",
        f"127.0.0.1.{MARK}.example:8000",
        "127.0.0.1",
        "127.0.0.1:8001",
        "0.0.0.0:8000",
        "127.0.0.1:8000, 127.0.0.1:8000",
        "",
        None,
    ],
)
def test_a_name_that_was_made_to_point_here_is_refused(page, host):
    assert refused(page, page.client.get("/api/answer", {"host": host}), 403)
    came = page.client.post(
        "/api/answer/say", page.word, {"host": host, "origin": f"http://{host}"}
    )
    assert refused(page, came, 403)


@pytest.mark.parametrize(
    "origin",
    [
        f"http://{MARK}.example",
        f"https://{HOST}",
        "http://127.0.0.1:8001",
        "http://localhost:8000",
        f"http://{HOST}.{MARK}.example",
        f"http://{HOST}/",
        "null",
        "",
        None,
    ],
)
def test_a_page_of_another_origin_writes_nothing(page, origin):
    came = page.client.post("/api/answer/say", page.word, {"origin": origin})
    assert refused(page, came, 403)


def test_a_page_of_another_origin_reads_nothing(page):
    came = page.client.get("/api/answer", {"origin": f"http://{MARK}.example"})
    assert refused(page, came, 403)


@pytest.mark.parametrize("site", ["cross-site", "same-site", MARK, ""])
def test_a_request_that_a_browser_calls_foreign_is_refused(page, site):
    headers = {"sec-fetch-site": site}
    assert refused(page, page.client.get("/", headers), 403)
    assert refused(page, page.client.post("/api/answer/say", page.word, headers), 403)


def test_nobody_types_a_word_into_the_address_bar(page):
    came = page.client.post("/api/answer/say", page.word, {"sec-fetch-site": "none"})
    assert refused(page, came, 403)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", MARK, None]
)
def test_what_a_form_can_send_is_refused(page, kind):
    came = page.client.post("/api/answer/say", page.word, {"content-type": kind})
    assert refused(page, came, 415)


@pytest.mark.parametrize(
    "path",
    [
        "/../decisions.jsonl",
        "/static/../app.py",
        "/static/..%2f..%2fapp.py",
        "/static//etc/passwd",
        "/static/review.js/../../app.py",
        "//etc/passwd",
        f"/picture/../{MARK}",
        "/picture/..%2f..%2fetc/passwd",
        f"/api/{MARK}",
        "/api/answer/../../decisions.jsonl",
        "/decisions.jsonl",
        "/review/estimate.json",
    ],
)
def test_no_path_leads_to_a_file(page, path):
    assert refused(page, page.client.get(path), 404)


@pytest.mark.parametrize("announced", [None, "1", "-1", "one", str(1 << 60)])
def test_no_more_than_a_little_is_read(page, announced):
    pieces = [json.dumps(page.word).encode(), *[b" " * 1024] * (LARGEST_BODY // 1024 + 1)]
    came = page.client.ask("POST", "/api/answer/say", {"content-length": announced}, pieces)
    assert refused(page, came, 413)


# ------------------------------------------------------------------------------- and some others


def test_a_token_opens_the_page_once(tmp_path, sets):
    page = unopened(tmp_path, deck_of(sets), sets)
    address = f"/?token={page.gate.token}"
    assert page.client.get(address).status == 303
    came = page.client.get(address)
    assert refused(page, came, 403)
    assert b"start it again" in came.body
    assert "set-cookie" not in came.headers


@pytest.mark.parametrize(
    "address",
    [
        f"/?token={MARK}",
        "/?token=",
        "/?token=é",
        f"/?token={'t' * 42}",
        f"/api/answer?token={'t' * 43}",
        f"/?TOKEN={'t' * 43}",
    ],
)
def test_a_wrong_token_opens_nothing_and_spends_nothing(tmp_path, sets, address):
    page = unopened(tmp_path, deck_of(sets), sets)
    came = page.client.get(address)
    assert refused(page, came, came.status)
    assert came.status in (401, 403)
    assert page.client.get(f"/?token={page.gate.token}").status == 303


@pytest.mark.parametrize("header", ["sec-purpose", "purpose"])
def test_a_browser_that_looks_ahead_does_not_spend_the_token(tmp_path, sets, header):
    page = unopened(tmp_path, deck_of(sets), sets)
    address = f"/?token={page.gate.token}"
    assert page.client.get(address, {header: "prefetch"}).status == 401
    assert page.client.get(address).status == 303


def test_another_site_cannot_spend_the_token(tmp_path, sets):
    page = unopened(tmp_path, deck_of(sets), sets)
    address = f"/?token={page.gate.token}"
    assert page.client.get(address, {"sec-fetch-site": "cross-site"}).status == 403
    assert page.client.get(address).status == 303


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", MARK])
def test_other_methods_are_refused(page, method):
    assert refused(page, page.client.ask(method, "/api/answer"), 405)


@pytest.mark.parametrize("path", ["/api/answer/say", "/api/answer/undo"])
def test_reading_an_address_never_writes(page, path):
    assert refused(page, page.client.get(path), 405)


def change(page, **to):
    return {**page.word, **to}


@pytest.mark.parametrize("task", ["0" * 16, MARK, "", "../../etc/passwd"])
def test_a_pair_that_is_not_in_the_deck_is_refused(page, task):
    assert refused(page, page.client.post("/api/answer/say", change(page, task=task)), 404)
    assert refused(page, page.client.post("/api/answer/skip", {"task": task}), 404)


def test_a_pair_of_another_deck_is_refused(page, sets):
    other = deck_of(sets, key="cd" * 8).tasks[0]
    came = page.client.post("/api/answer/say", change(page, task=f"f{other.token[1:]}"))
    assert refused(page, came, 404)


@pytest.mark.parametrize("answer", [MARK, "", "SAME", "same ", "undo"])
def test_an_answer_that_is_none_is_refused(page, answer):
    assert refused(page, page.client.post("/api/answer/say", change(page, answer=answer)), 422)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"zqxj"',
        b"\xff\xfe",
        b"[" * 4000,
        b"{}",
        b'{"task": "zqxj"}',
        b'{"task": 1, "answer": "same", "seconds": 1}',
        b'{"task": "x", "answer": ["same"], "seconds": 1}',
        b'{"task": "x", "answer": "same", "seconds": true}',
        b'{"task": "x", "answer": "same", "seconds": "1"}',
        b'{"task": "x", "answer": "same", "seconds": NaN}',
        b'{"task": "x", "answer": "same", "seconds": 1e999}',
        b'{"task": "x", "answer": "same", "seconds": 1, "reviewer": "zqxj"}',
        b'{"task": "x", "answer": "same", "seconds": -1}',
    ],
    ids=range(17),
)
def test_what_is_not_a_word_is_refused(page, body):
    assert refused(page, page.client.post("/api/answer/say", body), 400)


def test_a_picture_of_another_pair_is_refused(page):
    first, second = page.state()["pairs"][:2]
    assert refused(page, page.client.get(f"/picture/{first['task']}/{second['left']}"), 404)


def test_the_secrets_are_long_and_new_each_time():
    one, other = (Gate(hosts_of("127.0.0.1", 1)) for _ in range(2))
    assert len({one.token, one.cookie, other.token, other.cookie}) == 4
    assert min(map(len, (one.token, one.cookie))) >= 43
    assert one.name != other.name
    assert one.token not in repr(one)
    assert one.cookie not in repr(one)
