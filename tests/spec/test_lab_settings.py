"""What a small generator is trained with, and the components that it works in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import UsageError
from spolia.lab.latent import fit_latent
from spolia.lab.settings import Settings, settings_of
from tests.spec.lab_model_laws import (
    law_components_lose_nothing_of_few_images,
    law_first_samples_of_many_are_those_of_few,
    law_latents_are_centred_and_the_first_leads,
    law_no_two_samples_are_the_same,
    law_what_lies_beyond_black_and_white_is_cut,
)
from tests.spec.lab_pictures import blobs


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"family": "dppm"}, "did you mean 'ddpm'"),
        ({"side": 3}, "side must be a whole number from 4 to 256, but is 3"),
        ({"side": 64.0}, "but is 64.0"),
        ({"steps": True}, "but is True"),
        ({"batch": "2"}, "but is '2'"),
        ({"width": 1 << 40}, "width must be"),
        ({"latents": 0}, "latents must be"),
    ],
)
def test_settings_out_of_range_are_named(said, message):
    with pytest.raises(UsageError, match=message):
        Settings(**said)


@pytest.mark.parametrize("said", [{}, {"family": "ddpm"}, {**vars(Settings()), "lr": 1}])
def test_settings_of_a_file_are_all_there_and_no_others(said):
    with pytest.raises(UsageError, match="settings are family"):
        settings_of(said)


@given(st.integers(2, 20), st.integers(1, 30), st.integers(0, 5))
def test_components_are_orthonormal_by_falling_variance(n, most, seed):
    latent = fit_latent(blobs(n, seed), most)
    k = len(latent.axes)
    assert k <= min(most, n - 1)
    np.testing.assert_allclose(latent.axes @ latent.axes.T, np.eye(k), atol=1e-4)
    assert (np.diff(latent.scale) <= 1e-5).all()
    latents = latent.encode(blobs(n, seed))
    np.testing.assert_allclose(latents.mean(axis=0), 0.0, atol=1e-3)
    np.testing.assert_allclose(latents.var(axis=0).mean(), 1.0, rtol=1e-3)


@pytest.mark.parametrize(
    "law",
    [
        law_components_lose_nothing_of_few_images,
        law_latents_are_centred_and_the_first_leads,
        law_what_lies_beyond_black_and_white_is_cut,
    ],
)
def test_components_obey(law):
    assert law(fit_latent) is None


@pytest.mark.parametrize(
    "law", [law_first_samples_of_many_are_those_of_few, law_no_two_samples_are_the_same]
)
def test_samples_obey(law):
    assert law(lambda model, n, *, seed: model.sample(n, seed=seed)) is None


def test_components_do_not_depend_on_which_product_is_solved():
    """Of 48 free numbers an image, so that both have the same 47 or more components."""
    images = blobs(60, 2)
    few, many = fit_latent(images, 5), fit_latent(np.concatenate([images] * 5), 5)
    np.testing.assert_allclose(few.scale, many.scale, rtol=1e-4)
    np.testing.assert_allclose(np.abs((few.axes * many.axes).sum(axis=1)), 1.0, atol=1e-3)


def test_too_many_images_to_solve_are_refused_before_it_is_tried():
    rows = np.broadcast_to(np.zeros((1, 64, 64, 3), np.uint8), (9000, 64, 64, 3))
    with pytest.raises(UsageError, match="train on fewer, or smaller"):
        fit_latent(rows, 4)
