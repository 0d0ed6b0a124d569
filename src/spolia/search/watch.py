"""Notices files that change while their rows are read."""

from pathlib import Path

from spolia.core.errors import InputChanged
from spolia.core.rows import files_of
from spolia.core.types import Rows

_State = tuple[int, int, int, int]


class Watch:
    """The files behind ``rows``, as they were when the watch began.

    A memory-map shows what its file holds now, not what it held at first: a result computed while
    somebody writes to it would be of neither version. The watch compares size, time of the last
    change (to the tick of the file system's clock), inode and device. It does not see who writes
    to a file that had no name any more when the watch began.

    Parameters
    ----------
    rows
        The sides of a join; those without files are never found changed.

    Examples
    --------
    >>> import numpy as np
    >>> watch = Watch(np.eye(2, dtype=np.float32))
    >>> watch.check()
    """

    def __init__(self, *rows: Rows) -> None:
        states = {path: _state(path) for one in rows for path in files_of(one)}
        self._states = {path: state for path, state in states.items() if state is not None}

    def check(self) -> None:
        """Compare the files with what they were.

        Raises
        ------
        InputChanged
            Names the first file that changed or is gone, and says what changed.
        """
        for path, before in self._states.items():
            now = _state(path)
            if now != before:
                raise InputChanged(
                    f"{path} must stay as it is while its rows are compared, but "
                    f"{_change(before, now)}; join again when nothing writes to it"
                )


def _state(path: Path) -> _State | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev


def _change(before: _State, now: _State | None) -> str:
    if now is None:
        return "it is gone"
    if now[2:] != before[2:]:
        return "another file took its place"
    if now[0] != before[0]:
        return f"its size went from {before[0]:,} to {now[0]:,} bytes"
    return "it was written to"
