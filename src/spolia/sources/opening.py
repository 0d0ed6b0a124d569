"""From what the user wrote to a source."""

import difflib
import os
from pathlib import Path
from typing import Protocol

from spolia.core.errors import UsageError
from spolia.core.progress import Progress, silent
from spolia.sources.archive import open_zip
from spolia.sources.arrays import open_npy, open_npz, split_key
from spolia.sources.folder import open_folder
from spolia.sources.limits import Limits
from spolia.sources.source import Source


class _Reader(Protocol):
    def __call__(
        self, uri: str, *, identities: str, limits: Limits, progress: Progress
    ) -> Source: ...


_READERS: dict[str, _Reader] = {
    "folder": open_folder,
    "zip": open_zip,
    "npy": open_npy,
    "npz": open_npz,
}


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
        A folder, a ``.zip``, a ``.npy``, a ``.npz`` or ``FILE.npz#KEY``.
    format
        ``folder``, ``zip``, ``npy`` or ``npz``; default: told from the path.
    identities
        Who is on which image. ``auto``: the first folder's name when every image lies exactly one
        folder deep and there are at least two folders, else unknown; ``none``: unknown;
        ``folder``: the folder of each image; ``regex:PATTERN``: what PATTERN's one group finds in
        the id.
    limits
        What one record and one container may cost.
    progress
        Told about the stage ``fingerprint``, when the fingerprint is asked for.

    Raises
    ------
    UsageError
        If there is nothing there, it is of no known format, holds no image or an id twice, or the
        rule for identities does not fit.

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
    path = Path(split_key(text)[0])
    if not path.exists():
        raise UsageError(
            f"a folder, .zip, .npy or .npz is wanted, but there is nothing at {text!r}"
            + _did_you_mean(path.name, _neighbours(path))
        )
    name = format if format is not None else _format_of(path)
    if name not in _READERS:
        raise UsageError(
            f"a source must be one of {', '.join(_READERS)}, but {text!r} is of format {name!r}"
            + _did_you_mean(name, list(_READERS))
        )
    return _READERS[name](text, identities=identities, limits=limits, progress=progress)


def _format_of(path: Path) -> str:
    return "folder" if path.is_dir() else path.suffix.lower().removeprefix(".")


def _neighbours(path: Path) -> list[str]:
    try:
        return [neighbour.name for neighbour in path.parent.iterdir()]
    except OSError:
        return []


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else "; check the path, or give the format"
