"""Writes the same images in every format that spolia reads."""

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.recordio import payload, write_rec

UInt8 = npt.NDArray[np.uint8]
Images = dict[str, UInt8]

NAMES = ("ann/1.png", "ann/2.png", "bob/1.png", "bob/2.PNG", "cy/1.png")
PEOPLE = ("ann", "ann", "bob", "bob", "cy")
LABELS = ("0", "0", "1", "1", "2")
KEYS = ("1", "2", "3", "4", "5")


def pictures() -> Images:
    rng = np.random.default_rng(11)
    sizes = ((7, 9), (6, 8), (11, 6), (5, 5), (6, 8))
    return {
        name: rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        for name, size in zip(NAMES, sizes, strict=True)
    }


def encoded(pixels: UInt8) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def files_of(images: Images) -> dict[str, bytes]:
    return {name: encoded(pixels) for name, pixels in images.items()}


def write_files(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def as_list(where: Path, images: Images) -> str:
    root = write_files(where / "set", files_of(images))
    return str(write_csv(root / "list.csv", ["path"], [[name] for name in images]))


def as_list_of_people(where: Path, images: Images) -> str:
    # In a folder above, where no path is one folder deep, and with further columns.
    write_files(where / "deep" / "set", files_of(images))
    rows = [
        [name, f"deep/set/{name}", person, "CC0"]
        for name, person in zip(images, PEOPLE, strict=True)
    ]
    return str(write_csv(where / "list.csv", ["id", "path", "identity", "licence"], rows))


def as_rec(where: Path, images: Images) -> str:
    where.mkdir(parents=True, exist_ok=True)
    note = payload(b"", (6.0, 9.0))
    labelled = zip(files_of(images).values(), LABELS, strict=True)
    records = [note, *(payload(content, float(label)) for content, label in labelled)]
    write_rec(where / "set.rec", records, keys=range(6))
    return str(where / "set.rec")


def as_rec_alone(where: Path, images: Images) -> str:
    as_rec(where, images)
    (where / "set.idx").unlink()
    return str(where / "set.rec")


class Written(NamedTuple):
    """A format, how it is written, and what is promised of it."""

    write: Callable[[Path, Images], str]
    ids: tuple[str, ...] = NAMES
    identities: tuple[str, ...] | None = PEOPLE

    @property
    def same_files(self) -> bool:
        """Whether it holds the files of the folder, under their names."""
        return self.ids == NAMES


WRITTEN: dict[str, Written] = {
    "list": Written(as_list),
    "list of people": Written(as_list_of_people),
    "rec": Written(as_rec, KEYS, LABELS),
    "rec without idx": Written(as_rec_alone, KEYS, LABELS),
}
