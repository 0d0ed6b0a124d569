"""From which similarity are two images one photo: saved again, against two that were taken.

``python -m benchmarks duplicates EMBEDDER SOURCE...`` prints the tables of
``docs/methods/counting.md``: what a photo keeps when it is saved again, and how close two
different photos come.
"""

import argparse
import io
from collections.abc import Callable

import numpy as np
from PIL import Image

import spolia
from spolia.embedding import open_embedder
from spolia.sources import open_source

SAMPLE = 300
"""Photos that are saved again."""

Pixels = np.ndarray


def jpeg(quality: int) -> Callable[[Pixels], Pixels]:
    def saved(image: Pixels) -> Pixels:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file).convert("RGB"))

    return saved


def scaled(share: float) -> Callable[[Pixels], Pixels]:
    def there_and_back(image: Pixels) -> Pixels:
        picture = Image.fromarray(image)
        small = (round(picture.width * share), round(picture.height * share))
        resized = picture.resize(small, Image.Resampling.BICUBIC)
        return np.asarray(resized.resize(picture.size, Image.Resampling.BICUBIC))

    return there_and_back


def cropped(share: float) -> Callable[[Pixels], Pixels]:
    def cut(image: Pixels) -> Pixels:
        picture = Image.fromarray(image)
        x, y = round(picture.width * share), round(picture.height * share)
        box = (x, y, picture.width - x, picture.height - y)
        return np.asarray(picture.crop(box).resize(picture.size, Image.Resampling.BICUBIC))

    return cut


def brighter(image: Pixels) -> Pixels:
    return np.clip(image * 1.1, 0, 255).astype(np.uint8)


def grey(image: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


def mirrored(image: Pixels) -> Pixels:
    return np.ascontiguousarray(image[:, ::-1])


SAVED = {
    "JPEG, quality 90": jpeg(90),
    "JPEG, quality 75": jpeg(75),
    "JPEG, quality 50": jpeg(50),
    "JPEG, quality 30": jpeg(30),
    "half the size and back": scaled(0.5),
    "a third of the size and back": scaled(1 / 3),
    "10 % brighter": brighter,
    "grey": grey,
    "cropped by 2 % at each side": cropped(0.02),
    "cropped by 5 % at each side": cropped(0.05),
    "mirrored": mirrored,
}


def saved_again(embedder: spolia.Embedder, source: spolia.Source) -> list[str]:
    """Return a line for each way to save a photo again."""
    rows = np.random.default_rng(0).permutation(len(source))[:SAMPLE]
    images = [source.image(int(i)) for i in rows]
    before = np.stack([embedder.embed(image) for image in images]).astype(np.float64)
    lines = ["| saved again | lowest | 1 in 20 under | middle |", "| --- | --- | --- | --- |"]
    for name, change in SAVED.items():
        after = np.stack([embedder.embed(np.ascontiguousarray(change(one))) for one in images])
        kept = np.sum(before * after, axis=1)
        low, twentieth, middle = np.quantile(kept, [0.0, 0.05, 0.5])
        lines.append(f"| {name} | {low:.4f} | {twentieth:.4f} | {middle:.4f} |")
    return lines


def different(embedder: spolia.Embedder, uri: str) -> str:
    """Return a line on the closest pairs of different photos of one set."""
    source = open_source(uri)
    rows = np.stack([embedder.embed(source.image(i)) for i in range(len(source))])
    top = spolia.join(rows, top=1_000_000).top
    people = np.array(source.identities or source.ids)
    other = people[top.query] != people[top.base]
    counts = [np.count_nonzero(top.similarity >= at) for at in (0.95, 0.97, 0.99, 0.998)]
    said = " | ".join(f"{count:,}" for count in counts)
    best = f"{top.similarity[0]:.4f} | {top.similarity[other][0]:.4f}"
    return f"| {uri.rpartition('/')[2]} | {len(rows):,} | {best} | {said} |"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks duplicates")
    parser.add_argument("embedder")
    parser.add_argument("sources", nargs="+")
    given = parser.parse_args(arguments)
    embedder = open_embedder(given.embedder)
    print("\n".join(saved_again(embedder, open_source(given.sources[0]))), end="\n\n")
    print(
        "| set | images | closest pair | of two people | at 0.95 | at 0.97 | at 0.99 | at 0.998 |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for uri in given.sources:
        print(different(embedder, uri))
