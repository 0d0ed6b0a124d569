"""Known wrong versions of the closed-form diffusion model; each must break the law it is beside."""

from itertools import pairwise

import numpy as np
import pytest

from spolia.core.seeds import stream
from spolia.lab.oracle import noise_levels
from tests.spec.test_lab_oracle import (
    law_finite_denoiser_is_bayes_rule,
    law_gaussian_denoiser_is_the_integral,
    law_gaussian_sample_is_mean_plus_noise_times_spread,
    law_memoriser_samples_training_images,
    law_no_two_samples_share_their_noise,
    law_sample_does_not_depend_on_the_count,
)


def softmax_denoise(x, train, *, signal, width):
    squares = ((x[:, None] - signal * train) ** 2).sum(axis=2)
    weights = np.exp((squares.min(axis=1, keepdims=True) - squares) / width)
    return weights / weights.sum(axis=1, keepdims=True) @ train


def without_the_half(x, train, alpha_bar):
    return softmax_denoise(x, train, signal=np.sqrt(alpha_bar), width=1 - alpha_bar)


def with_images_not_dimmed(x, train, alpha_bar):
    return softmax_denoise(x, train, signal=1.0, width=2 * (1 - alpha_bar))


def with_images_dimmed_without_the_root(x, train, alpha_bar):
    return softmax_denoise(x, train, signal=alpha_bar, width=2 * (1 - alpha_bar))


def with_spread_for_variance(x, train, alpha_bar):
    return softmax_denoise(x, train, signal=np.sqrt(alpha_bar), width=2 * np.sqrt(1 - alpha_bar))


def linear_denoise(x, gaussian, *, gain, signal):
    centred = (x - signal * gaussian.mean) @ gaussian.axes
    return gaussian.mean + (gain * centred) @ gaussian.axes.T


def with_mean_not_dimmed(x, gaussian, alpha_bar):
    v = gaussian.variances
    gain = np.sqrt(alpha_bar) * v / (alpha_bar * v + 1 - alpha_bar)
    return linear_denoise(x, gaussian, gain=gain, signal=1.0)


def with_gain_without_the_root(x, gaussian, alpha_bar):
    v = gaussian.variances
    gain = alpha_bar * v / (alpha_bar * v + 1 - alpha_bar)
    return linear_denoise(x, gaussian, gain=gain, signal=np.sqrt(alpha_bar))


def own_noise(oracle, count, seed):
    streams = [stream(seed, "sample", str(i)) for i in range(count)]
    return np.stack([rng.standard_normal(oracle.train.shape[1]) for rng in streams])


def walk(oracle, x, steps):
    for now, after in pairwise(noise_levels(steps)):
        clean = oracle.denoise(x, now)
        noise = (x - np.sqrt(now) * clean) / np.sqrt(1 - now)
        x = np.sqrt(after) * clean + np.sqrt(1 - after) * noise
    return x


def with_noise_taken_for_image(oracle, *, count, seed, steps=50):
    x = own_noise(oracle, count, seed)
    for now, after in pairwise(noise_levels(steps)):
        noise = oracle.denoise(x, now)
        clean = (x - np.sqrt(1 - now) * noise) / np.sqrt(now)
        x = np.sqrt(after) * clean + np.sqrt(1 - after) * noise
    return x


def with_levels_mixed_up(oracle, *, count, seed, steps=50):
    x = own_noise(oracle, count, seed)
    for now, after in pairwise(noise_levels(steps)):
        clean = oracle.denoise(x, now)
        noise = (x - np.sqrt(now) * clean) / np.sqrt(1 - now)
        x = np.sqrt(now) * clean + np.sqrt(1 - after) * noise
    return x


def with_one_stream_for_all(oracle, *, count, seed, steps=50):
    noise = stream(seed, "sample").standard_normal((oracle.train.shape[1], count)).T
    return walk(oracle, noise, steps)


def with_the_stream_started_again_in_every_batch(oracle, *, count, seed, steps=50):
    return walk(oracle, own_noise(oracle, 64, seed)[np.arange(count) % 64], steps)


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (law_finite_denoiser_is_bayes_rule, without_the_half),
        (law_finite_denoiser_is_bayes_rule, with_images_not_dimmed),
        (law_finite_denoiser_is_bayes_rule, with_images_dimmed_without_the_root),
        (law_finite_denoiser_is_bayes_rule, with_spread_for_variance),
        (law_gaussian_denoiser_is_the_integral, with_mean_not_dimmed),
        (law_gaussian_denoiser_is_the_integral, with_gain_without_the_root),
        (law_memoriser_samples_training_images, with_noise_taken_for_image),
        (law_gaussian_sample_is_mean_plus_noise_times_spread, with_levels_mixed_up),
        (law_gaussian_sample_is_mean_plus_noise_times_spread, with_noise_taken_for_image),
        (law_gaussian_sample_is_mean_plus_noise_times_spread, with_one_stream_for_all),
        (law_sample_does_not_depend_on_the_count, with_one_stream_for_all),
        (law_no_two_samples_share_their_noise, with_the_stream_started_again_in_every_batch),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)


def right_denoiser(x, train, alpha_bar):
    return softmax_denoise(x, train, signal=np.sqrt(alpha_bar), width=2 * (1 - alpha_bar))


def right_sampler(oracle, *, count, seed, steps=50):
    return walk(oracle, own_noise(oracle, count, seed), steps)


@pytest.mark.parametrize(
    ("law", "right"),
    [
        (law_finite_denoiser_is_bayes_rule, right_denoiser),
        (law_memoriser_samples_training_images, right_sampler),
    ],
    ids=lambda one: one.__name__,
)
def test_a_version_without_the_fault_survives(law, right):
    """The mutants differ from the right version in nothing but their fault."""
    assert law(right) is None
