"""The page and what it asks: pairs without a word of what the audit thinks of them."""

import json
import math
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Final, get_args

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from spolia.core.errors import UnreadableImage
from spolia.core.review import ANSWERS, Answer
from spolia.review.deck import Task
from spolia.review.guard import Gate, Guard, Refusal
from spolia.review.pictures import Pictures, sides
from spolia.review.sitting import Asked, Closed, Queue, Sitting

AHEAD = 4
"""Pairs that the page knows at a time: the one it shows, and those whose pictures it fetches."""

_STATIC: Final = {
    "review.css": "text/css",
    "review.js": "text/javascript",
    "ending.js": "text/javascript",
    "frames.js": "text/javascript",
    "talk.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


_NO_PAIR: Final = Refusal(404, "There is no such pair.")
_NO_PICTURE: Final = Refusal(404, "There is no such picture.")
_NOTHING: Final = Refusal(404, "There is nothing here.")
_UNREADABLE: Final = Refusal(422, "This picture cannot be read any more.")
_AWAY: Final = Refusal(403, "Pictures are not shown to other machines: start with --images.")
_NOT_OPEN: Final = Refusal(409, "This pair is not open any more.")
_NOT_YET: Final = Refusal(403, "Give your own answers first.")
_NOT_READ: Final = Refusal(400, "The request cannot be read.")
_NO_ANSWER: Final = Refusal(422, "There is no such answer.")


class Refused(Exception):
    """What is asked cannot be done."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.why)
        self.refusal = refusal


def make_app(sitting: Sitting, pictures: Pictures, gate: Gate, *, images: bool = True) -> ASGIApp:
    """Return the page of one reviewer at one deck, behind its guard.

    Parameters
    ----------
    sitting
        The reviewer at the deck.
    pictures
        Of the same deck.
    gate
        Who may ask.
    images
        Whether pictures are shown; a page that other machines reach shows none unless asked.

    Returns
    -------
    ASGIApp
        ``/`` and ``/disagreements`` are the page; ``/api/...`` and ``/picture/...`` are what it
        asks.
    """
    page = _Page(sitting, pictures, images)
    static = resources.files("spolia.review").joinpath("static")
    routes = [
        Route("/", _file(static.joinpath("index.html").read_bytes(), "text/html")),
        Route("/disagreements", _file(static.joinpath("index.html").read_bytes(), "text/html")),
        *(
            Route(f"/static/{name}", _file(static.joinpath(name).read_bytes(), kind))
            for name, kind in _STATIC.items()
        ),
        Route("/picture/{task}/{shown}", page.picture),
        Route("/picture/{task}/{shown}/laid", page.laid),
        Route("/api/{asked}", page.state),
        Route("/api/{asked}/say", page.say, methods=["POST"]),
        Route("/api/{asked}/skip", page.skip, methods=["POST"]),
        Route("/api/{asked}/undo", page.undo, methods=["POST"]),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={Refused: _refused}), gate)


class _Page:
    """What the page asks."""

    def __init__(self, sitting: Sitting, pictures: Pictures, images: bool) -> None:
        self._sitting = sitting
        self._pictures = pictures
        self._images = images

    def state(self, request: Request) -> Response:
        return JSONResponse(self._state(_asked(request)))

    def picture(self, request: Request) -> Response:
        return self._png(request, laid=False)

    def laid(self, request: Request) -> Response:
        # Faces are aligned already, and people are not laid over each other.
        if self._sitting.deck.question != "photo":
            raise Refused(_NO_PICTURE)
        return self._png(request, laid=True)

    async def say(self, request: Request) -> Response:
        asked = _asked(request)
        sent = await _sent(request, {"task": str, "answer": str, "seconds": (int, float)})
        if sent["answer"] not in get_args(Answer):
            raise Refused(_NO_ANSWER)
        if not 0 <= sent["seconds"] < math.inf:
            raise Refused(_NOT_READ)
        task = await self._do(self._sitting.say, asked, *sent.values())
        return JSONResponse(await run_in_threadpool(self._state, asked) | self._revealed(task))

    async def skip(self, request: Request) -> Response:
        asked = _asked(request)
        sent = await _sent(request, {"task": str})
        await self._do(self._sitting.skip, asked, sent["task"])
        return JSONResponse(await run_in_threadpool(self._state, asked))

    async def undo(self, request: Request) -> Response:
        asked = _asked(request)
        await _sent(request, {})
        task = await run_in_threadpool(self._sitting.undo, asked)
        state = await run_in_threadpool(self._state, asked)
        return JSONResponse(state | {"undone": task is not None})

    async def _do(self, what: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return await run_in_threadpool(what, *arguments)
        except KeyError:
            raise Refused(_NO_PAIR) from None
        except Closed:
            raise Refused(_NOT_OPEN) from None

    def _png(self, request: Request, *, laid: bool) -> Response:
        if not self._images:
            raise Refused(_AWAY)
        try:
            png = self._pictures.png(*request.path_params.values(), laid=laid)
        except KeyError:
            raise Refused(_NO_PICTURE) from None
        except UnreadableImage:
            raise Refused(_UNREADABLE) from None
        return Response(png, media_type="image/png")

    def _state(self, asked: Asked) -> dict[str, Any]:
        """Return where the reviewer stands; nothing that the deck must not show."""
        queue = self._sitting.to_decide if asked == "decide" else self._sitting.queue()
        if queue is None:
            raise Refused(_NOT_YET)
        deck = self._sitting.deck
        return {
            "question": deck.question,
            "mode": deck.mode,
            "reviewer": self._sitting.reviewer,
            "total": queue.total,
            "said": len(queue.said),
            "skipped": len(queue.skipped),
            "pairs": [_pair(one) for one in queue.open[:AHEAD]],
            **self._end(queue),
        }

    def _end(self, queue: Queue) -> dict[str, Any]:
        """Return what is told when no new pair is left."""
        if queue.fresh:
            return {}
        disputed = self._sitting.to_decide
        return {
            "counts": {one: queue.said.count(one) for one in ANSWERS},
            "alone": self._sitting.reviewers < 2,
            "to_decide": 0 if disputed is None else len(disputed.open),
        }

    def _revealed(self, task: Task) -> dict[str, Any]:
        """Return what the audit says of a pair that was answered, where nothing depends on it."""
        if self._sitting.deck.mode != "triage":
            return {}
        return {"revealed": {"similarity": task.similarity, "score": task.score}}


def _pair(task: Task) -> dict[str, str]:
    left, right = sides(task)
    return {"task": task.token, "left": left.token, "right": right.token}


def _asked(request: Request) -> Asked:
    for asked in get_args(Asked):
        if request.path_params["asked"] == asked:
            return asked  # type: ignore[no-any-return]
    raise Refused(_NOTHING)


async def _sent(request: Request, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object that was sent, with the wanted fields and no other, in their order."""
    try:
        sent = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Refused(_NOT_READ) from None
    right = isinstance(sent, dict) and sent.keys() == wanted.keys()
    if not right or any(not _is(sent[name], kind) for name, kind in wanted.items()):
        raise Refused(_NOT_READ)
    return {name: sent[name] for name in wanted}


def _is(value: Any, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _file(content: bytes, kind: str) -> Callable[[Request], Response]:
    """Return what serves one file, read when the program starts: no path is ever looked up."""

    def serve(request: Request) -> Response:
        del request
        return Response(content, media_type=kind)

    return serve


def _refused(request: Request, error: Exception) -> Response:
    del request
    if not isinstance(error, Refused):
        raise error
    return JSONResponse({"error": error.refusal.why}, status_code=error.refusal.status)
