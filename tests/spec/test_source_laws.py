"""The readers of sets keep their laws."""

from spolia.sources.recordio import read_record, scan
from spolia.sources.tar_index import members_of
from tests.spec import source_laws as laws


def read(file, offset, size, limits):
    return read_record(file, offset, limits)


def test_a_damaged_record_costs_no_other_and_is_said(tmp_path):
    assert laws.law_a_damaged_record_costs_no_other_and_is_said(scan, tmp_path) is None


def test_a_payload_comes_back_whatever_it_holds(tmp_path):
    assert laws.law_a_payload_comes_back_whatever_it_holds(read, tmp_path) is None


def test_a_forged_size_hides_no_member(tmp_path):
    assert laws.law_a_forged_size_hides_no_member(members_of, tmp_path) is None


def test_a_damaged_header_costs_no_other_member_and_is_said(tmp_path):
    assert laws.law_a_damaged_header_costs_no_other_member_and_is_said(members_of, tmp_path) is None
