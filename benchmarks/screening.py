"""What dlib's network is worth, and what its rows cost: ``python -m benchmarks screening [ZIP]``.

Three faces each of 120 people of LFW, aligned to ArcFace's template. Printed are the pairs of one
person that are found at one false match in 1,000 pairs, with the chip that spolia cuts and with the
whole face in its place; and how far the distance of rows is from dlib's own, which the descriptors
give. Two minutes; needs the extra dlib and the faces, which are not part of the repository.
"""

import argparse
import io
import zipfile
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from spolia.core.types import Float64
from spolia.embedding import Pixels
from spolia.embedding.dlib_face import _CENTRE, DlibFace

FACES = Path(__file__).parents[1] / ".." / "shared" / "data" / "faces" / "lfw_half_aligned112.zip"
PEOPLE, EACH = 120, 3
RATE = 1e-3
THRESHOLD = 0.6


def faces(archive: Path, people: int) -> tuple[list[Pixels], np.ndarray]:
    """Return the first faces of people who have enough, and whose they are."""
    by_person: dict[str, list[str]] = {}
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if name.endswith(".jpg"):
                by_person.setdefault(Path(name).parent.name, []).append(name)
        chosen = (one[:EACH] for _, one in sorted(by_person.items()) if len(one) >= EACH)
        names = [name for three in islice(chosen, people) for name in three]
        images = [
            np.asarray(Image.open(io.BytesIO(opened.read(name))).convert("RGB")) for name in names
        ]
    return images, np.array([Path(name).parent.name for name in names])


def rows_of(embedder: DlibFace, images: list[Pixels]) -> Float64:
    return np.stack([embedder.embed(image) for image in images]).astype(np.float64)


def distances(points: Float64) -> Float64:
    return np.linalg.norm(points[:, None] - points[None], axis=2)[np.triu_indices(len(points), 1)]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser("benchmarks screening", description=__doc__)
    parser.add_argument("faces", nargs="?", type=Path, default=FACES)
    parser.add_argument("--people", type=int, default=PEOPLE)
    asked = parser.parse_args(arguments)
    images, people = faces(asked.faces, asked.people)
    same = (people[:, None] == people)[np.triu_indices(len(people), 1)]
    print(f"{len(images)} faces of {asked.people} people, {len(same):,} pairs")
    for embedder in (DlibFace(), DlibFace("dlib-150", aligned=False)):
        rows = rows_of(embedder, images)
        descriptors = rows[:, :-1] + _CENTRE  # what was lifted, to the last digits of float32
        d, on_rows = distances(descriptors), distances(rows)
        threshold = np.quantile(d[~same], RATE)
        reach = np.linalg.norm(rows[:, :-1], axis=1).max()
        more = on_rows / d - 1.0
        sides = (d < THRESHOLD) != (on_rows < THRESHOLD)
        print(
            f"{embedder.name}: found {(d[same] <= threshold).mean():.1%} at {RATE:g} (distance "
            f"{threshold:.2f}); under {THRESHOLD}: {(d[~same] < THRESHOLD).mean():.2%} of pairs of "
            f"two people; M {reach:.2f}, factor at most {1.0 / np.sqrt(1.0 - reach**2):.2f}; rows "
            f"farther by {more.mean():.2%}, at most {more.max():.2%}; {sides.mean():.3%} of pairs "
            f"on another side of {THRESHOLD}"
        )
