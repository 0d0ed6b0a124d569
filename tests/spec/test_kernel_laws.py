"""Every kernel that this machine can run, cut up in any way, obeys the laws of many panels."""

from collections.abc import Callable
from functools import partial

import pytest

from spolia.search.join import join
from spolia.search.native.binding import kernels
from tests.spec.joins import Join, compiled
from tests.spec.kernel_laws import (
    KERNEL_LAWS,
    library,
    rows_too_wide_for_the_kernel_are_joined,
    the_deepest_sums_do_not_overflow,
)

JOINS: dict[str, Join] = {"library": library}
for one in kernels():
    if one.runs:
        JOINS[one.name] = compiled(kernel=one.name)
        JOINS[f"{one.name}, centred, small pieces"] = compiled(
            kernel=one.name, centred=True, rows=16, columns=96, waiting=40, top_waiting=200
        )


@pytest.mark.parametrize("law", KERNEL_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", JOINS)
def test_a_kernel_obeys_the_laws_of_many_panels(name: str, law: Callable[[Join], None]) -> None:
    assert law(JOINS[name]) is None


# Turning rows of the deepest width would take a matrix of 4 GiB.
@pytest.mark.parametrize(
    "law",
    [law for law in KERNEL_LAWS if law is not the_deepest_sums_do_not_overflow],
    ids=lambda law: law.__name__,
)
@pytest.mark.skipif(not kernels(), reason="needs the compiled kernel")
def test_a_prefix_obeys_the_laws_of_many_panels(law: Callable[[Join], None]) -> None:
    assert law(compiled(depth=0.5, guess=0.4)) is None


@pytest.mark.parametrize("engine", ["auto", "library"])
def test_rows_too_wide_for_a_kernel_are_joined(engine: str) -> None:
    assert rows_too_wide_for_the_kernel_are_joined(partial(join, engine=engine)) is None
