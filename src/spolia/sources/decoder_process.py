"""A process that turns bytes into RGB and can do nothing else: run by `spolia.sources.apart`.

::

    stdin  ──> <Q pixel limit> <Q n> <n lengths, Q> <the n files> ──> decode, one by one ──┐
    stdout <── n times: <B 1> <I h> <I w> <h * w * 3 bytes>   or                           │
                        <B 0> <I length> <I 0> <reason in UTF-8>  <────────────────────────┘

All files are read before the first is decoded, and answers are written as they come: so whoever
asks can send without listening, and has his answers decoded ahead while he works.
"""

import os
import resource
import struct
import sys
from contextlib import suppress
from io import FileIO

from spolia.core.errors import UnreadableImage
from spolia.sources.decode import decode

REQUEST = struct.Struct("<QQ")
"""Most pixels, and how many files follow."""
PICTURE = struct.Struct("<BII")
"""1, height and width; the pixels follow."""
REFUSAL = PICTURE
"""0, bytes of the reason that follows, and 0."""


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file


def lengths_of(n: int) -> struct.Struct:
    """Return how the lengths of ``n`` files are written."""
    return struct.Struct(f"<{n}Q")


def _receive(source: FileIO, length: int) -> bytes:
    content = bytearray(length)
    view = memoryview(content)
    while view:
        got = source.readinto(view)
        if not got:
            raise EOFError
        view = view[got:]
    return bytes(content)


def _send(target: FileIO, content: memoryview) -> None:
    while content:
        content = content[target.write(content) :]


def _serve(source: FileIO, target: FileIO) -> None:
    while True:
        most, n = REQUEST.unpack(_receive(source, REQUEST.size))
        lengths = lengths_of(n)
        sizes = lengths.unpack(_receive(source, lengths.size))
        for encoded in [_receive(source, size) for size in sizes]:
            _answer(target, encoded, most)


def _answer(target: FileIO, encoded: bytes, most: int) -> None:
    try:
        pixels = decode(encoded, max_pixels=most)
    except (UnreadableImage, MemoryError) as error:
        reason = (str(error) or "not enough memory").encode()
        _send(target, memoryview(REFUSAL.pack(0, len(reason), 0) + reason))
    else:
        _send(target, memoryview(PICTURE.pack(1, *pixels.shape[:2])))
        _send(target, pixels.data.cast("B"))


def main() -> None:
    """Serve standard input; the first argument is the memory."""
    _limit(int(sys.argv[1]))
    # Whatever a library prints must not get among the answers.
    answers = os.dup(1)
    os.dup2(2, 1)
    with FileIO(0, "rb") as source, FileIO(answers, "wb") as target, suppress(EOFError):
        _serve(source, target)


if __name__ == "__main__":
    main()
