"""Laws of the built-in copy descriptor."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from spolia.embedding import Pixels
from spolia.embedding.dct import dct_row


def textured(seed: int, height: int = 96, width: int = 80) -> Pixels:
    """A colour image whose amplitudes fall as 1/f, as those of photographs do."""
    rng = np.random.default_rng(seed)
    across, down = np.fft.fftfreq(width), np.fft.fftfreq(height)[:, None]
    amplitude = 1.0 / np.maximum(np.hypot(across, down), 1.0 / max(height, width))
    planes = []
    for _ in range(3):
        noise = np.fft.fft2(rng.normal(size=(height, width)))
        plane = np.fft.ifft2(noise * amplitude).real
        planes.append(128 + 40 * (plane - plane.mean()) / plane.std())
    return np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)


def jpeg(image: Pixels, quality: int) -> Pixels:
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "JPEG", quality=quality)
    return np.asarray(Image.open(encoded))


def resized(image: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(Image.fromarray(image).resize((width, height)))


def parts(image: Pixels) -> tuple[np.ndarray, np.ndarray]:
    """Even and odd weighted coefficients by the definition: sums of cosines, no transform."""
    gray = Image.fromarray(image).convert("F").resize((32, 32), Image.Resampling.BICUBIC)
    pixels = np.asarray(gray, np.float64)
    even, odd = [], []
    for v in range(8):
        for u in range(8):
            wave = np.outer(
                np.cos(np.pi * (np.arange(32) + 0.5) * v / 32),
                np.cos(np.pi * (np.arange(32) + 0.5) * u / 32),
            )
            wave /= np.linalg.norm(wave)
            value = (pixels * wave).sum() * np.sqrt(np.hypot(u, v))
            if u % 2:
                odd.append(value)
            elif u or v:
                even.append(value)
    e, o = np.array(even), np.array(odd)
    norm = np.sqrt(e @ e + o @ o)
    return e / norm, o / norm


def test_similarity_is_that_of_the_definition() -> None:
    one, two = textured(1), textured(2)
    (e, o), (f, p) = parts(one), parts(two)
    wanted = e @ f + (o @ p) ** 2 / (np.linalg.norm(o) * np.linalg.norm(p))
    assert float(dct_row(one) @ dct_row(two)) == pytest.approx(wanted, abs=1e-6)


@given(
    seed=st.integers(0, 10**6),
    height=st.integers(1, 150),
    width=st.integers(2, 150),
    contrast=st.sampled_from([1, 4, 200]),
    floor=st.sampled_from([0, 55]),
)
def test_a_mirrored_image_has_the_same_row(
    seed: int, height: int, width: int, contrast: int, floor: int
) -> None:
    rng = np.random.default_rng(seed)
    image = (floor + rng.integers(0, 2, (height, width, 3)) * contrast).astype(np.uint8)
    difference = dct_row(image) - dct_row(image[:, ::-1])
    assert np.abs(difference).max() < 1e-6


def test_an_upside_down_image_has_another_row() -> None:
    image = textured(3)
    assert float(dct_row(image) @ dct_row(image[::-1])) < 0.9


@given(seed=st.integers(0, 10**6), gain=st.floats(0.25, 1.0), share=st.floats(0.0, 1.0))
def test_brightness_and_contrast_do_not_matter(seed: int, gain: float, share: float) -> None:
    image = textured(seed, 40, 40)
    changed = np.rint(image * gain + share * 255 * (1 - gain)).astype(np.uint8)
    assert float(dct_row(image) @ dct_row(changed)) > 0.999


def test_structure_below_what_eight_bits_hold_gives_the_zero_row() -> None:
    speck = np.full((400, 400, 3), 90, np.uint8)
    speck[3, 5] = 91
    assert not dct_row(speck).any()
    square = np.full((400, 400, 3), 90, np.uint8)
    square[100:200, 50:150] = 94
    assert dct_row(square).any()


RED, CYAN = (26, 0, 0), (0, 8, 27)
"""Two colours of exactly the same luma."""


def test_colour_without_luma_is_no_structure() -> None:
    sides = np.empty((16, 16, 3), np.uint8)
    sides[:, :8], sides[:, 8:] = RED, CYAN
    assert (299 * RED[0], 0) == (587 * CYAN[1] + 114 * CYAN[2], CYAN[0])
    assert not dct_row(sides).any()


@pytest.mark.parametrize(
    "copy",
    [
        lambda image: jpeg(image, 60),
        lambda image: resized(image, 40, 48),
        lambda image: resized(image, 333, 100),
        lambda image: jpeg(image[:, ::-1], 40),
        lambda image: image[2:-2, 2:-2],
    ],
    ids=["jpeg", "half", "stretched", "mirrored", "cropped"],
)
def test_a_copy_is_closer_than_every_unrelated_image(copy) -> None:
    originals = [textured(seed) for seed in range(60)]
    rows = np.stack([dct_row(image) for image in originals])
    copies = np.stack([dct_row(copy(image)) for image in originals])
    similarity = copies @ rows.T
    own = np.diag(similarity).copy()
    np.fill_diagonal(similarity, -1.0)
    assert own.min() > similarity.max()


def test_edits_of_a_photo_are_closer_to_it_than_every_other_photo(shared: Path) -> None:
    def row(path: Path) -> np.ndarray:
        return dct_row(np.asarray(Image.open(path).convert("RGB")))

    folder = shared / "copies"
    bridge = folder / "pdq_bridge"
    ukbench = sorted((folder / "imagededup_ukbench/base").glob("*.jpg"))
    originals = [bridge / "mods/aaa-orig.jpg", *ukbench]
    mixed = folder / "imagededup_ukbench/mixed"
    edits = [(path, 0) for path in sorted((bridge / "mods").glob("*.jpg"))]
    edits += [(bridge / "dihedral/bridge-6-flipy.jpg", 0)]
    shown = next(i for i, path in enumerate(originals) if path.stem == "ukbench00120")
    edits += [(mixed / f"ukbench00120_{edit}.jpg", shown) for edit in ("hflip", "resize")]
    rows = np.stack([row(path) for path in originals])
    for path, original in edits:
        similarity = rows @ row(path)
        own = float(similarity[original])
        similarity[original] = -1.0
        assert own > 0.95, path.name
        assert similarity.max() < 0.7, path.name


def test_a_copied_face_is_closer_than_every_other_photo_of_a_face(shared: Path) -> None:
    with zipfile.ZipFile(shared / "faces/lfw_half_aligned112.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))[::7]
        faces = [np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names]
    rows = np.stack([dct_row(face) for face in faces])
    changes = {
        "jpeg": lambda face: jpeg(face, 60),
        "small": lambda face: resized(face, 64, 64),
        "bright": lambda face: np.clip(face * 1.3 + 20.0, 0, 255).astype(np.uint8),
        "mirror": lambda face: np.asarray(ImageOps.mirror(Image.fromarray(face))),
    }
    for name, change in changes.items():
        for i in range(0, len(faces), 6):
            similarity = rows @ dct_row(change(faces[i]))
            assert int(similarity.argmax()) == i, name
