"""A file that is read in pieces, from several threads at once."""

import os

from spolia.core.errors import UnreadableImage, UsageError
from spolia.sources.decode import reason_of


class PiecesFile:
    """A file held open for reading pieces of it; closed when nothing refers to it any more."""

    def __init__(self, path: str, wanted: str) -> None:
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
            self.size = os.fstat(self._descriptor).st_size
            os.pread(self._descriptor, 1, 0)  # a folder opens, and fails here
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{wanted} is wanted, but {path!r} cannot be read ({reason_of(error)}); "
                "check the path"
            ) from error

    def read(self, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start``; fewer at the end of the file.

        Raises
        ------
        UnreadableImage
            If the system fails to read.
        """
        try:
            return os.pread(self._descriptor or 0, length, start)
        except (OSError, MemoryError, OverflowError) as error:
            raise UnreadableImage(reason_of(error)) from error

    def check_as_long(self) -> None:
        """Raise if the file has become shorter: reading a map past its end ends the program.

        Raises
        ------
        UnreadableImage
            If it has.
        """
        if os.fstat(self._descriptor or 0).st_size < self.size:
            raise UnreadableImage("file that was cut short since it was opened")

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
