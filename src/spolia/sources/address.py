r"""How a set is written: where it lies, which part of it is meant, and several sets as one.

::

    SET     = PART [+ PART ...]          several sets as one
    PART    = [FORMAT:]PLACE[@FILE ...]  FILE: a mask of records (.npy, .txt) or captions (.json)
    PLACE   = PATH[#KEY]                 KEY: an array, a column, a split, a size, a pattern
    PATH    may hold one {000..012}      shards

What exists under the whole name is that, whatever marks the name holds.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from spolia.core.errors import UsageError

FORMATS = (
    "folder",
    "zip",
    "npy",
    "npz",
    "list",
    "rec",
    "tar",
    "parquet",
    "arrow",
    "lmdb",
    "strips",
)

_SIDE_FILES = (".npy", ".txt", ".json")
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
_MOST_SHARDS = 100_000
_REMOTE = re.compile(r"[a-z][a-z0-9.-]+://", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """One part of an address; see the module."""

    format: str | None
    place: str
    files: tuple[str, ...] = ()
    """Masks and captions, in the order written."""


def split_key(uri: str) -> tuple[str, str | None]:
    """Return the path and the key of ``PATH#KEY``; the key is None where there is none.

    >>> split_key("digits.npz#x_train"), split_key("digits.npz")
    (('digits.npz', 'x_train'), ('digits.npz', None))
    """
    if is_there(uri):
        return uri, None
    # The longest path that exists: a key may be a pattern with the mark in it.
    marks = [match.start() for match in re.finditer("#", uri)]
    for at in reversed(marks):
        if is_there(uri[:at]):
            return uri[:at], uri[at + 1 :]
    return (uri[: marks[0]], uri[marks[0] + 1 :]) if marks else (uri, None)


def parse_address(text: str) -> tuple[Part, ...]:
    """Return the parts of an address, in order.

    >>> parse_address("strips:faces/@mask.npy")
    (Part(format='strips', place='faces/', files=('mask.npy',)),)
    """
    if is_there(text):
        return (Part(None, text),)
    pieces = text.split("+")
    if not any(_leads_somewhere(piece) for piece in pieces):
        return (_part(text),)
    parts = []
    while pieces:
        n = _pieces_of_first(pieces)
        parts.append(_part("+".join(pieces[:n])))
        pieces = pieces[n:]
    return tuple(parts)


def absolute_address(text: str) -> str:
    """Return an address that means the same from every folder.

    >>> absolute_address("/sets/a.zip@/sets/mask.npy")
    '/sets/a.zip@/sets/mask.npy'
    """
    return "+".join(_absolute(part) for part in parse_address(text))


def paths_in(text: str) -> tuple[str, ...]:
    """Return every file and folder that an address names.

    >>> paths_in("/sets/a.npz#x@/sets/mask.npy")
    ('/sets/a.npz', '/sets/mask.npy')
    """
    return tuple(
        path
        for part in parse_address(text)
        for path in (*shards_of(split_key(part.place)[0]), *part.files)
    )


def shards_of(path: str) -> tuple[str, ...]:
    """Return the files that ``{FIRST..LAST}`` in a path stands for.

    Raises
    ------
    UsageError
        If it counts down, or stands for too many.

    Examples
    --------
    >>> shards_of("shard-{08..10}.tar")
    ('shard-08.tar', 'shard-09.tar', 'shard-10.tar')
    """
    match = _BRACES.search(path)
    if match is None or is_there(path):
        return (path,)
    first, last = int(match[1]), int(match[2])
    if not 0 <= last - first < _MOST_SHARDS:
        raise UsageError(
            f"shards must be {{FIRST..LAST}} and count up by at most {_MOST_SHARDS:,}, but "
            f"{path!r} says {match[0]}; correct it"
        )
    rest = path[match.end() :]
    head = path[: match.start()]
    return tuple(f"{head}{n:0{len(match[1])}d}{rest}" for n in range(first, last + 1))


def is_remote(place: str) -> bool:
    """Tell whether a place is an address that only fsspec knows.

    >>> is_remote("s3://bucket/a.tar"), is_remote("sets/a.tar")
    (True, False)
    """
    return _REMOTE.match(place) is not None and not is_there(place)


def is_there(path: str) -> bool:
    """Whether there is anything at a path; a text that no path can be is none."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _pieces_of_first(pieces: list[str]) -> int:
    """Return how many of the pieces between plus signs are the first part.

    The longest path that exists; else the shortest key after which another part begins.
    """
    n = len(pieces)
    firsts = {taken: "+".join(pieces[:taken]) for taken in range(1, n + 1)}
    whole = [taken for taken, text in firsts.items() if is_there(shards_of(_part(text).place)[0])]
    if whole:
        return max(whole)
    keyed = (
        taken
        for taken, text in firsts.items()
        if _leads_somewhere(text) and (taken == n or _leads_somewhere(pieces[taken]))
    )
    return next(keyed, 1)


def _leads_somewhere(piece: str) -> bool:
    path = shards_of(split_key(_part(piece).place)[0])[0]
    return is_remote(path) or (bool(path) and is_there(path))


def _part(text: str) -> Part:
    name, colon, rest = text.partition(":")
    known = bool(colon) and name in FORMATS and not is_there(text)
    place = rest if known else text
    files: list[str] = []
    while not is_there(place):
        left, mark, right = place.rpartition("@")
        if not mark or not left or not right.lower().endswith(_SIDE_FILES):
            break
        place = left
        files.insert(0, right)
    return Part(name if known else None, place, tuple(files))


def _absolute(part: Part) -> str:
    path, key = split_key(part.place)
    words = "" if part.format is None else f"{part.format}:"
    words += path if is_remote(path) else str(Path(path).absolute())
    words += "" if key is None else f"#{key}"
    return words + "".join(f"@{Path(file).absolute()}" for file in part.files)
