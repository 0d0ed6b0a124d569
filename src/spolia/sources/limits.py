"""How much a set may ask of the machine: what is above is refused, before memory is set aside."""

import difflib
from dataclasses import dataclass, fields, replace

from spolia.core.errors import UsageError


@dataclass(frozen=True)
class Limits:
    """The most that one record, or one container, may hold or cost."""

    pixels: int = 89_478_485
    """Of one image; 256 MiB of 24-bit RGB, Pillow's own limit."""
    encoded_bytes: int = 256 << 20
    """Of one encoded image."""
    entries: int = 50_000_000
    """Members of an archive, rows of a table, records of a list."""
    ratio: int = 1100
    """Bytes that one stored byte may become; deflate cannot shrink by more than 1032."""
    batch_rows: int = 16
    """Rows of a table of images that are unpacked at a time."""
    decode_seconds: float = 60
    """For one image."""
    decode_memory: int = 4 << 30
    """Address space of a process that decodes, in bytes."""


def parse_limits(texts: tuple[str, ...], limits: Limits = Limits()) -> Limits:
    """Return ``limits`` with what ``NAME=NUMBER`` says.

    Raises
    ------
    UsageError
        If a limit is unknown or not a whole number from 1 up.

    Examples
    --------
    >>> parse_limits(("pixels=1000000",)).pixels
    1000000
    >>> parse_limits(("pixel=5",))
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: a limit must be one of pixels, encoded_bytes, entries, ratio,
    batch_rows, decode_seconds, decode_memory, but is 'pixel'; did you mean 'pixels'?
    """
    known = [one.name for one in fields(Limits)]
    for text in texts:
        name, _, value = text.partition("=")
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"a limit must be one of {', '.join(known)}, but is {name!r}"
                + (f"; did you mean {close[0]!r}?" if close else "")
            )
        if not value.isdecimal() or int(value) < 1:
            raise UsageError(
                f"a limit must look like {name}=NUMBER, a whole number from 1 up, but is {text!r}"
            )
        limits = replace(limits, **{name: int(value)})
    return limits


def unusual(limits: Limits) -> tuple[str, ...]:
    """Return the limits that are not the usual ones, as `parse_limits` takes them.

    >>> unusual(Limits(pixels=5))
    ('pixels=5',)
    """
    return tuple(
        f"{one.name}={getattr(limits, one.name)}"
        for one in fields(Limits)
        if getattr(limits, one.name) != one.default
    )


def check_entries(uri: str, entries: int, limits: Limits) -> None:
    """Raise if a container has more entries than may be listed."""
    if entries > limits.entries:
        raise UsageError(
            f"a set may have {limits.entries:,} entries, but {uri!r} has {entries:,}; "
            "raise the limit `entries` if it is as it should be"
        )
