"""Known wrong versions of the compiled kernel: each is compiled, and killed by a law."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from spolia.search.copies import late_copies
from spolia.search.native import packed, run, state
from spolia.search.native.binding import VARIABLE, kernels
from tests.mutants.kernel_bound_faults import BOUNDS, SEED, SPECIAL, SUMS
from tests.mutants.kernel_builds import SOURCES, Builds, whole
from tests.mutants.kernel_joins import centred, stretches
from tests.mutants.kernel_list_faults import COLLECTING, EDGES, EXACT
from tests.spec import join_exclude_laws as exclude_laws
from tests.spec import join_laws
from tests.spec import kernel_laws as laws
from tests.spec.joins import Join, compiled

MUTANTS = SUMS | BOUNDS | SEED | SPECIAL | COLLECTING | EDGES | EXACT


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    faults = {name: one.fault for name, one in MUTANTS.items()}
    made = Builds(faults, tmp_path_factory.mktemp("kernels"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "plain")


def require(kernel: str) -> None:
    if not any(one.runs for one in kernels() if one.name == kernel):
        pytest.skip(f"needs a machine with {kernel}")


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_has_one_place(name: str) -> None:
    assert MUTANTS[name].fault.put_into(SOURCES)


@pytest.mark.parametrize("name", MUTANTS)
def test_law_kills_the_mutant(name: str, builds: Builds) -> None:
    mutant = MUTANTS[name]
    with builds.in_use(name):
        require(mutant.kernel)
        with pytest.raises(AssertionError):
            mutant.law(mutant.join)


@pytest.mark.parametrize("name", {one.asked: name for name, one in MUTANTS.items()}.values())
def test_without_a_fault_the_law_is_obeyed(name: str, builds: Builds) -> None:
    mutant = MUTANTS[name]
    with builds.in_use(None):
        require(mutant.kernel)
        assert mutant.law(mutant.join) is None


def test_every_law_kills_a_mutant() -> None:
    assert {one.law for one in MUTANTS.values()} >= set(laws.KERNEL_LAWS)


# Faults of the Python beside it, put in by hand.


def numbers_forgotten(self: state.Best, *held: Any) -> None:
    """Goes on from earlier stretches of base as if all was found for some other query row."""
    LOAD(self, *held)
    self._best["query"] = 2**32 - 1


LOAD = state.Best.load

PYTHON: dict[str, tuple[tuple[object, str, object], Callable[[Join], None], Join]] = {
    "slack dropped": (
        (packed, "SLACK", 0.0),
        laws.equal_rows_are_at_or_above_their_similarity,
        centred,
    ),
    "guess trusted": (
        (run.Whole, "below_guess", lambda _: np.empty(0, dtype=np.int64)),
        laws.the_nearest_are_found_in_every_panel,
        compiled(guess=0.9),
    ),
    "guess of the best pairs trusted": (
        (run.Whole, "top_below_guess", lambda _: False),
        laws.the_nearest_are_found_in_every_panel,
        compiled(guess=0.99),
    ),
    "query numbers forgotten between stretches": (
        (state.Best, "load", numbers_forgotten),
        laws.many_unequal_rows_as_similar_go_to_the_lower_number,
        stretches,
    ),
    "one copy too many dropped": (
        (run, "late_copies", lambda rows, limit, groups: late_copies(rows, limit - 1, groups)),
        join_laws.copies_count_as_neighbours,
        whole,
    ),
    "copies dropped whatever their groups": (
        (run, "late_copies", lambda rows, limit, _: late_copies(rows, limit)),
        exclude_laws.copies_that_are_excluded_do_not_count_as_earlier_ones,
        whole,
    ),
}


@pytest.mark.parametrize("name", PYTHON)
def test_law_kills_the_fault_in_python(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not kernels():
        pytest.skip("needs the compiled kernel")
    fault, law, join = PYTHON[name]
    assert law(join) is None
    monkeypatch.setattr(*fault)
    with pytest.raises(AssertionError):
        law(join)
