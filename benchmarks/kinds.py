"""Which kind is a hit called, where the truth is known? For the page of the method.

``python -m benchmarks kinds [DATA]`` prints the tables of ``docs/methods/kinds.md``; about five
minutes of one core. DATA is the folder of real images, by default ``../shared/data``.

Edits: photos with known edits, and edits made here. Held-out: images that were never copied, each
beside its nearest training image as if it had been found. Faces: whole audits.
"""

import argparse
import io
import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

import spolia
from benchmarks.faces import people_of, split_people, write_sets
from benchmarks.real import CARD, DATA
from spolia.core.seeds import stream
from spolia.core.types import Float32
from spolia.embedding.copies import Agreement, Canvas, compare
from spolia.embedding.dct import dct_row
from spolia.lab.digits import digits
from spolia.sources import open_source
from spolia.stats.kinds import Agreements, control_copies, copies, draw_bars
from spolia.stats.rates import exact_rate

UInt8 = npt.NDArray[np.uint8]
Pair = tuple[UInt8, UInt8]

KINDS = ("photo copy", "near duplicate", "same identity", "unresolved")
CONTROL_PAIRS = 200
HELD_OUT = 2000
STRICT_L2 = 0.15
"""Normalised l2 under which published work calls an image extracted (arXiv 2301.13188)."""


def agree(pairs: Sequence[Pair]) -> list[Agreement]:
    """Compare pairs on all cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda pair: compare(Canvas(pair[0]), Canvas(pair[1])), pairs))


def as_arrays(found: Sequence[Agreement]) -> Agreements:
    """Return agreements as the arrays that the rule takes."""
    columns = [[getattr(one, name) for one in found] for name in Agreements.__annotations__]
    return Agreements(*(np.array(column) for column in columns))


def line(name: str, counts: Sequence[int]) -> str:
    """Return a row of a table."""
    return f"| {name} | {sum(counts)} | {' | '.join(str(one) for one in counts)} |"


def head(first: str, columns: Sequence[str]) -> list[str]:
    """Return the head of a table."""
    cells = [first, "n", *columns]
    return [f"| {' | '.join(cells)} |", f"| {' | '.join(['---'] * len(cells))} |"]


def cost() -> float:
    """Return the milliseconds of one core that a pair takes, the least of 50."""
    a, b = (np.repeat(one[:, :, None], 3, axis=2).astype(np.uint8) for one in digits()[:2])
    spent = []
    for _ in range(50):
        start = time.process_time()
        compare(Canvas(a), Canvas(b))
        spent.append(time.process_time() - start)
    return 1000.0 * min(spent)


# Edits


def made_here(image: UInt8, rng: np.random.Generator) -> Iterator[tuple[str, UInt8]]:
    """Yield edits of a photo with their names."""
    h, w = image.shape[:2]
    picture = Image.fromarray(image)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=20)
    yield "compressed (JPEG, quality 20)", np.asarray(Image.open(written).convert("RGB"))
    for share in (0.95, 0.9, 0.8, 0.7):
        top = int(rng.integers(0, h - int(share * h) + 1))
        left = int(rng.integers(0, w - int(share * w) + 1))
        part = image[top : top + int(share * h), left : left + int(share * w)]
        yield f"cut to {share:.0%} of its sides, anywhere", part
    label = picture.copy()
    ImageDraw.Draw(label).rectangle((w // 20, h // 20, w // 3, h // 4), fill="white")
    yield "overprinted (a white label, 6 % of it)", np.asarray(label)
    yield "darker by half", (image * 0.5).astype(np.uint8)
    yield "gray", np.asarray(picture.convert("L").convert("RGB"))
    yield (
        "blurred (1 % of the width)",
        np.asarray(picture.filter(ImageFilter.GaussianBlur(w / 100))),
    )
    yield "turned by 10 degrees, corners black", np.asarray(picture.rotate(10))


def edit_pairs(data: Path) -> tuple[dict[str, list[Pair]], list[UInt8]]:
    """Return pairs of edit and original by name, and the originals."""

    def read(path: Path) -> UInt8:
        return np.array(Image.open(path).convert("RGB"))

    bridge, ukbench = data / "copies" / "pdq_bridge", data / "copies" / "imagededup_ukbench"
    original = read(bridge / "mods" / "aaa-orig.jpg")
    named = {
        "flips and turns by 90": "dihedral/*",
        "other size or aspect": "mods/s[hq][ru]*",
        "blur": "mods/blur*",
        "sharpened a little": "mods/sharpen-a-little*",
        "sharpened a lot": "mods/sharpen-a-lot*",
        "contrast": "mods/high-contrast*",
        "saturation": "mods/high-saturation*",
    }
    pairs = {
        f"bridge: {name}": [(read(path), original) for path in sorted(bridge.glob(pattern))]
        for name, pattern in named.items()
    }
    photos = {path.stem: read(path) for path in sorted((ukbench / "base").glob("*.jpg"))}
    for name in ("hflip", "resize", "rotation"):
        edit = read(ukbench / "mixed" / f"ukbench00120_{name}.jpg")
        pairs[f"ukbench: {name}"] = [(edit, photos["ukbench00120"])]
    originals = [*photos.values(), original]
    rng = stream(0, "edits")
    for photo in originals:
        for name, edit in made_here(photo, rng):
            pairs.setdefault(f"made here: {name}", []).append((edit, photo))
    return pairs, originals


def edits(data: Path) -> list[str]:
    """Return the table of the edits."""
    pairs, originals = edit_pairs(data)
    strangers = agree([(a, b) for i, a in enumerate(originals) for b in originals[:i]])
    control = as_arrays(strangers)
    bars = draw_bars([control])
    lines = head("photo against its original", ("photo copy", "near duplicate", "missed"))
    for name, some in pairs.items():
        photo, near = copies(as_arrays(agree(some)), bars)
        called = int(photo.sum()), int(near.sum())
        lines.append(line(name, (*called, len(some) - sum(called))))
    count, n = control_copies([control])
    lines.append(line("two different photos, each pair left out of its bar", (0, count, n - count)))
    said = "none" if bars is None else f"{bars.descriptor:.3f}, {bars.correlation:.3f}"
    return [*lines, "", f"bars of descriptor and correlation: {said}"]


# Held-out


def nearest(query: Float32, base: Float32) -> npt.NDArray[np.int64]:
    """Return the nearest base row of every query row."""
    found = spolia.join(query, base, k=1).indices
    assert found is not None
    return found[:, 0]


def held_out(name: str, images: Sequence[UInt8], rows: Float32) -> list[str]:
    """Return how many held-out images the rule calls copies, and planted copies beside them."""
    third = len(images) // 3
    order = stream(0, "held out").permutation(len(images))
    train, control, others = order[:third], order[third : 2 * third], order[2 * third :][:HELD_OUT]
    to_train = train[nearest(rows[others], rows[train])]
    sample = others[:CONTROL_PAIRS]
    to_control = control[nearest(rows[sample], rows[control])]
    beside = as_arrays(
        agree([(images[i], images[j]) for i, j in zip(sample, to_control, strict=True)])
    )
    bars = draw_bars([beside])
    found = agree([(images[i], images[j]) for i, j in zip(others, to_train, strict=True)])
    rng = stream(0, "noise")
    noisy = [
        np.clip(images[i] + rng.normal(0, 5, images[i].shape), 0, 255).astype(np.uint8)
        for i in train[:CONTROL_PAIRS]
    ]
    planted = agree([(a, images[i]) for a, i in zip(noisy, train, strict=False)])
    lines = []
    for what, some in ((f"{name}: held out", found), (f"{name}: copies, noise 5/255", planted)):
        photo, near = copies(as_arrays(some), bars)
        called, close = int((photo | near).sum()), sum(one.l2 <= STRICT_L2 for one in some)
        rates = (exact_rate(count, len(some)) for count in (called, close))
        cells = [f"{one.count} ({one.low:.2%} to {one.high:.2%})" for one in rates]
        lines.append(f"| {what} | {len(some)} | {' | '.join(cells)} |")
    return lines


def held_out_table(data: Path) -> list[str]:
    """Return the table of images that were never copied."""

    def gray(images: UInt8) -> list[UInt8]:
        return [np.repeat(one[:, :, None], 3, axis=2) for one in images]

    with np.load(data / "small" / "mnist.npz") as archive:
        mnist = gray(archive["x_train"][:18000])
    with np.load(data / "small" / "pneumoniamnist_subset.npz") as archive:
        xray = gray(archive["train_images"][:3600])
    optdigits = gray(np.asarray(digits()).astype(np.uint8))
    source = open_source(data / "faces" / "lfw_half_aligned112.zip")
    seen: set[str] = set()
    faces = []
    for i, person in enumerate(source.identities or ()):
        if person not in seen:
            seen.add(person)
            faces.append(source.image(i))
    sets = {
        "digits, 28 x 28 (MNIST)": mnist,
        "digits, 8 x 8 (UCI)": optdigits,
        "chest X-rays, 28 x 28": xray,
        "faces, 112 x 112 (LFW, one photo a person)": faces,
    }
    lines = head("images", ("called a copy", f"l2 at most {STRICT_L2}"))
    for name, images in sets.items():
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            rows = np.stack(list(pool.map(dct_row, images)))
        images = [one for one, row in zip(images, rows, strict=True) if row.any()]
        lines += held_out(name, images, rows[rows.any(axis=1)])
    return lines


# Faces

EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": lambda one: one,
    "mirrored": lambda one: one.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "overprinted": lambda one: _overprinted(one),
}
PLANTED = 20


def _overprinted(photo: Image.Image) -> Image.Image:
    ImageDraw.Draw(photo).rectangle((30, 90, 85, 108), fill="white")
    return photo


def plant(sets: dict[str, Path], people: Sequence[str]) -> dict[str, str]:
    """Add edited training photos of some people; return the truth of each synthetic file."""
    truth = {}
    for number, person in enumerate(people):
        name = list(EDITS)[number % len(EDITS)]
        photo = sorted((sets["train"] / person).iterdir())[0]
        edited = EDITS[name](Image.open(photo).convert("RGB"))
        target = f"planted_{number:04d}.jpg"
        edited.save(sets["synthetic"] / target, quality=60)
        truth[target] = f"{name} training photo"
    return truth


def face_audit(archive: Path, seed: int) -> list[tuple[str, str]]:
    """Return what every finding of an audit is in truth, and what it is called."""
    people = people_of(archive)
    split = split_people(people, leaks=60, clean=400, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        sets = write_sets(archive, split, Path(folder), seed=seed)
        shown = {path.read_bytes(): path.name for path in sets["synthetic"].iterdir()}
        with zipfile.ZipFile(archive) as faces:
            of_file = {
                shown[faces.read(photo)]: person
                for person in split.leaked
                for photo in people[person]
                if not (sets["train"] / photo).exists()
            }
        others = [one for one in split.train if one not in set(split.leaked)]
        truth = plant(sets, others[: PLANTED * len(EDITS)])
        result = spolia.audit(
            train=sets["train"],
            control=sets["control"],
            synthetic=sets["synthetic"],
            embedder=CARD,
        )
    told = []
    for row in result.findings.to_pylist():
        name = row["query"]
        if name in truth:
            what = truth[name]
        elif of_file.get(name) == row["identity"]:
            what = "another photo of the person"
        else:
            what = "nobody of train (false finding)"
        told.append((what, row["kind"]))
    return told


def face_table(data: Path, seeds: int) -> list[str]:
    """Return the table of the audits of faces."""
    told = [
        one
        for seed in range(seeds)
        for one in face_audit(data / "faces" / "lfw_half_aligned112.zip", seed)
    ]
    lines = head("what the finding is", KINDS)
    rows = [f"{name} training photo" for name in EDITS]
    for what in (*rows, "another photo of the person", "nobody of train (false finding)"):
        lines.append(line(what, [told.count((what, kind)) for kind in KINDS]))
    return lines


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks kinds", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=DATA)
    parser.add_argument("--seeds", type=int, default=5, help="audits of faces")
    asked = parser.parse_args(arguments)
    for table in (edits, held_out_table, lambda data: face_table(data, asked.seeds)):
        print("\n".join(table(asked.data)), end="\n\n", flush=True)
    print(f"a pair of digits costs {cost():.1f} ms of one core")
