"""Decoding apart: a file that hangs, crashes or devours memory costs one process, and no run.

Image libraries are large programs in C, and what a set holds may have been made to break them. So
bytes are decoded in processes of their own, one for every thread that asks at the same time, with
a limit on memory and on time. A process that dies or takes too long is replaced, and the image
that did it is unreadable, with that reason.

Cost: one round trip through pipes, about .1 ms and one copy of the pixels; .2 s at the start.
"""

import atexit
import os
import select
import subprocess
import sys
import threading
import time

import numpy as np

from spolia.core.errors import SpoliaError, UnreadableImage
from spolia.sources.decode import decode
from spolia.sources.limits import Limits
from spolia.sources.source import UInt8

SEPARATE = os.name == "posix"
"""Whether images are decoded in processes of their own here; elsewhere, in this one."""

_SECONDS_TO_START = 60.0
_MODULE = "spolia.sources.decoder_process"


def decode_apart(encoded: bytes, limits: Limits) -> UInt8:
    """Return an encoded image as RGB, as `spolia.sources.decode.decode` does, from elsewhere.

    Raises
    ------
    UnreadableImage
        For the reasons of ``decode``, or because the image took more time or memory than
        ``limits`` allow, or broke the decoder.

    Examples
    --------
    >>> decode_apart(b"P5 2 1 255 " + bytes([0, 200]), Limits()).tolist()
    [[[0, 0, 0], [200, 200, 200]]]
    """
    if not SEPARATE:
        return decode(encoded, max_pixels=limits.pixels)
    return _DECODERS.decode(encoded, limits)


class _Decoder:
    """One decoding process and the pipes to and from it."""

    def __init__(self, memory: int) -> None:
        from spolia.sources.decoder_process import PICTURE, REQUEST

        self._request, self._answer = REQUEST, PICTURE
        self.memory = memory
        # -P: a file in the current folder must not be taken for a module. The paths of this
        # process are handed on, so that the child imports what we import.
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
            bufsize=0,
        )
        self._pipes = tuple(one for one in (self._process.stdin, self._process.stdout) if one)
        self._to, self._from = (one.fileno() for one in self._pipes)
        os.set_blocking(self._to, False)
        self._starting = True

    def decode(self, encoded: bytes, limits: Limits) -> UInt8:
        """Return the pixels; whatever else is raised than UnreadableImage, it is to be closed."""
        extra = _SECONDS_TO_START if self._starting else 0.0
        deadline = time.monotonic() + limits.decode_seconds + extra
        self._send(self._request.pack(limits.pixels, len(encoded)), deadline)
        self._send(encoded, deadline)
        found, first, second = self._answer.unpack(self._take(self._answer.size, deadline))
        self._starting = False
        if not found:
            raise UnreadableImage(self._take(first, deadline).decode())
        pixels = self._take(first * second * 3, deadline)
        return np.frombuffer(pixels, dtype=np.uint8).reshape(first, second, 3)

    def _send(self, content: bytes, deadline: float) -> None:
        view = memoryview(content)
        while view:
            _wait(self._to, select.POLLOUT, deadline)
            view = view[os.write(self._to, view) :]

    def _take(self, length: int, deadline: float) -> bytearray:
        content = bytearray(length)
        view = memoryview(content)
        while view:
            _wait(self._from, select.POLLIN, deadline)
            got = os.readv(self._from, [view])
            if not got:
                raise ConnectionError
            view = view[got:]
        return content

    @property
    def started(self) -> bool:
        """Whether it has ever answered."""
        return not self._starting

    def close(self) -> int:
        """End the process and return how it ended: negative by that signal."""
        for one in self._pipes:
            one.close()
        try:
            return self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class _Broken(Exception):
    """A decoder died before it had answered."""

    def __init__(self, ended: int) -> None:
        super().__init__(ended)
        self.ended = ended


class _Decoders:
    """The processes that wait for work; a thread takes one, or starts one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Decoder] = []

    def decode(self, encoded: bytes, limits: Limits) -> UInt8:
        waiting = self._take(limits.decode_memory)
        if waiting is not None:
            try:
                return self._ask(waiting, encoded, limits)
            except _Broken:
                pass  # it may have been dead before: only a new one shows whose fault it was
        fresh = _Decoder(limits.decode_memory)
        try:
            return self._ask(fresh, encoded, limits)
        except _Broken as error:
            if not fresh.started and error.ended > 0:
                raise SpoliaError(
                    f"images are decoded in a process of their own, but {sys.executable} -m "
                    f"{_MODULE} ended at once (exit {error.ended}); is decode_memory too small?"
                ) from None
            raise UnreadableImage(f"broke the decoder ({_ending(error.ended)})") from None

    def _ask(self, decoder: _Decoder, encoded: bytes, limits: Limits) -> UInt8:
        try:
            pixels = decoder.decode(encoded, limits)
        except UnreadableImage:
            self._give(decoder)
            raise
        except TimeoutError:
            decoder.close()
            raise UnreadableImage(f"decoding took longer than {limits.decode_seconds} s") from None
        except OSError:
            raise _Broken(decoder.close()) from None
        except BaseException:  # Ctrl-C amid an answer: what follows would be read as the next one
            decoder.close()
            raise
        self._give(decoder)
        return pixels

    def _take(self, memory: int) -> _Decoder | None:
        with self._lock:
            for place, decoder in enumerate(self._idle):
                if decoder.memory == memory:
                    return self._idle.pop(place)
        return None

    def _give(self, decoder: _Decoder) -> None:
        with self._lock:
            self._idle.append(decoder)

    def close(self) -> None:
        """End the idle processes."""
        with self._lock:
            idle, self._idle = self._idle, []
        for decoder in idle:
            decoder.close()

    def forget(self) -> None:
        """Leave the processes to the one that forked us."""
        self._lock = threading.Lock()
        self._idle = []


def _wait(pipe: int, event: int, deadline: float) -> None:
    """Wait until a pipe is ready, or the time is over."""
    ready = select.poll()
    ready.register(pipe, event)
    if not ready.poll(max(deadline - time.monotonic(), 0.0) * 1000.0):
        raise TimeoutError


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"


_DECODERS = _Decoders()
atexit.register(_DECODERS.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_DECODERS.forget)
