"""Real faces with planted truth: who is in which set, and who leaked."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.planted import Sets
from spolia import Embeddings
from spolia.auditing.embed import embed_source
from spolia.auditing.sets import AuditSet, prepare
from spolia.core.results import ModelSummary
from spolia.core.types import Float32, normalise
from spolia.embedding import open_embedder
from spolia.sources import open_source
from spolia.store.precomputed import open_precomputed

CLEAN = 400
ALIASES = {"Dai_Chul_Chyung": "Chyung_Dai-chul", "Uday_Hussein": "Odai_Hussein"}
"""Two people whom LFW files under two spellings of their name each."""
_NOISE = 0.2
"""How far the images of one synthetic identity are blended toward random directions."""
_DUPLICATES = 100


@dataclass(frozen=True)
class Cell:
    """One planted truth."""

    leaks: int
    faint: float = 0.0
    ratio: float = 1.0
    images: int = 1
    """Images of each synthetic identity."""
    duplicates: str = "none"
    """``train``: 100 photos of train are there twice. ``across``: 100 people of the control are, in
    truth, people of train under another name, with the same photos."""

    def __str__(self) -> str:
        parts = [f"{self.leaks} leaks among {CLEAN} clean"]
        parts += [f"a = {self.faint}"] if self.faint else []
        parts += [f"control {self.ratio:g} of train"] if self.ratio != 1.0 else []
        parts += [f"{self.images} images an identity"] if self.images > 1 else []
        parts += [f"duplicates: {self.duplicates}"] if self.duplicates != "none" else []
        return ", ".join(parts)


@dataclass(frozen=True, eq=False)
class People:
    """Embedded photos by person."""

    rows: Float32
    photos: dict[str, np.ndarray]
    model: ModelSummary

    def every_photo(self) -> tuple[Float32, np.ndarray]:
        """Return the rows of all photos and the number of each one's person."""
        own = list(self.photos.values())
        whose = np.repeat(np.arange(len(own)), [one.size for one in own])
        return self.rows[np.concatenate(own)], whose


def people_of(card: Path, archive: Path) -> People:
    """Embed a zip with one folder of photos per person."""
    with tempfile.TemporaryDirectory() as folder:
        embedder = open_embedder(card)
        embed_source(open_source(archive, identities="folder"), embedder, Path(folder))
        opened = open_precomputed(Path(folder)).embeddings
        rows = np.array(opened.vectors[0 : len(opened)])
    photos: dict[str, list[int]] = {}
    for i, name in enumerate(opened.identity_of):
        photos.setdefault(ALIASES.get(name, name), []).append(i)
    return People(rows, {name: np.array(own) for name, own in photos.items()}, embedder.summary)


def draw(people: People, cell: Cell, seed: int) -> Sets:
    """Draw who is in which set; thirds of the people with an equal control."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(sorted(people.photos)).tolist()
    third = len(names) // 3
    n_train = third if cell.ratio <= 1.0 else (len(names) - CLEAN) // 3
    n_control = round(n_train * cell.ratio)
    train, control = names[:n_train], names[n_train : n_train + n_control]
    neither = names[-CLEAN:]
    several = [name for name in train if people.photos[name].size > 1]
    leaked = several[: cell.leaks]
    held = {name: int(rng.choice(people.photos[name])) for name in leaked}
    one_each = [int(rng.choice(people.photos[name])) for name in neither]
    samples = people.rows[[*held.values(), *one_each]]
    samples[: cell.leaks] = _blend(samples[: cell.leaks], cell.faint, rng)
    if cell.images > 1:
        samples = _blend(np.repeat(samples, cell.images, axis=0), _NOISE, rng)
    photos = {
        role: [(name, i) for name in side for i in people.photos[name] if i != held.get(name)]
        for role, side in (("train", train), ("control", control))
    }
    if cell.duplicates == "train":
        photos["train"] += photos["train"][:_DUPLICATES]
    if cell.duplicates == "across":
        shared = rng.permutation(train)[:_DUPLICATES].tolist()
        photos["control"] += [(f"{name}*", i) for name, i in photos["train"] if name in set(shared)]
    sides = {
        role: _set(role, people.rows[[i for _, i in pairs]], [name for name, _ in pairs], people)
        for role, pairs in photos.items()
    }
    sides["synthetic"] = _set("synthetic", samples, None, people)
    whose = [name for name, _ in photos["train"]]
    leaks = np.flatnonzero(np.isin(whose, leaked))
    return Sets(sides, leaks, np.arange(cell.leaks * cell.images, len(samples)))


def _blend(rows: Float32, a: float, rng: np.random.Generator) -> Float32:
    directions = normalise(rng.normal(size=rows.shape)) if len(rows) else rows
    return normalise((1.0 - a) * rows.astype(np.float64) + a * directions) if len(rows) else rows


def _set(role: str, rows: Float32, names: list[str] | None, people: People) -> AuditSet:
    embeddings = Embeddings(rows, None, names)
    return prepare(role, embeddings, people.model, fingerprint=role)
