"""Points of faces that somebody else has found: five for each face, by id of the image."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UsageError
from spolia.sources.columns import SET, read_table

NAMES = tuple(f"{axis}{number}" for number, axis in product(range(1, 6), "xy"))
"""The ten columns: x and y of left eye, right eye, nose, left and right corner of the mouth, as one
sees them in the image."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """What a file of points says."""

    path: str
    points: Mapping[tuple[str | None, str], tuple[Points, ...]]
    """``(5, 2)`` for each face, in the file's order, by set (``None`` where the file has no column
    ``set``) and id."""
    fingerprint: str
    """Digest of the file's bytes."""

    def of(self, role: str | None) -> dict[str, tuple[Points, ...]]:
        """Return the points of one set by id; ``None``: of the only one."""
        return {
            name: faces for (there, name), faces in self.points.items() if there in (None, role)
        }


def read_landmarks(path: Path) -> Landmarks:
    r"""Read a CSV or parquet file with the columns ``id`` and ``x1``, ``y1`` to ``x5``, ``y5``.

    Pixels count from 0 at the centre of the first. Several rows of one id are several faces. An
    optional column ``set`` says of which set a row is; other columns are not looked at.

    Raises
    ------
    UsageError
        If the file cannot be read, lacks a column or has it twice, holds no row, or a row names no
        id or holds no finite number.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "points.csv"
    >>> _ = path.write_text("id,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\na.png,1,1,3,1,2,2,1,3,3,3\n")
    >>> read_landmarks(path).of("train")["a.png"][0].tolist()
    [[1.0, 1.0], [3.0, 1.0], [2.0, 2.0], [1.0, 3.0], [3.0, 3.0]]
    """
    header, rows, fingerprint = read_table(path)
    _check_header(header, path)
    at = [header.index(name) for name in NAMES]
    of_id, of_set = header.index("id"), header.index(SET) if SET in header else None
    found: dict[tuple[str | None, str], tuple[Points, ...]] = {}
    for number, row in enumerate(rows, start=1):
        role, name = None if of_set is None else row[of_set], row[of_id]
        if not name or role == "":
            raise UsageError(
                f"{path} must name id{' and set' if of_set is not None else ''} in every row, but "
                f"row {number} does not; fill it in, or take the row out"
            )
        values = [
            _number(row[i], column, path, number) for i, column in zip(at, NAMES, strict=True)
        ]
        points = np.array(values).reshape(5, 2)
        found[role, name] = (*found.get((role, name), ()), points)
    if not found:
        raise UsageError(f"{path} must hold the points of a face in every row, but has no row")
    return Landmarks(str(path), found, fingerprint)


def _check_header(header: Sequence[str], path: Path) -> None:
    wanted = ("id", *NAMES)
    lacks = [name for name in wanted if name not in header]
    if lacks:
        raise UsageError(
            f"{path} must have the columns id, {', '.join(NAMES)}, but lacks {', '.join(lacks)}; "
            "each face is a row, an image with several faces has several"
        )


def _number(text: str, column: str, path: Path, row: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(
            f"{path} must hold finite numbers of pixels, but row {row} has {column} = {text!r}; "
            "leave the row out where no face was found"
        )
    return value
