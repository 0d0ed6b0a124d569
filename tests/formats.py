"""Writes the same images in every format that spolia reads."""

import csv
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
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


def tar_of(path: Path, files: dict[str, bytes], kind: int = tarfile.PAX_FORMAT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=kind) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def as_tar(where: Path, images: Images) -> str:
    files = dict(sorted(files_of(images).items(), reverse=True))
    return str(tar_of(where / "set.tar", {"notes.md": b"x", **files}))


def as_tar_of_a_folder(where: Path, images: Images) -> str:
    files = {f"./{name}": content for name, content in files_of(images).items()}
    return str(tar_of(where / "set.tar", files, tarfile.GNU_FORMAT))


def as_old_tar(where: Path, images: Images) -> str:
    return str(tar_of(where / "set.tar", files_of(images), tarfile.USTAR_FORMAT))


def as_shards(where: Path, images: Images) -> str:
    """A webdataset in two shards, with captions, keys and classes."""
    for number, chosen in enumerate((NAMES[:2], NAMES[2:])):
        files = {}
        for name in chosen:
            key = name.partition(".")[0]
            person = name.partition("/")[0]
            files |= {name: encoded(images[name]), f"{key}.txt": f"a face of {person}".encode()}
            files |= {f"{key}.json": b'{"age": 30, "tags": []}', f"{key}.cls": person.encode()}
        tar_of(where / f"set-{number:03d}.tar", files)
    return str(where / "set-{000..001}.tar")


def parquet_of(path: Path, columns: dict[str, Any], group: int = 2, **features: Any) -> Path:
    """Write columns as `datasets` does: a few rows a group, names of classes in the metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    if features:
        info = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": info})
    pq.write_table(table, path, row_group_size=group)
    return path


def as_parquet(where: Path, images: Images) -> str:
    files = files_of(images)
    cells = [{"bytes": content, "path": name} for name, content in files.items()]
    labels = [int(label) for label in LABELS]
    columns = {"image": cells, "label": labels, "text": [f"about {name}" for name in files]}
    names = {"names": ["ann", "bob", "cy"]}
    return str(parquet_of(where / "set.parquet", columns, label=names))


def as_plain_parquet(where: Path, images: Images) -> str:
    columns = {"picture": list(files_of(images).values()), "width": [1, 2, None, 4, 5]}
    return str(parquet_of(where / "set.parquet", columns))


def as_parquet_shards(where: Path, images: Images) -> str:
    files = list(files_of(images).items())
    for number, chosen in enumerate((files[:3], files[3:])):
        cells = [{"bytes": content, "path": name} for name, content in chosen]
        people = [name.partition("/")[0] for name, _ in chosen]
        name = f"train-{number:05d}-of-00002.parquet"
        parquet_of(where / "set" / "data" / name, {"image": cells, "identity": people})
    return str(where / "set" / "data" / "train-{00000..00001}-of-00002.parquet")


def as_saved_by_datasets(where: Path, images: Images) -> str:
    folder = where / "set"
    folder.mkdir(parents=True)
    files = list(files_of(images).items())
    for number, chosen in enumerate((files[:3], files[3:])):
        cells = [{"bytes": content, "path": name} for name, content in chosen]
        table = pa.table({"image": cells, "identity": [name[:2] for name, _ in chosen]})
        with pa.ipc.new_stream(str(folder / f"data-{number}.arrow"), table.schema) as stream:
            stream.write_table(table, max_chunksize=2)
    state = {"_data_files": [{"filename": f"data-{number}.arrow"} for number in range(2)]}
    (folder / "state.json").write_text(json.dumps(state))
    return str(folder)


def as_list_in_parquet(where: Path, images: Images) -> str:
    root = write_files(where / "set", files_of(images))
    return str(parquet_of(root / "list.parquet", {"path": list(images)}))


def lmdb_of(path: Path, values: dict[bytes, bytes]) -> Path:
    import lmdb

    path.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(path), map_size=1 << 24) as environment, environment.begin(write=True) as to:
        for key, value in values.items():
            to.put(key, value)
    return path


def as_lmdb(where: Path, images: Images) -> str:
    values = {name.encode(): content for name, content in files_of(images).items()}
    return str(lmdb_of(where / "set", values | {b"__len__": b"\x80\x04K\x05."}))


def as_lmdb_with_a_pattern(where: Path, images: Images) -> str:
    values = {f"image-{name}".encode(): content for name, content in files_of(images).items()}
    return f"{lmdb_of(where / 'set', values | {b'other': b'x'})}#^image-(.*)$"


def as_strips(where: Path, images: Images) -> str:
    """One strip for each identity; what is no square is cut, so that all are of one size."""
    for person, names in {"ann": NAMES[:2], "bob": NAMES[2:4], "cy": NAMES[4:]}.items():
        strip = np.concatenate([images[name] for name in names], axis=1)
        write_files(where / "set", {f"{person}.png": encoded(strip)})
    return f"strips:{where / 'set'}"


def as_masked(where: Path, images: Images) -> str:
    more = {"aa/0.png": np.zeros((9, 9, 3), np.uint8), **images, "zoe/9.png": images[NAMES[0]]}
    write_files(where / "set", files_of(more))
    np.save(where / "mask.npy", np.arange(1, 6))
    return f"{where / 'set'}@{where / 'mask.npy'}"


def as_joined(where: Path, images: Images) -> str:
    files = list(files_of(images).items())
    first = write_files(where / "a", dict(files[:3]))
    return f"{first}+{tar_of(where / 'b.tar', dict(files[3:]))}"


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
    "tar": Written(as_tar),
    "tar of a folder": Written(as_tar_of_a_folder),
    "old tar": Written(as_old_tar),
    "webdataset": Written(as_shards),
    "parquet": Written(as_parquet),
    "parquet of bytes": Written(as_plain_parquet, ("0", "1", "2", "3", "4"), None),
    "parquet shards": Written(as_parquet_shards),
    "list in parquet": Written(as_list_in_parquet),
    "saved by datasets": Written(as_saved_by_datasets, NAMES, tuple(name[:2] for name in PEOPLE)),
    "lmdb": Written(as_lmdb),
    "lmdb with a pattern": Written(as_lmdb_with_a_pattern),
    "masked": Written(as_masked),
    "joined": Written(as_joined),
}
