"""Decoding apart: a file that hangs, crashes or devours memory costs one process, and no run.

Image libraries are large programs in C, and what a set holds may have been made to break them. So
bytes are decoded in processes of their own, one for every thread that asks at the same time, with
a limit on memory and on time. A process that dies or takes too long is replaced, and the image
that did it is unreadable, with that reason.

Small files go several at a time: the process decodes ahead, as far as its pipe holds the pixels,
while the thread works on the image before. Where one breaks it, the others are asked for again.

Cost: a round trip through pipes and one copy of the pixels, .2 ms alone and less than half of it
among several; .2 s at the start.
"""

import atexit
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate

import numpy as np

from spolia.core.errors import SpoliaError, UnreadableImage
from spolia.sources.decode import decode
from spolia.sources.limits import Limits
from spolia.sources.source import Found, UInt8

SEPARATE = os.name == "posix"
"""Whether images are decoded in processes of their own here; elsewhere, in this one."""

TOGETHER = 256 << 10
"""Bytes of the files that are asked for at once; a larger file goes alone."""

_SECONDS_TO_START = 60.0
_SECONDS_TO_DIE = 10.0
_MODULE = "spolia.sources.decoder_process"
_PIPE = 1 << 20
"""Bytes of pixels that may wait for the thread, where the system allows so many."""


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
    (found,) = decode_each([encoded], limits)
    if isinstance(found, UnreadableImage):
        raise found
    return found


def decode_each(several: Sequence[bytes], limits: Limits) -> Iterator[Found]:
    """Yield several images in order, each as `decode_apart` returns it, or why it cannot be read.

    Each has the whole time and memory of ``limits``, and what one does, no other suffers from.

    Examples
    --------
    >>> list(decode_each([b"P5 1 1 255 " + bytes([7]), b""], Limits()))
    [array([[[7, 7, 7]]], dtype=uint8), UnreadableImage('empty file')]
    """
    return _DECODERS.decode_each(several, limits) if SEPARATE else _decoded_here(several, limits)


def _decoded_here(several: Sequence[bytes], limits: Limits) -> Iterator[Found]:
    for encoded in several:
        try:
            yield decode(encoded, max_pixels=limits.pixels)
        except UnreadableImage as error:
            yield error


class _Decoder:
    """One decoding process and the pipes to and from it."""

    def __init__(self, memory: int) -> None:
        from spolia.sources.decoder_process import PICTURE, REQUEST, lengths_of

        self._request, self._lengths, self._answer = REQUEST, lengths_of, PICTURE
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
        os.set_blocking(self._from, False)
        _widen(self._from)
        self._starting = True

    def ask(self, several: Sequence[bytes], limits: Limits) -> None:
        """Send files; `take` has to be called for each."""
        deadline = self._deadline(limits)
        sizes = [len(one) for one in several]
        lengths = self._lengths(len(sizes)).pack(*sizes)
        # It reads them all before it answers, so neither waits for the other.
        self._send(self._request.pack(limits.pixels, len(sizes)) + lengths, deadline)
        # One write is one waking; a file that is alone may be large, and is not copied.
        self._send(several[0] if len(several) == 1 else b"".join(several), deadline)

    def take(self, limits: Limits) -> Found:
        """Return the next picture; whatever is raised, this decoder is to be closed.

        Raises
        ------
        TimeoutError
            If it has not come in time, which begins now.
        OSError
            If the process died, or answers nonsense.
        """
        deadline = self._deadline(limits)
        found, first, second = self._answer.unpack(self._receive(self._answer.size, deadline))
        self._starting = False
        if not found:
            return UnreadableImage(self._receive(first, deadline).decode(errors="replace"))
        if first * second > limits.pixels:
            raise ConnectionError
        pixels = self._receive(first * second * 3, deadline)
        return np.frombuffer(pixels, dtype=np.uint8).reshape(first, second, 3)

    def _deadline(self, limits: Limits) -> float:
        extra = _SECONDS_TO_START if self._starting else 0.0
        return time.monotonic() + limits.decode_seconds + extra

    def _send(self, content: bytes, deadline: float) -> None:
        view = memoryview(content)
        while view:
            try:
                view = view[os.write(self._to, view) :]
            except BlockingIOError:
                _wait(self._to, select.POLLOUT, deadline)

    def _receive(self, length: int, deadline: float) -> bytearray:
        content = bytearray(length)
        view = memoryview(content)
        while view:
            try:
                got = os.readv(self._from, [view])
            except BlockingIOError:
                _wait(self._from, select.POLLIN, deadline)
                continue
            if not got:
                raise ConnectionError
            view = view[got:]
        return content

    @property
    def started(self) -> bool:
        """Whether it has ever answered."""
        return not self._starting

    def close(self, patience: float = 0.2) -> int:
        """End the process and return how it ended: negative by that signal.

        It is given ``patience`` seconds to end by itself: what it has to say of its own death, a
        signal of ours would hide.
        """
        for one in self._pipes:
            one.close()
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class _Decoders:
    """The processes that wait for work; a thread takes one, or starts one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Decoder] = []

    def decode_each(self, several: Sequence[bytes], limits: Limits) -> Iterator[Found]:
        done = 0
        while done < len(several):
            done += yield from self._some(several[done:], limits)

    def _some(self, several: Sequence[bytes], limits: Limits) -> Generator[Found, None, int]:
        """Yield the pictures of the first files, as far as one process gets; return how many."""
        asked = several[: _at_once(several)]
        decoder = self._waiting(limits.decode_memory) or _Decoder(limits.decode_memory)
        number, owes, too_slow = 1, True, False
        try:
            decoder.ask(asked, limits)
            for number in range(1, len(asked) + 1):
                found = decoder.take(limits)
                if number == len(asked):
                    owes = False
                    self._give(decoder)
                yield found
            return number
        except TimeoutError:
            too_slow = True
        except OSError:
            pass  # it may have been dead before, or hurt by a file before: see below
        finally:
            # Also where the caller wants no more: what is to come would be read as other answers.
            if owes:
                decoder.close()
        yield _too_slow(limits) if too_slow else self._alone(asked[number - 1], limits)
        return number

    def _alone(self, encoded: bytes, limits: Limits) -> Found:
        """Return an image from a new process: only that shows whose fault it was."""
        decoder = _Decoder(limits.decode_memory)
        try:
            decoder.ask([encoded], limits)
            found = decoder.take(limits)
        except TimeoutError:
            decoder.close()
            return _too_slow(limits)
        except OSError:
            return _broken(decoder.started, decoder.close(_SECONDS_TO_DIE))
        except BaseException:  # Ctrl-C amid an answer
            decoder.close()
            raise
        self._give(decoder)
        return found

    def _waiting(self, memory: int) -> _Decoder | None:
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


def _at_once(several: Sequence[bytes]) -> int:
    """Return how many of the first files are asked for together; one at least."""
    ends = accumulate(len(one) for one in several)
    return max(1, sum(end <= TOGETHER for end in ends))


def _wait(pipe: int, event: int, deadline: float) -> None:
    """Wait until a pipe is ready, or the time is over."""
    ready = select.poll()
    ready.register(pipe, event)
    if not ready.poll(max(deadline - time.monotonic(), 0.0) * 1000.0):
        raise TimeoutError


def _widen(pipe: int) -> None:
    """Let a pipe hold more, where the system can and lets us."""
    import fcntl

    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # a user may have so much in pipes, and no more
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


def _too_slow(limits: Limits) -> UnreadableImage:
    return UnreadableImage(f"decoding took longer than {limits.decode_seconds} s")


def _broken(started: bool, ended: int) -> UnreadableImage:
    """Return what is wrong with an image that broke a new process.

    Raises
    ------
    SpoliaError
        If no image would have done better.
    """
    if not started and ended > 0:
        raise SpoliaError(
            f"images are decoded in a process of their own, but {sys.executable} -m "
            f"{_MODULE} ended at once (exit {ended}); is decode_memory too small?"
        )
    return UnreadableImage(f"broke the decoder ({_ending(ended)})")


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"


_DECODERS = _Decoders()
atexit.register(_DECODERS.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_DECODERS.forget)
