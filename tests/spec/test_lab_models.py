"""Small generators memorise what they saw often, and nothing that they did not see."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.core.progress import silent
from spolia.lab.settings import FAMILIES, Settings
from spolia.lab.training import train, train_until
from tests.spec.lab_pictures import SIDE, blobs, distances

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None, reason="needs torch: pip install 'spolia[lab]'"
)

TINY = Settings(side=SIDE, steps=30, latents=16, width=32, batch=16)


@pytest.fixture(scope="module", params=FAMILIES)
def tiny(request):
    return train(blobs(12, 0), replace(TINY, family=request.param), seed=3)


@pytest.fixture(scope="module", params=FAMILIES)
def overtrained(request):
    """Samples of a model that saw eight images over and over."""
    settings = Settings(family=request.param, side=SIDE, steps=1000, width=64)
    return train(blobs(8, 0), settings, seed=0).sample(200, seed=1)


def test_a_model_trained_on_few_images_hands_out_those(overtrained):
    own, others = (distances(overtrained, blobs(8, seed)).min(axis=1) for seed in (0, 1))
    assert np.median(own) < np.median(others) / 2
    assert np.mean(own < others) > 0.95


def test_an_image_that_was_not_trained_on_is_no_closer_than_another(overtrained):
    """Null: eight fresh images, drawn again and again, and who of them is nearest."""
    nearest = [distances(overtrained, blobs(16, seed)).min(axis=0) for seed in range(2, 22)]
    first = sum(float(np.mean(one[:8]) < np.mean(one[8:])) for one in nearest)
    assert 3 <= first <= 17  # of 20 fair coins, outside with a probability of 0.003


def test_all_that_was_trained_on_is_handed_out(overtrained):
    assert set(distances(overtrained, blobs(8, 0)).argmin(axis=1)) == set(range(8))


def test_the_same_seed_gives_the_same_model(tiny):
    again = train(blobs(12, 0), tiny.settings, seed=3)
    assert again.fingerprint == tiny.fingerprint
    assert train(blobs(12, 0), tiny.settings, seed=4).fingerprint != tiny.fingerprint
    assert train(blobs(12, 1), tiny.settings, seed=3).fingerprint != tiny.fingerprint


def test_more_steps_pass_through_the_state_of_fewer(tiny):
    stages = train_until(blobs(12, 0), tiny.settings, (1, 20, 30), seed=3)
    assert [one.settings.steps for one in stages] == [1, 20, 30]
    for one in stages:
        assert one.fingerprint == train(blobs(12, 0), one.settings, seed=3).fingerprint
    assert len({one.fingerprint for one in stages}) == 3


def test_the_first_samples_of_many_are_those_of_few(tiny):
    many = tiny.sample(300, seed=7)
    assert many.shape == (300, SIDE, SIDE, 3)
    assert many.dtype == np.uint8
    for few in (1, 127, 128, 129, 256):
        assert (tiny.sample(few, seed=7) == many[:few]).all()
    assert (tiny.sample(300, seed=8) != many).any()
    assert len(np.unique(many.reshape(300, -1), axis=0)) == 300


def test_each_step_and_each_block_is_told(tiny):
    told = []
    train(blobs(12, 0), replace(tiny.settings, steps=3), seed=0, progress=lambda *s: told.append(s))
    assert told == [
        ("components", 0, 1),
        ("components", 1, 1),
        ("train", 1, 3),
        ("train", 2, 3),
        ("train", 3, 3),
    ]
    told.clear()
    tiny.sample(200, seed=0, progress=lambda *said: told.append(said))
    assert told == [("sample", 128, 200), ("sample", 200, 200)]


def test_training_leaves_the_random_state_and_the_threads_as_they_were(tiny):
    import torch

    before = torch.get_num_threads(), torch.random.get_rng_state()
    torch.set_num_threads(2)
    train(blobs(12, 0), replace(tiny.settings, steps=1), seed=0)
    threads = torch.get_num_threads()
    torch.set_num_threads(before[0])
    assert threads == 2
    assert torch.equal(before[1], torch.random.get_rng_state())


def test_two_images_are_enough(tiny):
    images = train(blobs(2, 0), replace(tiny.settings, steps=2), seed=0).sample(3, seed=0)
    assert images.shape == (3, SIDE, SIDE, 3)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (blobs(1, 0), "at least 2 uint8 images"),
        (blobs(3, 0)[:, :4], "at least 2 uint8 images"),
        (blobs(3, 0).astype(np.float32), "float32"),
        (blobs(3, 0)[..., 0], "at least 2 uint8 images"),
        (np.full((5, SIDE, SIDE, 3), 7, dtype=np.uint8), "all 5 are the same"),
    ],
)
def test_images_that_cannot_be_trained_on_are_refused(images, said):
    with pytest.raises(UsageError, match=said):
        train(images, TINY, seed=0)


@pytest.mark.parametrize("stops", [(), (2, 2), (3, 2), (0, 1)])
def test_stops_rise(stops):
    with pytest.raises(UsageError, match="steps"):
        train_until(blobs(3, 0), TINY, stops, seed=0)


def test_no_samples_are_no_samples(tiny):
    with pytest.raises(UsageError, match="at least 1 sample"):
        tiny.sample(0, seed=0, progress=silent)
