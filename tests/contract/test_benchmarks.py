"""The benchmarks run, and time no result that is wrong; on rows so few that seconds say nothing."""

import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks.checks import Wrong, check_flat, check_reference, truth
from benchmarks.rows import KINDS, sides
from benchmarks.scale import Point, fit, measured, written
from spolia import join
from spolia.search.result import JoinResult, Pairs
from spolia.sources import open_source

needs_faiss = pytest.mark.skipif(
    find_spec("faiss") is None, reason="faiss is not installed; it comes with spolia[bench]"
)


@needs_faiss
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the wrapper that faiss is built with
def test_the_join_table_has_a_checked_line_for_every_output():
    from benchmarks.join import How, parse_outputs, table, written

    outputs = parse_outputs("k=10,above=.6,top=20")
    how = How(rounds=1, threads=1)
    lines = list(table(["face-like"], [(300, 300)], outputs, how, dim=32, histograms=True))
    named = [line["output"] for line in lines]
    assert named == ["k=10", "above=0.6", "top=20", "k=10+histogram=200"]
    assert all(line["ratio"] > 0 and line["spolia_cpu"] > 0 for line in lines[:3])
    assert all(written(line).startswith("face-like") for line in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of the process from /proc")
def test_a_point_of_the_scale_table_is_checked_and_has_its_peak(tmp_path):
    query, base = sides("face-like", 300, 200, 32, folder=tmp_path)
    point = Point(tmp_path, "face-like", 250, 200, {"above": 0.6}, 2 << 30, 1, "auto", False)
    line = measured(point)
    assert (line["query"], line["base"]) == (250, 200)
    assert query.nbytes + base.nbytes < line["peak"]["all"] < line["peak_limit"]
    assert written(line).startswith("above=0.6")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_unit_rows_that_depend_on_kind_sizes_and_seed_alone(kind, tmp_path):
    query, base = sides(kind, 200, 150, 32, seed=3)
    assert np.abs(np.linalg.norm(query.astype(np.float64), axis=1) - 1.0).max() < 1e-6
    on_disk = sides(kind, 200, 150, 32, seed=3, folder=tmp_path)
    assert np.array_equal(query, on_disk[0])
    assert np.array_equal(base, on_disk[1])


def test_one_query_row_in_a_hundred_is_a_near_duplicate_in_copy_like_rows():
    query, base = sides("copy-like", 400, 500, 256)
    assert np.sum(join(query, base, k=1).similarities > 0.97) == 4


def _answer() -> tuple[np.ndarray, np.ndarray, JoinResult]:
    query, base = sides("face-like", 60, 50, 32)
    return query, base, join(query, base, k=3, above=0.5, top=9)


def _without_first(pairs: Pairs) -> Pairs:
    return Pairs(pairs.query[1:], pairs.base[1:], pairs.similarity[1:])


WRONG = {
    "a neighbour of another row": lambda r: replace(r, indices=np.roll(r.indices, 1, axis=0)),
    "a similarity": lambda r: replace(r, similarities=r.similarities + 1e-4),
    "a missing neighbour": lambda r: replace(r, indices=np.where(r.indices == 0, -1, r.indices)),
    "a missing pair": lambda r: replace(r, pairs=_without_first(r.pairs)),
    "a missing top pair": lambda r: replace(r, top=_without_first(r.top)),
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
def test_a_wrong_result_is_not_timed(spoil):
    query, base, right = _answer()
    check_flat(right, right, query, base, 0.5)
    with pytest.raises(Wrong):
        check_flat(spoil(right), right, query, base, 0.5)


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
def test_the_reference_finds_what_is_wrong_on_its_rows(spoil):
    query, base, right = _answer()
    best = int(right.pairs.query[0])  # the row of the pair that goes missing
    true = truth(query, base, 3, np.unique([best, *range(8)]))
    check_reference(right, true, 0.5)
    with pytest.raises(Wrong):
        check_reference(spoil(right), true, 0.5)


def test_a_fit_finds_the_exponent_and_the_point_that_is_off():
    pairs = np.array([1e6, 1e7, 1e8, 1e9])
    assert fit(pairs, 2e-9 * pairs).exponent == pytest.approx(1.0)
    assert np.abs(fit(pairs, 0.1 + 2e-9 * pairs).off_line).max() < 1e-6
    slow = fit(pairs, 2e-9 * pairs * np.array([1.0, 1.0, 1.0, 1.5]))
    assert slow.exponent > 1.04
    assert slow.off_power[-1] > 0.05


def test_the_embedding_benchmark_compares_the_rows_before_it_times_them(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")
    from benchmarks import embed
    from tests.cards.tiny import write_card

    images = np.random.default_rng(0).integers(0, 256, (20, 9, 7, 3), dtype=np.uint8)
    np.save(tmp_path / "set.npy", images)
    card = write_card(tmp_path)
    line = embed.measured(card, open_source(tmp_path / "set.npy"), 2, 1)
    assert all(line[f"{way}_{what}"] > 0 for way in ("pixels", "files") for what in ("wall", "cpu"))
    assert [text.split()[0] for text in embed.written(line).splitlines()[2:5]] == [
        "bare",
        "on",
        "from",
    ]
