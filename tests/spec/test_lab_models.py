"""Small generators memorise what they saw often, and nothing that they did not see."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from spolia.lab.settings import FAMILIES, Settings
from spolia.lab.training import train, train_until

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None, reason="needs torch: pip install 'spolia[lab]'"
)

SIDE = 8
TINY = Settings(side=SIDE, steps=30, latents=16, width=32, batch=16)


def blobs(n, seed):
    """Smooth pictures in colour, each like no other."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(SIDE // 4, axis=1).repeat(SIDE // 4, axis=2)


def distances(samples, images):
    """Root mean square of each sample's difference to each image, in levels."""
    one, other = (x.reshape(len(x), 1, -1).astype(np.float64) for x in (samples, images))
    return np.sqrt(((one - other.transpose(1, 0, 2)) ** 2).mean(axis=2))


@pytest.fixture(scope="module", params=FAMILIES)
def tiny(request):
    return train(blobs(12, 0), replace(TINY, family=request.param), seed=3)


def test_the_same_seed_gives_the_same_model(tiny):
    again = train(blobs(12, 0), tiny.settings, seed=3)
    assert again.fingerprint == tiny.fingerprint
    assert train(blobs(12, 0), tiny.settings, seed=4).fingerprint != tiny.fingerprint


def test_more_steps_pass_through_the_state_of_fewer(tiny):
    stages = train_until(blobs(12, 0), tiny.settings, (1, 20, 30), seed=3)
    assert [one.settings.steps for one in stages] == [1, 20, 30]
    for one in stages:
        assert one.fingerprint == train(blobs(12, 0), one.settings, seed=3).fingerprint
    assert len({one.fingerprint for one in stages}) == 3
