"""How often a search says of one person that they stand out: table of the docs.

``python -m benchmarks searching [--seeds 40]`` prints it: real faces (CARD is the model card of a
face network, FACES.zip has one folder of aligned photos per person). There is no generator: the
samples are one photo each of 600 strangers and of half of 100 people. With other photos of the 100,
one or three each, it is searched for every one of them by themselves, beside 128 non-members. All
228 have four photos or more, and only chance says who is who.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.real import CARD, FACES
from benchmarks.truth import People, people_of
from spolia import Embeddings
from spolia.auditing.options import Options
from spolia.auditing.record import Stopwatch
from spolia.auditing.search_answer import Terms, answer_search
from spolia.auditing.sets import AuditSet, prepare
from spolia.core.progress import silent

ASKED, STRANGERS, PHOTOS = 100, 600, 4
LEVELS = (0.01, 0.05, 0.5)
TERMS = Terms(one=False, top=1, level=0.05, seed=0, threshold=0.97, any_judge=False)


def search(people: People, photos: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return p of those who are not shown, and of those who are, in one draw."""
    rng = np.random.default_rng(seed)
    own = {name: rng.permutation(rows) for name, rows in sorted(people.photos.items())}
    several = rng.permutation([name for name, rows in own.items() if rows.size >= PHOTOS]).tolist()
    asked, others = several[:ASKED], several[ASKED:]
    rest = rng.permutation([name for name in own if name not in set(several)]).tolist()
    shown = asked[: ASKED // 2]
    samples = [(name, own[name][:1]) for name in (*shown, *rest[:STRANGERS])]
    sets = {"synthetic": _set(people, "synthetic", samples)}
    for role, side in (("queries", asked), ("nonmembers", others)):
        sets[role] = _set(people, role, [(name, own[name][1 : 1 + photos]) for name in side])
    found = answer_search(sets, TERMS, Options(), Stopwatch(silent)).people
    p = dict(zip(found["identity"].to_pylist(), found["p"].to_pylist(), strict=True))
    return (
        np.array([p[name] for name in asked if name not in set(shown)]),
        np.array([p[name] for name in shown]),
    )


def _set(people: People, role: str, photos: list[tuple[str, np.ndarray]]) -> AuditSet:
    rows = np.concatenate([own for _, own in photos])
    names = [name for name, own in photos for _ in range(own.size)]
    given = Embeddings(people.rows[rows], [f"{i:06d}" for i in rows.tolist()], names)
    return prepare(role, given, people.model, fingerprint="")


def table(people: People, seeds: int) -> str:
    """Return shares over people, each with its interval over draws."""
    lines = [
        "| photos | who | " + " | ".join(f"p ≤ {level:g}" for level in LEVELS) + " |",
        "|---|---|" + "---|" * len(LEVELS),
    ]
    for photos in (1, 3):
        drawn = [search(people, photos, seed) for seed in range(seeds)]
        for who, side in (("not shown", 0), ("shown", 1)):
            shares = [_mean([np.mean(one[side] <= level) for one in drawn]) for level in LEVELS]
            lines.append(f"| {photos} | {who} | {' | '.join(shares)} |")
    return "\n".join(lines)


def _mean(values: list[float]) -> str:
    half = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.3f} ± {half:.3f}"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks searching", description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--card", type=Path, default=CARD)
    parser.add_argument("--faces", type=Path, default=FACES)
    asked = parser.parse_args(arguments)
    people = people_of(asked.card, asked.faces)
    several = sum(own.size >= PHOTOS for own in people.photos.values())
    print(f"{several} people with {PHOTOS} photos or more, {asked.seeds} draws\n")
    print(table(people, asked.seeds))
