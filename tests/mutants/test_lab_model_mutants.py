"""Known wrong versions of components and sampling; each must break the law it is beside."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from spolia.core.seeds import stream
from spolia.lab import ddpm
from spolia.lab.latent import Latent, fit_latent
from tests.spec.lab_model_laws import (
    law_components_lose_nothing_of_few_images,
    law_first_samples_of_many_are_those_of_few,
    law_latents_are_centred_and_the_first_leads,
    law_no_two_samples_are_the_same,
    law_what_lies_beyond_black_and_white_is_cut,
)


def without_the_mean(images, most):
    latent = fit_latent(images, most)
    return replace(latent, mean=np.zeros_like(latent.mean))


def with_axes_not_of_length_one(images, most):
    latent = fit_latent(images, most)
    return replace(latent, axes=latent.axes * 1.1)


def with_one_axis_too_few(images, most):
    latent = fit_latent(images, most)
    return replace(latent, axes=latent.axes[:-1], scale=latent.scale[:-1])


def whitened(images, most):
    latent = fit_latent(images, most)
    return replace(latent, scale=latent.scale * latent.encode(images).std(axis=0))


def with_one_scale_for_all(images, most):
    latent = fit_latent(images, most)
    spread = (latent.encode(images) * latent.scale).std(axis=0)
    return replace(latent, scale=np.full_like(spread, np.sqrt((spread**2).mean())))


@dataclass(frozen=True, eq=False)
class Wrapping(Latent):
    def decode(self, latents):
        rows = ((latents * self.scale) @ self.axes + self.mean + 1.0) * 127.5
        side = round((rows.shape[1] / 3) ** 0.5)
        return np.rint(rows).astype(np.int64).astype(np.uint8).reshape(-1, side, side, 3)


def with_values_that_wrap(images, most):
    latent = fit_latent(images, most)
    return Wrapping(latent.mean, latent.axes, latent.scale)


def drawn(model, noise):
    return model.latent.decode(ddpm.draw(model.weights, noise.astype(np.float32)))


def width(model):
    return len(model.latent.axes)


def with_noise_by_column(model, n, *, seed):
    return drawn(model, stream(seed, "all").standard_normal((width(model), n)).T)


def with_a_stream_named_by_the_count(model, n, *, seed):
    return drawn(model, stream(seed, str(n)).standard_normal((n, width(model))))


def with_the_same_noise_in_every_block(model, n, *, seed):
    block = stream(seed, "block").standard_normal((128, width(model)))
    return drawn(model, np.concatenate([block] * (n // 128 + 1))[:n])


def without_the_seed(model, n, *, seed):
    return drawn(model, stream(0, "all").standard_normal((n, width(model))))


MUTANTS = [
    (law_components_lose_nothing_of_few_images, without_the_mean),
    (law_components_lose_nothing_of_few_images, with_axes_not_of_length_one),
    (law_components_lose_nothing_of_few_images, with_one_axis_too_few),
    (law_latents_are_centred_and_the_first_leads, without_the_mean),
    (law_latents_are_centred_and_the_first_leads, whitened),
    (law_latents_are_centred_and_the_first_leads, with_one_scale_for_all),
    (law_what_lies_beyond_black_and_white_is_cut, with_values_that_wrap),
    (law_first_samples_of_many_are_those_of_few, with_noise_by_column),
    (law_first_samples_of_many_are_those_of_few, with_a_stream_named_by_the_count),
    (law_no_two_samples_are_the_same, with_the_same_noise_in_every_block),
    (law_no_two_samples_are_the_same, without_the_seed),
]


@pytest.mark.parametrize(("law", "mutant"), MUTANTS, ids=lambda one: one.__name__)
def test_every_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
