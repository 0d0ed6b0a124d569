"""Whether samples of the small generators betray whom they were trained on: the table of the docs.

``python -m benchmarks lab [--family ddpm] [--sizes 20,40,80,160] [--stops 1000,2000,3000]`` prints
it: of some people of LFW (CARD is the model card of a face network, FACES.zip has one folder of
aligned photos per person) one photo each is held back, and a generator trained on all others. Is
the held-back photo closer to its samples than photos of people who were not trained on? The same is
asked of people of whom nothing was trained on (*others*), where the area must be one half.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.real import CARD, FACES
from spolia.auditing.squares import square_images
from spolia.core.generator import Images
from spolia.core.membership import Separation
from spolia.core.types import Float32, Int64
from spolia.embedding import Embedder, open_embedder
from spolia.lab.settings import Settings
from spolia.lab.training import train_until
from spolia.sources import open_source
from spolia.sources.source import images_of
from spolia.stats.roc import Scored, separation

ASKED, SAMPLES = 200, 1000


@dataclass(frozen=True, eq=False)
class Faces:
    """Photos, small and as rows of the face network, and whose each is."""

    images: Images
    rows: Float32
    whose: np.ndarray


@dataclass(frozen=True, eq=False)
class Drawn:
    """Numbers of photos: to train on, and to ask with."""

    train: Int64
    members: Int64
    nonmembers: Int64
    others: Int64


def faces_of(archive: Path, embedder: Embedder, side: int) -> Faces:
    """Read all photos, and embed them."""
    source = open_source(archive, identities="folder")
    rows = np.stack([embedder.embed(one) for one in images_of(source, range(len(source)))])
    return Faces(square_images(source, side).images, rows, np.array(source.identities))


def draw(whose: np.ndarray, people: int, seed: int) -> Drawn:
    """Draw who is trained on, and one photo to ask with of each person."""
    rng = np.random.default_rng(seed)
    names, counts = np.unique(whose, return_counts=True)
    several = rng.permutation(names[counts >= 2])
    members, rest = several[:people], several[people:]
    half = min(ASKED, len(rest) // 2)
    sides = (members, rest[:half], rest[half : 2 * half])
    asked = [
        np.array([rng.permutation(np.flatnonzero(whose == name))[0] for name in side])
        for side in sides
    ]
    train = np.flatnonzero(np.isin(whose, members) & ~np.isin(np.arange(len(whose)), asked[0]))
    return Drawn(train, *asked)


def told(faces: Faces, samples: Float32, who: Int64, beside: Int64) -> Separation:
    """Return how well standard scores against the samples tell two groups of photos apart."""
    scores = []
    for photos in (who, beside):
        similarity = faces.rows[photos] @ samples.T
        spread = similarity.std(axis=1)
        scores.append((similarity.max(axis=1) - similarity.mean(axis=1)) / spread)
    one, other = (Scored.of_identities(score.astype(np.float64)) for score in scores)
    return separation(one, other, rng=np.random.default_rng(0))


def rows_of(
    faces: Faces, embedder: Embedder, people: int, settings: Settings, stops: list[int], seed: int
) -> list[str]:
    """Return the rows of the table for one training."""
    drawn = draw(faces.whose, people, seed)
    images, lines, began = faces.images[drawn.train], [], time.process_time()
    models = train_until(images, settings, stops, seed=seed)
    seconds = (time.process_time() - began) / stops[-1]
    for model in models:
        samples = np.stack([embedder.embed(one) for one in model.sample(SAMPLES, seed=1)])
        auc = told(faces, samples, drawn.members, drawn.nonmembers).auc
        null = told(faces, samples, drawn.others, drawn.nonmembers).auc
        closest = float((faces.rows[drawn.train] @ samples.T).max(axis=1).mean())
        steps = model.settings.steps
        lines.append(
            f"| {settings.family} | {people} | {len(images)} | {steps:,} | {seconds * steps:.0f} s "
            f"| {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}) | {null.value:.3f} "
            f"({null.low:.3f} to {null.high:.3f}) | {closest:.2f} |"
        )
    return lines


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks lab", description=__doc__)
    parser.add_argument("--family", choices=("ddpm", "gan"), default="ddpm")
    parser.add_argument("--sizes", default="20,40,80,160")
    parser.add_argument("--stops", default="1000,2000,3000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--card", type=Path, default=CARD)
    parser.add_argument("--faces", type=Path, default=FACES)
    asked = parser.parse_args(arguments)
    settings, embedder = Settings(family=asked.family), open_embedder(asked.card)
    faces = faces_of(asked.faces, embedder, settings.side)
    print("| family | people | photos | steps | one core | AUC | AUC of others | closest sample |")
    print("|---|---|---|---|---|---|---|---|")
    stops = [int(one) for one in asked.stops.split(",")]
    for people in map(int, asked.sizes.split(",")):
        for line in rows_of(faces, embedder, people, settings, stops, asked.seed):
            print(line, flush=True)
