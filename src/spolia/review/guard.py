"""Who may ask the page: one browser, on one address, from its own pages.

Pure ASGI, before anything else sees a request. A page on the internet can make a browser send
requests to this machine, and a name can be made to point here (DNS rebinding); so the address that
was asked for, the page that asks, and a secret are all checked.
"""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 4096
"""Bytes of a request's body at most."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_METHODS = ("GET", "HEAD", "POST")

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Of every response."""

_RESTART = "Stop `spolia review` in the terminal (Ctrl-C) and start it again for a new address."


@dataclass(frozen=True)
class Refusal:
    """Why a request goes no further; never a word of the request itself."""

    status: int
    why: str


WRONG_HOST = Refusal(403, "This is not the address that spolia printed; open that one.")
OTHER_SITE = Refusal(
    403, "Another page asked for this. Copy the address that spolia printed into a new tab."
)
WRONG_METHOD = Refusal(405, "Only GET, HEAD and POST are answered.")
NO_COOKIE = Refusal(401, f"Open the address that spolia printed. If it was used before: {_RESTART}")
USED = Refusal(403, f"This address was used already, or is another one's. {_RESTART}")
NOT_JSON = Refusal(415, "Only JSON is taken.")
TOO_LARGE = Refusal(413, "The request is too large.")


@dataclass(frozen=True)
class Gate:
    """What lets a request in.

    The token opens the page once. Whoever comes with it gets a cookie, which no script can read and
    no other site can make a browser send, and the token is dead.
    """

    hosts: frozenset[str]
    """Values of the header ``Host`` that are ours, see `hosts_of`."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    name: str = field(default_factory=lambda: f"spolia-{secrets.token_hex(4)}")
    """Of the cookie. By chance, because cookies do not tell ports apart: two reviews on one
    machine would end each other."""
    _used: threading.Event = field(default_factory=threading.Event, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def exchange(self, token: str) -> bool:
        """Tell whether the token opens the page; it never does again."""
        with self._lock:
            right = secrets.compare_digest(token.encode(), self.token.encode())
            if not right or self._used.is_set():
                return False
            self._used.set()
            return True

    def knows(self, cookies: str) -> bool:
        """Tell whether a header ``Cookie`` holds our cookie."""
        pairs = (one.strip().partition("=") for one in cookies.split(";"))
        return any(
            name == self.name and secrets.compare_digest(value.encode(), self.cookie.encode())
            for name, _, value in pairs
        )


def hosts_of(host: str, port: int) -> frozenset[str]:
    """Return the values of the header ``Host`` by which a page is reached.

    Examples
    --------
    >>> sorted(hosts_of("127.0.0.1", 8000))
    ['127.0.0.1:8000', '[::1]:8000', 'localhost:8000']
    """
    own = f"[{host}]" if ":" in host else host
    names = {*_LOOPBACK, own.lower()}
    bare = names if port == 80 else ()
    return frozenset({*(f"{one}:{port}" for one in names), *bare})


class Guard:
    """ASGI middleware that lets through what `Gate` admits, and gives every response `HEADERS`."""

    def __init__(self, app: "ASGIApp", gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            return
        headers = _headers(scope)
        guarded = _with_headers(send)
        refusal = self._refuse(scope, headers)
        if refusal is not None:
            await _refuse(guarded, refusal)
        elif not self._gate.knows(headers.get("cookie", "")):
            await self._exchange(scope, guarded)
        elif _token(scope) is not None:
            await _redirect(guarded, {})
        else:
            await self._pass(scope, headers, receive, guarded)

    def _refuse(self, scope: "Scope", headers: Mapping[str, str]) -> Refusal | None:
        """Check where the request goes and where it comes from."""
        host = headers.get("host", "").lower()
        if host not in self._gate.hosts:
            return WRONG_HOST
        posted = scope["method"] == "POST"
        # A browser sends an origin with every POST, and with no GET of our own pages.
        if headers.get("origin", f"http://{host}" * (not posted)).lower() != f"http://{host}":
            return OTHER_SITE
        # Other ports of this machine are the same site, so that a strict cookie goes there too.
        typed = () if posted else ("none",)
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", *typed):
            return OTHER_SITE
        return None if scope["method"] in _METHODS else WRONG_METHOD

    async def _exchange(self, scope: "Scope", send: "Send") -> None:
        """Take the token for a cookie."""
        token = _token(scope)
        # A browser that fetches an address while it is typed must not spend it.
        early = any(name in _headers(scope) for name in ("sec-purpose", "purpose"))
        if token is None or early:
            await _refuse(send, NO_COOKIE)
        elif not self._gate.exchange(token):
            await _refuse(send, USED)
        else:
            cookie = f"{self._gate.name}={self._gate.cookie}; HttpOnly; SameSite=Strict; Path=/"
            await _redirect(send, {"set-cookie": cookie})

    async def _pass(
        self, scope: "Scope", headers: Mapping[str, str], receive: "Receive", send: "Send"
    ) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            await _refuse(send, NOT_JSON)
            return
        body = await _body(receive, headers.get("content-length", "0"))
        if body is None:
            await _refuse(send, TOO_LARGE)
            return
        await self._app(scope, _given(body), send)


def _headers(scope: "Scope") -> dict[str, str]:
    """Return the headers; one that comes twice is joined, and so is none that is allowed."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joint = "; " if key == "cookie" else ", "
        found[key] = f"{found[key]}{joint}{text}" if key in found else text
    return found


def _token(scope: "Scope") -> str | None:
    """Return the token of the address that was printed, and of no other."""
    if scope["method"] != "GET" or scope["path"] != "/":
        return None
    found = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=8)
    return found["token"][0] if "token" in found else None


async def _body(receive: "Receive", announced: str) -> bytes | None:
    """Return the body; ``None`` if it is too large, as soon as that is known."""
    if not announced.isdigit() or int(announced) > LARGEST_BODY:
        return None
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            return None
    return body


def _given(body: bytes) -> "Receive":
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> "Message":
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _with_headers(send: "Send") -> "Send":
    async def guarded(message: "Message") -> None:
        if message["type"] == "http.response.start":
            own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message["headers"] = [*message.get("headers", ()), *own]
        await send(message)

    return guarded


async def _refuse(send: "Send", refusal: Refusal) -> None:
    await _text(send, refusal.status, refusal.why, {})


async def _redirect(send: "Send", headers: Mapping[str, str]) -> None:
    await _text(send, 303, "", {"location": "/", **headers})


async def _text(send: "Send", status: int, text: str, headers: Mapping[str, str]) -> None:
    body = f"{text}\n".encode()
    every = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body))}
    pairs = [(name.encode(), value.encode()) for name, value in {**every, **headers}.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
