"""What principal components and samples of the small generators must be, for any of either."""

import numpy as np

from tests.lab_models import made_up
from tests.spec.lab_pictures import SIDE, blobs


def law_components_lose_nothing_of_few_images(fit):
    for n in (2, 5, 9, 60):  # fewer and more images than there are numbers in one
        images = blobs(n, n)
        latent = fit(images, 4096)
        np.testing.assert_allclose(latent.axes @ latent.axes.T, np.eye(len(latent.axes)), atol=1e-4)
        there = latent.decode(latent.encode(images)).astype(int)
        assert np.abs(there - images).max() <= 1


def law_latents_are_centred_and_the_first_leads(fit):
    images = blobs(20, 3)
    latents = fit(images, 8).encode(images)
    np.testing.assert_allclose(latents.mean(axis=0), 0.0, atol=1e-3)
    spread = latents.std(axis=0)
    np.testing.assert_allclose((spread**2).mean(), 1.0, rtol=1e-3)
    whole = images.reshape(20, -1) / 127.5
    singular = np.linalg.svd(whole - whole.mean(axis=0), compute_uv=False)[:8]
    np.testing.assert_allclose(spread[0] / spread[7], np.sqrt(singular[0] / singular[7]), rtol=1e-3)


def law_what_lies_beyond_black_and_white_is_cut(fit):
    latent = fit(blobs(5, 0), 4)
    far = latent.decode(np.full((1, 4), 100.0, dtype=np.float32)).astype(int)
    further = latent.decode(np.full((1, 4), 1000.0, dtype=np.float32)).astype(int)
    assert (far == further).mean() > 0.9
    assert {0, 255} <= set(further.ravel().tolist())


def law_first_samples_of_many_are_those_of_few(sample):
    many = sample(made_up(), 300, seed=7)
    assert many.shape == (300, SIDE, SIDE, 3)
    for few in (1, 127, 128, 129, 256):
        assert (sample(made_up(), few, seed=7) == many[:few]).all()


def law_no_two_samples_are_the_same(sample):
    many = sample(made_up(), 300, seed=7).reshape(300, -1)
    assert len(np.unique(many, axis=0)) == 300
    assert (sample(made_up(), 300, seed=8).reshape(300, -1) != many).any(axis=1).all()
