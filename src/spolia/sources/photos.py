"""A few photos of one person, each named by its path."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from spolia.core.errors import UsageError
from spolia.core.progress import Progress, silent
from spolia.core.words import did_you_mean
from spolia.sources.encoded import EncodedSource, is_hidden, is_image_name
from spolia.sources.folder import read_file
from spolia.sources.limits import Limits, check_entries

WHO = "asked"
"""The identity of photos that are given by path: they are of one person."""


def open_photos(
    paths: Sequence[str | Path], *, limits: Limits = Limits(), progress: Progress = silent
) -> EncodedSource:
    """List the photos of one person: image files, and folders that hold nothing else of images.

    The id of a photo is its file name; of photos in several places under one name, their paths.

    Raises
    ------
    UsageError
        If there is none, a path leads nowhere or to what is no image, or a folder has images of
        several people: in folders of their own.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     _ = (Path(root) / "me.pgm").write_bytes(b"P5 2 1 255 " + bytes([0, 200]))
    ...     me = open_photos([root])
    ...     me.ids, me.identities, me.image(0).shape
    (('me.pgm',), ('asked',), (1, 2, 3))
    """
    given = [one for path in paths for one in _files(Path(path))]
    files = list(dict.fromkeys(given))
    if not files:
        raise UsageError("to search for somebody it takes a photo of them; give one or more")
    check_entries("photos", len(files), limits)
    names = Counter(one.name for one in files)
    ids = tuple(_text(one.name if names[one.name] == 1 else str(one.absolute())) for one in files)
    found = [one.resolve() for one in files]

    def read(index: int) -> bytes:
        return read_file(found[index].parent, found[index].name, limits)

    return EncodedSource("photos", ids, (WHO,) * len(ids), 0, read, progress, limits)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return _files_in(path)
    if not path.exists():
        beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UsageError(
            f"a photo is wanted, but there is nothing at {str(path)!r}"
            + did_you_mean(path.name, beside, "check the path")
        )
    if not is_image_name(path.name):
        raise UsageError(
            f"a photo is wanted, but {str(path)!r} has no name of one, such as .jpg or .png; "
            "rename it, or give a set of several people with --list"
        )
    return [path]


def _files_in(folder: Path) -> list[Path]:
    inside = [one for one in sorted(folder.iterdir()) if not is_hidden(one.name)]
    folders = [one for one in inside if one.is_dir()]
    if folders:
        raise UsageError(
            f"photos of one person are wanted, but {str(folder)!r} has folders in it (first: "
            f"{folders[0].name!r}); give one of them, or all with --list"
        )
    return [one for one in inside if is_image_name(one.name)]


def _text(name: str) -> str:
    """Write bytes that are no UTF-8, which no table can hold, as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
