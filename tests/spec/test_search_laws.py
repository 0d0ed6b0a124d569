"""A search keeps its laws."""

import pytest

from spolia.auditing.search_answer import answer_search
from tests.spec import search_laws as laws

LAWS = [value for name, value in vars(laws).items() if name.startswith("law_")]


@pytest.mark.parametrize("law", LAWS, ids=lambda one: one.__name__)
def test_law_holds(law):
    assert law(answer_search) is None
