"""A process that turns bytes into RGB and can do nothing else: run by `spolia.sources.apart`.

::

    socket ──> <Q pixel limit> <Q length> <length bytes> ──> decode ──┐
    socket <── <B 1> <I h> <I w> <h * w * 3 bytes>   or               │
               <B 0> <I length> <reason in UTF-8>  <──────────────────┘
"""

import resource
import socket
import struct
import sys

from spolia.core.errors import UnreadableImage
from spolia.sources.decode import decode

REQUEST = struct.Struct("<QQ")
"""Most pixels, and bytes that follow."""
PICTURE = struct.Struct("<BII")
"""1, height and width; the pixels follow."""
REFUSAL = struct.Struct("<BII")
"""0, and bytes of the reason that follows; the last number is 0."""


def receive(channel: socket.socket, length: int) -> bytearray | None:
    """Return the next ``length`` bytes; ``None`` where the other side has closed."""
    content = bytearray(length)
    view = memoryview(content)
    while view:
        got = channel.recv_into(view)
        if not got:
            return None
        view = view[got:]
    return content


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file


def _serve(channel: socket.socket) -> None:
    while (request := receive(channel, REQUEST.size)) is not None:
        most, length = REQUEST.unpack(request)
        try:
            encoded = receive(channel, length)
            if encoded is None:
                return
            pixels = decode(bytes(encoded), max_pixels=most)
        except (UnreadableImage, MemoryError) as error:
            reason = (str(error) or "not enough memory").encode()
            channel.sendall(REFUSAL.pack(0, len(reason), 0) + reason)
        else:
            channel.sendall(PICTURE.pack(1, *pixels.shape[:2]))
            channel.sendall(pixels.data.cast("B"))


def main() -> None:
    """Serve the socket whose number is the first argument; the second is the memory."""
    _limit(int(sys.argv[2]))
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        _serve(channel)


if __name__ == "__main__":
    main()
