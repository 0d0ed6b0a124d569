"""Laws of the readers of sets, for the right ones and for wrong ones."""

import io
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from spolia.sources.limits import Limits
from spolia.sources.pieces import PiecesFile
from spolia.sources.recordio import Record
from spolia.sources.tar_index import Member
from tests.recordio import MAGIC, framed

PAYLOADS = [bytes([n]) * (40 + n) for n in range(1, 6)]

Scan = Callable[[PiecesFile], Iterable[Record]]
ReadRecord = Callable[[PiecesFile, int, int, Limits], bytes]
MembersOf = Callable[[PiecesFile], Iterable[Member]]


def _file(folder: Path, content: bytes) -> PiecesFile:
    path = folder / "set"
    path.write_bytes(content)
    return PiecesFile(str(path), "a set")


def law_a_damaged_record_costs_no_other_and_is_said(scan: Scan, folder: Path) -> None:
    pieces = [framed(one) for one in PAYLOADS]
    starts = np.cumsum([0, *map(len, pieces)]).tolist()
    for broken in range(5):
        content = bytearray(b"".join(pieces))
        content[starts[broken]] ^= 1
        found = list(scan(_file(folder, bytes(content))))
        assert [record.offset for record in found] == starts[:5]
        assert [record.wrong is not None for record in found] == [n == broken for n in range(5)]


def law_a_payload_comes_back_whatever_it_holds(read: ReadRecord, folder: Path) -> None:
    for payload in (*PAYLOADS, MAGIC, MAGIC * 3, b"1234" + MAGIC + b"5", b"123" + MAGIC, b""):
        file = _file(folder, framed(payload) + framed(b"next"))
        assert read(file, 0, file.size, Limits()) == payload


def tar_with(folder: Path, *, sizes: dict[str, bytes] | None = None) -> PiecesFile:
    """A tar of three files, in whose headers the sizes are forged."""
    stored = io.BytesIO()
    with tarfile.open(fileobj=stored, mode="w") as archive:
        for name in "abc":
            member = tarfile.TarInfo(name)
            member.size = 700
            archive.addfile(member, io.BytesIO(name.encode() * 700))
    content = bytearray(stored.getvalue())
    for name, size in (sizes or {}).items():
        start = "abc".index(name) * 1536
        content[start + 124 : start + 136] = size
        content[start + 148 : start + 156] = b" " * 8
        content[start + 148 : start + 156] = b"%06o\0 " % sum(content[start : start + 512])
    return _file(folder, bytes(content))


def law_a_forged_size_hides_no_member(members_of: MembersOf, folder: Path) -> None:
    found = list(members_of(tar_with(folder, sizes={"b": b"77777777777\0"})))
    assert [member.name for member in found] == ["a", "b", "c"]
    assert [member.wrong is None for member in found] == [True, False, True]


def law_a_damaged_header_costs_no_other_member_and_is_said(
    members_of: MembersOf, folder: Path
) -> None:
    file = tar_with(folder)
    content = bytearray(file.read(0, file.size))
    content[1536 + 5] ^= 1
    found = list(members_of(_file(folder, bytes(content))))
    assert [member.name for member in found if member.wrong is None] == ["a", "c"]
    assert [member.start for member in found if member.wrong is not None] == [1536]
