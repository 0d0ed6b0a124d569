"""Soft pictures, as photographs are when they are small, and what can be done to them."""

import numpy as np
from PIL import Image, ImageFilter


def picture(seed, side=64, *, width=None):
    """Random colours whose amplitudes fall as f^-1.5."""
    rng = np.random.default_rng(seed)
    width = side if width is None else width
    f = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(width)[None])
    f[0, 0] = np.inf
    spectrum = (
        np.fft.fft2(rng.standard_normal((side, width, 3)), axes=(0, 1)) / f[:, :, None] ** 1.5
    )
    waves = np.fft.ifft2(spectrum, axes=(0, 1)).real
    waves = 0.7 * waves.mean(axis=2, keepdims=True) + 0.3 * waves
    return np.clip(128 + 50 * waves / waves.std(), 0, 255).astype(np.uint8)


def resized(image, height, width):
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def cut(image, share, *, down=0.5, right=0.5):
    """A part with ``share`` of the sides, from the top (0) or bottom (1), left or right."""
    h, w = image.shape[:2]
    top, left = int(down * (1 - share) * h), int(right * (1 - share) * w)
    return image[top : top + round(share * h), left : left + round(share * w)]


def overprinted(image):
    """A white label over an eighth of the picture."""
    h, w = image.shape[:2]
    changed = image.copy()
    changed[: h // 4, : w // 2] = 255
    return changed


def brighter(image):
    return np.clip(0.7 * image.astype(np.float64) + 50, 0, 255).astype(np.uint8)


def blurred(image):
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(1.5)))
