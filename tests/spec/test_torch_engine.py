"""The torch engine is the reference too: its bound holds, and every bit is the same.

Without torch, its bound and its steps are tested in numpy; with torch, on each device there is.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spolia.core.errors import MissingExtra, ResultTooLarge, UsageError
from spolia.core.progress import silent
from spolia.core.types import Float32, Rows
from spolia.search.block import Block, Task
from spolia.search.exclude import Exclude
from spolia.search.join import join
from spolia.search.plan import Wanted, make_plan
from spolia.search.quantised import PANEL, WIDEST, least_sums, margins, quantise
from spolia.search.result import JoinResult
from spolia.search.torch_engine import (
    available,
    gpu_name,
    make_cut,
    pays,
    require_gpu,
    run_torch,
    torch_report,
)
from tests.spec.join_laws import LAWS
from tests.spec.joins import KINDS, Join, as_join, assert_same, reference, rows_of
from tests.spec.quantised_joins import by_torch, quantised
from tests.spec.quantised_laws import QUANTISED_LAWS
from tests.spec.test_join import Case, Stored, cases, large_case

WITH_TORCH = find_spec("torch") is not None
DEVICES = [
    pytest.param(
        device,
        marks=pytest.mark.skipif(
            not available(device),
            reason="needs torch: pip install 'spolia[gpu]'"
            if not WITH_TORCH
            else f"needs a device that torch can use: {device}",
        ),
    )
    for device in ("cpu", "cuda")
]

# The card's own steps run on a processor too, under another name for it.
CUTS = [
    *DEVICES,
    pytest.param(
        "cpu:0",
        marks=pytest.mark.skipif(
            not available("cpu"), reason="needs torch: pip install 'spolia[gpu]'"
        ),
    ),
]


def engine(device: str, memory: int = 1 << 30) -> Join:
    """Return the join by the engine as a whole."""

    def run(query: Rows, base: Rows, wanted: Wanted, exclude: Exclude | None) -> JoinResult:
        limits = {"memory": memory, "threads": 2, "progress": silent}
        return run_torch(query, base, wanted, exclude, device=device, **limits)

    return as_join(run)


# The bound


@given(
    st.sampled_from(KINDS),
    st.sampled_from(KINDS),
    st.sampled_from([1, 2, 3, 17, 511]),
    st.sampled_from([1, 3, PANEL]),
    st.integers(0, 99),
)
def test_the_similarity_lies_within_the_margin(
    one: str, other: str, d: int, panel: int, seed: int
) -> None:
    x, y = rows_of(one, 7, d, seed), rows_of(other, 9, d, seed + 100)
    left, right = quantise(x, 1), quantise(y, panel)
    sums = left.numbers.astype(np.int64) @ right.numbers.astype(np.int64).T
    panels = np.arange(len(y)) // panel
    near = sums[: len(x), : len(y)] * left.scales[:, np.newaxis] * right.scales[panels]
    true = x.astype(np.float64) @ y.T.astype(np.float64)
    assert (np.abs(true - near) <= margins(left.errors, right.errors)[:, panels] + 1e-12).all()
    for shift in (-1e-12, 0.0):
        sides = (left.scales, left.errors), (right.scales, right.errors)
        asked = true.max(axis=1) + shift
        least = least_sums(asked, *sides, np)[:, panels]
        assert (sums[: len(x), : len(y)] >= least)[true >= asked[:, np.newaxis]].all()


def test_quantised_rows_are_padded_with_zeros() -> None:
    packed = quantise(rows_of("random", 70, 19, 0), PANEL)
    assert packed.numbers.shape == (128, 32)
    assert packed.scales.shape == packed.errors.shape == (2,)
    assert not packed.numbers[70:].any()
    assert not packed.numbers[:, 19:].any()
    assert np.abs(packed.numbers).max() == 127


def test_the_widest_sum_fits_32_bits() -> None:
    rows = np.full((1, WIDEST), WIDEST**-0.5, dtype=np.float32)
    numbers = quantise(rows, 1).numbers[0].astype(np.int64)
    assert 2**30 < numbers @ numbers < 2**31 - 1


def test_every_sum_reaches_the_least_and_none_the_largest() -> None:
    side = np.array([0.01]), np.array([0.1])
    asked = np.array([-np.inf, np.inf])
    left = tuple(np.repeat(one, 2) for one in side)
    assert least_sums(asked, left, side, np).tolist() == [[-(2.0**31)], [2.0**31 - 1]]


# The steps, in numpy


@pytest.mark.parametrize("law", [*LAWS, *QUANTISED_LAWS], ids=lambda law: law.__name__)
def test_law_holds_for_quantised_rows(law: Any) -> None:
    assert law(quantised(rows=quantise, columns=6)) is None


@given(case=cases())
def test_join_of_quantised_rows_equals_the_reference(case: Case) -> None:
    query, base, options = case
    small = quantised(rows=quantise, columns=6, waiting=0)
    assert_same(small(query, base, **options), reference(query, base, **options))


def test_an_output_that_is_not_wanted_learns_nothing() -> None:
    query, base = large_case()
    wanted = Wanted(above=0.5)
    plan = make_plan((300, 700, 24), wanted, memory=1 << 30, threads=1)
    late = np.zeros(700, dtype=np.bool_)
    task = Task(base, late, None, wanted, plan, claim=[].append, stopped=lambda: False)
    block = Block(query, 0, task, -np.inf)
    before = block.floors(slice(3))
    block.know_nearest(slice(3), np.ones(3))
    block.know_top(1.0)
    assert block.floors(slice(3)).tolist() == before.tolist() == [0.5 - plan.margin] * 3


# The engine, in torch


@pytest.mark.parametrize("law", [*LAWS, *QUANTISED_LAWS], ids=lambda law: law.__name__)
@pytest.mark.parametrize("device", DEVICES)
def test_law_holds_on_the_device(device: str, law: Any) -> None:
    assert law(engine(device)) is None


@pytest.mark.parametrize("law", [*LAWS, *QUANTISED_LAWS], ids=lambda law: law.__name__)
@pytest.mark.parametrize("device", CUTS)
def test_law_holds_for_small_tiles(device: str, law: Any) -> None:
    assert law(by_torch(device, hold=False, columns=5, waiting=0)) is None


@pytest.mark.parametrize("device", CUTS)
@settings(max_examples=60)
@given(case=cases(), columns=st.sampled_from([3, 64, 2048]), hold=st.booleans())
def test_join_on_the_device_equals_the_reference(
    device: str, case: Case, columns: int, hold: bool
) -> None:
    query, base, options = case
    cut = by_torch(device, hold=hold, columns=columns, waiting=0)
    assert_same(cut(query, base, **options), reference(query, base, **options))


OPTIONS = {"k": 7, "above": 0.4, "top": 50, "histogram": 9}


@pytest.mark.parametrize("device", CUTS)
@pytest.mark.parametrize("hold", [True, False])
@pytest.mark.parametrize("groups", [None, 40])
def test_many_tiles_blocks_and_threads_change_nothing(
    device: str, hold: bool, groups: int | None
) -> None:
    query, base = large_case()
    options = dict(OPTIONS)
    if groups is not None:
        options["exclude"] = (np.arange(300) % groups, np.arange(700) % groups)
    expected = join(query, base, **options, engine="library")
    for cut in ({"rows": 100, "columns": 128, "threads": 3}, {"rows": 7, "columns": 600}):
        assert_same(by_torch(device, hold=hold, **cut)(query, base, **options), expected)
    itself = by_torch(device, hold=hold, rows=50, columns=128)(base, k=5, top=9)
    assert_same(itself, join(base, k=5, top=9, engine="library"))


@pytest.mark.parametrize("device", DEVICES)
def test_rows_may_lie_anywhere(device: str, tmp_path: Path) -> None:
    query, base = large_case()
    np.save(tmp_path / "base.npy", base)
    expected = join(query, base, **OPTIONS, engine="library")
    mapped = np.load(tmp_path / "base.npy", mmap_mode="r")
    for rows in (mapped, Stored(base), np.asfortranarray(base)):
        assert_same(engine(device)(query, rows, **OPTIONS), expected)


@pytest.mark.parametrize("device", DEVICES)
def test_where_memory_is_small_the_library_joins(device: str) -> None:
    query, base = large_case()
    expected = reference(query, base, k=7, histogram=9)
    assert_same(engine(device, memory=12 << 20)(query, base, k=7, histogram=9), expected)
    with pytest.raises(UsageError, match="raise memory"):
        engine(device, memory=1 << 10)(query, base, k=7)


@pytest.mark.parametrize("device", DEVICES)
def test_pairs_that_do_not_fit_are_refused(device: str) -> None:
    rows = np.repeat(rows_of("random", 1, 8, 0), 2000, axis=0)
    with pytest.raises(ResultTooLarge, match="raise above or memory"):
        engine(device, memory=128 << 20)(rows, rows, above=0.9)


@pytest.mark.parametrize("device", DEVICES)
def test_a_join_leaves_the_threads_of_torch_as_they_were(device: str) -> None:
    import torch

    before = torch.get_num_threads()
    engine(device)(*large_case(), k=1)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("device", DEVICES)
def test_a_join_given_up_ends(device: str) -> None:
    def refuse(stage: str, done: int, total: int) -> None:
        if done:
            raise RuntimeError

    query, base = large_case()
    limits = {"memory": 1 << 30, "threads": 2, "progress": refuse}
    with pytest.raises(RuntimeError):
        run_torch(query, base, Wanted(k=1), None, device=device, **limits)


# What there is


def test_rows_too_wide_or_memory_too_small_are_left_to_the_library() -> None:
    limits: dict[str, Any] = {"threads": 2, "grouped": False}
    assert make_cut((9, 9, WIDEST + 1), Wanted(k=1), "cpu", memory=1 << 40, **limits) is None
    assert make_cut((9, 9, 512), Wanted(k=1), "cpu", memory=8 << 20, **limits) is None


def test_base_is_held_where_it_fits_memory() -> None:
    shape, wanted = (50_000, 1_000_000, 512), Wanted(k=10)
    large = make_cut(shape, wanted, "cpu", memory=2 << 30, threads=2, grouped=False)
    small = make_cut(shape, wanted, "cpu", memory=512 << 20, threads=2, grouped=False)
    assert large is not None
    assert small is not None
    assert (large.hold, small.hold) == (True, False)


def test_without_torch_each_question_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not available("cpu")
    assert not available("cuda")
    assert gpu_name() is None
    assert not pays(1 << 20, 1 << 20, 512, Wanted(above=0.5))
    assert torch_report() == {"torch": None, "gpu": None, "library": False}
    with pytest.raises(MissingExtra, match=r"pip install 'spolia\[gpu\]'"):
        require_gpu()


@pytest.mark.skipif(not WITH_TORCH, reason="needs torch: pip install 'spolia[gpu]'")
def test_with_torch_the_card_is_named_or_missed() -> None:
    report = torch_report()
    assert report["torch"]
    assert report["gpu"] == gpu_name()
    if gpu_name() is None:
        with pytest.raises(UsageError, match="graphics card"):
            require_gpu()
    else:
        require_gpu()


def test_a_small_join_or_one_of_the_nearest_does_not_pay() -> None:
    assert not pays(1000, 1000, 512, Wanted(above=0.5))
    assert not pays(1 << 20, 1 << 20, 512, Wanted(k=1))


def test_wide_rows_are_joined_by_the_library() -> None:
    if not available("cpu"):
        pytest.skip("needs torch: pip install 'spolia[gpu]'")
    rows: Float32 = np.full((2, WIDEST + 2200), (WIDEST + 2200) ** -0.5, dtype=np.float32)
    assert_same(engine("cpu")(rows, rows, k=1), reference(rows, rows, k=1))
