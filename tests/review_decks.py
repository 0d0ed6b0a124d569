"""Decks made by hand, sets of pictures in memory, and a page that shows them."""

import asyncio
import itertools
import json
from dataclasses import dataclass, field, replace

from spolia.core.errors import UnreadableImage
from spolia.review.app import make_app
from spolia.review.deck import SCHEMA, Deck, Part, Shown, Task
from spolia.review.guard import Gate, hosts_of
from spolia.review.pictures import Pictures
from spolia.review.sitting import Sitting
from tests.pictures import picture

HOST = "127.0.0.1:8000"


@dataclass
class Shelf:
    """A `Source` of pictures in memory; those named ``broken`` cannot be read."""

    ids: tuple
    pictures: list
    uri: str = "memory"
    identities: tuple | None = None
    ignored: int = 0
    fingerprint: str = "0" * 64
    columns: dict = field(default_factory=dict)

    def image(self, index):
        if "broken" in self.ids[index]:
            raise UnreadableImage("it is broken")
        return self.pictures[index]

    def content(self, index):
        return self.image(index).tobytes()

    def __len__(self):
        return len(self.ids)


def shelves(n, *, prefix="secret", side=32):
    """Return train and synthetic of ``n`` pictures each, by role."""
    return {
        role: Shelf(
            tuple(f"{prefix}-{role}-{i}.png" for i in range(n)),
            [picture(first + i, side) for i in range(n)],
        )
        for first, role in ((0, "train"), (1000, "synthetic"))
    }


def deck_of(sets, *, mode="estimate", question="photo", known=2, key="0f" * 8, seed=3):
    """Return a deck of every synthetic picture with the training picture of its number.

    The last ``known`` pairs are of a training picture with itself, edited.
    """
    numbers = itertools.count(1)
    token = lambda: f"{next(numbers) * 0x9E3779B97F4A7C15 % (1 << 64):016x}"  # noqa: E731
    train, synthetic = sets["train"].ids, sets["synthetic"].ids
    tasks = []
    for i, (query, reference) in enumerate(zip(synthetic, train, strict=True)):
        shown = Shown(token(), "synthetic", query), Shown(token(), "train", reference)
        tasks.append(
            Task(token(), "open", *shown, i % 3 == 0, 0, 0.4321987 + i / 1000, 7.6543219 + i)
        )
    for i in range(known):
        shown = Shown(token(), "train", train[i]), Shown(token(), "train", train[i], True)
        tasks.append(Task(token(), "same", *shown, bool(i % 2), None, None, None))
    return Deck(
        SCHEMA, mode, question, seed, "audit", key, (Part(True, 0.0, 1.0, 9),), tuple(tasks)
    )


def other_inside(deck):
    """Return a deck that differs in all that must not be seen, and in nothing else."""
    flipped = {"open": "same", "same": "different", "different": "open"}
    return replace(
        deck,
        parts=(Part(False, 0.25, 0.75, 1234), Part(True, 0.75, 1.0, 77)),
        tasks=tuple(
            replace(one, truth=flipped[one.truth], stratum=1, similarity=0.987, score=-1.5)
            for one in deck.tasks
        ),
    )


def turned_round(deck):
    """Return a deck in which query and reference have changed their roles, but not their sides."""
    return replace(
        deck,
        tasks=tuple(
            replace(one, query=one.reference, reference=one.query, swapped=not one.swapped)
            for one in deck.tasks
        ),
    )


@dataclass(frozen=True)
class Came:
    """A response."""

    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


class Client:
    """Asks an ASGI application without a network: with any header, and any body, in pieces."""

    def __init__(self, app):
        self.app = app
        self.cookie = ""

    def ask(self, method, address, headers=(), pieces=(b"",)):
        """Return the response; ``headers`` replace those that a browser would send."""
        path, _, query = address.partition("?")
        usual = {"host": HOST, "cookie": self.cookie}
        if method == "POST":
            usual |= {"origin": f"http://{HOST}", "content-type": "application/json"}
            usual |= {"content-length": str(sum(map(len, pieces)))}
        sent = usual | dict(headers)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in sent.items() if v is not None],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        return asyncio.run(self._ask(scope, list(pieces)))

    async def _ask(self, scope, pieces):
        messages = []

        async def receive():
            body = pieces.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(pieces)}

        async def send(message):
            messages.append(message)

        await self.app(scope, receive, send)
        start, *rest = messages
        headers = {k.decode(): v.decode() for k, v in start["headers"]}
        return Came(start["status"], headers, b"".join(one.get("body", b"") for one in rest))

    def get(self, address, headers=()):
        return self.ask("GET", address, headers)

    def post(self, address, sent, headers=()):
        body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        return self.ask("POST", address, headers, [body])


@dataclass
class Opened:
    """A page in a browser."""

    deck: Deck
    gate: Gate
    client: Client
    log: object

    def state(self, asked="answer"):
        return self.client.get(f"/api/{asked}").json()

    def post(self, path, sent):
        return self.client.post(path, sent)

    def say(self, answer, *, task=None, asked="answer"):
        task = self.state(asked)["pairs"][0]["task"] if task is None else task
        return self.post(f"/api/{asked}/say", {"task": task, "answer": answer, "seconds": 1.25})

    @property
    def written(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@dataclass(frozen=True)
class Parts:
    """What a page is made of; wrong versions take the place of one."""

    sitting: type = Sitting
    pictures: type = Pictures
    gate: type = Gate
    front: object = None
    """What an ASGI application is put behind; ``None``: nothing."""


RIGHT = Parts()


def unopened(folder, deck, sets, *, reviewer="Ann", images=True, parts=RIGHT):
    """Return a page that nobody was let into yet."""
    folder.mkdir(exist_ok=True)
    log = folder / "decisions.jsonl"
    secrets = {"token": "t" * 43, "cookie": "c" * 43, "name": "spolia-test"}
    gate = parts.gate(hosts_of("127.0.0.1", 8000), **secrets)
    sitting, pictures = parts.sitting(deck, log, reviewer), parts.pictures(deck, sets)
    app = make_app(sitting, pictures, gate, images=images)
    return Opened(deck, gate, Client(app if parts.front is None else parts.front(app)), log)


def opened(folder, deck, sets, **how):
    """Return a page whose cookie the client has."""
    page = unopened(folder, deck, sets, **how)
    page.client.cookie = f"{page.gate.name}={page.gate.cookie}"
    return page


def through(page, asked="answer", answer="same"):
    """Answer all that is open and return every response there was."""
    seen = [page.client.get(one) for one in ("/", "/disagreements", "/static/review.js")]
    while True:
        seen.append(page.client.get(f"/api/{asked}"))
        pairs = seen[-1].json()["pairs"]
        if not pairs:
            return seen
        for shown in (pairs[0]["left"], pairs[0]["right"]):
            address = f"/picture/{pairs[0]['task']}/{shown}"
            seen += [page.client.get(address), page.client.get(f"{address}/laid")]
        seen.append(page.say(answer, asked=asked))
