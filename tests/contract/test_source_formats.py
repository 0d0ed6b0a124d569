"""What every format promises: the same five images, whatever holds them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from spolia.sources import Source, open_source
from tests.formats import NAMES, WRITTEN, Written, files_of, pictures, write_files


@pytest.fixture(params=list(WRITTEN))
def written(request: pytest.FixtureRequest) -> Written:
    return WRITTEN[request.param]


@pytest.fixture
def source(written: Written, tmp_path: Path) -> Source:
    return open_source(written.write(tmp_path, pictures()))


def test_every_format_gives_the_same_pixels_in_the_same_order(source: Source) -> None:
    assert len(source) == 5
    for index, pixels in enumerate(pictures().values()):
        came = source.image(index)
        assert came.dtype == np.uint8
        assert came.flags.c_contiguous
        assert np.array_equal(came, pixels)


def test_ids_and_identities_are_the_documented_ones(source: Source, written: Written) -> None:
    assert source.ids == written.ids
    assert source.identities == written.identities


def test_identities_can_be_left_unknown_in_every_format(written: Written, tmp_path: Path) -> None:
    source = open_source(written.write(tmp_path, pictures()), identities="none")
    assert source.identities is None


def test_a_pattern_reads_identities_off_the_ids_in_every_format(
    written: Written, tmp_path: Path
) -> None:
    source = open_source(written.write(tmp_path, pictures()), identities="regex:([0-9])")
    assert source.identities is not None
    assert len(source.identities) == 5


def test_an_image_belongs_to_the_caller(source: Source) -> None:
    first = source.image(0)
    first[...] = 0
    assert source.image(0).any()


def test_several_threads_read_the_same_as_one(source: Source) -> None:
    alone = [source.image(index) for index in range(5)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(source.image, [4, 0, 3, 1, 2] * 30))
    assert all(
        np.array_equal(came, alone[[4, 0, 3, 1, 2][at % 5]]) for at, came in enumerate(together)
    )


def test_every_column_has_a_value_for_every_record(source: Source) -> None:
    assert all(len(values) == 5 for values in source.columns.values())
    assert all(isinstance(one, str) for values in source.columns.values() for one in values)


def test_the_fingerprint_is_the_same_again_and_of_the_pictures(
    written: Written, tmp_path: Path
) -> None:
    before = open_source(written.write(tmp_path / "a", pictures())).fingerprint
    assert open_source(written.write(tmp_path / "b", pictures())).fingerprint == before
    changed = pictures()
    changed[NAMES[3]][2, 2, 2] ^= 1
    assert open_source(written.write(tmp_path / "c", changed)).fingerprint != before


@pytest.mark.parametrize("name", [name for name, one in WRITTEN.items() if one.same_files])
def test_the_same_files_under_the_same_ids_have_the_fingerprint_of_the_folder(
    name: str, tmp_path: Path
) -> None:
    source = open_source(WRITTEN[name].write(tmp_path / "set", pictures()))
    folder = open_source(write_files(tmp_path / "folder", files_of(pictures())))
    assert source.fingerprint == folder.fingerprint
