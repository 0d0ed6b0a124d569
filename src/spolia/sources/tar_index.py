"""Where each member of an uncompressed tar lies. Nothing is extracted, and no name reaches a path.

A member is a header of 512 bytes (POSIX.1-2001 pax, ustar, GNU and older), then its content, padded
to 512. Long names come in a member of their own before it (GNU ``L``) or as pax records (``x``).

Untrusted: what is damaged is said with its offset, and reading goes on at the next header.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from spolia.core.errors import UnreadableImage
from spolia.sources.pieces import PiecesFile

_BLOCK = 512
_CHUNK = 1 << 20
_FILE, _FOLDER, _LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"0\0007", b"5", b"L", b"K", b"x", b"g"
_KINDS = {b"1": "hard link", b"2": "link", b"3": "device", b"4": "device", b"6": "named pipe"}
_SUM_STARTS = tuple(b"%c" % one for one in b" 01234567")
_SPARSE = "sparse member"
_MOST_EXTENSION = 1 << 20


@dataclass(frozen=True)
class Member:
    """A member of a tar."""

    name: str
    start: int
    """Where its content begins."""
    size: int
    wrong: str | None = None
    """Why it is no file that can be read, if so."""
    is_folder: bool = False


@dataclass
class _Ahead:
    """What extension headers say of the next member."""

    name: str | None = None
    size: int | None = None
    sparse: bool = False
    wrong: str | None = None


@dataclass
class _Reader:
    file: PiecesFile
    ahead: _Ahead = field(default_factory=_Ahead)


def members_of(file: PiecesFile) -> Iterator[Member]:
    """Yield every member in order, also those after an end mark, and the damaged ones."""
    reader, at = _Reader(file), 0
    while at < file.size:
        header = file.read(at, _BLOCK)
        if not any(header):
            at = _after_zeros(file, at)
            continue
        if not _is_header(header) or _is_cut_extension(header, at, file.size):
            after = _next_header(file, at + _BLOCK)
            yield Member(nameless(at), at, 0, _gap(at, after, file.size))
            reader.ahead, at = _Ahead(), after
            continue
        member, at = _member(reader, header, at)
        if member is not None:
            yield member
            reader.ahead = _Ahead()


def _member(reader: _Reader, header: bytes, at: int) -> tuple[Member | None, int]:
    """Return the member of a header, None for an extension, and where the next header is."""
    kind, start, ahead = header[156:157], at + _BLOCK, reader.ahead
    size = _number(header[124:136])
    if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
        _extend(reader, kind, start, size)
        return None, start + _padded(size)
    size = size if ahead.size is None else ahead.size
    name = _name(header) if ahead.name is None else ahead.name
    if ahead.wrong is not None:
        name = nameless(at)
    is_folder = kind == _FOLDER or (kind == b"\0" and name.endswith("/"))
    if kind in _KINDS or is_folder:
        # A header of these may claim a size; no content follows but for what some pax writers do.
        return Member(name, start, 0, _KINDS.get(kind), is_folder), start
    wrong = ahead.wrong
    if kind == b"S" or ahead.sparse:
        wrong = _SPARSE
    elif kind not in (b"0", b"\0", b"7"):
        wrong = f"member of unknown type {kind!r}"
    if start + size > reader.file.size:
        wrong = f"truncated: {reader.file.size - start:,} of {size:,} bytes are there"
        # A forged size must not hide what follows.
        return Member(name, start, size, wrong), _next_header(reader.file, start)
    return Member(name, start, size, wrong), _end_of(reader.file, header, start, size)


def _end_of(file: PiecesFile, header: bytes, start: int, size: int) -> int:
    """Return where the next header is; old GNU sparse maps may go on after the header."""
    if header[156:157] == b"S" and header[482]:
        while start < file.size:
            block = file.read(start, _BLOCK)
            start += _BLOCK
            if len(block) < _BLOCK or not block[504]:
                break
    return start + _padded(size)


def _extend(reader: _Reader, kind: bytes, start: int, size: int) -> None:
    if kind in (_LONG_LINK, _PAX_GLOBAL):
        return
    content = reader.file.read(start, min(size, _MOST_EXTENSION))
    if len(content) < size:
        reader.ahead.wrong = f"name or attributes of {size:,} bytes"
    elif kind == _LONG_NAME:
        reader.ahead.name = _text(content.partition(b"\0")[0])
    else:
        _read_pax(content, reader.ahead)


def _read_pax(content: bytes, ahead: _Ahead) -> None:
    """Read records ``LENGTH KEY=VALUE`` and a line feed; LENGTH counts the whole record."""
    at = 0
    while at < len(content):
        length, space, _ = content[at : at + 20].partition(b" ")
        end = at + int(length) if space and length.isdigit() else at
        record = content[at + len(length) + 1 : end - 1]
        if end <= at + len(length) + 1 or end > len(content):
            ahead.wrong = "broken attributes"
            return
        key, _, value = record.partition(b"=")
        if key == b"path":
            ahead.name = _text(value)
        elif key == b"size":
            ahead.size = int(value) if value.isdigit() and len(value) < 19 else None
        elif key.startswith(b"GNU.sparse."):
            ahead.sparse = True
        at = end


def _is_cut_extension(header: bytes, at: int, size: int) -> bool:
    is_extension = header[156:157] in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL)
    return is_extension and at + _BLOCK + _number(header[124:136]) > size


def _is_header(block: bytes) -> bool:
    if len(block) < _BLOCK:
        return False
    claimed = block[148:156].strip(b" \0")
    if not claimed or claimed.translate(None, b"01234567"):
        return False
    # The sum is over the header with blanks in the place of the sum.
    return int(claimed, 8) == sum(block) - sum(block[148:156]) + 8 * 32


def _number(text: bytes) -> int:
    """Return a number in octal, or in base 256 where the first bit is set."""
    if text[0] & 0x80:
        return int.from_bytes(text[1:], "big") if text[0] == 0x80 else 0
    digits = text.split(b"\0")[0].strip()
    return int(digits, 8) if digits and not digits.translate(None, b"01234567") else 0


def _name(header: bytes) -> str:
    name = header[:100].partition(b"\0")[0]
    # Old GNU archives put times where ustar puts the front of a long name.
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name)


def _text(name: bytes) -> str:
    """Return a name; ``tar -C FOLDER .`` puts ``./`` in front of all."""
    text = name.decode("utf-8", "backslashreplace")
    return text.removeprefix("./") or text


def _padded(size: int) -> int:
    return size + -size % _BLOCK


def _after_zeros(file: PiecesFile, at: int) -> int:
    """Return the first block from ``at`` on that holds anything, or the end."""
    while at < file.size:
        chunk = file.read(at, _CHUNK)
        left = len(chunk.lstrip(b"\0"))
        if left or not chunk:
            found = at + len(chunk) - left
            return found - found % _BLOCK if chunk else file.size
        at += len(chunk)
    return file.size


def _next_header(file: PiecesFile, at: int) -> int:
    """Return where the next header is on a multiple of 512 from ``at`` on, or the end."""
    while at < file.size:
        chunk = file.read(at, _CHUNK)
        for start in range(0, len(chunk), _BLOCK):
            block = chunk[start : start + _BLOCK]
            if block[148:149] in _SUM_STARTS and _is_header(block):
                return at + start
        if not chunk:
            break
        at += _CHUNK
    return file.size


def _gap(at: int, after: int, size: int) -> str:
    if after == size:
        return f"no header at offset {at:,}, and none after it"
    return f"no header at offset {at:,}; reading goes on at {after:,}"


def nameless(offset: int) -> str:
    """Return what stands for a name that is lost.

    >>> nameless(512)
    '@512'
    """
    return f"@{offset}"


def read_member(file: PiecesFile, member: Member, most: int) -> bytes:
    """Return the content of a member.

    Raises
    ------
    UnreadableImage
        If it is no file, damaged, or larger than ``most`` bytes.
    """
    if member.wrong is not None:
        raise UnreadableImage(member.wrong)
    if member.size > most:
        raise UnreadableImage(f"file larger than {most:,} bytes")
    content = file.read(member.start, member.size)
    if len(content) < member.size:
        raise UnreadableImage("truncated")
    return content
