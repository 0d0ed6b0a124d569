"""A control that was partly seen in training: what it hides, and what taking it out gives back.

``python -m benchmarks seen STORE`` plants leaks among real face embeddings (a store of
``spolia embed`` with identities) and puts near-duplicates of train photos into the control. The
table is that of ``docs/methods/counting.md``.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import spolia
from spolia.stats.rates import exact_rate
from spolia.store.precomputed import open_precomputed

RUNS = 50
SIDE = 450
"""People in train, in control, and in the synthetic set that are in neither."""
BLEND = 0.1
"""Near-duplicates are unit rows (1 - a) e + a u with a random unit row u: cosine about 0.99."""


@dataclass(frozen=True)
class Outcome:
    """One run."""

    found: int
    false: int
    power: float
    left_out: int


def play(
    embeddings: spolia.Embeddings, seed: int, *, leaks: int, seen: int, duplicates: float | str
) -> Outcome:
    """Audit one draw; ``seen`` control people are near-duplicates of train photos.

    They are drawn among those that leak, as far as there are so many, then among the others.
    """
    rng = np.random.default_rng(seed)
    photos: dict[str, list[int]] = {}
    for row, name in enumerate(embeddings.identities or ()):
        photos.setdefault(name, []).append(row)
    several = [name for name, rows in photos.items() if len(rows) > 1]
    leaked = rng.permutation(several)[:leaks].tolist()
    rest = [name for name in rng.permutation(list(photos)).tolist() if name not in set(leaked)]
    train = leaked + rest[: SIDE - leaks]
    control = rest[SIDE - leaks :][:SIDE]
    clean = rest[2 * SIDE - leaks :][:SIDE]
    vectors = embeddings.vectors[0 : len(embeddings)]

    def first(names: list[str]) -> np.ndarray:
        return vectors[[photos[name][0] for name in names]]

    near = first(train[:seen])
    noise = spolia.normalise(rng.normal(size=near.shape))
    near = spolia.normalise((1 - BLEND) * near + BLEND * noise)
    held_back = vectors[[photos[name][1] for name in leaked]]
    sets = {
        "train": spolia.Embeddings(first(train), train, train),
        "control": spolia.Embeddings(
            np.concatenate([near, first(control[seen:])]), control, control
        ),
        "synthetic": spolia.Embeddings(np.concatenate([held_back, first(clean)])),
    }
    options = spolia.Options(duplicates=duplicates)  # type: ignore[arg-type]
    result = spolia.audit(**sets, seed=seed, options=options)
    found = set(result.identities["identity"].to_pylist())
    shared = result.summary.counting.duplicates and result.summary.counting.duplicates.shared
    return Outcome(
        len(found),
        len(found - set(leaked)),
        len(found & set(leaked)) / max(leaks, 1),
        shared.left_out if shared else 0,
    )


def table(embeddings: spolia.Embeddings) -> str:
    """Return the table as Markdown."""
    lines = [
        "| leaks | control people seen in training | they are | power | false share | "
        "runs that name somebody |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for leaks, seen in ((50, 0), (50, 10), (50, 25), (50, 50), (0, 0), (0, 50), (0, 150)):
        for name, duplicates in (("kept", "off"), ("left out", 0.97)):
            runs = [
                play(embeddings, seed, leaks=leaks, seen=seen, duplicates=duplicates)
                for seed in range(RUNS)
            ]
            share = np.array([one.false / max(one.found, 1) for one in runs])
            error = share.std(ddof=1) / np.sqrt(RUNS)
            some = exact_rate(sum(one.found > 0 for one in runs), RUNS)
            power = f"{np.mean([one.power for one in runs]):.2f}" if leaks else ""
            lines.append(
                f"| {leaks} | {seen} | {name} | {power} | {share.mean():.3f} ± {error:.3f} | "
                f"{some.count} of {RUNS} ({some.low:.1%} to {some.high:.1%}) |"
            )
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks seen")
    parser.add_argument("store", type=Path)
    print(table(open_precomputed(parser.parse_args(arguments).store).embeddings))
