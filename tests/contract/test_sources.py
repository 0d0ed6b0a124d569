"""Every source format gives the same pixels, ids and order."""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from spolia.core.errors import UsageError
from spolia.sources import Source, open_source

UInt8 = npt.NDArray[np.uint8]
Images = dict[str, UInt8]

NAMES = ("ann/1.png", "ann/2.png", "bob/1.png", "bob/2.PNG", "cy/1.png")
SIZES = ((7, 9), (6, 8), (11, 6), (5, 5), (6, 8))


def various() -> Images:
    rng = np.random.default_rng(11)
    return {
        name: rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        for name, size in zip(NAMES, SIZES, strict=True)
    }


def equal() -> Images:
    rng = np.random.default_rng(12)
    return {name: rng.integers(0, 256, (7, 6, 3), dtype=np.uint8) for name in NAMES}


def as_folder(where: Path, images: Images) -> Path:
    for name, pixels in images.items():
        path = where / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, format="PNG")
    return where / "set"


def as_zip(where: Path, images: Images) -> Path:
    folder = as_folder(where / "unpacked", images)
    with zipfile.ZipFile(where / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        # Written in the wrong order, and with folder entries.
        for path in sorted(folder.rglob("*"), reverse=True):
            archive.write(path, path.relative_to(folder))
    return where / "set.zip"


def as_npy(where: Path, images: Images) -> Path:
    np.save(where / "set.npy", np.stack(list(images.values())))
    return where / "set.npy"


def as_fortran_npy(where: Path, images: Images) -> Path:
    np.save(where / "set.npy", np.asfortranarray(np.stack(list(images.values()))))
    return where / "set.npy"


def as_npz(where: Path, images: Images) -> Path:
    stacked = np.stack(list(images.values()))
    np.savez_compressed(where / "set.npz", labels=np.arange(5), images=stacked)
    return where / "set.npz"


WRITERS: dict[str, Callable[[Path, Images], Path]] = {
    "folder": as_folder,
    "zip": as_zip,
    "npy": as_npy,
    "fortran npy": as_fortran_npy,
    "npz": as_npz,
}
FILE_WRITERS = {name: WRITERS[name] for name in ("folder", "zip")}


@pytest.fixture(params=list(WRITERS))
def any_source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    return open_source(WRITERS[request.param](tmp_path, equal()))


@pytest.fixture(params=list(FILE_WRITERS))
def write_files(request: pytest.FixtureRequest) -> Callable[[Path, Images], Path]:
    return FILE_WRITERS[request.param]


def test_every_format_gives_the_same_pixels_in_the_same_order(any_source: Source) -> None:
    assert len(any_source) == 5
    for index, pixels in enumerate(equal().values()):
        came = any_source.image(index)
        assert came.dtype == np.uint8
        assert np.array_equal(came, pixels)


def test_images_of_various_sizes_come_back_as_they_are(
    tmp_path: Path, write_files: Callable[[Path, Images], Path]
) -> None:
    source = open_source(write_files(tmp_path, various()))
    for index, pixels in enumerate(various().values()):
        assert np.array_equal(source.image(index), pixels)


def test_an_image_belongs_to_the_caller(any_source: Source) -> None:
    first = any_source.image(0)
    first[...] = 0
    assert any_source.image(0).any()
    assert type(first) is np.ndarray
    assert first.flags.c_contiguous


def test_several_threads_read_the_same_as_one(any_source: Source) -> None:
    alone = [any_source.image(index) for index in range(5)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(any_source.image, list(range(5)) * 40))
    assert all(np.array_equal(came, alone[at % 5]) for at, came in enumerate(together))


def test_the_uri_is_what_the_caller_wrote(any_source: Source, tmp_path: Path) -> None:
    assert any_source.uri.startswith(str(tmp_path))
    assert any_source.ignored == 0


def test_file_ids_are_sorted_posix_paths(
    tmp_path: Path, write_files: Callable[[Path, Images], Path]
) -> None:
    assert open_source(write_files(tmp_path, various())).ids == NAMES


def test_ids_sort_as_whole_strings_not_part_by_part(
    tmp_path: Path, write_files: Callable[[Path, Images], Path]
) -> None:
    pixels = np.zeros((2, 2, 3), dtype=np.uint8)
    images = dict.fromkeys(("a/1.png", "a-b/1.png", "a.png", "B.png"), pixels)
    assert open_source(write_files(tmp_path, images)).ids == (
        "B.png",
        "a-b/1.png",
        "a.png",
        "a/1.png",
    )


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_array_ids_are_zero_padded_row_numbers(tmp_path: Path, suffix: str) -> None:
    images = {str(i): np.full((2, 5, 3), i, dtype=np.uint8) for i in range(11)}
    ids = open_source(WRITERS[suffix](tmp_path, images)).ids
    assert ids[:2] == ("00", "01")
    assert ids[-1] == "10"
    assert list(ids) == sorted(ids)


@pytest.mark.parametrize("shape", [(4, 6, 5), (4, 6, 5, 1), (4, 6, 5, 3)])
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_grey_arrays_are_repeated_over_the_channels(
    tmp_path: Path, shape: tuple[int, ...], suffix: str
) -> None:
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / f"set.{suffix}"
    np.save(path, array) if suffix == "npy" else np.savez(path, array)
    source = open_source(path)
    for index in range(4):
        expected = np.broadcast_to(array[index].reshape(6, 5, -1), (6, 5, 3))
        assert np.array_equal(source.image(index), expected)


def test_a_npz_key_chooses_the_array(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    np.savez(path, one=np.ones((1, 5, 5), np.uint8), two=np.full((2, 5, 5), 2, np.uint8))
    assert len(open_source(f"{path}#one")) == 1
    assert open_source(f"{path}#two").image(1)[0, 0, 0] == 2
    with pytest.raises(UsageError, match=r"holds one, two; choose one as FILE\.npz#one"):
        open_source(path)
    with pytest.raises(UsageError, match="did you mean 'two'"):
        open_source(f"{path}#twoo")


def test_a_file_whose_name_holds_the_key_mark_is_opened_as_named(tmp_path: Path) -> None:
    path = tmp_path / "a.npz#b.npz"
    with path.open("wb") as file:
        np.savez(file, images=np.ones((3, 5, 5), np.uint8))
    assert len(open_source(path)) == 3


def test_other_files_are_counted_and_hidden_ones_are_not(
    tmp_path: Path, write_files: Callable[[Path, Images], Path]
) -> None:
    folder = as_folder(tmp_path, various())
    for name in ("notes.txt", "ann/Thumbs.db", ".hidden.png", ".cache/1.png", "__MACOSX/1.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    if write_files is as_zip:
        shutil.make_archive(str(folder), "zip", folder)
        folder = folder.with_suffix(".zip")
    source = open_source(folder)
    assert source.ids == NAMES
    assert source.ignored == 2


def test_format_overrides_the_suffix(tmp_path: Path) -> None:
    path = as_zip(tmp_path, various()).rename(tmp_path / "set.cbz")
    assert open_source(path, format="zip").ids == NAMES
    with pytest.raises(UsageError, match="one of folder, zip, npy, npz"):
        open_source(path)


# Identities


def test_identities_are_the_folders_when_every_image_lies_one_deep(
    tmp_path: Path, write_files: Callable[[Path, Images], Path]
) -> None:
    source = open_source(write_files(tmp_path, various()))
    assert source.identities == ("ann", "ann", "bob", "bob", "cy")


@pytest.mark.parametrize(
    "names", [("a/1.png", "b/1.png", "1.png"), ("a/1.png", "a/2.png"), ("a/b/1.png", "a/c/1.png")]
)
def test_identities_are_unknown_in_any_other_layout(
    tmp_path: Path, names: tuple[str, ...], write_files: Callable[[Path, Images], Path]
) -> None:
    images = dict.fromkeys(names, np.zeros((2, 2, 3), dtype=np.uint8))
    assert open_source(write_files(tmp_path, images)).identities is None


def test_identities_can_be_left_unknown(tmp_path: Path) -> None:
    assert open_source(as_folder(tmp_path, various()), identities="none").identities is None


def test_identities_of_arrays_are_unknown(tmp_path: Path) -> None:
    assert open_source(as_npy(tmp_path, equal())).identities is None


def test_folder_identities_keep_people_of_the_same_name_apart(tmp_path: Path) -> None:
    images = dict.fromkeys(("x/ann/1.png", "y/ann/1.png"), np.zeros((2, 2, 3), dtype=np.uint8))
    source = open_source(as_folder(tmp_path, images), identities="folder")
    assert source.identities == ("x/ann", "y/ann")


def test_folder_identities_refuse_an_image_in_no_folder(tmp_path: Path) -> None:
    images = dict.fromkeys(("ann/1.png", "bob.png"), np.zeros((2, 2, 3), dtype=np.uint8))
    with pytest.raises(UsageError, match=r"'bob\.png' lies in none"):
        open_source(as_folder(tmp_path, images), identities="folder")


def test_a_pattern_reads_identities_off_the_ids(tmp_path: Path) -> None:
    source = open_source(as_folder(tmp_path, various()), identities=r"regex:/(\d)")
    assert source.identities == ("1", "2", "1", "2", "1")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("regex:(ann|bob)", r"'cy/1\.png' does not"),
        ("regex:(ann)|bob|cy", r"'bob/1\.png' does not"),
        ("regex:ann", "has 0"),
        ("regex:(a)(n)", "has 2"),
        ("regex:(", "is none"),
        ("folders", "did you mean 'folder'"),
        ("", "choose one"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(tmp_path: Path, rule: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_source(as_folder(tmp_path, various()), identities=rule)


# Fingerprints


def test_the_fingerprint_does_not_depend_on_the_place_or_the_time(tmp_path: Path) -> None:
    here = as_folder(tmp_path / "here", various())
    there = shutil.copytree(here, tmp_path / "there" / "other name")
    os.utime(there / NAMES[0], (1, 1))
    fingerprint = open_source(here).fingerprint
    assert open_source(there).fingerprint == fingerprint
    assert len(fingerprint) == 64


def test_a_folder_and_a_zip_of_the_same_files_have_the_same_fingerprint(tmp_path: Path) -> None:
    folder, archive = as_folder(tmp_path, various()), as_zip(tmp_path, various())
    assert open_source(folder).fingerprint == open_source(archive).fingerprint


def test_the_same_rows_as_npy_and_npz_have_the_same_fingerprint(tmp_path: Path) -> None:
    npy, npz = as_npy(tmp_path, equal()), as_npz(tmp_path, equal())
    assert open_source(npy).fingerprint == open_source(npz).fingerprint


def test_the_fingerprint_does_not_depend_on_the_identities(tmp_path: Path) -> None:
    folder = as_folder(tmp_path, various())
    known, unknown = open_source(folder), open_source(folder, identities="none")
    assert known.fingerprint == unknown.fingerprint


@pytest.mark.parametrize("change", ["a byte", "a name", "one more", "one less", "unreadable"])
def test_the_fingerprint_changes_with(tmp_path: Path, change: str) -> None:
    folder = as_folder(tmp_path, various())
    before = open_source(folder).fingerprint
    last = folder / NAMES[-1]
    encoded = last.read_bytes()
    if change == "a byte":
        last.write_bytes(encoded[:-1] + bytes([encoded[-1] ^ 1]))
    elif change == "a name":
        last.rename(last.with_name("2.png"))
    elif change == "one more":
        (folder / "cy/2.png").write_bytes(encoded)
    elif change == "one less":
        last.unlink()
    else:
        last.unlink()
        last.symlink_to(tmp_path / "nowhere")
    assert open_source(folder).fingerprint != before


def test_one_pixel_changes_the_fingerprint_of_an_array(tmp_path: Path) -> None:
    images = equal()
    before = open_source(as_npy(tmp_path, images)).fingerprint
    images[NAMES[3]][2, 2, 2] ^= 1
    assert open_source(as_npy(tmp_path, images)).fingerprint != before


def test_arrays_of_the_same_bytes_but_another_shape_differ(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 5, 8), np.uint8))
    np.save(tmp_path / "b.npy", np.zeros((2, 8, 5), np.uint8))
    wide, tall = open_source(tmp_path / "a.npy"), open_source(tmp_path / "b.npy")
    assert wide.fingerprint != tall.fingerprint


def test_the_fingerprint_is_the_documented_one(tmp_path: Path) -> None:
    folder = as_folder(tmp_path, various())
    expected = hashlib.blake2b(b"spolia source 1\n", digest_size=32)
    for name in NAMES:
        content = hashlib.blake2b((folder / name).read_bytes(), digest_size=32).digest()
        expected.update(len(name).to_bytes(8, "little") + name.encode() + b"\x01" + content)
    assert open_source(folder).fingerprint == expected.hexdigest()


def test_the_fingerprint_reports_progress_up_to_the_total_and_is_computed_once(
    tmp_path: Path,
) -> None:
    path = tmp_path / "set.npy"
    np.save(path, np.zeros((150, 5, 5), np.uint8))
    told: list[tuple[str, int, int]] = []
    source = open_source(path, progress=lambda *piece: told.append(piece))
    assert told == []
    assert source.fingerprint == source.fingerprint
    assert [done for _, done, _ in told] == [64, 128, 150]
    assert {(stage, total) for stage, _, total in told} == {("fingerprint", 150)}


# Real images


@pytest.mark.parametrize(
    ("name", "records", "people"),
    [("orl_aligned112_gray", 400, 40), ("lfw_half_aligned112", 3975, 2199)],
)
def test_a_real_zip_opens_with_its_people(
    shared: Path, name: str, records: int, people: int
) -> None:
    source = open_source(shared / "faces" / f"{name}.zip")
    assert len(source) == records
    assert source.identities is not None
    assert len(set(source.identities)) == people
    assert source.image(records - 1).shape == (112, 112, 3)


def test_a_real_zip_and_its_files_have_the_same_fingerprint_and_pixels(
    shared: Path, tmp_path: Path
) -> None:
    path = shared / "faces" / "orl_aligned112_gray.zip"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    packed, unpacked = open_source(path), open_source(tmp_path)
    assert packed.fingerprint == unpacked.fingerprint
    assert packed.ids == unpacked.ids
    assert packed.identities == unpacked.identities
    assert all(np.array_equal(packed.image(i), unpacked.image(i)) for i in range(0, 400, 40))


def test_a_real_array_gives_real_digits(shared: Path) -> None:
    source = open_source(f"{shared / 'small' / 'pneumoniamnist_subset.npz'}#val_images")
    assert len(source) == 524
    assert source.image(523).shape == (28, 28, 3)
    assert len(np.unique(source.image(0))) > 20
