"""Laws of the closed-form diffusion model; the mutants must break those named ``law_``."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import UsageError
from spolia.core.seeds import stream
from spolia.lab.digits import digits, halves, to_images, to_rows
from spolia.lab.oracle import (
    LEVELS,
    Oracle,
    finite_denoise,
    fit_gaussian,
    gaussian_denoise,
    noise_levels,
    sample,
    sample_leaky,
)


@pytest.fixture(scope="module")
def split():
    rows = to_rows(digits())
    train, control = halves(0)
    return rows[train], rows[control]


def some_train(seed, n=12, d=5):
    return np.random.default_rng(seed).uniform(-1, 1, size=(n, d))


def distances(a, b):
    """Root mean square over the pixels, counted from 0 to 1, as uint8 images: (len(a), len(b))."""
    a, b = (to_images(rows).reshape(-1, 64) / 255.0 for rows in (a, b))
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2.0 * a @ b.T
    return np.sqrt(np.maximum(squares, 0.0) / 64)


# --- the denoisers -------------------------------------------------------------------------------


def posterior_of_points(x, train, alpha_bar):
    """Bayes' rule written out for one noisy image, in exactly summed floats."""
    squares = [
        math.fsum((p - math.sqrt(alpha_bar) * q) ** 2 for p, q in zip(x, row, strict=True))
        for row in train
    ]
    least = min(squares)
    weights = [math.exp(-(s - least) / (2.0 * (1.0 - alpha_bar))) for s in squares]
    total = math.fsum(weights)
    return [
        math.fsum(w * value for w, value in zip(weights, column, strict=True)) / total
        for column in np.transpose(train)
    ]


def law_finite_denoiser_is_bayes_rule(denoise):
    for seed, alpha_bar in enumerate([0.0, 0.05, 0.3, 0.6, 0.9, 0.99]):
        train = some_train(seed)
        x = np.random.default_rng(seed + 100).normal(size=(3, 5))
        expected = [posterior_of_points(row, train, alpha_bar) for row in x]
        np.testing.assert_allclose(denoise(x, train, alpha_bar), expected, atol=1e-9)


def law_gaussian_denoiser_is_the_integral(denoise):
    """In one dimension E[x0 | x] is a ratio of two integrals."""
    for seed, alpha_bar in enumerate([0.0, 0.05, 0.3, 0.6, 0.9, 0.99]):
        train = some_train(seed, d=1)
        mean, spread = train.mean(), train.std()
        x0 = np.linspace(mean - 12 * spread, mean + 12 * spread, 20_001)
        for x in (-1.5, 0.2, 0.7):
            prior = (x0 - mean) ** 2 / spread**2
            likelihood = (x - math.sqrt(alpha_bar) * x0) ** 2 / (1 - alpha_bar)
            density = np.exp(-(prior + likelihood) / 2)
            expected = (density * x0).sum() / density.sum()
            got = denoise(np.array([[x]]), fit_gaussian(train), alpha_bar)
            np.testing.assert_allclose(got, [[expected]], atol=1e-9)


def test_gaussian_has_the_moments_of_its_set():
    train = some_train(0)
    gaussian = fit_gaussian(train)
    covariance = (gaussian.axes * gaussian.variances) @ gaussian.axes.T
    np.testing.assert_allclose(gaussian.mean, train.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(train.T, bias=True), atol=1e-12)


def test_memoriser_returns_the_nearest_training_image_at_tiny_noise(split):
    train, _ = split
    alpha_bar = 1.0 - 1e-6
    noise = np.random.default_rng(0).normal(size=train.shape)
    x = math.sqrt(alpha_bar) * train + math.sqrt(1 - alpha_bar) * noise
    np.testing.assert_allclose(Oracle(train, 1.0).denoise(x, alpha_bar), train, atol=1e-9)


@pytest.mark.parametrize("memorisation", [0.0, 0.3, 1.0])
def test_denoiser_returns_the_mean_at_full_noise(split, memorisation):
    train, _ = split
    x = np.random.default_rng(0).normal(size=(20, 64))
    denoised = Oracle(train, memorisation).denoise(x, 0.0)
    np.testing.assert_allclose(denoised, np.tile(train.mean(axis=0), (20, 1)), atol=1e-12)


@given(memorisation=st.floats(0, 1), alpha_bar=st.floats(0, 0.999), seed=st.integers(0, 100))
def test_blend_is_linear(memorisation, alpha_bar, seed):
    train = some_train(seed)
    x = np.random.default_rng(seed + 1000).normal(size=(4, 5))
    ends = [Oracle(train, end).denoise(x, alpha_bar) for end in (0.0, 1.0)]
    expected = (1 - memorisation) * ends[0] + memorisation * ends[1]
    got = Oracle(train, memorisation).denoise(x, alpha_bar)
    np.testing.assert_allclose(got, expected, atol=1e-12)


@given(alpha_bar=st.floats(0, 0.999999), far=st.floats(-1e6, 1e6), seed=st.integers(0, 100))
def test_memoriser_stays_among_its_images_however_far_the_query(alpha_bar, far, seed):
    train = some_train(seed)
    denoised = finite_denoise(np.full((1, 5), far), train, alpha_bar)
    assert (denoised >= train.min(axis=0) - 1e-12).all()
    assert (denoised <= train.max(axis=0) + 1e-12).all()


def test_pixel_that_never_varies_is_never_made_up():
    train = some_train(0)
    train[:, 2] = -1.0
    denoised = Oracle(train, 0.0).denoise(np.full((1, 5), 0.5), 0.5)
    np.testing.assert_allclose(denoised[:, 2], -1.0, atol=1e-12)


# --- the sampler ---------------------------------------------------------------------------------


def law_memoriser_samples_training_images(sampler):
    rows = to_rows(digits()[halves(0)[0]])
    nearest = distances(sampler(Oracle(rows, 1.0), count=200, seed=1), rows).min(axis=1)
    assert np.mean(nearest < 1e-6) >= 0.99


def law_gaussian_sample_is_mean_plus_noise_times_spread(sampler):
    """In one dimension; the noise of sample i is that of its own named stream."""
    train = some_train(0, d=1)
    noise = [stream(7, "sample", str(i)).standard_normal(1) for i in range(300)]
    samples = sampler(Oracle(train, 0.0), count=300, seed=7, steps=LEVELS)
    expected = train.mean() + train.std() * np.array(noise)
    np.testing.assert_allclose(samples, expected, atol=0.02 * train.std())


def law_sample_does_not_depend_on_the_count(sampler):
    oracle = Oracle(some_train(0), 0.5)
    many = sampler(oracle, count=300, seed=1)
    for count in (1, 2, 127, 128, 129):
        assert np.array_equal(sampler(oracle, count=count, seed=1), many[:count])


def law_no_two_samples_share_their_noise(sampler):
    samples = sampler(Oracle(some_train(0), 0.0), count=300, seed=1)
    assert len(np.unique(samples.round(9), axis=0)) == 300


@pytest.mark.parametrize("memorisation", [0.0, 0.5, 1.0])
def test_samples_do_not_depend_on_the_order_of_the_training_images(split, memorisation):
    train, _ = split
    shuffled = np.random.default_rng(0).permutation(train)
    np.testing.assert_allclose(
        sample(Oracle(shuffled, memorisation), count=200, seed=1),
        sample(Oracle(train, memorisation), count=200, seed=1),
        atol=1e-9,
    )


@pytest.mark.parametrize("memorisation", [0.0, 0.5, 1.0])
def test_another_seed_gives_other_samples(split, memorisation):
    train, _ = split
    one, other = (sample(Oracle(train, memorisation), count=20, seed=s) for s in (1, 2))
    assert (np.abs(one - other).max(axis=1) > 0.1).mean() > 0.9


def test_more_memorisation_brings_samples_nearer_to_train(split):
    train, _ = split
    medians = [
        np.median(distances(sample(Oracle(train, m), count=200, seed=1), train).min(axis=1))
        for m in (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
    ]
    assert (np.diff(medians) < 0).all()


def test_clean_generator_copies_nothing_and_leans_little(split):
    train, control = split
    samples = sample(Oracle(train, 0.0), count=500, seed=1)
    to_train, to_control = (distances(samples, side).min(axis=1) for side in (train, control))
    assert to_train.min() > 0.1
    assert 0.45 < np.mean(to_train < to_control) < 0.6


@pytest.mark.parametrize("steps", [2, 50, LEVELS])
def test_noise_falls_to_nothing(steps):
    levels = noise_levels(steps)
    assert len(levels) == steps + 1
    assert (np.diff(levels) > 0).all()
    assert levels[0] < 1e-4
    assert levels[-1] == 1.0


# --- known leaks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("memorisation", [0.5, 0.75, 1.0])
def test_copies_are_near_their_image_and_nothing_else_is(split, memorisation):
    train, _ = split
    leaky = sample_leaky(Oracle(train, memorisation), share=0.3, count=300, seed=1)
    apart = distances(leaky.samples, train)
    copies = np.flatnonzero(leaky.copied >= 0)
    novel = np.flatnonzero(leaky.copied < 0)
    assert np.array_equal(apart[copies].argmin(axis=1), leaky.copied[copies])
    assert apart[copies].min(axis=1).max() < 0.05
    assert apart[novel].min() > 0.1


def test_share_of_copies_is_the_asked_one():
    leaky = sample_leaky(Oracle(some_train(0), 1.0), share=0.3, count=2000, seed=0, steps=2)
    # Four standard deviations of a binomial share.
    assert np.mean(leaky.copied >= 0) == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / 2000))


def test_share_of_none_and_all_are_the_two_generators():
    oracle = Oracle(some_train(0), 0.75)
    none = sample_leaky(oracle, share=0.0, count=50, seed=1)
    every = sample_leaky(oracle, share=1.0, count=50, seed=1)
    assert (none.copied == -1).all()
    assert (every.copied >= 0).all()
    assert np.array_equal(every.samples, sample(oracle, count=50, seed=1))
    assert np.array_equal(none.samples, sample(Oracle(oracle.train, 0.0), count=50, seed=1))


def test_larger_share_only_adds_copies():
    oracle = Oracle(some_train(0), 1.0)
    less, more = (sample_leaky(oracle, share=s, count=200, seed=1) for s in (0.3, 0.6))
    kept = less.copied >= 0
    assert 0 < kept.sum() < (more.copied >= 0).sum()
    assert np.array_equal(more.copied[kept], less.copied[kept])
    assert np.array_equal(more.samples[kept], less.samples[kept])


def test_known_leak_does_not_depend_on_the_count():
    oracle = Oracle(some_train(0), 0.5)
    few, many = (sample_leaky(oracle, share=0.5, count=n, seed=1) for n in (7, 200))
    assert np.array_equal(few.samples, many.samples[:7])
    assert np.array_equal(few.copied, many.copied[:7])


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "said"),
    [
        (np.zeros((3, 4), dtype=np.float32), "float32"),
        (np.zeros(4), r"shape \(4,\)"),
        (np.zeros((0, 4)), r"shape \(0, 4\)"),
        (np.zeros((4, 0)), r"shape \(4, 0\)"),
        (np.full((3, 4), 255.0), "beyond it"),
        (np.full((3, 4), np.nan), "NaN"),
    ],
)
def test_training_rows_of_another_kind_are_refused(train, said):
    with pytest.raises(UsageError, match=said):
        Oracle(train, 0.5)


@pytest.mark.parametrize("outside", [-0.1, 1.1, math.nan])
def test_share_or_memorisation_outside_its_range_is_refused(outside):
    with pytest.raises(UsageError, match="memorisation must be 0 to 1"):
        Oracle(some_train(0), outside)
    with pytest.raises(UsageError, match="share must be 0 to 1"):
        sample_leaky(Oracle(some_train(0), 1.0), share=outside, count=1, seed=0)


@pytest.mark.parametrize("alpha_bar", [-0.1, 1.0, math.nan])
def test_noise_level_outside_its_range_is_refused(alpha_bar):
    with pytest.raises(UsageError, match="alpha_bar must be at least 0 and under 1"):
        Oracle(some_train(0), 1.0).denoise(np.zeros((1, 5)), alpha_bar)


@pytest.mark.parametrize("x", [np.zeros(5), np.zeros((1, 4))])
def test_noisy_image_of_another_width_is_refused(x):
    with pytest.raises(UsageError, match=r"x must have shape \(m, 5\)"):
        Oracle(some_train(0), 1.0).denoise(x, 0.5)


def test_what_is_no_copy_is_never_called_one():
    with pytest.raises(UsageError, match=r"at least 0\.5"):
        sample_leaky(Oracle(some_train(0), 0.49), share=0.3, count=1, seed=0)


def test_sample_of_nothing_is_refused():
    with pytest.raises(UsageError, match="count must be at least 1, but is 0"):
        sample(Oracle(some_train(0), 1.0), count=0, seed=0)


@pytest.mark.parametrize("steps", [1, LEVELS + 1])
def test_steps_beyond_the_schedule_are_refused(steps):
    with pytest.raises(UsageError, match="steps must be 2 to 1000"):
        noise_levels(steps)


@pytest.mark.parametrize(
    ("law", "right"),
    [
        (law_finite_denoiser_is_bayes_rule, finite_denoise),
        (law_gaussian_denoiser_is_the_integral, gaussian_denoise),
        (law_memoriser_samples_training_images, sample),
        (law_gaussian_sample_is_mean_plus_noise_times_spread, sample),
        (law_sample_does_not_depend_on_the_count, sample),
        (law_no_two_samples_share_their_noise, sample),
    ],
    ids=lambda one: one.__name__,
)
def test_law_holds(law, right):
    assert law(right) is None
