"""Held-back photos as planted leaks: the audit on real faces, for the docs page and the tests.

``python -m benchmarks faces MODEL_CARD FACES.zip`` prints the table of ``docs/howto/faces.md``;
the zip has one folder of aligned photos per person.
"""

import argparse
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import spolia
from spolia.auditing.embed import embed_source
from spolia.embedding import open_embedder
from spolia.sources import open_source
from spolia.stats.rates import exact_rate
from spolia.store.precomputed import open_precomputed


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


def audit_split(
    people: dict[str, list[str]], faces: spolia.Embeddings, split: Split, *, leaks: bool, seed: int
) -> spolia.AuditResult:
    """Audit one split of embedded faces; the same sets as `write_sets`, without the copying."""
    rng = np.random.default_rng([seed, 1])
    held = {name: str(rng.choice(people[name])) for name in split.leaked}
    one = [str(rng.choice(people[name])) for name in split.clean]
    row = {photo: i for i, photo in enumerate(faces.ids)}

    def pick(photos: list[str], *, known: bool) -> spolia.Embeddings:
        rows = faces.vectors[np.array([row[photo] for photo in photos])]
        names = [photo.split("/")[0] for photo in photos] if known else None
        return spolia.Embeddings(rows, photos, names)

    sides = {
        role: pick(
            [p for name in getattr(split, role) for p in people[name] if p != held.get(name)],
            known=True,
        )
        for role in ("train", "control")
    }
    samples = pick([*held.values(), *one] if leaks else one, known=False)
    return spolia.audit(**sides, synthetic=samples, seed=seed)


def interval(values: list[float]) -> str:
    """Mean over runs and its 95 % interval."""
    mean, error = float(np.mean(values)), 1.96 * float(np.std(values)) / len(values) ** 0.5
    return f"{mean:.3f} [{max(0.0, mean - error):.3f}, {min(1.0, mean + error):.3f}]"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--seeds", type=int, default=60)
    asked = parser.parse_args(arguments)
    people = people_of(asked.faces)
    with tempfile.TemporaryDirectory() as folder:
        embed_source(open_source(asked.faces), open_embedder(asked.card), Path(folder))
        faces = open_precomputed(Path(folder)).embeddings
        print("leaks  runs  runs with findings    false share           power")
        for leaks in (60, 0):
            runs = []
            for seed in range(asked.seeds):
                split = split_people(people, leaks=60, clean=400, seed=seed)
                result = audit_split(people, faces, split, leaks=leaks > 0, seed=seed)
                found = set(result.identities["identity"].to_pylist())
                right = len(found & set(split.leaked)) if leaks else 0
                runs.append((len(found), len(found) - right, right))
            some = exact_rate(sum(named > 0 for named, _, _ in runs), len(runs))
            share = interval([wrong / max(1, named) for named, wrong, _ in runs])
            power = interval([right / leaks for _, _, right in runs]) if leaks else "-"
            print(
                f"{leaks:>5}  {len(runs):>4}  {some.count:>3} [{some.low:.3f}, {some.high:.3f}]"
                f"  {share:>21}  {power:>21}"
            )
