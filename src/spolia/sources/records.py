"""Images in MXNet RecordIO: ``.rec``, with the ``.idx`` and the list that may lie beside it."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spolia.core.errors import UnreadableImage, UsageError
from spolia.core.progress import Progress
from spolia.sources.columns import read_lines
from spolia.sources.encoded import EncodedSource
from spolia.sources.identities import identities_around
from spolia.sources.joined import first_twice
from spolia.sources.limits import Limits, check_entries
from spolia.sources.pieces import PiecesFile
from spolia.sources.recordio import Record, read_record, scan
from spolia.sources.recordio_head import Head, bytes_needed, head_of, label_text


def open_rec(uri: str, *, identities: str, limits: Limits, progress: Progress) -> EncodedSource:
    """List the records of a ``.rec`` in the file's order; the ids are the record keys.

    The keys come from the ``.idx`` beside it; without one they are the numbers of the records, from
    0. Identities are the records' first labels. A list beside it (``.lst`` of the same name, or
    ``list.txt``) gives a column ``path``, which the rules ``folder`` and ``regex`` then read. What
    is damaged, or named by the index and not there, is listed as unreadable, with its offset.

    Raises
    ------
    UsageError
        If the file cannot be read or holds no record, or its index or list belongs to another.
    """
    file = PiecesFile(uri, "a .rec of MXNet RecordIO")
    found = _scanned(uri, file, limits)
    keys = _read_index(Path(uri))
    if keys is not None:
        _take_keys(uri, found, keys)
    if len(found.wrong) == len(found.ids):
        reason = next(iter(found.wrong.values()), "it is empty" if file.size == 0 else "")
        raise UsageError(
            f"a .rec with images is wanted, but {uri!r} holds none ({found.notes:,} records "
            f"without an image{'; ' if reason else ''}{reason}); check the path"
        )
    ids, paths = tuple(found.ids), _read_paths(uri, found)
    _check_distinct(uri, ids)
    labels = tuple(map(label_text, found.labels))
    people = identities_around(paths or ids, labels, identities, found.wrong)
    offsets, wrong = np.array(found.offsets, np.int64), found.wrong

    def read(index: int) -> bytes:
        if index in wrong:
            raise UnreadableImage(wrong[index])
        payload = read_record(file, int(offsets[index]), limits)
        head = head_of(payload, len(payload))
        if head is None:
            raise UnreadableImage("record without a header")
        return payload[head.start :]

    columns = {} if paths is None else {"path": paths}
    return EncodedSource(uri, ids, people, found.notes, read, progress, limits, columns)


@dataclass
class _Found:
    """The records of a file that are to be images: an element of each list for each."""

    ids: list[str] = field(default_factory=list)
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    labels: "array[float]" = field(default_factory=lambda: array("d"))
    wrong: dict[int, str] = field(default_factory=dict)
    """Why a record cannot be read, by its place in the lists."""
    note_offsets: list[int] = field(default_factory=list)

    @property
    def notes(self) -> int:
        return len(self.note_offsets)

    def add(self, name: str, offset: int, label: float, wrong: str | None) -> None:
        if wrong is not None:
            self.wrong[len(self.ids)] = wrong
        self.ids.append(name)
        self.offsets.append(offset)
        self.labels.append(label)


def _scanned(uri: str, file: PiecesFile, limits: Limits) -> _Found:
    found = _Found()
    for number, record in enumerate(scan(file)):
        check_entries(uri, number + 1, limits)
        head, wrong = _head(file, record, limits)
        if head is not None and head.is_note:
            found.note_offsets.append(record.offset)
        else:
            found.add(str(number), record.offset, 0.0 if head is None else head.label, wrong)
    return found


def _head(file: PiecesFile, record: Record, limits: Limits) -> tuple[Head | None, str | None]:
    """Return the header of a record, or why there is none."""
    if record.wrong is not None:
        return None, record.wrong
    front = record.front
    try:
        if len(front) < bytes_needed(front, record.length):
            front = read_record(file, record.offset, limits)
    except UnreadableImage as error:
        return None, str(error)
    head = head_of(front, record.length)
    return head, None if head is not None else f"no header in the record at {record.offset:,}"


def _read_index(path: Path) -> dict[int, str] | None:
    """Return the key of each offset; None where there is no index."""
    index = path.with_suffix(".idx")
    if path.suffix.lower() == ".idx" or not index.exists():
        return None
    keys: dict[int, str] = {}
    for number, line in enumerate(read_lines(index), start=1):
        words = line.split()
        if len(words) != 2 or not words[1].isdecimal() or len(words[1]) > 18:
            raise UsageError(
                f"an .idx must have a key and an offset in every line, but line {number} of "
                f"{str(index)!r} has not; take it away, and the records are numbered"
            )
        keys[int(words[1])] = words[0]
    return keys


def _take_keys(uri: str, found: _Found, keys: Mapping[int, str]) -> None:
    """Name the records by an index; add those that are named and not there, at the end."""
    left = dict(keys)
    for offset in found.note_offsets:
        left.pop(offset, None)
    matched = 0
    for row, offset in enumerate(found.offsets):
        key = left.pop(offset, None)
        matched += key is not None and row not in found.wrong
        found.ids[row] = f"@{offset}" if key is None else key
    if matched == 0 and len(found.wrong) < len(found.ids):
        raise UsageError(
            f"an .idx must belong to its .rec, but none of the {len(keys):,} offsets in that of "
            f"{uri!r} leads to a record; take it away, and the records are numbered"
        )
    for offset in sorted(left):
        found.add(left[offset], offset, 0.0, f"no record at offset {offset:,}")


def _check_distinct(uri: str, ids: tuple[str, ...]) -> None:
    twice = first_twice(ids)
    if twice is not None:
        raise UsageError(
            f"the keys of records must be distinct, but the .idx of {uri!r} has {twice[0]!r} "
            f"{twice[1]} times; take it away, and the records are numbered"
        )


def _read_paths(uri: str, found: _Found) -> tuple[str, ...] | None:
    """Return what the list says of the path of each record; None where there is no list."""
    path = Path(uri)
    beside = (path.with_suffix(".lst"), path.with_name("list.txt"))
    chosen = next((one for one in beside if one.exists() and one != path), None)
    if chosen is None:
        return None
    of_key: dict[str, tuple[str, float]] = {}
    for number, line in enumerate(read_lines(chosen), start=1):
        entry = _list_entry(line.split("\t"))
        if entry is None:
            raise UsageError(
                f"a list beside a .rec must have a key, a label and a path in every line, "
                f"separated by tabs, but line {number} of {str(chosen)!r} has not; mend it, or "
                "put it elsewhere"
            )
        of_key[entry[0]] = entry[1:]
    _check_labels(uri, found, of_key)
    return tuple(of_key[name][0] if name in of_key else "" for name in found.ids)


def _list_entry(cells: list[str]) -> tuple[str, str, float] | None:
    """Return key, path and first label: im2rec puts the path last, others before the label."""
    if len(cells) < 3:
        return None
    orders = ((cells[-1], cells[1]), (cells[1], cells[2]))
    for path, label in orders:
        try:
            return cells[0].strip(), path, float(label)
        except ValueError:
            continue
    return None


def _check_labels(uri: str, found: _Found, of_key: Mapping[str, tuple[str, float]]) -> None:
    for row, name in enumerate(found.ids):
        if name not in of_key or row in found.wrong:
            continue
        said, label = of_key[name][1], found.labels[row]
        # Labels of 32 bits hold whole numbers up to 2^24.
        with np.errstate(over="ignore"):
            agree = np.float32(said) == np.float32(label)
        if not agree:
            raise UsageError(
                f"a list must belong to its .rec, but that of {uri!r} gives record {name!r} the "
                f"label {said:g}, and the record {label:g}; put the right one there, or none"
            )
