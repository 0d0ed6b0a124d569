"""The published JSON Schemas are those of the code."""

import pytest

from spolia.report.json_schema import json_schema
from tests.docs.schemas import RECORDS, file_of


@pytest.mark.parametrize("name", RECORDS)
def test_the_published_schema_is_that_of_the_code(name):
    """After a change run ``nox -s schemas``, and raise the version where a meaning changed."""
    assert file_of(name).read_text(encoding="utf-8") == json_schema(RECORDS[name], name)


def test_no_other_schema_is_published():
    folder = file_of("any").parent
    assert set(folder.iterdir()) == {file_of(name) for name in RECORDS}
