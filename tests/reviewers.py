"""Small audits whose truth is known, and reviewers whose errors are known."""

import json
from dataclasses import asdict, dataclass, field

import numpy as np
from PIL import Image

import spolia
from spolia.auditing.options import Options
from spolia.lab.digits import digits, halves, to_images, to_rows
from spolia.lab.oracle import Oracle, sample, sample_leaky
from spolia.review.decisions import FILE, Decision
from spolia.review.deck import write_deck
from spolia.review.drawing import make_deck
from tests.judges import Pixels


@dataclass(frozen=True)
class Audited:
    """A finished run of handwritten digits."""

    run: object
    copied: dict = field(repr=False)
    """By id of a synthetic record, the id of the training record it is a copy of."""

    def truth(self, task):
        if task.truth != "open":
            return task.truth
        same = self.copied.get(task.query.id) == task.reference.id
        return "same" if same else "different"


def audit_digits(folder, *, leaky, count=200, size=250, control=True, seed=0):
    """Audit samples of a generator that copies training digits, or of one that does not."""
    folder.mkdir(parents=True, exist_ok=True)
    train, held_out = (digits()[half[:size]] for half in halves(seed))
    rows, copied = to_rows(train), np.full(count, -1)
    if leaky:
        found = sample_leaky(Oracle(rows, 0.75), share=0.3, count=count, seed=seed)
        samples, copied = found.samples, found.copied
    else:
        samples = sample(Oracle(rows, 0.0), count=count, seed=seed)
    sets = {"train": train, "control": held_out, "synthetic": to_images(samples)}
    if not control:
        del sets["control"]
    for role, images in sets.items():
        np.save(folder / f"{role}.npy", images)
    spolia.audit(**{role: folder / f"{role}.npy" for role in sets}, out=folder / "run", seed=seed)
    named = {f"{i:03d}": f"{row:03d}" for i, row in enumerate(copied.tolist()) if row >= 0}
    return Audited(folder / "run", named)


class Faces(Pixels):
    """A judge that says it knows persons."""

    kind = "identity"


def audit_people(folder, *, identities, people=40, photos=3, seed=0):
    """Audit noisy photos of people, of whom a third are in the synthetic set in a new photo."""
    rng = np.random.default_rng(seed)

    def taken(faces, times):
        some = np.repeat(faces, times, axis=0).astype(np.int16)
        return np.clip(some + rng.integers(-90, 91, some.shape), 0, 255).astype(np.uint8)

    faces = rng.integers(0, 256, (3 * people, 9, 9, 3), dtype=np.uint8)
    sets = {
        "train": taken(faces[:people], photos),
        "control": taken(faces[people : 2 * people], photos),
        "synthetic": taken(np.concatenate([faces[: people // 3], faces[2 * people :]]), 1),
    }
    for role, images in sets.items():
        target = folder / role
        target.mkdir(parents=True)
        for i, image in enumerate(images):
            times = 1 if role == "synthetic" else photos
            name = f"{role}-{i // times:03d}"
            (target / name).mkdir(exist_ok=True)
            save_image(target / name / f"{i % times}.png", image)
    spolia.audit(
        **{role: folder / role for role in sets},
        embedder=Faces(),
        out=folder / "run",
        options=Options(identities="folder" if identities else "none"),
    )
    return folder / "run"


def save_image(path, image):
    Image.fromarray(image).save(path)


def answer(run, deck, tasks, words, *, reviewer="ann", step="answer"):
    """Write what a reviewer says of some pairs, in their order; all lines at once."""
    lines = [
        Decision(deck.key, task.token, reviewer, step, word, "2026-11-29T12:00:00.000+00:00", 1.5)
        for task, word in zip(tasks, words, strict=True)
    ]
    with (run / FILE).open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(one)) + "\n" for one in lines)


def deal(audited, **asked):
    """Draw a deck, keep it, and forget what was said of an earlier one."""
    deck = make_deck(audited.run, asked.pop("mode", "estimate"), **asked)
    write_deck(audited.run, deck)
    (audited.run / FILE).unlink(missing_ok=True)
    return deck


def erring(audited, tasks, *, sensitivity, specificity, rng):
    """Return what one says who errs so often."""
    words = []
    for task in tasks:
        truth = audited.truth(task)
        right = rng.random() < (sensitivity if truth == "same" else specificity)
        other = "different" if truth == "same" else "same"
        words.append(truth if right else other)
    return words
