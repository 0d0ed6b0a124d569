"""Uncompressed tars of image files, read in place: one, or the shards of a webdataset.

In a webdataset the files of a record share a name up to the first dot: ``0007.jpg``,
``0007.txt`` (its caption), ``0007.json`` (whatever is known of it), ``0007.cls`` (its class).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from spolia.core.errors import UnreadableImage, UsageError
from spolia.core.progress import Progress
from spolia.sources.address import shards_of
from spolia.sources.columns import cell_text
from spolia.sources.encoded import EncodedSource, is_hidden, is_image_name
from spolia.sources.identities import identities_around
from spolia.sources.joined import distinct_ids, first_twice
from spolia.sources.limits import Limits, check_entries
from spolia.sources.pieces import PiecesFile
from spolia.sources.tar_index import Member, members_of, read_member

CAPTION, CLASS, KEYS = "caption", ".cls", ".json"
_CAPTIONS = (".txt", ".caption")
_MOST_SIDECAR = 1 << 20
_MOST_COLUMNS = 256
WRONG = "sidecar"
"""Column that says what is wrong with the files beside an image."""


def open_tar(uri: str, *, identities: str, limits: Limits, progress: Progress) -> EncodedSource:
    """List the image files in a tar or in shards, sorted by name within each shard.

    The id is the name; where shards share names, with the number of the shard in front. Links,
    devices, sparse and damaged members are listed, but unreadable. Captions, keys and classes that
    lie beside the images become columns and identities.

    Raises
    ------
    UsageError
        If a file cannot be read, there is no image, or a name is twice in one shard.
    """
    shards = [_listing(path, limits) for path in shards_of(uri)]
    check_entries(uri, sum(len(shard.images) for shard in shards), limits)
    images = [(shard.file, member) for shard in shards for member in shard.images]
    ignored = sum(shard.others for shard in shards)
    if all(member.wrong is not None for _, member in images):
        reason = f"; {images[0][1].wrong}" if images else ""
        raise UsageError(
            f"a tar with images is wanted, but {uri!r} holds none ({ignored:,} other "
            f"files{reason}); if it is packed, unpack it to a .tar first"
        )
    names = [[member.name for member in shard.images] for shard in shards]
    plain = tuple(name for shard in names for name in shard)
    columns, classes = _beside(shards)
    used = sum(len(shard.used) for shard in shards)
    damaged = {row for row, (_, member) in enumerate(images) if member.wrong is not None}
    people = identities_around(plain, classes, identities, damaged)

    def read(index: int) -> bytes:
        file, member = images[index]
        return read_member(file, member, limits.encoded_bytes)

    return EncodedSource(
        uri, distinct_ids(names), people, ignored - used, read, progress, limits, columns
    )


@dataclass
class _Shard:
    file: PiecesFile
    images: list[Member]
    sidecars: Mapping[str, Member]
    others: int
    """Files that are no images."""
    used: set[str]
    """Names of those that say something of an image."""


def _listing(path: str, limits: Limits) -> _Shard:
    file = PiecesFile(path, "a .tar")
    images: list[Member] = []
    others: list[Member] = []
    for number, member in enumerate(members_of(file), start=1):
        check_entries(path, number, limits)
        if member.is_folder or any(map(is_hidden, member.name.split("/"))):
            continue
        # A member whose header is damaged may have been an image.
        damaged = member.wrong is not None and member.name.startswith("@")
        (images if damaged or is_image_name(member.name) else others).append(member)
    images.sort(key=lambda member: member.name)
    twice = first_twice([member.name for member in images])
    if twice is not None:
        raise UsageError(
            f"names in a tar must be distinct, but {path!r} holds {twice[0]!r} {twice[1]} times; "
            "pack it again"
        )
    return _Shard(file, images, {one.name: one for one in others}, len(others), set())


def _beside(shards: list[_Shard]) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...] | None]:
    """Return the columns, and the classes where every image has one."""
    rows: list[dict[str, str]] = []
    classes: list[str] = []
    for shard in shards:
        for member in shard.images:
            key = _key(member.name)
            rows.append(_row(shard, key))
            said = _sidecar(shard, key + CLASS, rows[-1])
            classes.append(said)
    names = dict.fromkeys(name for row in rows for name in row)
    if len(names) > _MOST_COLUMNS:
        raise UsageError(
            f"the files beside images may have {_MOST_COLUMNS} keys in all, but those of "
            f"{len(shards)} shards have {len(names):,}; take the .json out"
        )
    columns = {name: tuple(row.get(name, "") for row in rows) for name in names}
    damaged = [member.wrong is not None for shard in shards for member in shard.images]
    known = all(said or bad for said, bad in zip(classes, damaged, strict=True))
    return columns, tuple(classes) if known and any(classes) else None


def _row(shard: _Shard, key: str) -> dict[str, str]:
    row: dict[str, str] = {}
    text = _sidecar(shard, key + KEYS, row)
    if text:
        try:
            known = json.loads(text)
            if not isinstance(known, dict):
                raise ValueError("no object")
            scalars = {name: one for name, one in known.items() if not isinstance(one, list | dict)}
            row |= {cell_text(name): cell_text(one) for name, one in scalars.items()}
        except (ValueError, RecursionError) as error:
            row[WRONG] = f"{key}{KEYS}: {cell_text(error)}"
    for suffix in _CAPTIONS:
        text = _sidecar(shard, key + suffix, row)
        if text:
            row[CAPTION] = text
    return row


def _sidecar(shard: _Shard, name: str, row: dict[str, str]) -> str:
    member = shard.sidecars.get(name)
    if member is None:
        return ""
    shard.used.add(name)
    try:
        content = read_member(shard.file, member, _MOST_SIDECAR)
    except UnreadableImage as error:
        row[WRONG] = f"{name}: {error}"
        return ""
    return content.decode("utf-8", "backslashreplace").strip()


def _key(name: str) -> str:
    path = PurePosixPath(name)
    folder = name[: len(name) - len(path.name)]
    return folder + path.name.partition(".")[0]
