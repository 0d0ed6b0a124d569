"""Pieces of work done side by side, on threads that are kept."""

import ctypes
import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cache
from queue import SimpleQueue
from typing import Any

Work = tuple[Callable[..., int], *tuple[Any, ...]]
"""A function and what it is called with."""


def helped(work: Iterable[Work], threads: int, stop: ctypes.c_int32) -> Generator[int, None, None]:
    """Do pieces in this thread too, and yield what each returns.

    Each thread takes the next piece as soon as it is free. No piece is left running when the
    iterator ends or is closed; where it is closed early, ``stop`` becomes 1 first.
    """
    todo, lock, done = iter(work), threading.Lock(), SimpleQueue[int]()

    def take() -> Work | None:
        with lock:
            return next(todo, None)

    def help_out() -> None:
        while not stop.value and (piece := take()) is not None:
            function, *arguments = piece
            done.put(function(*arguments))

    pool = _kept_pool(threads)
    helpers = {pool.submit(help_out) for _ in range(threads - 1)}
    try:
        while (piece := take()) is not None:
            function, *arguments = piece
            yield function(*arguments)
        helpers = {one for one in helpers if not one.cancel()}
        while helpers:
            ended, helpers = wait(helpers, return_when=FIRST_COMPLETED)
            for one in ended:
                one.result()
        while not done.empty():
            yield done.get()
    finally:
        stop.value |= bool(helpers)
        wait({one for one in helpers if not one.cancel()})


def handed_out(
    work: Iterable[Work], threads: int, stop: ctypes.c_int32
) -> Generator[int, None, None]:
    """Do the same, but leave all pieces to others: only this thread is told of an interrupt."""
    pool = _kept_pool(threads)
    running: set[Future[int]] = set()
    try:
        for function, *arguments in work:
            if len(running) > threads:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (one.result() for one in done)
            running.add(pool.submit(function, *arguments))
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in done)
    finally:
        stop.value |= bool(running)
        wait(running)


@cache
def _kept_pool(threads: int) -> ThreadPoolExecutor:
    """Return threads that are started once: starting them takes as long as a small join."""
    return ThreadPoolExecutor(threads)


# A process that is forked has none of the threads of its parent. Not every system forks.
getattr(os, "register_at_fork", lambda **_: None)(after_in_child=_kept_pool.cache_clear)
