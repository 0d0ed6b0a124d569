"""How the compiled engine chooses: a kernel, a packing, a sample; and that no choice shows."""

import ctypes
import os
import signal
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spolia.core.errors import InvalidRows, UsageError
from spolia.core.progress import silent
from spolia.core.types import Float32, normalise
from spolia.search import engines
from spolia.search.exclude import Exclude
from spolia.search.join import join
from spolia.search.library import run_library
from spolia.search.native import binding, depth, engine, run
from spolia.search.native.binding import Kernel, address, chosen_kernel, kernels
from spolia.search.native.cut import make_cut
from spolia.search.native.depth import choose_packing, make_rotation
from spolia.search.native.packed import Centre, Packing
from spolia.search.native.pieces import Work, handed_out, helped
from spolia.search.native.precision import whole_rows
from spolia.search.native.sample import take_sample
from spolia.search.plan import Wanted
from spolia.search.request import Request
from spolia.search.result import JoinResult
from tests.spec.joins import assert_same, compiled, rows_of

needs_kernel = pytest.mark.skipif(not kernels(), reason="spolia was installed without a compiler")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sample every join, however small."""
    monkeypatch.setattr(engine, "_WORTH_A_LOOK", 0.0)
    monkeypatch.setattr(depth, "_WORTH_A_LOOK", 0.0)


def kernel_of(name: str) -> Kernel:
    """Return a kernel of which only the name and the sizes matter."""
    sizes = {"rows": 8, "unit": 4, "columns": 48, "deepest": 32768}
    return Kernel(name=name, runs=True, number=0, **sizes)


def low_rank(n: int, d: int, rank: int, seed: int) -> Float32:
    """Return rows of which a few directions hold nearly all."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(np.random.default_rng(99).standard_normal((d, d)))[0]
    rows = rng.standard_normal((n, d)) * np.where(np.arange(d) < rank, 1.0, 0.01)
    return normalise(rows @ axes.T)


def request_of(
    query: Float32, *bases: Float32, exclude: Exclude | None = None, **wanted: Any
) -> Request:
    excludes = (*([None] * (len(bases) - 1)), exclude)
    return Request(query, bases, excludes, Wanted(**wanted), 1 << 30, 2, silent)


def packing_of(query: Float32, base: Float32, **wanted: Any) -> Packing:
    request = request_of(query, base, **wanted)
    sample = take_sample(request)
    assert sample is not None
    return choose_packing(kernel_of("avx512"), request, sample)[0]


# Packing


@pytest.mark.usefixtures("looks")
def test_a_prefix_is_packed_where_few_directions_hold_nearly_all() -> None:
    rows = low_rank(4000, 256, 40, 0), low_rank(4000, 256, 40, 1)
    assert packing_of(*rows, above=0.9).width == 64


@pytest.mark.usefixtures("looks")
def test_whole_rows_are_packed_where_all_directions_are_alike() -> None:
    rows = rows_of("random", 4000, 256, 0), rows_of("random", 4000, 256, 1)
    packing = packing_of(*rows, k=10)
    assert packing.rotation is None
    assert packing.width == 256


def test_small_joins_are_not_worth_turning() -> None:
    rows = low_rank(4000, 256, 40, 0), low_rank(4000, 256, 40, 1)
    assert packing_of(*rows, above=0.9).rotation is None


@pytest.mark.usefixtures("looks")
def test_narrow_rows_are_not_turned() -> None:
    rows = rows_of("random", 2000, 32, 0)
    assert packing_of(rows, rows, k=1).rotation is None


def test_what_rows_have_in_common_is_taken_off() -> None:
    rows = normalise(1.0 + 0.3 * np.random.default_rng(0).standard_normal((500, 16)))
    packing, _ = choose_packing(kernel_of("avx512"), request_of(rows, rows, k=1), None)
    assert packing.centre is not None
    assert packing.width == 17


def test_rows_with_much_in_common_are_judged_without_it() -> None:
    rows = normalise(1.0 + 0.3 * np.random.default_rng(0).standard_normal((2000, 160)))
    assert packing_of(rows, rows, k=1).centre is not None


@pytest.mark.usefixtures("looks")
def test_a_rotation_that_is_too_rough_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = low_rank(4000, 256, 40, 0), low_rank(4000, 256, 40, 1)
    rough = make_rotation(np.eye(257) * 1.01, 64, mix=True)
    monkeypatch.setattr(depth, "make_rotation", lambda *_, **__: rough)
    assert packing_of(*rows, above=0.9).rotation is None


def test_centred_rows_have_the_similarities_of_the_rows() -> None:
    x, y = rows_of("random", 20, 12, 0).astype(np.float64), rows_of("random", 30, 12, 1)
    centre = Centre.of(y)
    query, shift = centre.query(x.astype(np.float32))
    found = query.astype(np.float64) @ centre.base(y).T.astype(np.float64) + shift[:, np.newaxis]
    np.testing.assert_allclose(found, x @ y.T.astype(np.float64), atol=1e-6)


# Precision


def plain_kernel() -> Kernel:
    return next(one for one in kernels() if one.name == "plain")


def bytes_of(query: Float32, base: Float32, memory: int = 1 << 30, **wanted: Any) -> int:
    request = replace(request_of(query, base, **wanted), memory=memory)
    return whole_rows(plain_kernel(), request, None)[1].kernel.bytes


@needs_kernel
@pytest.mark.parametrize("wanted", [{"k": 200}, {"above": 0.0}, {"top": 90_000}], ids=str)
def test_numbers_of_two_bytes_are_packed_where_many_pairs_matter(wanted: dict[str, Any]) -> None:
    rows = rows_of("random", 500, 64, 0), rows_of("random", 500, 64, 1)
    assert bytes_of(*rows, **wanted) == 2


@needs_kernel
@pytest.mark.parametrize("wanted", [{"k": 1}, {"above": 0.9}, {"top": 5}], ids=str)
def test_numbers_of_one_byte_are_packed_where_few_pairs_matter(wanted: dict[str, Any]) -> None:
    rows = rows_of("random", 500, 512, 0), rows_of("random", 9000, 512, 1)
    assert bytes_of(*rows, **wanted) == 1


@needs_kernel
def test_numbers_of_one_byte_are_packed_where_two_would_fill_the_memory() -> None:
    rows = rows_of("random", 500, 64, 0), rows_of("random", 500, 64, 1)
    assert bytes_of(*rows, k=200, memory=200_000) == 1


@needs_kernel
def test_rows_too_alike_for_float32_are_packed_in_two_bytes() -> None:
    rng = np.random.default_rng(0)
    rows = normalise(1.0 + 1e-4 * rng.standard_normal((2, 9000, 64)).reshape(-1, 64))
    assert bytes_of(rows[:500], rows[500:], k=1) == 2


@needs_kernel
def test_an_empty_side_is_packed_in_one_byte() -> None:
    rows = rows_of("random", 5, 64, 0)
    assert bytes_of(rows, rows[:0], k=9) == bytes_of(rows[:0], rows, k=9) == 1


@needs_kernel
@pytest.mark.usefixtures("looks")
def test_a_sampled_join_may_pack_numbers_of_two_bytes() -> None:
    rows = rows_of("random", 2000, 64, 0), rows_of("random", 400, 64, 1)
    request = request_of(*rows, k=200)
    packing, _ = choose_packing(plain_kernel(), request, take_sample(request))
    assert packing.kernel.bytes == 2


# Threads


@pytest.mark.parametrize("threads", [2, 3])
def test_no_thread_waits_for_a_slow_piece_while_there_is_work(threads: int) -> None:
    others, left = threading.Event(), iter(range(8))

    def slow() -> int:
        return int(others.wait(30))  # until all others are done

    def quick() -> int:
        if next(left) == 7:
            others.set()
        return 2

    work: list[Work] = [(slow,), *[(quick,)] * 8]
    assert sum(helped(work, threads, ctypes.c_int32(0))) == 17


@pytest.mark.parametrize("each", [helped, handed_out])
def test_what_goes_wrong_in_a_piece_is_told(each: Any) -> None:
    began = threading.Barrier(2, timeout=30)

    def fail() -> int:
        began.wait()  # on two threads
        raise InvalidRows("no rows")

    with pytest.raises(InvalidRows, match="no rows"):
        list(each([(fail,), (fail,)], 2, ctypes.c_int32(0)))


@needs_kernel
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("short", [0.0, np.inf])
def test_the_threads_that_work_do_not_show(
    threads: int, short: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_SHORT", short)
    query, base = rows_of("random", 3000, 8, 0), rows_of("random", 900, 8, 1)
    told: list[int] = []
    result = join(query, base, k=3, threads=threads, progress=lambda _, done, __: told.append(done))
    assert_same(result, join(query, base, k=3, engine="library"))
    assert told == sorted(set(told))


@needs_kernel
@pytest.mark.parametrize("short", [0.0, np.inf])
def test_a_join_that_is_given_up_can_be_begun_anew(
    short: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(stage: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    monkeypatch.setattr(run, "_SHORT", short)
    rows = rows_of("random", 3000, 8, 0)
    with pytest.raises(KeyboardInterrupt):
        join(rows, k=2, threads=2, progress=give_up)
    assert_same(join(rows, k=2, threads=2), join(rows, k=2, engine="library"))


@needs_kernel
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_was_forked_has_threads_of_its_own() -> None:
    rows = rows_of("random", 600, 8, 0)
    expected = join(rows, k=2, threads=2)
    child = os.fork()
    if child == 0:  # pragma: no cover - not in this process
        signal.alarm(60)
        found = join(rows, k=2, threads=2)
        os._exit(int(found.indices.tobytes() != expected.indices.tobytes()))
    assert os.waitpid(child, 0)[1] == 0


# Samples


def test_the_guess_is_reached_by_nearly_all_rows() -> None:
    query, base = rows_of("random", 3000, 24, 0), rows_of("random", 2000, 24, 1)
    sample = take_sample(request_of(query, base, k=5))
    assert sample is not None
    guess = sample.guesses[0]
    reached = join(query, base, k=5).similarities[:, 4] >= guess.of(query)
    assert 0.9 < reached.mean() < 1.0


def test_few_query_rows_are_not_sampled() -> None:
    rows = rows_of("random", 1500, 4, 0)
    assert take_sample(request_of(rows, rows, k=1)) is None


def test_empty_bases_and_excluded_rows_give_no_guess() -> None:
    query = rows_of("random", 2000, 4, 0)
    groups = np.zeros(2000, dtype=np.int64)
    all_excluded = Exclude(groups, groups[:300])
    bases = query[:0], query[:300]
    sample = take_sample(request_of(query, *bases, exclude=all_excluded, k=2, top=40))
    assert sample is not None
    assert [(one.level, one.top) for one in sample.guesses] == [(-np.inf, -np.inf)] * 2


# Joins


@needs_kernel
@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize(
    "options", [{"k": 3}, {"k": 3, "above": 0.5, "top": 30, "histogram": 9}, {"top": 7}], ids=str
)
def test_a_sampled_join_is_the_join(options: dict[str, Any]) -> None:
    query, base = low_rank(2000, 160, 20, 0), low_rank(900, 160, 20, 1)
    base[800:] = query[:100]
    expected = join(query, base, **options, engine="library")
    assert_same(join(query, base, **options, engine="kernel"), expected)


@needs_kernel
@pytest.mark.parametrize("columns", [48, 1 << 16], ids=["in stretches", "at once"])
@pytest.mark.parametrize("wanted", [{"k": 3}, {"top": 7}, {"k": 2, "top": 9}], ids=str)
def test_what_does_not_reach_the_guess_is_searched_again(
    wanted: dict[str, int], columns: int
) -> None:
    query, base = rows_of("random", 60, 16, 0), rows_of("random", 200, 16, 1)
    found = compiled(guess=0.99, columns=columns)(query, base, **wanted)
    assert_same(found, join(query, base, **wanted, engine="library"))


@needs_kernel
@pytest.mark.usefixtures("looks")
def test_a_prefix_that_is_too_short_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    query, base = low_rank(2000, 160, 20, 0), rows_of("random", 900, 160, 1)
    rotation = make_rotation(np.eye(161), 2, mix=True)
    short = Packing(chosen_kernel() or kernel_of(""), 160, Centre.of(base), rotation)
    monkeypatch.setattr(engine, "choose_packing", lambda *_: (short, 0.01))
    told: list[int] = []
    result = join(query, base, k=2, progress=lambda _, done, __: told.append(done))
    assert_same(result, join(query, base, k=2, engine="library"))
    assert told == sorted(set(told))
    assert told[-1] == 2000


@needs_kernel
@pytest.mark.parametrize("why", ["rows in columns", "rows too wide", "too many rows", "memory"])
def test_the_library_does_what_the_kernel_cannot(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    query, base = rows_of("random", 30, 20, 0), rows_of("random", 400, 20, 1)
    expected = join(query, base, k=3, engine="library")
    options: dict[str, Any] = {}
    if why == "rows in columns":
        base = np.asfortranarray(base)
    elif why == "rows too wide":
        monkeypatch.setattr(engines, "chosen_kernel", lambda: narrow)
        narrow = Kernel("avx2", True, 0, rows=8, unit=4, columns=48, deepest=20)
    elif why == "too many rows":
        monkeypatch.setattr(engine, "_MOST_ROWS", 400)
    else:
        options = {"memory": 3 << 20, "threads": 1}
        monkeypatch.setattr(engine, "make_cut", lambda *_, **__: None)
    assert_same(join(query, base, k=3, **options, engine="kernel"), expected)


def test_no_piece_fits_a_small_budget() -> None:
    packing = Packing(kernel_of("avx512"), 64)
    options = {"memory": 1 << 20, "threads": 2}
    assert make_cut(100, 10_000, packing, Wanted(k=10, above=0.5, top=5), **options) is None


# Kernels


def test_a_machine_without_kernel_takes_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "kernels", lambda: ())
    assert engines.kernel_name() == "library"
    with pytest.raises(UsageError, match="engine kernel must have been built"):
        engines.check_engine("kernel")


def test_an_installation_without_kernel_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "find_spec", lambda _: None)
    binding.library.cache_clear()
    binding.kernels.cache_clear()
    try:
        assert kernels() == ()
        with pytest.raises(UsageError, match="compiled kernel was not built"):
            binding.call("spolia_pack_query")
    finally:
        binding.library.cache_clear()
        binding.kernels.cache_clear()


@needs_kernel
def test_every_kernel_can_be_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    for kernel in kernels():
        monkeypatch.setenv("SPOLIA_KERNEL", kernel.name)
        if kernel.runs:
            assert chosen_kernel() == kernel
        else:
            with pytest.raises(UsageError, match="this machine can run"):
                chosen_kernel()
    monkeypatch.setenv("SPOLIA_KERNEL", "library")
    assert chosen_kernel() is None


def test_the_kernel_is_handed_contiguous_arrays_only() -> None:
    with pytest.raises(ValueError, match="contiguous"):
        address(np.zeros((4, 4))[:, ::2])


def test_progress_of_an_empty_join_is_told_once() -> None:
    told: list[tuple[str, int, int]] = []
    rows = rows_of("random", 3, 5, 0)
    join(rows, rows[:0], k=1, progress=lambda *one: told.append(one))
    assert told == [("join", 0, 3), ("join", 3, 3)]
    assert silent("join", 0, 0) is None


@pytest.mark.parametrize(("engine_name", "device"), [("gpu", "cuda"), ("library", "cpu")])
def test_torch_does_the_joins_that_are_its_own(
    engine_name: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def stand_in(*sides: Any, device: str, **limits: Any) -> JoinResult:
        told.append(device)
        return run_library(*sides, **limits)

    monkeypatch.setattr(engines, "require_gpu", lambda: None)
    monkeypatch.setattr(engines, "pays", lambda *_: True)
    monkeypatch.setattr(engines, "run_torch", stand_in)
    rows = rows_of("random", 5, 4, 0)
    assert_same(join(rows, k=2, engine=engine_name), join(rows, k=2))
    assert told == [device]
