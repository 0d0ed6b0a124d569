"""The page of the kinds says what the code does and the benchmark measured."""

import re
from typing import get_args

import pytest

from benchmarks import kinds as measured
from spolia.core.hits import Hit
from spolia.stats import kinds
from tests.docs.pages import pages

PAGE = pages()["docs/methods/kinds.md"]


def test_every_kind_is_explained():
    first = PAGE.split("## What is said", 1)[0]
    named = re.findall(r"^\| ([a-z ]+?)(?: \(or edit\))? \|", first, re.MULTILINE)
    assert named[1:] == list(get_args(Hit))


@pytest.mark.parametrize("number", [kinds.LEAST, kinds.LARGEST_TILE, kinds.ALONE, kinds.SUPPORTED])
def test_the_numbers_of_the_rule_are_on_the_page(number):
    assert re.search(rf"\b{re.escape(str(number))}\b", PAGE)


@pytest.mark.slow
def test_the_table_of_edits_is_what_the_benchmark_prints(shared):
    table, _ = "\n".join(measured.edits(shared)).split("\n\n")
    assert table in PAGE
