"""From what the user wrote to a source."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from spolia.core.errors import UsageError
from spolia.core.progress import Progress, silent
from spolia.core.words import did_you_mean
from spolia.sources.address import Part, is_remote, is_there, parse_address, shards_of, split_key
from spolia.sources.archive import open_zip
from spolia.sources.arrays import open_npy, open_npz
from spolia.sources.arrow import is_saved, open_arrow
from spolia.sources.captions import captioned
from spolia.sources.folder import open_folder
from spolia.sources.joined import join_sources
from spolia.sources.limits import Limits
from spolia.sources.listed import open_list
from spolia.sources.lmdb import DATA, open_lmdb
from spolia.sources.masks import masked
from spolia.sources.parquet import is_sharded, open_parquet
from spolia.sources.records import open_rec
from spolia.sources.remote import fetched
from spolia.sources.source import Source
from spolia.sources.strips import open_strips
from spolia.sources.table_layout import is_list
from spolia.sources.tar import open_tar


class _Reader(Protocol):
    def __call__(
        self, uri: str, *, identities: str, limits: Limits, progress: Progress
    ) -> Source: ...


_READERS: dict[str, _Reader] = {
    "folder": open_folder,
    "zip": open_zip,
    "npy": open_npy,
    "npz": open_npz,
    "list": open_list,
    "rec": open_rec,
    "tar": open_tar,
    "parquet": open_parquet,
    "arrow": open_arrow,
    "lmdb": open_lmdb,
    "strips": open_strips,
}

_SUFFIXES = {"csv": "list", "mdb": "lmdb"}

_SIDE_FILES: dict[str, Callable[[Source, Path, Progress], Source]] = {
    ".npy": masked,
    ".txt": masked,
    ".json": captioned,
}

_PACKED = ("tgz", "txz", "tbz2", "gz", "xz", "bz2", "zst")


@dataclass(frozen=True)
class _Ask:
    format: str | None
    identities: str
    limits: Limits
    progress: Progress


def open_source(
    uri: str | Path,
    *,
    format: str | None = None,  # noqa: A002 - the option is called so on the command line too
    identities: str = "auto",
    limits: Limits = Limits(),
    progress: Progress = silent,
) -> Source:
    """Open a set of images: list its records, read none of them yet.

    Parameters
    ----------
    uri
        ``PART`` or ``PART+PART``; a part is ``[FORMAT:]PATH[#KEY][@FILE]``, as
        `spolia.sources.address` says. PATH is a folder, ``.zip``, ``.tar``, ``.rec``, ``.npy``,
        ``.npz``, ``.parquet``, a list (``.csv`` or ``.parquet``), or a folder of LMDB, of parquet
        shards or of `datasets`; or ``PROTOCOL://...``, which is copied here first.
    format
        The format of every part that names none; default: told from the path.
    identities
        Who is on which image. ``auto``: what the set itself says (labels, a column), else the
        first folder's name when every image lies exactly one folder deep and there are at least
        two folders, else unknown; ``none``: unknown; ``folder``: the folder of each image;
        ``regex:PATTERN``: what PATTERN's one group finds in the id.
    limits
        What one record and one container may cost.
    progress
        Told about the stage ``fingerprint``, when the fingerprint is asked for.

    Raises
    ------
    UsageError
        If there is nothing there, it is of no known format, holds no image or an id twice, or the
        rule for identities does not fit.
    MissingExtra
        If the format needs a package that is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("ann", "bob"):
    ...         (Path(root) / name).mkdir()
    ...         _ = (Path(root) / name / "1.pgm").write_bytes(b"P5 2 1 255 " + bytes([0, 200]))
    ...     people = open_source(root)
    ...     people.ids, people.identities, people.image(1).tolist()
    (('ann/1.pgm', 'bob/1.pgm'), ('ann', 'bob'), [[[0, 0, 0], [200, 200, 200]]])
    """
    text = os.fspath(uri)
    ask = _Ask(format, identities, limits, progress)
    return join_sources(text, [_open(part, ask) for part in parse_address(text)], progress)


def _open(part: Part, ask: _Ask) -> Source:
    if is_remote(part.place):
        part = replace(part, place=fetched(part.place, ask.progress))
    path = Path(shards_of(split_key(part.place)[0])[0])
    if not is_there(str(path)):
        raise UsageError(
            f"a folder, .zip or other set of images is wanted, but there is nothing at "
            f"{part.place!r}"
            + did_you_mean(path.name, _neighbours(path), "check the path, or give the format")
        )
    name = part.format or ask.format or _format_of(path)
    if name not in _READERS:
        raise UsageError(
            f"a source must be one of {', '.join(_READERS)}, but {part.place!r} is of format "
            f"{name!r}{_advice(name)}"
        )
    source = _READERS[name](
        part.place, identities=ask.identities, limits=ask.limits, progress=ask.progress
    )
    for file in part.files:
        source = _SIDE_FILES[Path(file).suffix.lower()](source, Path(file), ask.progress)
    return source


def _format_of(path: Path) -> str:
    if path.is_dir():
        return _format_of_folder(path)
    suffix = path.suffix.lower().removeprefix(".")
    if suffix == "parquet":
        return "list" if is_list(path) else "parquet"
    return _SUFFIXES.get(suffix, suffix)


def _format_of_folder(path: Path) -> str:
    if (path / DATA).exists():
        return "lmdb"
    if is_saved(path):
        return "arrow"
    return "parquet" if is_sharded(path) else "folder"


def _advice(name: str) -> str:
    if name in _PACKED:
        return "; a packed tar cannot be read in place: unpack it to a .tar first"
    return did_you_mean(name, _READERS, "check the path, or give the format")


def _neighbours(path: Path) -> list[str]:
    try:
        return [neighbour.name for neighbour in path.parent.iterdir()]
    except OSError:
        return []
