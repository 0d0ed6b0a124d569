"""The program that shows the page: on this machine alone, until Ctrl-C."""

import contextlib
import ipaddress
import signal
import socket
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spolia.core.errors import MissingExtra, UsageError
from spolia.review.guard import Gate, hosts_of

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
_SECONDS_TO_END = 2


@dataclass(frozen=True)
class Where:
    """Where the page is to be reached."""

    host: str = LOOPBACK
    port: int = 0
    """0: a free one."""
    images: bool = False
    """Whether other machines see pictures; on this one they are always shown."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise UsageError(f"a port lies in 0 to 65535 (0: a free one), but is {self.port}")
        if self.host in ("", "0.0.0.0", "::"):
            raise UsageError(
                f"--host must be one address or name, by which the page is then opened, but is "
                f"{self.host!r}, which stands for all; leave it out for this machine alone"
            )

    @property
    def pictures(self) -> bool:
        """Whether pictures are shown: on this machine always, to others only where asked."""
        with contextlib.suppress(ValueError):
            return self.images or ipaddress.ip_address(self.host).is_loopback
        return self.images or self.host == "localhost"


def check_extra() -> None:
    """Check that the page can be served.

    Raises
    ------
    MissingExtra
        If the extra ``review`` is not installed.
    """
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            f"the review page needs starlette and uvicorn, but {error.name} is not installed; "
            "run: pip install 'spolia[review]'"
        ) from error


def listen(where: Where) -> socket.socket:
    """Return a socket that listens there.

    Raises
    ------
    UsageError
        If the address is not one of this machine, or the port is taken.
    """
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(found[4][:2], family=found[0])
    except OSError as error:
        raise UsageError(
            f"the page must be reached at {where.host!r}, port {where.port}, but the system "
            f"refused: {error.strerror or error}; choose another --port, or leave out --host"
        ) from None


def gate_of(where: Where, listening: socket.socket) -> Gate:
    """Return what lets one browser in."""
    return Gate(hosts_of(where.host, listening.getsockname()[1]))


def address(where: Where, listening: socket.socket, gate: Gate) -> str:
    """Return the address that opens the page, once."""
    host = f"[{where.host}]" if ":" in where.host else where.host
    return f"http://{host}:{listening.getsockname()[1]}/?token={gate.token}"


def make_server(app: "ASGIApp") -> "uvicorn.Server":
    """Return what serves the page: it writes no log, and believes no proxy."""
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=64,
            timeout_graceful_shutdown=_SECONDS_TO_END,
        )
    )


def serve(
    make: Callable[[Gate], "ASGIApp"],
    where: Where,
    *,
    tell: Callable[[str], None],
    browser: bool = False,
) -> None:
    """Show the page until the program is interrupted or asked to end; call it in the main thread.

    Parameters
    ----------
    make
        Makes the page from what guards it, see `spolia.review.app.make_app`.
    where
        Where it is to be reached.
    tell
        Is told the address, which opens the page once.
    browser
        Whether to open a browser there.

    Raises
    ------
    UsageError
        As `listen`.
    """
    with listen(where) as listening:
        gate = gate_of(where, listening)
        server = make_server(make(gate))
        opens = address(where, listening, gate)
        tell(f"Review: {opens}")
        tell("The address opens one browser, once. Ctrl-C here ends the review; answers are kept.")
        if browser:
            webbrowser.open(opens)
        # uvicorn ends in order and then raises the signal again; what comes after it is our turn.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[listening])
        finally:
            signal.signal(signal.SIGTERM, before)
