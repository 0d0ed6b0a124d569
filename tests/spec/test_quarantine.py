"""What stands in ``quarantine.csv`` comes back as it was, and is no formula of a spreadsheet."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.auditing.result import read_quarantine, write_quarantine

NAMES = [
    "=1+1.png",
    "'=1+1.png",
    "''.png",
    "'",
    "+a",
    "-a",
    "@a",
    "\ta",
    "\ra",
    "'a",
    "a'b",
    '"a", b',
    "a\nb",
    "",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.builds(
    "".join, st.lists(st.sampled_from("'=+-@\t\r\n\",;a"), max_size=6)
)
ROLES = st.sampled_from(["train", "control", "synthetic"])


@given(rows=st.lists(st.tuples(ROLES, TEXTS, TEXTS), max_size=5))
def test_a_quarantine_is_read_as_it_was_written(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_quarantine(folder, tuple(rows))
    assert read_quarantine(folder) == tuple(rows)


@pytest.mark.parametrize("name", NAMES)
def test_no_cell_of_a_quarantine_begins_like_a_formula(tmp_path, name):
    write_quarantine(tmp_path, (("train", name, name),))
    with (tmp_path / "quarantine.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert read_quarantine(tmp_path) == (("train", name, name),)
