"""What strangers inside train predict is what strangers to train do, by a real face network."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

from benchmarks import tails as benchmark
from spolia.auditing.embed import embed_source
from spolia.embedding import open_embedder
from spolia.sources import open_source

CARD = Path(__file__).parents[1] / "cards" / "mobilefacenet_ms1m_112.toml"
ARCHIVE = "faces/lfw_half_aligned112.zip"
RUNS = 5

pytestmark = pytest.mark.network_model


@pytest.fixture(scope="module")
def splits(shared, tmp_path_factory):
    """People split by chance into train and strangers to it, in each run anew."""
    pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPOLIA_MODELS", str(shared / "models"))
        embed_source(open_source(shared / ARCHIVE), open_embedder(CARD), folder)
    faces = benchmark.without_doubles(*benchmark.faces(folder))
    return [benchmark.split(*faces, seed, people=1000) for seed in range(RUNS)]


def test_counts_in_the_tail_are_as_expected(splits):
    for one in splits:
        assert one.tail is not None
        down = np.sort(one.others)[::-1]
        for seen in (10, 50, 200):
            chance = benchmark.exceedance(one.draws, one.tail, float(down[seen - 1]))
            scatter = 3 * np.sqrt(seen)
            assert chance.low * down.size <= seen + scatter
            assert chance.high * down.size >= seen - scatter


def test_expected_counts_are_right_on_average(splits):
    for p in (0.05, 0.01, 0.002):
        seen = [np.mean(one.others >= benchmark.similarity_of(one, p)) for one in splits]
        assert 0.5 < np.mean(seen) / p < 2.0


def test_strangers_inside_train_and_to_it_are_alike(splits):
    p_values = [ks_2samp(one.draws.similarity, one.others).pvalue for one in splits]
    assert np.median(p_values) > 0.05
