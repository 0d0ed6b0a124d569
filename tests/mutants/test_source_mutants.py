"""Known wrong ways to read sets; each must break the law that the right one passes."""

import io
import struct
import tarfile

import pytest

from spolia.sources.recordio import MAGIC, Record, read_record, scan
from spolia.sources.tar_index import Member, members_of
from tests.spec import source_laws as laws


def stops_at_the_first_damage(file):
    for record in scan(file):
        if record.wrong is not None:
            return
        yield record


def leaves_out_what_is_damaged(file):
    return (record for record in scan(file) if record.wrong is None)


def trusts_every_magic(file):
    """Takes whatever follows a magic, wherever it lies, for a record."""
    content = file.read(0, file.size)
    at = content.find(MAGIC)
    while at >= 0:
        yield Record(at, b"", struct.unpack_from("<I", content, at + 4)[0])
        at = content.find(MAGIC, at + 1)


def parts_without_the_magic_between(file, offset, size, limits):
    return read_record(file, offset, limits).replace(MAGIC, b"")


def first_part_alone(file, offset, size, limits):
    (word,) = struct.unpack("<I", file.read(offset + 4, 4))
    return file.read(offset + 8, word & ((1 << 29) - 1))


def length_with_its_flag(file, offset, size, limits):
    (word,) = struct.unpack("<I", file.read(offset + 4, 4))
    return file.read(offset + 8, min(word, size))


def padding_with_the_payload(file, offset, size, limits):
    payload = read_record(file, offset, limits)
    return payload + bytes(-len(payload) % 4)


def as_the_standard_library(file):
    """Believes every size, and ends at a damaged header."""
    with tarfile.open(fileobj=io.BytesIO(file.read(0, file.size))) as archive:
        try:
            for one in archive:
                yield Member(one.name, one.offset_data, one.size)
        except tarfile.TarError:
            return


def damaged_members_left_out(file):
    return (member for member in members_of(file) if member.wrong is None)


SCANS = [stops_at_the_first_damage, leaves_out_what_is_damaged, trusts_every_magic]
READS = [
    parts_without_the_magic_between,
    first_part_alone,
    length_with_its_flag,
    padding_with_the_payload,
]
INDEXES = [as_the_standard_library, damaged_members_left_out]


@pytest.mark.parametrize("mutant", SCANS)
def test_a_wrong_scan_is_killed(mutant, tmp_path):
    with pytest.raises(AssertionError):
        laws.law_a_damaged_record_costs_no_other_and_is_said(mutant, tmp_path)


@pytest.mark.parametrize("mutant", READS)
def test_a_wrong_assembly_is_killed(mutant, tmp_path):
    with pytest.raises(AssertionError):
        laws.law_a_payload_comes_back_whatever_it_holds(mutant, tmp_path)


@pytest.mark.parametrize("mutant", INDEXES)
def test_a_wrong_index_is_killed(mutant, tmp_path):
    with pytest.raises(AssertionError):
        laws.law_a_forged_size_hides_no_member(mutant, tmp_path)
    with pytest.raises(AssertionError):
        laws.law_a_damaged_header_costs_no_other_member_and_is_said(mutant, tmp_path)
