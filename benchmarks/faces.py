"""Held-back photos as planted leaks, as folders: the sets of ``docs/howto/faces.md`` and the tests.

How often the audit of such sets is right, ``python -m benchmarks honesty`` prints.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Split:
    """Who plays which part; everything by name of the person."""

    leaked: tuple[str, ...]
    """People in train of whom one other photo is in the synthetic set."""
    clean: tuple[str, ...]
    """People in neither train nor control, one photo of each in the synthetic set."""
    train: tuple[str, ...]
    control: tuple[str, ...]


def people_of(archive: Path) -> dict[str, list[str]]:
    """Return the photos of every person in a zip with one folder per person."""
    people: dict[str, list[str]] = {}
    with zipfile.ZipFile(archive) as faces:
        for name in sorted(faces.namelist()):
            people.setdefault(name.split("/")[0], []).append(name)
    return people


def split_people(people: dict[str, list[str]], *, leaks: int, clean: int, seed: int) -> Split:
    """Draw who is leaked, clean, in train and in control; control as many people as train."""
    rng = np.random.default_rng(seed)
    several = [name for name, photos in people.items() if len(photos) >= 2]
    leaked = rng.permutation(several)[:leaks].tolist()
    others = rng.permutation([name for name in people if name not in set(leaked)]).tolist()
    neither, others = others[:clean], others[clean:]
    with_leaked = (len(others) + leaks) // 2
    train = leaked + others[: with_leaked - leaks]
    control = others[with_leaked - leaks :][:with_leaked]
    return Split(tuple(leaked), tuple(neither), tuple(train), tuple(control))


def write_sets(archive: Path, split: Split, folder: Path, *, seed: int) -> dict[str, Path]:
    """Write the sets as folders: train, control, synthetic (leaks and clean) and clean alone."""
    people = people_of(archive)
    rng = np.random.default_rng([seed, 1])
    held = {name: str(rng.choice(people[name])) for name in split.leaked}
    one = {name: str(rng.choice(people[name])) for name in split.clean}
    sets = {name: folder / name for name in ("train", "control", "synthetic", "clean")}
    with zipfile.ZipFile(archive) as faces:

        def copy(photo: str, target: Path) -> None:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(faces.read(photo))

        for role in ("train", "control"):
            for name in getattr(split, role):
                for photo in people[name]:
                    if photo != held.get(name):
                        copy(photo, sets[role] / photo)
        samples = [*held.values(), *one.values()]
        for number, index in enumerate(rng.permutation(len(samples)).tolist()):
            copy(samples[index], sets["synthetic"] / f"sample_{number:04d}.jpg")
        for number, photo in enumerate(one.values()):
            copy(photo, sets["clean"] / f"sample_{number:04d}.jpg")
    return sets
