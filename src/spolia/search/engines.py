"""Which engine does a join: all return the same bits."""

from collections.abc import Callable
from functools import partial

from spolia.core.errors import UsageError
from spolia.core.progress import Progress
from spolia.search.library import run_library
from spolia.search.native.binding import chosen_kernel
from spolia.search.native.engine import run_kernel
from spolia.search.request import Request
from spolia.search.result import JoinResult
from spolia.search.torch_engine import pays, require_gpu, run_torch

ENGINES = ("auto", "kernel", "library", "gpu")
"""``kernel`` is compiled with spolia, ``library`` is numpy's matrix library, ``gpu`` is torch's;
``auto`` is the kernel where there is one, and the library otherwise."""


def check_engine(engine: str) -> None:
    """Raise `UsageError` unless this installation can do a join with ``engine``.

    >>> check_engine("kernal")
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: engine must be auto, kernel, library or gpu, but is 'kernal'
    """
    if engine not in ENGINES:
        raise UsageError(f"engine must be {', '.join(ENGINES[:-1])} or gpu, but is {engine!r}")
    if engine == "gpu":
        require_gpu()
    elif engine != "library" and chosen_kernel() is None and engine == "kernel":
        raise UsageError(
            "engine kernel must have been built when spolia was installed, and not be switched "
            "off by SPOLIA_KERNEL=library, but it is not there; see spolia doctor, or join with "
            "engine='auto'"
        )


def kernel_name(engine: str = "auto") -> str:
    """Return what a join with ``engine`` runs on: the name of a kernel, ``library`` or ``gpu``.

    >>> kernel_name("library")
    'library'
    """
    kernel = chosen_kernel() if engine in ("auto", "kernel") else None
    return kernel.name if kernel is not None else "gpu" if engine == "gpu" else "library"


def run_engine(engine: str, request: Request) -> tuple[JoinResult, ...]:
    """Return the joins of the query with each of the bases, by an engine that was checked.

    Where the kernel cannot do a join, the library does it.
    """
    kernel = chosen_kernel() if engine in ("auto", "kernel") else None
    done = None if kernel is None else run_kernel(kernel, request)
    if done is not None:
        return done
    found = []
    for number, (base, exclude) in enumerate(zip(request.bases, request.excludes, strict=True)):
        run: Callable[..., JoinResult] = run_library
        if engine == "gpu":
            run = partial(run_torch, device="cuda")
        elif pays(request.query.shape[0], base.shape[0], base.shape[1], request.wanted):
            run = partial(run_torch, device="cpu")
        part = run(
            request.query,
            base,
            request.wanted,
            exclude,
            memory=request.memory,
            threads=request.threads,
            progress=_share(request.progress, number, len(request.bases)),
        )
        found.append(part)
    return tuple(found)


def _share(progress: Progress, number: int, count: int) -> Progress:
    """Return the progress of one of ``count`` joins, told as a share of the query rows."""

    def tell(stage: str, done: int, total: int) -> None:
        progress(stage, (number * total + done) // count, total)

    return tell
