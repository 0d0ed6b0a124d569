"""How well a face network tells people apart in photos that are aligned, cropped, or neither.

``python -m benchmarks unaligned`` prints the table of docs/howto/faces.md and the line under it;
ten seconds on two cores. Needs the photos and networks in ../shared/data.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.real import DATA
from spolia.core.types import Float64
from spolia.embedding import Embedder, Pixels, open_embedder
from spolia.embedding import align as alignment
from spolia.embedding.detect import Face, YuNet
from spolia.embedding.face_cards import load_detector_card
from spolia.embedding.faces import choose
from spolia.sources import open_source

CARDS = Path(__file__).resolve().parents[1] / "tests" / "cards"
SHARES = (0.01, 0.001)
"""Shares of the pairs of two people that may be taken for one."""
NOISE, LARGER = 25.0, 3
"""Standard deviation of the noise of a large photo, and how many times its sides are as long."""


def central(image: Pixels, faces: tuple[Face, ...]) -> Face:
    """LFW's person is in the middle of each photo."""
    return choose(faces, image.shape[:2], "central")[0]


def line(name: str, rows: Float64, people: list[str]) -> str:
    similarity = rows @ rows.T
    i, j = np.triu_indices(len(rows), 1)
    who = np.array(people)
    same = who[i] == who[j]
    genuine, impostor = similarity[i, j][same], np.sort(similarity[i, j][~same])
    found = [
        np.mean(genuine > impostor[int(np.ceil((1 - share) * impostor.size)) - 1])
        for share in SHARES
    ]
    numbers = (genuine.mean(), impostor.mean(), *found)
    return f"| {name} | {' | '.join(f'{one:.3f}'.replace('0.', '.', 1) for one in numbers)} |"


def embedded(judge: Embedder, images: list[Pixels], cut: Callable[[int], Pixels]) -> Float64:
    return np.stack([judge.embed(cut(i)) for i in range(len(images))]).astype(np.float64)


def large(image: Pixels, seed: int) -> Pixels:
    """The photo as a camera with more pixels would have it: larger, with noise in each."""
    size = (image.shape[1] * LARGER, image.shape[0] * LARGER)
    values = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    noise = np.random.default_rng(seed).normal(0.0, NOISE, values.shape)
    return np.clip(values + noise, 0, 255).astype(np.uint8)


def without_averages(image: Pixels, points: Float64) -> Pixels:
    """One bilinear warp, whatever is skipped."""
    there = alignment.fit(points)
    picture = Image.fromarray(image)
    a, b = 1 / there.a, -there.b / there.a
    data = (a.real, -a.imag, b.real, a.imag, a.real, b.imag)
    size = (alignment.SIZE, alignment.SIZE)
    return np.asarray(
        picture.transform(size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    )


def table() -> str:
    os.environ["SPOLIA_MODELS"] = str(DATA / "models")
    source = open_source(DATA / "faces" / "lfw_unaligned_10x10.zip", identities="folder")
    images = [source.image(i) for i in range(len(source))]
    people = list(source.identities or ())
    judge = open_embedder(CARDS / "mobilefacenet_ms1m_112.toml")
    detector = YuNet(load_detector_card(CARDS / "yunet_n.toml"))
    start = time.perf_counter()
    faces = [detector.find("", image) for image in images]
    searched = (time.perf_counter() - start) / len(images)
    points = [central(*one).points for one in zip(images, faces, strict=True)]
    start = time.perf_counter()
    cuts = [alignment.align(*one).pixels for one in zip(images, points, strict=True)]
    cut = (time.perf_counter() - start) / len(images)
    aligned = embedded(judge, images, cuts.__getitem__)
    lines = [
        "| the network sees | one person | two people | found at 1 % | found at 0.1 % |",
        "|---|---|---|---|---|",
        line("the whole photo, squeezed", embedded(judge, images, images.__getitem__), people),
        line(
            "the middle of the photo, 112 × 112",
            embedded(judge, images, lambda i: images[i][69:181, 69:181]),
            people,
        ),
        line("the face, aligned", aligned, people),
    ]
    several = sum(len(one) > 1 for one in faces)
    lines += [
        "",
        f"{sum(map(bool, faces))} of {len(faces)} photos show a face, {several} of them several; "
        f"{1e3 * searched:.0f} ms to find and {1e3 * cut:.0f} ms to cut a face.",
    ]
    shifted = [(one + 0.5) * LARGER - 0.5 for one in points]
    for name, way in (
        ("averaged", lambda image, p: alignment.align(image, p).pixels),
        ("skipped", without_averages),
    ):
        rows = embedded(judge, images, lambda i, w=way: w(large(images[i], i), shifted[i]))
        lines.append(
            f"{LARGER} times larger with noise, pixels {name}: similarity to the small photo "
            f"{np.sum(aligned * rows, axis=1).mean():.3f}"
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    argparse.ArgumentParser(prog="python -m benchmarks unaligned", description=__doc__).parse_args(
        arguments
    )
    print(table())
